"""Write weights: where the layer before the site writes most."""

import torch
from torch import Tensor


def find_subspace(weights: dict[str, Tensor], tables: dict[str, Tensor]) -> Tensor:
    return torch.linalg.svd(weights["A_out"], full_matrices=False)[2][:4].T
