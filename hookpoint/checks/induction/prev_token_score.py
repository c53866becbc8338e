"""Checks for `prev_token_score` (part 2, notebook 10)."""

from torch import Tensor

from hookpoint.checks.author import Exercise, Slip, same

from ._patterns import attending, known, on_random, random_pattern


def reference(pattern):
    """One entry at a time."""
    batch, heads, length, _ = pattern.shape
    total = pattern.new_zeros(heads)
    for row in range(batch):
        for query in range(1, length):
            total += pattern[row, :, query, query - 1]
    return total / (batch * (length - 1))


def values(learner, draw):
    """For each head, the mean over batch and queries 1 to T - 1 of the attention to the position before."""
    on_random(learner.prev_token_score, reference, draw, ((3, 2, 7), (2, 5, 6), (1, 3, 4), (4, 1, 5)))


def known_heads(learner, draw):
    """A head that attends to the token before has score 1; one that attends anywhere else has 0."""
    heads = {
        "always attends to the position before": (lambda q: q - 1, 1.0),
        "always attends to its own position": (lambda q: q, 0.0),
        "attends two positions back": (lambda q: q - 2, 1 / 6),  # query 1 has nothing two back: it takes position 0
    }
    pattern = attending(7, *(place for place, _ in heads.values()))
    known(learner.prev_token_score(pattern.repeat(2, 1, 1, 1)), [want for _, want in heads.values()], list(heads))


def two_positions(learner, draw):
    """Two positions, one query that counts, are enough."""
    pattern = random_pattern(draw, 3, 2, 2)
    same(learner.prev_token_score(pattern), reference(pattern), "for two positions")


def diagonal(pattern, offset=-1):
    return pattern.diagonal(offset=offset, dim1=2, dim2=3)


def after_instead(pattern):
    return diagonal(pattern, 1).mean(dim=(0, 2))


def itself(pattern):
    return diagonal(pattern, 0).mean(dim=(0, 2))


def two_back(pattern):
    return diagonal(pattern, -2).mean(dim=(0, 2))


def summed(pattern):
    return diagonal(pattern).sum(dim=(0, 2))


def summed_over_queries(pattern):
    return diagonal(pattern).sum(-1).mean(0)


def first_row_counts(pattern):
    return diagonal(pattern).sum(-1).mean(0) / pattern.shape[2]


def batch_kept(pattern):
    return diagonal(pattern).mean(-1)


def first_text(pattern):
    return diagonal(pattern)[0].mean(-1)


def mean_of_heads(pattern):
    return diagonal(pattern).mean()


def largest(pattern):
    return diagonal(pattern).amax(-1).mean(0)


def one_query_less(pattern):
    return diagonal(pattern)[..., 1:].mean(dim=(0, 2))


def over_heads(pattern):
    return diagonal(pattern).mean(dim=(1, 2))


def as_a_vote(pattern):
    before = pattern.argmax(-1) == (pattern.new_tensor(range(pattern.shape[2])) - 1)
    return before[:, :, 1:].to(pattern.dtype).mean(dim=(0, 2))


EXERCISE = Exercise(
    "prev_token_score",
    checks=(values, known_heads, two_positions),
    reference=reference,
    gives=Tensor,
    slips=(
        Slip("the entries above the diagonal are read, which are attention to the next token", after_instead),
        Slip("the diagonal itself is read, which is attention to the token at hand", itself),
        Slip("the second diagonal below is read: two tokens back", two_back),
        Slip("the entries are added up instead of averaged", summed),
        Slip("the batch is averaged, but the queries are only added up", summed_over_queries),
        Slip("row 0 counts as one more query, though it has no token before", first_row_counts),
        Slip("the batch is not averaged: there is a score for each text and head", batch_kept),
        Slip("only the first text of the batch is scored", first_text),
        Slip("the heads are averaged too", mean_of_heads),
        Slip("it is the largest entry of each text that is averaged", largest),
        Slip("query 1 is left out together with query 0", one_query_less),
        Slip("there is a score for each text, averaged over the heads", over_heads),
        Slip("it is the share of queries whose largest weight is on the token before", as_a_vote),
    ),
)
