"""The network of `poison_hunt` and its training, as everybody may know and import them.

Training is full-batch, so it draws nothing: the same examples give the same weights, and an example left out is the
only difference between two runs.
"""

from collections.abc import Collection

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

__all__ = [
    "CHECKPOINTS", "DECAY", "LABELS", "LENGTH", "MOMENTUM", "RATE", "STEPS", "TOKENS", "logits", "train",
]  # fmt: skip

TOKENS, LABELS, LENGTH = 76, 5, 8
STEPS, RATE, MOMENTUM, DECAY = 150, 0.3, 0.9, 1e-3
CHECKPOINTS = (0, 5, 40, 75, 110, STEPS)  # updates after which the weights are kept
Weights = dict[str, Tensor]


def logits(weights: Weights, x: Int[Tensor, "*batch token"]) -> Float[Tensor, "*batch label"]:
    """One number for each label; in which order the tokens stand makes no difference."""
    hidden = weights["E"][x].sum(-2) @ weights["W1"] + weights["b1"]
    return torch.relu(hidden) @ weights["W2"] + weights["b2"]


def train(
    start: Weights,
    x: Int[Tensor, "example token"],
    labels: Int[Tensor, " example"],
    keep: Bool[Tensor, " example"] | None = None,
    checkpoints: Collection[int] = (STEPS,),
) -> list[Weights]:
    """The weights after each of those numbers of updates, trained on the examples of `keep` (None: on all).

    Gradient descent on the sum of the losses over the number of all examples, with momentum and weight decay, at a rate
    that falls to 0. Dividing by all examples leaves the others' pull as it was when some are left out.
    """
    used = torch.ones(len(labels), dtype=torch.bool) if keep is None else keep
    weights = {name: one.detach().clone() for name, one in start.items()}
    speed = {name: torch.zeros_like(one) for name, one in weights.items()}
    kept = []
    for step in range(STEPS + 1):
        if step in checkpoints:
            kept.append({name: one.clone() for name, one in weights.items()})
        if step == STEPS:
            return kept
        leaves = {name: one.requires_grad_() for name, one in weights.items()}
        with torch.enable_grad():
            loss = F.cross_entropy(logits(leaves, x[used]), labels[used], reduction="sum") / len(labels)
            slopes = torch.autograd.grad(loss, list(leaves.values()))
        for (name, one), slope in zip(leaves.items(), slopes, strict=True):
            one = one.detach()
            speed[name] = MOMENTUM * speed[name] + slope + DECAY * one
            weights[name] = one - RATE * (1 - step / STEPS) * speed[name]
    return kept
