"""Checks for `causal_mask` (part 1, notebook 03)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Slip, each, same

SIZES = [(3, 7), (1, 6), (4, 5), (3, 300)]  # queries are the last positions; 300 is no size to write down


def reference(n_queries, n_keys):
    """The definition, one entry at a time: query i stands at position n_keys - n_queries + i."""
    start = n_keys - n_queries
    return torch.tensor([[key <= start + query for key in range(n_keys)] for query in range(n_queries)])


def square(learner, draw):
    """As many queries as keys: each position may attend to itself and to all before it."""
    cases = [(size, size) for size in (5, 1, 2 + draw.number(0, 7))]
    for case, got in each(learner.causal_mask, cases):
        same(got, reference(*case))


def rectangular(learner, draw):
    """Fewer queries than keys: the queries are the last positions, so they see more of the past."""
    cases = [*SIZES, (2, 4 + draw.number(0, 5))]
    for case, got in each(learner.causal_mask, cases):
        same(got, reference(*case))


def top_left(n_queries, n_keys):
    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril()


def transposed(n_queries, n_keys):
    return torch.ones(n_queries, n_keys, dtype=torch.bool).triu(n_keys - n_queries)


def inverted(n_queries, n_keys):
    return ~reference(n_queries, n_keys)


def strict(n_queries, n_keys):
    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril(n_keys - n_queries - 1)


def one_ahead(n_queries, n_keys):
    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril(n_keys - n_queries + 1)


def as_float(n_queries, n_keys):
    return reference(n_queries, n_keys).float()


def as_integer(n_queries, n_keys):
    return reference(n_queries, n_keys).long()


def additive(n_queries, n_keys):
    return torch.zeros(n_queries, n_keys).masked_fill(~reference(n_queries, n_keys), -torch.inf)


EXERCISE = Exercise(
    "causal_mask",
    checks=(square, rectangular),
    reference=reference,
    gives=Tensor,
    slips=(
        Slip(
            "the triangle starts at the top left, so the queries count as the first positions, not the last", top_left
        ),
        Slip("the mask is transposed: each position attends to the future instead of the past", transposed),
        Slip("True marks what is hidden; here True means 'may attend'", inverted),
        Slip("no position may attend to itself", strict),
        Slip("the diagonal is one too far right, so each position also sees the next one", one_ahead),
        Slip("the mask holds the numbers 0.0 and 1.0; it must be of dtype bool", as_float),
        Slip("the mask holds integers; it must be of dtype bool", as_integer),
        Slip("the mask holds 0 and -inf, to be added to scores; here it must hold True and False", additive),
    ),
)
