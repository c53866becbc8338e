"""Checks for `attn_pattern` (part 1, notebook 03)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Mismatch, Slip, Tolerance, agree, each, same, same_gradients

from .causal_mask import reference as causal_mask

# exp(s - logsumexp(s)) is right, and at scores of 1e4 its rounding in float32 is 5e-4 of the result.
AT_LARGE_SCORES = Tolerance(2e-3)


def reference(scores):
    """In float64, from the definition, row by row shifted by its own maximum."""
    wide = scores.double()
    weights = (wide - wide.amax(dim=-1, keepdim=True)).exp()
    return (weights / weights.sum(dim=-1, keepdim=True)).to(scores.dtype)


def masked(draw, batch, heads, n_queries, n_keys, fill=-torch.inf):
    scores = draw.normal(batch, heads, n_queries, n_keys, std=2)
    return scores.masked_fill(~causal_mask(n_queries, n_keys), fill)


def values(learner, draw):
    """Each query's scores become shares of its attention: positive, and summing to 1 over the keys."""
    agree(learner.attn_pattern, reference, draw.normal(2, 3, 5, 7, std=2))
    cases = [draw.normal(1, 2, 4, 4, std=2)], [draw.normal(2, 5, 3, 7, std=2).transpose(1, 2)]
    for (scores,), got in each(learner.attn_pattern, cases):
        same(got, reference(scores))


def masked_scores(learner, draw):
    """A hidden score gets a share of exactly 0, whether it was hidden by -inf or by the lowest number."""
    lowest = torch.finfo(torch.float32).min
    cases = [masked(draw, 2, 3, 5, 5)], [masked(draw, 3, 2, 3, 7, fill=lowest)], [masked(draw, 2, 3, 1, 1)]
    for (scores,), got in each(learner.attn_pattern, cases):
        same(got, reference(scores), "with masked scores")
        if (got[scores <= lowest] != 0).any():
            raise Mismatch("gives a hidden score a share that is not exactly 0.", got=got)


def large_scores(learner, draw):
    """Rows far above zero, far below it and with very different maxima are normalised each by itself."""
    offsets = torch.tensor([1e4, -1e4, 0.0, 300.0, -300.0])[:, None]
    scores = draw.normal(2, 3, 5, 7, std=2) + offsets
    (_, got), (_, wide) = each(learner.attn_pattern, [[scores], [scores.double()]])
    same(got, reference(scores), "with scores of +-10,000", AT_LARGE_SCORES)
    same(wide, reference(scores.double()), "with scores of +-10,000 in float64")


def half_precision(learner, draw):
    """Scores in float16 give a pattern in float16."""
    scores = masked(draw, 2, 3, 5, 7).half()
    same(learner.attn_pattern(scores), reference(scores), "in float16")


def gradient(learner, draw):
    """The gradient reaches the scores."""
    same_gradients(learner.attn_pattern, reference, ["scores"], draw.normal(2, 3, 5, 7, std=2))


def over_queries(scores):
    return scores.softmax(dim=-2)


def over_heads(scores):
    return scores.softmax(dim=1)


def over_batch(scores):
    return scores.softmax(dim=0)


def over_everything(scores):
    return scores.flatten().softmax(dim=0).reshape(scores.shape)


def over_each_table(scores):
    return scores.flatten(-2).softmax(dim=-1).reshape(scores.shape)


def unshifted(scores):
    return scores.exp() / scores.exp().sum(dim=-1, keepdim=True)


def one_maximum(scores):
    weights = (scores - scores.max()).exp()
    return weights / weights.sum(dim=-1, keepdim=True)


def unnormalised(scores):
    return (scores - scores.amax(dim=-1, keepdim=True)).exp()


def logarithms(scores):
    return scores.log_softmax(dim=-1)


def masked_again(scores):
    return scores.masked_fill(~causal_mask(*scores.shape[-2:]), -torch.inf).softmax(dim=-1)


def masked_from_top_left(scores):
    return scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1), -torch.inf).softmax(dim=-1)


def through_float32(scores):
    return scores.float().softmax(dim=-1).to(scores.dtype)


def shared_evenly(scores):
    return scores / scores.sum(dim=-1, keepdim=True)


def sigmoids(scores):
    return scores.sigmoid()


EXERCISE = Exercise(
    "attn_pattern",
    checks=(values, masked_scores, large_scores, half_precision, gradient),
    reference=reference,
    gives=Tensor,
    forbids=("attention",),
    slips=(
        Slip("the shares sum to 1 over the queries instead of over the keys", over_queries),
        Slip("the shares sum to 1 over the heads instead of over the keys", over_heads),
        Slip("the shares sum to 1 over the batch instead of over the keys", over_batch),
        Slip("one softmax runs over all the numbers at once", over_everything),
        Slip("one softmax runs over a head's whole table instead of over each of its rows", over_each_table),
        Slip("exp is taken of the raw scores, which overflows where they are large", unshifted),
        Slip("one maximum is subtracted from all rows, so a row far below it becomes 0 / 0", one_maximum),
        Slip("the exponentials are not divided by their sum", unnormalised),
        Slip("the logarithm of the pattern is returned", logarithms),
        Slip("the scores are masked once more; they come masked", masked_again),
        Slip("the scores are masked once more, as if the queries were the first positions", masked_from_top_left),
        Slip(
            "float64 scores are turned into float32 for the softmax, which loses half of their digits", through_float32
        ),
        Slip("the scores are divided by their sum without exp", shared_evenly),
        Slip("a sigmoid is taken of each score by itself", sigmoids),
    ),
)
