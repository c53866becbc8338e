"""Checks for `control_labels` (part 2, notebook 14)."""

import math

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Mismatch, Slip
from hookpoint.interp import probes

IMPROBABLE = 1e-7


def reference(tokens, n_classes, seed):
    """Names the arguments in messages."""


def labelled(learner, tokens, n_classes, seed):
    got = learner.control_labels(tokens, n_classes, seed)
    if got.shape != tokens.shape or got.dtype != torch.int64:
        raise Mismatch(f"returned {got.dtype} {list(got.shape)}, expected int64 {list(tokens.shape)}.", got=got)
    if ((got < 0) | (got >= n_classes)).any():
        raise Mismatch(f"gives a class that is not one of 0 to {n_classes - 1}.", got=got)
    return got


def by_type(learner, draw):
    """A token type has the same class wherever it occurs."""
    tokens = 40 * draw.ids(37, 400) + 3
    for n_classes in (2, 5):
        got = labelled(learner, tokens, n_classes, 0)
        for token in tokens.unique():
            if len(got[tokens == token].unique()) > 1:
                raise Mismatch("gives one token type different classes in different rows.", got=got)


def at_random(learner, draw):
    """Classes are equally frequent, whatever the type's number and the class of the type before it."""
    types = torch.arange(3000) * 7 + 11
    tokens = types.repeat(2)[draw.order(6000)]
    zero, first, second = (labelled(learner, tokens, 3, seed) for seed in (0, 1, 2))
    order = tokens.argsort(stable=True)[::2]
    zero, first, second = zero[order], first[order], second[order]
    plain = torch.arange(3000)
    here, there = (labelled(learner, plain, 3, seed) for seed in (1, 2))
    for what, cells, count in (
        ("the classes are not equally frequent", first, 3),
        ("the class of a type depends on that of the type before it", 3 * first[::2] + first[1::2], 9),
        ("the class of a type depends on its number", 3 * first + types % 3, 9),
        ("another seed does not give independent classes", 3 * first + second, 9),
        ("with seed 0 the classes are not equally frequent", zero, 3),
        ("another seed gives the same classes to the next types", 3 * here[1:] + there[:-1], 9),
        ("another seed gives the same classes to the next types", 3 * here[:-1] + there[1:], 9),
    ):
        observed = torch.bincount(cells, minlength=count).double()
        if too_far(observed):
            raise Mismatch(f"is not at random: {what}.", f"  Of {len(types)} types: {observed.long().tolist()}.")


def too_far(observed):
    """Whether equally likely cells have counts that chance does not give: chi-square, from above."""
    expected = observed.sum() / len(observed)
    statistic = ((observed - expected).square() / expected).sum()
    free = torch.tensor((len(observed) - 1) / 2, dtype=torch.float64)
    return torch.special.gammaincc(free, statistic / 2).item() < IMPROBABLE or not math.isfinite(statistic)


def seeded(learner, draw):
    """The seed decides: the same one gives the same classes, another one others."""
    tokens = draw.ids(500, 300)
    for seed in (0, 3):
        first, again = labelled(learner, tokens, 4, seed), labelled(learner, tokens, 4, seed)
        if not torch.equal(first, again):
            raise Mismatch("gives other classes for the same seed.", got=again)
    if torch.equal(first, labelled(learner, tokens, 4, 4)):
        raise Mismatch("gives the same classes whatever the seed.", got=first)
    labelled(learner, tokens[:1], 2, 0)


def drawn(count, n_classes, seed):
    return torch.randint(n_classes, (count,), generator=torch.Generator().manual_seed(seed))


def by_row(tokens, n_classes, seed):
    return drawn(len(tokens), n_classes, seed)


def by_number(tokens, n_classes, seed):
    return (tokens + seed) % n_classes


def seed_ignored(tokens, n_classes, seed):
    return probes.control_labels(tokens, n_classes, 0)


def one_class_short(tokens, n_classes, seed):
    return probes.control_labels(tokens, n_classes - 1, seed)


def one_class_more(tokens, n_classes, seed):
    return probes.control_labels(tokens, n_classes + 1, seed)


def from_one(tokens, n_classes, seed):
    return probes.control_labels(tokens, n_classes, seed) + 1


def one_per_type(tokens, n_classes, seed):
    return drawn(len(tokens.unique()), n_classes, seed)


def as_float(tokens, n_classes, seed):
    return probes.control_labels(tokens, n_classes, seed).float()


def by_place_of_type(tokens, n_classes, seed):
    return (tokens.unique(return_inverse=True)[1] + seed) % n_classes


def rows_shuffled(tokens, n_classes, seed):
    order = torch.randperm(len(tokens), generator=torch.Generator().manual_seed(seed))
    return probes.control_labels(tokens, n_classes, seed)[order]


EXERCISE = Exercise(
    "control_labels",
    checks=(by_type, at_random, seeded),
    reference=reference,
    gives=Tensor,
    slips=(
        Slip("each row gets a class of its own: nothing could be learned from it", by_row),
        Slip("the class is the token's number modulo n_classes", by_number),
        Slip("the seed is ignored", seed_ignored),
        Slip("the last class is never given", one_class_short),
        Slip("there is one class too many", one_class_more),
        Slip("classes are counted from 1", from_one),
        Slip("there is one class for each type, not one for each row", one_per_type),
        Slip("the classes are floating-point numbers", as_float),
        Slip("the types take turns with the classes, in the order of their numbers", by_place_of_type),
        Slip("the rows are shuffled after the types got their classes", rows_shuffled),
    ),
)
