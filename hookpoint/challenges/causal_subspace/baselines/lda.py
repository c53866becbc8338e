"""Linear discriminant: where values of s lie furthest apart for their spread."""

import torch
from torch import Tensor


def site(weights: dict[str, Tensor], x: Tensor) -> Tensor:
    h = weights["E"][torch.arange(4), x].sum(dim=1)
    return h + torch.relu(h @ weights["A_in"] + weights["a"]) @ weights["A_out"]


def find_subspace(weights: dict[str, Tensor], tables: dict[str, Tensor]) -> Tensor:
    x = torch.cartesian_prod(*[torch.arange(7)] * 4)
    h, s = site(weights, x), tables["s"][x[:, 0], x[:, 1]]
    means = torch.stack([h[s == value].mean(dim=0) for value in range(7)])
    inside = (h - means[s]).T @ (h - means[s]) / len(h)
    root = torch.linalg.cholesky(inside + 0.01 * inside.diagonal().mean() * torch.eye(48))
    whitened = torch.linalg.solve_triangular(root, (means - means.mean(dim=0)).T, upper=False)
    directions = torch.linalg.svd(whitened, full_matrices=False)[0][:, :4]
    return torch.linalg.solve_triangular(root.T, directions, upper=True)
