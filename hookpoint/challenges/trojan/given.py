"""The networks' forward pass, as everybody may use it."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

__all__ = ["logits", "presence"]


def presence(lists: Int[Tensor, "*batch length"], tokens: int) -> Float[Tensor, "*batch token"]:
    """1 for each token that is in the list, 0 for the others."""
    return torch.zeros(*lists.shape[:-1], tokens).scatter(-1, lists, 1.0)


def logits(weights: dict[str, Tensor], x: Float[Tensor, "*net n token"]) -> Float[Tensor, "*net n token"]:
    """The logits of one network, or of several whose weights are stacked."""
    hidden = torch.relu(x @ weights["W1"] + weights["b1"].unsqueeze(-2))
    hidden = torch.relu(hidden @ weights["W2"] + weights["b2"].unsqueeze(-2))
    return hidden @ weights["W3"] + weights["b3"].unsqueeze(-2)
