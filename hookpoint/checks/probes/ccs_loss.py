"""Checks for `ccs_loss` (part 2, notebook 14)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Slip, agree, same, same_gradients


def reference(p_pos, p_neg):
    """Pair by pair, in Python."""
    total = p_pos.new_zeros(())
    for p, q in zip(p_pos, p_neg, strict=True):
        total = total + (p - (1 - q)) ** 2 + (p if p <= q else q) ** 2
    return total / len(p_pos)


def values(learner, draw):
    """Consistency, (p+ - (1 - p-))^2, plus confidence, min(p+, p-)^2, averaged over the pairs."""
    agree(learner.ccs_loss, reference, draw.normal(7, std=2).sigmoid(), draw.normal(7, std=2).sigmoid())
    agree(learner.ccs_loss, reference, draw.normal(1).sigmoid(), draw.normal(1).sigmoid(), when="for one pair")


def by_hand(learner, draw):
    """A sure and consistent probe costs 0, one that always says a half 0.25, one that says yes to both 2."""
    for p, q, want in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.5, 0.5, 0.25), (1.0, 1.0, 2.0), (0.0, 0.0, 1.0)):
        got = learner.ccs_loss(torch.full((3,), p), torch.full((3,), q))
        same(got, torch.tensor(want), f"where all p_pos are {p} and all p_neg {q}")


def gradient(learner, draw):
    """The gradient reaches both probabilities."""
    p, q = draw.normal(7).sigmoid(), draw.normal(7).sigmoid()
    same_gradients(learner.ccs_loss, reference, ["p_pos", "p_neg"], p, q)


def not_squared(p_pos, p_neg):
    return ((p_pos + p_neg - 1).abs() + torch.minimum(p_pos, p_neg)).mean()


def confidence_not_squared(p_pos, p_neg):
    return ((p_pos + p_neg - 1).square() + torch.minimum(p_pos, p_neg)).mean()


def equal_sides(p_pos, p_neg):
    return ((p_pos - p_neg).square() + torch.minimum(p_pos, p_neg).square()).mean()


def product(p_pos, p_neg):
    return ((p_pos + p_neg - 1).square() + (p_pos * p_neg).square()).mean()


def summed(p_pos, p_neg):
    return ((p_pos + p_neg - 1).square() + torch.minimum(p_pos, p_neg).square()).sum()


def largest(p_pos, p_neg):
    return ((p_pos + p_neg - 1).square() + torch.maximum(p_pos, p_neg).square()).mean()


def consistency_alone(p_pos, p_neg):
    return (p_pos + p_neg - 1).square().mean()


def confidence_alone(p_pos, p_neg):
    return torch.minimum(p_pos, p_neg).square().mean()


def minimum_of_all(p_pos, p_neg):
    return (p_pos + p_neg - 1).square().mean() + torch.cat([p_pos, p_neg]).min().square()


def per_pair(p_pos, p_neg):
    return (p_pos + p_neg - 1).square() + torch.minimum(p_pos, p_neg).square()


def confidence_not_followed(p_pos, p_neg):
    return ((p_pos + p_neg - 1).square() + torch.minimum(p_pos, p_neg).detach().square()).mean()


def halved(p_pos, p_neg):
    return ((p_pos + p_neg - 1).square() + torch.minimum(p_pos, p_neg).square()).mean() / 2


def square_of_means(p_pos, p_neg):
    return (p_pos + p_neg - 1).mean().square() + torch.minimum(p_pos, p_neg).square().mean()


EXERCISE = Exercise(
    "ccs_loss",
    checks=(values, by_hand, gradient),
    reference=reference,
    gives=Tensor,
    slips=(
        Slip("neither part is squared", not_squared),
        Slip("the confidence is not squared", confidence_not_squared),
        Slip("consistency compares p+ with p- instead of with 1 - p-", equal_sides),
        Slip("the confidence is the product of the two probabilities instead of the smaller one", product),
        Slip("the pairs are summed, not averaged", summed),
        Slip("the larger probability is taken instead of the smaller one", largest),
        Slip("the confidence is missing: saying a half to everything costs nothing", consistency_alone),
        Slip("the consistency is missing: saying no to everything costs nothing", confidence_alone),
        Slip("the smallest probability of all pairs is taken, not that of each pair", minimum_of_all),
        Slip("the pairs are not averaged: one loss for each comes back", per_pair),
        Slip("the smaller probability is cut off from the gradient", confidence_not_followed),
        Slip("the loss is halved", halved),
        Slip("the inconsistencies are averaged before they are squared, and cancel", square_of_means),
    ),
)
