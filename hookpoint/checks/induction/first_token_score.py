"""Checks for `first_token_score` (part 2, notebook 10)."""

from torch import Tensor

from hookpoint.checks.author import Exercise, Slip, same

from ._patterns import attending, known, on_random, random_pattern


def reference(pattern):
    """One entry at a time."""
    batch, heads, length, _ = pattern.shape
    total = pattern.new_zeros(heads)
    for row in range(batch):
        for query in range(1, length):
            total += pattern[row, :, query, 0]
    return total / (batch * (length - 1))


def values(learner, draw):
    """For each head, the mean over batch and queries 1 to T - 1 of the attention to position 0."""
    on_random(learner.first_token_score, reference, draw, ((3, 2, 7), (2, 5, 6), (1, 3, 4), (4, 1, 5)))


def known_heads(learner, draw):
    """A head that rests on position 0 has score 1; any other has 0, although in row 0 it must attend there."""
    heads = {
        "always attends to position 0": (lambda q: 0, 1.0),
        "always attends to its own position": (lambda q: q, 0.0),
        "always attends to the position before": (lambda q: q - 1, 1 / 6),  # for query 1 that is position 0
    }
    pattern = attending(7, *(place for place, _ in heads.values()))
    known(learner.first_token_score(pattern.repeat(2, 1, 1, 1)), [want for _, want in heads.values()], list(heads))


def two_positions(learner, draw):
    """Two positions, one query that counts, are enough."""
    pattern = random_pattern(draw, 3, 2, 2)
    same(learner.first_token_score(pattern), reference(pattern), "for two positions")


def first_row_counts(pattern):
    return pattern[..., 0].mean(dim=(0, 2))


def first_row_divides(pattern):
    return pattern[:, :, 1:, 0].sum(-1).mean(0) / pattern.shape[2]


def row_for_column(pattern):
    return pattern[:, :, 0, 1:].mean(dim=(0, 2))


def whole_row_for_column(pattern):
    return pattern[:, :, 0].mean(dim=(0, 2))


def second_token(pattern):
    return pattern[:, :, 1:, 1].mean(dim=(0, 2))


def summed(pattern):
    return pattern[:, :, 1:, 0].sum(dim=(0, 2))


def summed_over_queries(pattern):
    return pattern[:, :, 1:, 0].sum(-1).mean(0)


def batch_kept(pattern):
    return pattern[:, :, 1:, 0].mean(-1)


def first_text(pattern):
    return pattern[0, :, 1:, 0].mean(-1)


def mean_of_heads(pattern):
    return pattern[:, :, 1:, 0].mean()


def last_query(pattern):
    return pattern[:, :, -1, 0].mean(0)


def last_query_left_out(pattern):
    return pattern[:, :, :-1, 0].mean(dim=(0, 2))


EXERCISE = Exercise(
    "first_token_score",
    checks=(values, known_heads, two_positions),
    reference=reference,
    gives=Tensor,
    slips=(
        Slip("row 0 counts too, where every head can only attend to position 0", first_row_counts),
        Slip("row 0 is left out of the sum, but still counted in the number of queries", first_row_divides),
        Slip("row 0 is read instead of column 0, that is, what position 0 attends to", row_for_column),
        Slip("the whole of row 0 is averaged instead of column 0", whole_row_for_column),
        Slip("column 1 is read instead of column 0", second_token),
        Slip("the entries are added up instead of averaged", summed),
        Slip("the batch is averaged, but the queries are only added up", summed_over_queries),
        Slip("the batch is not averaged: there is a score for each text and head", batch_kept),
        Slip("only the first text of the batch is scored", first_text),
        Slip("the heads are averaged too", mean_of_heads),
        Slip("only the last query is scored", last_query),
        Slip("the last query is left out, and row 0 counts", last_query_left_out),
    ),
)
