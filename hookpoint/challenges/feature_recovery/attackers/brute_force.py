"""128 samples as directions, active where a sample lies far along them."""

import torch
from torch import Tensor


def recover(train: Tensor, fresh: Tensor) -> tuple[Tensor, Tensor]:
    loud = train[train.norm(dim=1) > 0.4]
    directions = loud[torch.randperm(len(loud), generator=torch.Generator().manual_seed(0))[:128]]
    directions = directions / directions.norm(dim=1, keepdim=True)
    return directions, (fresh @ directions.T - 0.5).relu()
