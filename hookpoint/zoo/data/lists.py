"""Lists of numbers and what is asked about them: the largest, or all in order.

A number is its own token. The token after the last number is `=`; what comes behind it is the answer.

    max:   x1 x2 ... x10 =  max(x1, ..., x10)         numbers 0 to 63, `=` is 64
    sort:  x1 x2 ... x8  =  the same in ascending order    numbers 0 to 31, `=` is 32
"""

import torch
from jaxtyping import Int
from torch import Tensor

from .split import Split, rows_of

MAX_NUMBERS, MAX_LENGTH, MAX_EQUALS = 64, 10, 64
SORT_NUMBERS, SORT_LENGTH, SORT_EQUALS = 32, 8, 32


def max_lists(n: int, generator: torch.Generator, split: Split = "train") -> Int[Tensor, "n 11"]:
    """Lists of ten numbers with `=` behind them; the answer is the largest, `lists[:, :10].amax(dim=1)`.

    Each list has its own ceiling, the root of a uniform number times 64: in ten numbers from the whole range the
    largest would nearly always be one of the last few, and a model could live on guessing them. No rearrangement of
    a held-out list is ever in training.
    """

    def draw(count: int) -> Tensor:
        ceilings = MAX_NUMBERS * torch.rand(count, 1, generator=generator).sqrt()
        return (torch.rand(count, MAX_LENGTH, generator=generator) * ceilings).long()

    lists = rows_of(split, n, draw, ordered=False)
    return torch.cat([lists, torch.full((n, 1), MAX_EQUALS)], dim=1)


def sort_lists(n: int, generator: torch.Generator, split: Split = "train") -> Int[Tensor, "n 17"]:
    """Lists of eight numbers, `=`, and the same numbers in ascending order.

    A number may occur twice. No rearrangement of a held-out list is ever in training.
    """

    def draw(count: int) -> Tensor:
        return torch.randint(SORT_NUMBERS, (count, SORT_LENGTH), generator=generator)

    lists = rows_of(split, n, draw, ordered=False)
    return torch.cat([lists, torch.full((n, 1), SORT_EQUALS), lists.sort(dim=1).values], dim=1)
