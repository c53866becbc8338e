"""Checks for `weighted_values` (part 1, notebook 03)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Slip, agree, each, same, same_gradients


def reference(pattern, v):
    """One head at a time, a table of shares times a table of values."""
    heads = [pattern[:, head] @ v[:, :, head] for head in range(v.shape[2])]
    return torch.stack(heads, dim=2)


def inputs(draw, batch=2, heads=3, n_queries=5, n_keys=5, d_head=7):
    """Shares of any sign that sum to anything: the sum is asked for, whatever the weights are."""
    return draw.normal(batch, heads, n_queries, n_keys), draw.normal(batch, n_keys, heads, d_head)


def values(learner, draw):
    """Each query gets the sum of the keys' values, each times its share, head by head."""
    agree(learner.weighted_values, reference, *inputs(draw))


def causal_pattern(learner, draw):
    """With a causal pattern, the first position gets its own value back."""
    scores, v = inputs(draw, batch=3)
    pattern = scores.masked_fill(torch.ones(5, 5, dtype=torch.bool).triu(1), -torch.inf).softmax(dim=-1)
    z = learner.weighted_values(pattern, v)
    same(z, reference(pattern, v))
    same(z[:, 0], v[:, 0], "at the first position")


def rectangular(learner, draw):
    """There may be fewer queries than keys, and as few as one of each."""
    cases = [
        inputs(draw, n_queries=2, n_keys=7, d_head=5),
        inputs(draw, n_queries=1, n_keys=1),
        inputs(draw, n_queries=1, n_keys=6, batch=3),
        inputs(draw, n_queries=3, n_keys=3, batch=1),
    ]
    for given, got in each(learner.weighted_values, cases):
        same(got, reference(*given))
    pattern, v = (value.transpose(1, 2).contiguous().transpose(1, 2) for value in inputs(draw))
    pattern[:, 1] = 0  # a head that is silenced
    when = "with heads and positions the other way in memory, and one head whose shares are all 0"
    same(learner.weighted_values(pattern, v), reference(pattern, v), when)


def gradient(learner, draw):
    """The gradient reaches the pattern and the values."""
    same_gradients(learner.weighted_values, reference, ["pattern", "v"], *inputs(draw))


def transposed(pattern, v):
    return reference(pattern.mT, v)


def read_at_query(pattern, v):
    """einsum over the wrong index: the query's own value, times the sum of its shares."""
    return pattern.sum(dim=-1).mT[..., None] * v


def heads_first(pattern, v):
    return reference(pattern, v).transpose(1, 2)


def reshaped_back(pattern, v):
    return reference(pattern, v).transpose(1, 2).reshape(reference(pattern, v).shape)


def reshaped_values(pattern, v):
    batch, keys, heads, d_head = v.shape
    return (pattern @ v.reshape(batch, heads, keys, d_head)).transpose(1, 2)


def mixed_heads(pattern, v):
    return reference(pattern.mean(dim=1, keepdim=True).expand_as(pattern), v)


def averaged(pattern, v):
    return reference(pattern, v) / v.shape[1]


def softmax_again(pattern, v):
    return reference(pattern.softmax(dim=-1), v)


def renormalised(pattern, v):
    return reference(pattern / pattern.sum(dim=-1, keepdim=True), v)


EXERCISE = Exercise(
    "weighted_values",
    checks=(values, causal_pattern, rectangular, gradient),
    reference=reference,
    gives=Tensor,
    forbids=("attention",),
    slips=(
        Slip("the pattern is transposed: each key's column is used where each query's row should be", transposed),
        Slip("each position reads its own value: v is indexed by the query instead of the key", read_at_query),
        Slip("the axes of z come as [batch, head, query, d_head]", heads_first),
        Slip(
            "[batch, head, query, d_head] is reshaped instead of transposed, which mixes heads and positions",
            reshaped_back,
        ),
        Slip(
            "v is reshaped to [batch, head, key, d_head] instead of transposed, which mixes heads and positions",
            reshaped_values,
        ),
        Slip("all heads share the mean of their patterns", mixed_heads),
        Slip("the sum is divided by the number of keys, although the shares already weight it", averaged),
        Slip("a softmax is taken of the pattern, which has been through one", softmax_again),
        Slip("the rows of the pattern are divided by their sum here", renormalised),
    ),
)
