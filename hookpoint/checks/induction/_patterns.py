"""Attention patterns to score: random ones, and heads that attend to one place each."""

import torch
from torch import Tensor

from hookpoint.checks.author import Mismatch, agree, same


def random_pattern(draw, batch: int, heads: int, length: int) -> Tensor:
    """A causal pattern in float64 whose rows sum to 1, sharper in some rows than in others."""
    future = torch.ones(length, length, dtype=torch.bool).triu(1)
    scores = draw.normal(batch, heads, length, length, std=2.0, dtype=torch.float64)
    return scores.masked_fill(future, -torch.inf).softmax(-1)


def attending(length: int, *places) -> Tensor:
    """One row of a batch with a head for each function from a query to the key that gets all of its attention."""
    pattern = torch.zeros(1, len(places), length, length)
    for head, place in enumerate(places):
        for query in range(length):
            pattern[0, head, query, min(max(place(query), 0), query)] = 1.0
    return pattern


def on_random(ask, reference, draw, sizes) -> None:
    """The learner's scores of random patterns of several sizes are the reference's, also in float64."""
    for batch, heads, length in sizes:
        pattern = random_pattern(draw, batch, heads, length)
        when = f"for {batch} rows, {heads} heads and {length} positions"
        agree(ask, reference, pattern.float(), when=when)
        same(ask(pattern), reference(pattern), f"{when}, in float64")


def known(got: Tensor, want: list[float], heads: list[str]) -> None:
    """Raises `Mismatch` unless each hand-made head has its score."""
    if got.shape != (len(want),):
        raise Mismatch(f"returned shape {list(got.shape)}, expected [{len(want)}].", got=got)
    for head, mine, right in zip(heads, got.tolist(), want, strict=True):
        if not abs(mine - right) < 1e-5:
            raise Mismatch(f"gives {mine:.4g} to a head that {head}, expected {right:.4g}.", got=got)
