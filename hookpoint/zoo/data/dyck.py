"""Words of brackets, half of them balanced, the other half balanced but for one slip.

A word is balanced if no prefix has more closing than opening brackets and the whole has as many of both. A sequence is

    START b1 b2 ... b20 END

and the model says after END whether the word is BALANCED or BROKEN. Words drawn at random would be broken in plain
sight; these are broken in one of three ways, two of which leave the numbers of brackets equal:

    flip      one bracket of a balanced word turned round: two more of one sort than of the other
    swap      two brackets of a balanced word exchanged, so that the depth falls below 0 somewhere
    shuffle   all brackets of a balanced word in random order, so that the depth falls below 0 somewhere
"""

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from .split import Split, rows_of

LENGTH = 20
OPEN, CLOSE, START, END, BALANCED, BROKEN = range(6)
D_VOCAB = 6
SLIPS = ("flip", "swap", "shuffle")


def depths(words: Int[Tensor, "n length"]) -> Int[Tensor, "n length"]:
    """How many brackets are open after each place of each word; negative where too many were closed."""
    return torch.where(words == OPEN, 1, -1).cumsum(dim=1)


def is_balanced(words: Int[Tensor, "n length"]) -> Bool[Tensor, " n"]:
    """Which words are balanced."""
    depth = depths(words)
    return (depth[:, -1] == 0) & (depth >= 0).all(dim=1)


def balanced_words(n: int, generator: torch.Generator, split: Split = "train") -> Int[Tensor, "n 20"]:
    """Balanced words, each of the 16,796 equally likely within the split."""
    return rows_of(split, n, lambda count: _balanced(count, generator))


def broken_words(n: int, slip: str, generator: torch.Generator, split: Split = "train") -> Int[Tensor, "n 20"]:
    """Words with one of the three slips of the module's head.

    Raises:
        ValueError: There is no such slip.
    """
    if slip not in SLIPS:
        raise ValueError(f"broken_words: the slip must be one of {', '.join(SLIPS)}, not {slip!r}.")
    make = {"flip": _flipped, "swap": _swapped, "shuffle": _shuffled}[slip]

    def draw(count: int) -> Tensor:
        words = make(_balanced(count, generator), generator)
        return words[~is_balanced(words)]  # an exchange or a shuffle may leave a word balanced

    return rows_of(split, n, draw)


def bracket_sequences(
    n: int, generator: torch.Generator, split: Split = "train"
) -> tuple[Int[Tensor, "n 22"], Int[Tensor, " n"]]:
    """Sequences in random order, half balanced and a sixth of each slip, and the verdict on each as a token."""
    n_balanced = n // 2
    counts = [(n - n_balanced + i) // len(SLIPS) for i in range(len(SLIPS))]
    broken = [broken_words(count, slip, generator, split) for count, slip in zip(counts, SLIPS, strict=True)]
    words = torch.cat([balanced_words(n_balanced, generator, split), *broken])
    verdicts = torch.full((n,), BROKEN)
    verdicts[:n_balanced] = BALANCED
    order = torch.randperm(n, generator=generator)
    return framed(words[order]), verdicts[order]


def framed(words: Int[Tensor, "n length"]) -> Int[Tensor, "n framed"]:
    """The words between START and END, as the model reads them."""
    edge = torch.ones(len(words), 1, dtype=torch.int64)
    return torch.cat([START * edge, words, END * edge], dim=1)


def _balanced(n: int, generator: torch.Generator) -> Int[Tensor, "n 20"]:
    """Uniform balanced words, left to right.

    With `left` places to fill and `depth` brackets open, the share of the possible endings that begin with an opening
    bracket is a ratio of two ballot numbers, (depth + 2)(left - depth) / (2 (depth + 1) left).
    """
    depth = torch.zeros(n)
    words = torch.empty(n, LENGTH, dtype=torch.int64)
    for place in range(LENGTH):
        left = LENGTH - place
        opens = (depth + 2) * (left - depth) / (2 * (depth + 1) * left)
        is_open = torch.rand(n, generator=generator) < opens
        words[:, place] = torch.where(is_open, OPEN, CLOSE)
        depth += torch.where(is_open, 1.0, -1.0)
    return words


def _flipped(words: Int[Tensor, "n length"], generator: torch.Generator) -> Int[Tensor, "n length"]:
    place = torch.randint(LENGTH, (len(words), 1), generator=generator)
    return words.scatter(1, place, 1 - words.gather(1, place))


def _swapped(words: Int[Tensor, "n length"], generator: torch.Generator) -> Int[Tensor, "n length"]:
    pair = torch.rand(words.shape, generator=generator).argsort(dim=1)[:, :2]
    return words.scatter(1, pair, words.gather(1, pair).flip(1))


def _shuffled(words: Int[Tensor, "n length"], generator: torch.Generator) -> Int[Tensor, "n length"]:
    return words.gather(1, torch.rand(words.shape, generator=generator).argsort(dim=1))
