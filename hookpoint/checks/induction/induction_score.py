"""Checks for `induction_score` (part 2, notebook 10)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Slip, agree, same

from ._patterns import attending, known, random_pattern


def reference(pattern, P):
    """One entry at a time."""
    total = pattern.new_zeros(pattern.shape[1])
    for text in pattern:
        for query in range(P + 1, 2 * P + 1):
            total += text[:, query, query - P + 1]
    return total / (len(pattern) * P)


def values(learner, draw):
    """For each head, the mean over batch and queries P + 1 to 2P of the attention to key query - P + 1."""
    for batch, heads, P in ((3, 2, 5), (2, 5, 3), (1, 3, 4), (4, 1, 3)):
        pattern = random_pattern(draw, batch, heads, 2 * P + 1)
        when = f"for {batch} rows, {heads} heads and P = {P}"
        agree(learner.induction_score, reference, pattern.float(), P, when=when)
        same(learner.induction_score(pattern, P), reference(pattern, P), f"{when}, in float64")


def known_heads(learner, draw):
    """A head that attends to what followed this token has score 1, and one that attends to this token itself has 0."""
    for P in (5, 7):
        heads = {
            "attends to what followed its token in the first half": (lambda q, P=P: q - P + 1 if q > P else 0, 1.0),
            "attends to its token in the first half": (lambda q, P=P: q - P if q > P else q, 0.0),
            "attends to what came before its token in the first half": (lambda q, P=P: q - P - 1, 0.0),
            "always attends to the position before": (lambda q: q - 1, 0.0),
            "always attends to the BOS": (lambda q: 0, 0.0),
            "attends as an induction head for every second text": (lambda q, P=P: q - P + 1 if q > P else 0, 0.5),
        }
        pattern = attending(2 * P + 1, *(place for place, _ in heads.values())).repeat(4, 1, 1, 1)
        pattern[1::2, -1] = 0.0
        pattern[1::2, -1, :, 0] = 1.0
        known(learner.induction_score(pattern, P), [want for _, want in heads.values()], list(heads))


def short_halves(learner, draw):
    """Halves of one and of two tokens work: with one, what followed the token is the token at hand itself."""
    for P in (2, 1):
        pattern = random_pattern(draw, 3, 2, 2 * P + 1)
        same(learner.induction_score(pattern, P), reference(pattern, P), f"for P = {P}")


def entries(pattern, queries, keys):
    return pattern[:, :, queries, keys]


def second(P, start=1):
    return torch.arange(P + start, 2 * P + 1)


def right(pattern, P):
    return entries(pattern, second(P), second(P) - P + 1)


def duplicate(pattern, P):
    return entries(pattern, second(P), second(P) - P).mean(dim=(0, 2))


def before_the_token(pattern, P):
    return entries(pattern, second(P), second(P) - P - 1).mean(dim=(0, 2))


def two_after(pattern, P):
    queries = second(P)
    return entries(pattern, queries, queries - P + 2 * (P > 1)).mean(dim=(0, 2))


def no_bos(pattern, P):
    """As if the halves began at position 0."""
    queries = torch.arange(P, 2 * P)
    return entries(pattern, queries, queries - P + 1).mean(dim=(0, 2))


def first_half_too(pattern, P):
    """The whole diagonal, which begins in the first half at query P - 1."""
    return pattern.diagonal(offset=1 - P, dim1=2, dim2=3).mean(dim=(0, 2))


def first_query_left_out(pattern, P):
    return right(pattern, P)[..., 1:].mean(dim=(0, 2))


def last_query_left_out(pattern, P):
    return right(pattern, P)[..., :-1].mean(dim=(0, 2))


def largest(pattern, P):
    return right(pattern, P).amax(-1).mean(0)


def largest_text(pattern, P):
    return right(pattern, P).mean(-1).amax(0)


def summed(pattern, P):
    return right(pattern, P).sum(dim=(0, 2))


def summed_over_queries(pattern, P):
    return right(pattern, P).sum(-1).mean(0)


def divided_by_length(pattern, P):
    return right(pattern, P).sum(-1).mean(0) / pattern.shape[2]


def batch_kept(pattern, P):
    return right(pattern, P).mean(-1)


def mean_of_heads(pattern, P):
    return right(pattern, P).mean()


def first_text(pattern, P):
    return right(pattern, P)[0].mean(-1)


def transposed(pattern, P):
    return entries(pattern, second(P) - P + 1, second(P)).mean(dim=(0, 2))


def as_a_vote(pattern, P):
    return (pattern.argmax(-1)[:, :, second(P)] == second(P) - P + 1).to(pattern.dtype).mean(dim=(0, 2))


def any_of_both(pattern, P):
    return (right(pattern, P) + entries(pattern, second(P), second(P) - P)).mean(dim=(0, 2))


EXERCISE = Exercise(
    "induction_score",
    checks=(values, known_heads, short_halves),
    reference=reference,
    gives=Tensor,
    slips=(
        Slip("the key is query - P, the token's own last occurrence: this is a duplicate-token score", duplicate),
        Slip("the key is query - P - 1, what came before the token", before_the_token),
        Slip("the key is query - P + 2, two tokens after the last occurrence", two_after),
        Slip("the BOS is forgotten: the queries are P to 2P - 1", no_bos),
        Slip("the whole diagonal is averaged, with the queries P - 1 and P of the first half", first_half_too),
        Slip("the second half's first query is left out", first_query_left_out),
        Slip("the last query is left out", last_query_left_out),
        Slip("it is the largest entry of each text that is averaged", largest),
        Slip("it is the text with the largest mean that counts", largest_text),
        Slip("the entries are added up instead of averaged", summed),
        Slip("the batch is averaged, but the queries are only added up", summed_over_queries),
        Slip("the sum is divided by the number of positions, not of queries in the second half", divided_by_length),
        Slip("the batch is not averaged: there is a score for each text and head", batch_kept),
        Slip("the heads are averaged too", mean_of_heads),
        Slip("only the first text of the batch is scored", first_text),
        Slip("queries and keys are exchanged", transposed),
        Slip("it is the share of queries whose largest weight is on the right key", as_a_vote),
        Slip("attention to the token's own last occurrence is added to the score", any_of_both),
    ),
)
