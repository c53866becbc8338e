"""Class means, read and passed on most: as read most, each hidden unit by what it writes into the logits."""

import torch
from torch import Tensor


def site(weights: dict[str, Tensor], x: Tensor) -> Tensor:
    h = weights["E"][torch.arange(4), x].sum(dim=1)
    return h + torch.relu(h @ weights["A_in"] + weights["a"]) @ weights["A_out"]


def find_subspace(weights: dict[str, Tensor], tables: dict[str, Tensor]) -> Tensor:
    x = torch.cartesian_prod(*[torch.arange(7)] * 4)
    h, s = site(weights, x), tables["s"][x[:, 0], x[:, 1]]
    means = torch.stack([h[s == value].mean(dim=0) for value in range(7)])
    between = torch.linalg.svd(means - means.mean(dim=0), full_matrices=False)[2][:6].T
    passed_on = weights["B_in"] * (weights["B_out"] @ weights["U"]).norm(dim=1)
    return between @ torch.linalg.svd(between.T @ passed_on, full_matrices=False)[0][:, :3]
