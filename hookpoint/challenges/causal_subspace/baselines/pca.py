"""PCA: the four main directions of the site."""

import torch
from torch import Tensor


def site(weights: dict[str, Tensor], x: Tensor) -> Tensor:
    h = weights["E"][torch.arange(4), x].sum(dim=1)
    return h + torch.relu(h @ weights["A_in"] + weights["a"]) @ weights["A_out"]


def find_subspace(weights: dict[str, Tensor], tables: dict[str, Tensor]) -> Tensor:
    h = site(weights, torch.cartesian_prod(*[torch.arange(7)] * 4))
    return torch.linalg.svd(h - h.mean(dim=0), full_matrices=False)[2][:4].T
