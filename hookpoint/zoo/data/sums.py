"""Sums modulo p, and which of them a model may learn from.

An input is `a b =` and its answer (a + b) mod p. Tokens 0 to p - 1 are the numbers and token p is "=".
"""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

TRAIN_SHARE = 0.35


@dataclass(frozen=True)
class Split:
    """The three parts of all p * p sums, as indices into `every_sum(p)`.

    Attributes:
        train: What a model learns from.
        mirrored: Not in training, but with a and b swapped they are.
        held_out: In training neither as a + b nor as b + a.
    """

    train: Int[Tensor, " n_train"]
    mirrored: Int[Tensor, " n_mirrored"]
    held_out: Int[Tensor, " n_held_out"]


def every_sum(p: int) -> tuple[Int[Tensor, "sums 3"], Int[Tensor, " sums"]]:
    """All inputs `a b =` and their answers; a + b is row a * p + b.

    >>> tokens, answers = every_sum(3)
    >>> tokens[5].tolist(), answers[5].item()
    ([1, 2, 3], 0)
    """
    rows = torch.arange(p * p)
    a, b = rows // p, rows % p
    return torch.stack([a, b, torch.full_like(a, p)], dim=1), (a + b) % p


def split(p: int) -> Split:
    """Which sums are for training: the same for every seed, so that any two models of one p can be compared."""
    order = torch.randperm(p * p, generator=torch.Generator().manual_seed(p))
    n_train = int(TRAIN_SHARE * p * p)
    train, rest = order[:n_train].sort().values, order[n_train:].sort().values
    seen = torch.zeros(p * p, dtype=torch.bool)
    seen[train] = True
    mirror_seen = seen[rest % p * p + rest // p]
    return Split(train, mirrored=rest[mirror_seen], held_out=rest[~mirror_seen])
