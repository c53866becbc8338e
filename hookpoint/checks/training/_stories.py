"""Texts to train on: two made of numbers, and the stories, with what counting pairs of their tokens reaches."""

from functools import lru_cache

import torch

VOCAB = 11


def cycle(draw, length, vocab=VOCAB):
    """A text in which each token says which one comes next, in an order drawn at random."""
    return torch.tensor(draw.order(vocab)).repeat(length // vocab + 1)[:length]


def two_worlds(draw, length):
    """A text whose last tenth has three tokens that stand nowhere before."""
    known, new = VOCAB - 3, length // 10
    return torch.cat([draw.ids(known, length - new), known + draw.ids(3, new)])


@lru_cache(maxsize=4)
def stories(seed, length=5_000):
    """The small stories world as tokens 0, 1, 2, ..., without those that never occur."""
    from hookpoint.zoo.stories import SMALL_WORLD, token_stream

    used, data = token_stream(length, seed, SMALL_WORLD).unique(return_inverse=True)
    return data, len(used)


def bigram_loss(known, new, vocab):
    """The loss of a table of pairs counted in `known`, blended with how often single tokens come up, at its best."""
    pairs = torch.bincount(known[:-1] * vocab + known[1:], minlength=vocab**2).view(vocab, vocab).double()
    single = (pairs.sum(0) + 0.1) / (pairs.sum() + 0.1 * vocab)
    tables = ((pairs + share * single) / (pairs.sum(1, keepdim=True) + share) for share in (1.0, 3.0, 10.0, 30.0))
    return min(-table[new[:-1], new[1:]].log().mean().item() for table in tables)
