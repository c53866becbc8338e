"""Checks for `positions_with_cache` (part 1, notebook 08)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Slip, same


def reference(cache_len, Tn):
    """Counting on from the last position in the cache."""
    return torch.tensor([cache_len + step for step in range(Tn)], dtype=torch.int64)


def values(learner, draw):
    """New tokens stand at the positions that follow those in the cache."""
    for cache_len, count in ((7, 3), (0, 5), (4, 1), (0, 1), (draw.number(1_100, 9_000), draw.number(2, 9))):
        same(learner.positions_with_cache(cache_len, count), reference(cache_len, count))


def from_zero(cache_len, Tn):
    return torch.arange(Tn)


def one_late(cache_len, Tn):
    return reference(cache_len, Tn) + 1


def last_in_cache(cache_len, Tn):
    return reference(cache_len, Tn) - 1


def one_too_many(cache_len, Tn):
    return reference(cache_len, Tn + 1)


def all_positions(cache_len, Tn):
    return torch.arange(cache_len + Tn)


def ends_at_count(cache_len, Tn):
    return torch.arange(cache_len, Tn)


def repeated(cache_len, Tn):
    return torch.full((Tn,), cache_len)


def with_batch(cache_len, Tn):
    return reference(cache_len, Tn)[None]


def floating(cache_len, Tn):
    return reference(cache_len, Tn).float()


def narrow(cache_len, Tn):
    return reference(cache_len, Tn).int()


EXERCISE = Exercise(
    "positions_with_cache",
    checks=(values,),
    reference=reference,
    gives=Tensor,
    slips=(
        Slip("the positions start at 0, as if nothing were in the cache", from_zero),
        Slip("the first new token stands one position too far: positions count from 0", one_late),
        Slip("the first new token stands where the cache's last one stands", last_in_cache),
        Slip("there is one position too many", one_too_many),
        Slip("the positions of the cache are there too, before the new ones", all_positions),
        Slip("the range ends at Tn instead of at cache_len + Tn", ends_at_count),
        Slip("all new tokens stand at one position", repeated),
        Slip("the positions have a batch axis; they must be [Tn]", with_batch),
        Slip("the positions are floating-point numbers", floating),
        Slip("the positions are int32; they must be int64", narrow),
    ),
)
