"""Constant: the first four axes."""

import torch
from torch import Tensor


def find_subspace(weights: dict[str, Tensor], tables: dict[str, Tensor]) -> Tensor:
    return torch.eye(48)[:, :4]
