"""Checks for `current_token_score` (part 2, notebook 10)."""

from torch import Tensor

from hookpoint.checks.author import Exercise, Slip, same

from ._patterns import attending, known, on_random, random_pattern


def reference(pattern):
    """One entry at a time."""
    batch, heads, length, _ = pattern.shape
    total = pattern.new_zeros(heads)
    for row in range(batch):
        for query in range(1, length):
            total += pattern[row, :, query, query]
    return total / (batch * (length - 1))


def values(learner, draw):
    """For each head, the mean over batch and queries 1 to T - 1 of the attention to the query's own position."""
    on_random(learner.current_token_score, reference, draw, ((3, 2, 7), (2, 5, 6), (1, 3, 4), (4, 1, 5)))


def known_heads(learner, draw):
    """A head that attends to itself has score 1; any other has 0, whatever it does in row 0."""
    heads = {
        "always attends to its own position": (lambda q: q, 1.0),
        "always attends to the position before": (lambda q: q - 1, 0.0),
        "always attends to position 0": (lambda q: 0, 0.0),
    }
    pattern = attending(7, *(place for place, _ in heads.values()))
    known(learner.current_token_score(pattern.repeat(2, 1, 1, 1)), [want for _, want in heads.values()], list(heads))


def two_positions(learner, draw):
    """Two positions, one query that counts, are enough."""
    pattern = random_pattern(draw, 3, 2, 2)
    same(learner.current_token_score(pattern), reference(pattern), "for two positions")


def own(pattern):
    return pattern.diagonal(dim1=2, dim2=3)


def first_row_counts(pattern):
    return own(pattern).mean(dim=(0, 2))


def first_row_divides(pattern):
    return own(pattern)[..., 1:].sum(-1).mean(0) / pattern.shape[2]


def last_row_left_out(pattern):
    return own(pattern)[..., :-1].mean(dim=(0, 2))


def before_instead(pattern):
    return pattern.diagonal(offset=-1, dim1=2, dim2=3).mean(dim=(0, 2))


def summed(pattern):
    return own(pattern)[..., 1:].sum(dim=(0, 2))


def summed_over_queries(pattern):
    return own(pattern)[..., 1:].sum(-1).mean(0)


def batch_kept(pattern):
    return own(pattern)[..., 1:].mean(-1)


def first_text(pattern):
    return own(pattern)[0, :, 1:].mean(-1)


def mean_of_heads(pattern):
    return own(pattern)[..., 1:].mean()


def largest(pattern):
    return own(pattern)[..., 1:].amax(-1).mean(0)


def last_column(pattern):
    return pattern[:, :, 1:, -1].mean(dim=(0, 2))


def diagonal_over_heads(pattern):
    """`pattern.diagonal()` without axes takes the first two."""
    return pattern.diagonal()[1:, 1:].mean(dim=(0, 1))


EXERCISE = Exercise(
    "current_token_score",
    checks=(values, known_heads, two_positions),
    reference=reference,
    gives=Tensor,
    slips=(
        Slip("row 0 counts too, where every head can only attend to itself", first_row_counts),
        Slip("row 0 is left out of the sum, but still counted in the number of queries", first_row_divides),
        Slip("the last query is left out, and the first counts", last_row_left_out),
        Slip("the attention to the position before is averaged", before_instead),
        Slip("the entries are added up instead of averaged", summed),
        Slip("the batch is averaged, but the queries are only added up", summed_over_queries),
        Slip("the batch is not averaged: there is a score for each text and head", batch_kept),
        Slip("only the first text of the batch is scored", first_text),
        Slip("the heads are averaged too", mean_of_heads),
        Slip("it is the largest entry of each text that is averaged", largest),
        Slip("the last column is read, which is attention to the last position", last_column),
        Slip(
            "the diagonal runs through batch and heads, the axes that diagonal() takes by itself",
            diagonal_over_heads,
        ),
    ),
)
