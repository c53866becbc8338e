"""Sequences in which something comes back: what an induction head is for.

Tokens are 0 for the start of a sequence and 1 to 63. Two sources:

* `tiles`: a random block, over and over: [START, B, B, B, ...]. Every row has a period of its own, so that no
  fixed distance to the left solves it.
* `mixture`: text of a Markov chain, x[t+1] ~ CHAIN[x[t]], in which a block of 16 random tokens stands at two random
  places. Outside the blocks the token before says all that can be known; in the second block, only the first does.

Tokens of a block are drawn with replacement. If they were all different, a blurred memory of the last few tokens would
be enough to find one's place in the first copy, and that is what a model would learn.
"""

from collections.abc import Sequence
from functools import cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

START = 0
D_VOCAB = 64
BLOCK = 16
# How uneven the chain is: a token leaves about 2.2 nats to guess, as much as nine equal choices do.
_SHARPNESS = 16


def random_repeats(n: int, period: int, generator: torch.Generator) -> Int[Tensor, "n length"]:
    """Rows [START, half, half] with a random half of `period` tokens."""
    half = torch.randint(1, D_VOCAB, (n, period), generator=generator)
    return torch.cat([torch.full((n, 1), START), half, half], dim=1)


def tiles(n: int, length: int, periods: Sequence[int], generator: torch.Generator) -> Int[Tensor, "n length"]:
    """Rows [START, block, block, ...] of `length` tokens, each with one of the periods."""
    block = torch.randint(1, D_VOCAB, (n, max(periods)), generator=generator)
    period = torch.tensor(periods)[torch.randint(len(periods), (n, 1), generator=generator)]
    tiled = block.gather(1, torch.arange(length - 1) % period)
    return torch.cat([torch.full((n, 1), START), tiled], dim=1)


@cache
def chain() -> Float[Tensor, "d_vocab d_vocab"]:
    """The Markov chain: row i holds the probabilities of what follows token i. START never follows."""
    weights = torch.rand(D_VOCAB, D_VOCAB, generator=torch.Generator().manual_seed(5)) ** _SHARPNESS
    weights[:, START] = 0
    return weights / weights.sum(dim=1, keepdim=True)


def chain_shares() -> Float[Tensor, " d_vocab"]:
    """How often each token occurs in a long text of the chain."""
    return torch.linalg.matrix_power(chain().double(), 512)[1]


def chain_text(n: int, length: int, generator: torch.Generator) -> Int[Tensor, "n length"]:
    """Rows of the chain's text after START; the first token is uniform."""
    upto = chain().cumsum(dim=1)
    rows = torch.full((n, length), START)
    rows[:, 1] = torch.randint(1, D_VOCAB, (n,), generator=generator)
    dice = torch.rand(n, length, generator=generator)
    for t in range(2, length):
        # The largest probabilities sum to just under 1 in float32; the clamp keeps an unlucky throw inside.
        drawn = torch.searchsorted(upto[rows[:, t - 1]], dice[:, t : t + 1].contiguous(), right=True)
        rows[:, t] = drawn[:, 0].clamp(max=D_VOCAB - 1)
    return rows


def mixture(n: int, length: int, generator: torch.Generator) -> Int[Tensor, "n length"]:
    """Rows of the chain's text with a random block pasted once into each half, at random places."""
    rows = chain_text(n, length, generator)
    block = torch.randint(1, D_VOCAB, (n, BLOCK), generator=generator)
    middle = (length + 1) // 2
    for first, last in ((1, middle - BLOCK), (middle, length - BLOCK)):
        place = torch.randint(first, last + 1, (n, 1), generator=generator)
        rows.scatter_(1, place + torch.arange(BLOCK), block)
    return rows
