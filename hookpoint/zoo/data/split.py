"""Training and held-out examples of a task told apart by their content, so that no list can be in both.

Whether a row is held out follows from a hash of its tokens alone: not from a seed, an order or a file.
"""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Bool, Int
from torch import Tensor

Split = Literal["train", "held_out"]

# Products of two numbers below this prime fit into 64 bits.
_PRIME = 2**31 - 1
_HELD_OUT_SHARE = 0.1


def held_out(rows: Int[Tensor, "n length"], ordered: bool = True) -> Bool[Tensor, " n"]:
    """Which rows belong to the held-out tenth.

    Args:
        rows: One example per row, tokens from 0.
        ordered: False gives a row and all its rearrangements the same answer, for tasks in which order means nothing.
    """
    places = torch.arange(rows.shape[1]) if ordered else torch.zeros(rows.shape[1], dtype=torch.int64)
    words = _mixed(rows + 1 + 100_003 * places).sum(dim=1) % _PRIME
    return _mixed(words) < _HELD_OUT_SHARE * _PRIME


def rows_of(
    split: Split, n: int, draw: Callable[[int], Int[Tensor, "any length"]], ordered: bool = True
) -> Int[Tensor, "n length"]:
    """The first `n` rows that `draw` gives and that belong to the split.

    Args:
        split: "train" or "held_out".
        n: How many rows are wanted.
        draw: Draws about as many rows as it is asked for, from the caller's generator.
        ordered: As for `held_out`.

    Raises:
        ValueError: There is no such split.
    """
    if split not in ("train", "held_out"):
        raise ValueError(f'rows_of: the split must be "train" or "held_out", not {split!r}.')
    share = _HELD_OUT_SHARE if split == "held_out" else 1 - _HELD_OUT_SHARE
    found: list[Tensor] = []
    while (missing := n - sum(map(len, found))) > 0:
        rows = draw(int(1.2 * missing / share) + 8)
        found.append(rows[held_out(rows, ordered) == (split == "held_out")])
    return torch.cat(found)[:n]


def _mixed(numbers: Int[Tensor, "*shape"]) -> Int[Tensor, "*shape"]:
    """Each number sent somewhere below the prime, near ones far apart."""
    for factor in (1_103_515_245, 1_664_525_223):
        numbers = numbers % _PRIME * factor % _PRIME
        numbers = numbers * (numbers ^ (numbers >> 15)) % _PRIME
    return numbers
