"""Every axis is a feature that always fires."""

import torch
from torch import Tensor


def recover(train: Tensor, fresh: Tensor) -> tuple[Tensor, Tensor]:
    axes = torch.eye(train.shape[1])
    return torch.cat([axes, -axes]), torch.ones(len(fresh), 2 * len(axes))
