"""The seven simple circuits: programs in which every part of the circuit is needed, and nothing stands in for it.

Sources: the select-and-aggregate programs of RASP (Weiss et al. 2021) and their compiled form (Lindner et al. 2023);
induction after Olsson et al. 2022.
"""

import torch

from . import tasks
from .gadgets import copy, one_hot, same, shift, staircase, steps
from .program import SHARP, Head, Layer, Match, Move, Program

# A right answer's logit; a wrong one's is 0.
LOGIT = 10.0


def reverse() -> Program:
    """One head: each position attends to its mirror image and copies the letter."""
    task = tasks.reverse()
    letters, length = len(task.vocab), task.n_ctx
    mirror = Head(
        "attends to the mirror position and copies its letter",
        (Match("position", "position", SHARP * torch.eye(length).flip(0)),),
        (copy("letter", "answer", letters),),
    )
    return Program(
        task,
        {"letter": letters, "position": length, "answer": letters},
        token={"letter": torch.eye(letters)},
        position={"position": torch.eye(length)},
        layers=(Layer((mirror,)),),
        logits={"answer": LOGIT * torch.eye(letters)},
        d_head=letters,
        causal=False,
    )


def count() -> Program:
    """A head and an MLP: attention spread over n equal letters and the BOS leaves 1 / (n + 1) on the BOS."""
    task = tasks.count()
    vocab, most = len(task.vocab), task.n_ctx - 1
    letters = vocab - 1 - most
    spread = Head(
        "attends evenly to the BOS and to every copy of its own letter, and reports the BOS's share",
        (same("letter", "letter", letters, SHARP), Match("letter", "bos", SHARP * torch.ones(letters, 1))),
        (copy("bos", "share", 1),),
    )
    shares = [0.0, *(1 / (n + 1) for n in range(most, 0, -1))]
    number = staircase(
        "turns the share 1 / (n + 1) into the number n", "share", "answer", shares, [None, *range(most)[::-1]], most
    )
    return Program(
        task,
        {"letter": letters, "bos": 1, "share": 1, "answer": most},
        token={"letter": one_hot(vocab, letters), "bos": one_hot(vocab, 1, start=letters)},
        position={},
        layers=(Layer((spread,), (number,)),),
        logits={"answer": LOGIT * one_hot(vocab, most, start=letters + 1).T},
        d_head=letters + 1,
        causal=False,
    )


def induction() -> Program:
    """Two heads: what came before each letter; then the letter that came after the last one like mine."""
    task = tasks.induction()
    vocab = len(task.vocab)
    letters = vocab - 1
    return Program(
        task,
        {"letter": letters, "position": task.n_ctx, "previous letter": letters, "answer": letters},
        token={"letter": one_hot(vocab, letters)},
        position={"position": torch.eye(task.n_ctx)},
        layers=(Layer((_previous_head(task.n_ctx, letters),)), Layer((_induction_head(letters),))),
        logits={"answer": LOGIT * one_hot(vocab, letters).T},
        d_head=task.n_ctx,
    )


def _previous_head(length: int, letters: int) -> Head:
    """The head that tells each position the letter before it. The BOS attends to itself, where there is no letter."""
    return Head(
        "attends to the position before and copies its letter",
        (Match("position", "position", SHARP * shift(length)),),
        (copy("letter", "previous letter", letters),),
    )


def _induction_head(letters: int) -> Head:
    """The head that looks for its own letter among the previous ones."""
    return Head(
        "attends to what followed its own letter and copies it",
        (same("letter", "previous letter", letters, SHARP),),
        (copy("letter", "answer", letters),),
    )


def sort() -> Program:
    """A head and an MLP give each letter its rank; a head in the next layer fetches the letter of rank i."""
    task = tasks.sort()
    vocab, length = len(task.vocab), task.n_ctx - 1
    letters = vocab - 1
    smaller = torch.ones(letters, letters).tril(-1)
    rank_share = Head(
        "attends evenly to the BOS and to every smaller letter, and reports the BOS's share",
        (Match("letter", "letter", SHARP * smaller), Match("letter", "bos", SHARP * torch.ones(letters, 1))),
        (copy("bos", "share", 1),),
    )
    # At the BOS nothing matches and every position gets the same: the share is 1 / (length + 1), no letter's.
    shares = [1 / (rank + 1) for rank in range(length, -1, -1)]
    rank = staircase(
        "turns the share 1 / (r + 1) into the rank r", "share", "rank", shares, [None, *range(length)[::-1]], length
    )
    return Program(
        task,
        {"letter": letters, "bos": 1, "position": length + 1, "share": 1, "rank": length, "answer": letters},
        token={"letter": one_hot(vocab, letters), "bos": one_hot(vocab, 1, start=letters)},
        position={"position": torch.eye(length + 1)},
        layers=(Layer((rank_share,), (rank,)), Layer((_gather_head(length, letters),))),
        logits={"answer": LOGIT * one_hot(vocab, letters).T},
        d_head=letters + 1,
        causal=False,
    )


def _gather_head(length: int, letters: int) -> Head:
    """The head with which position i fetches the letter of rank i - 1; the BOS asks for nothing."""
    wanted = torch.cat([torch.zeros(1, length), torch.eye(length)])
    return Head(
        "attends to the letter whose rank is its own place and copies it",
        (Match("position", "rank", SHARP * wanted),),
        (copy("letter", "answer", letters),),
    )


def majority() -> Program:
    """A head that attends evenly measures the share of one half of the alphabet; an MLP compares it with a half."""
    task = tasks.majority()
    vocab = len(task.vocab)
    letters = vocab - 2
    in_first_half = torch.arange(letters).lt(letters // 2).float()[:, None]
    average = Head(
        "attends evenly to everything so far and reports the share of the alphabet's first half",
        (),
        (Move("letter", "share", in_first_half),),
    )
    # The smallest share above a half: with an odd number of letters.
    longest_odd = task.n_ctx - 1 + task.n_ctx % 2
    least = (longest_odd + 1) / 2 / longest_odd
    vote = steps(
        "says whether the share is above a half",
        "share",
        [(0.5 + least) / 2],
        [(least - 0.5) / 4],
        {"majority": torch.ones(1, 1)},
    )
    says = torch.zeros(1, vocab)
    says[0, letters:] = torch.tensor([LOGIT, -LOGIT])
    return Program(
        task,
        {"letter": letters, "share": 1, "majority": 1},
        token={"letter": one_hot(vocab, letters)},
        position={},
        layers=(Layer((average,), (vote,)),),
        logits={"majority": says},
        logit_bias=-says[0] / 2,
        d_head=4,
    )


def brackets() -> Program:
    """A head measures the depth, an MLP says where it is negative or positive, a head looks for any negative one."""
    task = tasks.brackets()
    vocab, opening, yes, no = len(task.vocab), 0, 3, 4
    up_or_down = torch.tensor([[1.0], [-1.0]])
    depth = Head(
        "attends evenly to everything so far and reports the depth divided by the place",
        (),
        (Move("bracket", "depth", up_or_down),),
    )
    least = 1 / task.n_ctx
    sign = steps(
        "says whether the depth is below and whether it is above 0",
        "depth",
        [least / 2, least / 2],
        [least / 4, least / 4],
        {"below": torch.tensor([[1.0], [0.0]]), "above": torch.tensor([[0.0], [1.0]])},
        signs=[-1.0, 1.0],
    )
    anywhere = Head(
        "attends to the places where the depth is below 0 and reports whether there is one",
        (Match(None, "below", SHARP * torch.ones(1, 1)),),
        (copy("below", "ever below", 1),),
    )
    against = torch.zeros(1, vocab)
    against[0, no] = LOGIT
    bias = torch.zeros(vocab)
    bias[yes] = LOGIT / 2
    return Program(
        task,
        {"bracket": 2, "depth": 1, "below": 1, "above": 1, "ever below": 1},
        token={"bracket": one_hot(vocab, 2, start=opening)},
        position={},
        layers=(Layer((depth,), (sign,)), Layer((anywhere,))),
        logits={"above": against, "ever below": against},
        logit_bias=bias,
        d_head=4,
    )


def maximum() -> Program:
    """One head: the later in the alphabet, the higher the score; the winner is copied."""
    task = tasks.maximum()
    letters = len(task.vocab)
    highest = Head(
        "attends to the last letter of the alphabet so far and copies it",
        (Match(None, "letter", SHARP * torch.arange(letters).float()[None]),),
        (copy("letter", "answer", letters),),
    )
    return Program(
        task,
        {"letter": letters, "position": task.n_ctx, "answer": letters},
        token={"letter": torch.eye(letters)},
        position={"position": torch.eye(task.n_ctx)},
        layers=(Layer((highest,)),),
        logits={"answer": LOGIT * torch.eye(letters)},
        d_head=letters,
    )
