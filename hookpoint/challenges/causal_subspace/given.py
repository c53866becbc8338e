"""The network's forward pass in two halves, as everybody may use it."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

__all__ = ["all_inputs", "rest", "site", "swapped"]

VALUES = 7


def all_inputs() -> Int[Tensor, "2401 4"]:
    """Every input that there is."""
    return torch.cartesian_prod(*[torch.arange(VALUES)] * 4)


def site(weights: dict[str, Tensor], x: Int[Tensor, "n 4"]) -> Float[Tensor, "n d"]:
    """The 48 numbers in the middle of the network."""
    h = weights["E"][torch.arange(4), x].sum(dim=1)
    return h + torch.relu(h @ weights["A_in"] + weights["a"]) @ weights["A_out"]


def rest(weights: dict[str, Tensor], h: Float[Tensor, "n d"]) -> Float[Tensor, "n value"]:
    """The logits that follow from them."""
    return (h + torch.relu(h @ weights["B_in"] + weights["b"]) @ weights["B_out"]) @ weights["U"]


def swapped(
    base: Float[Tensor, "n d"], source: Float[Tensor, "n d"], basis: Float[Tensor, "d k"]
) -> Float[Tensor, "n d"]:
    """The base's numbers, but in the subspace of the orthonormal `basis` the source's."""
    return base + (source - base) @ basis @ basis.T
