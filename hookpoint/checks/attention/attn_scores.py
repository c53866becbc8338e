"""Checks for `attn_scores` (part 1, notebook 03)."""

import math

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Slip, Tolerance, agree, each, same, same_gradients

from .causal_mask import reference as causal_mask

# No two alike, nor d_model // n_heads like any of them or like the square of d_head's rounded root.
BATCH, POS, D_MODEL, HEADS, D_HEAD = 2, 7, 19, 3, 5

BEYOND = 1e50  # more than float32 can hold
SCALED = Tolerance(1e-5, float64=1e-6)  # in float64 too, the root of d_head may be a float32 tensor


def reference(x, W_Q, b_Q, W_K, b_K):
    """One head at a time, by plain matrix products."""
    heads = []
    for head in range(len(W_Q)):
        q, k = x @ W_Q[head] + b_Q[head], x @ W_K[head] + b_K[head]
        heads.append(q @ k.mT / math.sqrt(W_Q.shape[-1]))
    return torch.stack(heads, dim=1)


def inputs(draw, batch=BATCH, pos=POS, d_model=D_MODEL, heads=HEADS, d_head=D_HEAD):
    matrices = [draw.normal(heads, d_model, d_head, std=0.5) for _ in range(2)]
    biases = [draw.normal(heads, d_head) for _ in range(2)]
    return draw.normal(batch, pos, d_model), matrices[0], biases[0], matrices[1], biases[1]


def values(learner, draw):
    """Each score is a query times a key, divided by the square root of d_head."""
    agree(learner.attn_scores, reference, *inputs(draw))


def other_sizes(learner, draw):
    """The same for one position, for one head, and where d_head is larger than d_model."""
    sizes = {"pos": 1}, {"heads": 1}, {"d_model": 2, "d_head": 11}, {"pos": HEADS, "batch": 1}
    for given, got in each(learner.attn_scores, [inputs(draw, **{"batch": 3, **size}) for size in sizes]):
        same(got, reference(*given))
    x, W_Q, b_Q, W_K, b_K = (value.double() for value in inputs(draw))
    given = x, BEYOND * W_Q, BEYOND * b_Q, W_K / BEYOND, b_K / BEYOND
    same(learner.attn_scores(*given), reference(*given), "in float64, with queries too large for float32")


def key_bias(learner, draw):
    """b_K adds the same number to a query's scores for all keys: it must be there, although no softmax will see it."""
    x, W_Q, b_Q, W_K, b_K = inputs(draw)
    moved = learner.attn_scores(x, W_Q, b_Q, W_K, b_K + 3)
    same(moved, reference(x, W_Q, b_Q, W_K, b_K + 3))


def gradient(learner, draw):
    """The gradient reaches x, both matrices and both biases."""
    same_gradients(learner.attn_scores, reference, ["x", "W_Q", "b_Q", "W_K", "b_K"], *inputs(draw, pos=5))


def queries_and_keys(x, W_Q, b_Q, W_K, b_K):
    return x[:, None] @ W_Q + b_Q[:, None], x[:, None] @ W_K + b_K[:, None]


def divided(root, x, W_Q, b_Q, W_K, b_K):
    q, k = queries_and_keys(x, W_Q, b_Q, W_K, b_K)
    return q @ k.mT / root


def unscaled(x, W_Q, b_Q, W_K, b_K):
    return divided(1, x, W_Q, b_Q, W_K, b_K)


def scaled_twice(x, W_Q, b_Q, W_K, b_K):
    return divided(W_Q.shape[-1], x, W_Q, b_Q, W_K, b_K)


def multiplied(x, W_Q, b_Q, W_K, b_K):
    return divided(W_Q.shape[-1] ** -0.5, x, W_Q, b_Q, W_K, b_K)


def root_of_d_model(x, W_Q, b_Q, W_K, b_K):
    return divided(x.shape[-1] ** 0.5, x, W_Q, b_Q, W_K, b_K)


def root_of_share(x, W_Q, b_Q, W_K, b_K):
    return divided((x.shape[-1] / len(W_Q)) ** 0.5, x, W_Q, b_Q, W_K, b_K)


def root_of_floored_share(x, W_Q, b_Q, W_K, b_K):
    return divided(max(x.shape[-1] // len(W_Q), 1) ** 0.5, x, W_Q, b_Q, W_K, b_K)


def root_of_positions(x, W_Q, b_Q, W_K, b_K):
    return divided(x.shape[1] ** 0.5, x, W_Q, b_Q, W_K, b_K)


def root_of_heads(x, W_Q, b_Q, W_K, b_K):
    return divided(len(W_Q) ** 0.5, x, W_Q, b_Q, W_K, b_K)


def transposed(x, W_Q, b_Q, W_K, b_K):
    return reference(x, W_Q, b_Q, W_K, b_K).mT


def without_biases(x, W_Q, b_Q, W_K, b_K):
    return reference(x, W_Q, 0 * b_Q, W_K, 0 * b_K)


def without_query_bias(x, W_Q, b_Q, W_K, b_K):
    return reference(x, W_Q, 0 * b_Q, W_K, b_K)


def without_key_bias(x, W_Q, b_Q, W_K, b_K):
    return reference(x, W_Q, b_Q, W_K, 0 * b_K)


def swapped_biases(x, W_Q, b_Q, W_K, b_K):
    return reference(x, W_Q, b_K, W_K, b_Q)


def one_matrix(x, W_Q, b_Q, W_K, b_K):
    return reference(x, W_Q, b_Q, W_Q, b_K)


def query_bias_twice(x, W_Q, b_Q, W_K, b_K):
    return reference(x, W_Q, b_Q, W_K, b_Q)


def matrices_reshaped(x, W_Q, b_Q, W_K, b_K):
    """One wide matrix, as in the paper, whose columns are not the heads' columns."""
    heads, d_model, d_head = W_Q.shape
    W_Q, W_K = (W.reshape(d_model, heads, d_head).transpose(0, 1) for W in (W_Q, W_K))
    return reference(x, W_Q, b_Q, W_K, b_K)


def positions_mixed(x, W_Q, b_Q, W_K, b_K):
    batch, pos, _ = x.shape
    q, k = (
        vectors.transpose(1, 2).reshape(batch, len(W_Q), pos, -1) for vectors in queries_and_keys(x, W_Q, b_Q, W_K, b_K)
    )
    return q @ k.mT / math.sqrt(W_Q.shape[-1])


def queries_only(x, W_Q, b_Q, W_K, b_K):
    return reference(x, W_Q, b_Q, W_Q, b_Q)


def bias_unscaled(x, W_Q, b_Q, W_K, b_K):
    """The query's product is scaled before its bias is added."""
    return reference(x, W_Q, b_Q * math.sqrt(W_Q.shape[-1]), W_K, b_K)


def masked(x, W_Q, b_Q, W_K, b_K):
    return reference(x, W_Q, b_Q, W_K, b_K).masked_fill(~causal_mask(x.shape[1], x.shape[1]), -torch.inf)


def softmax_too(x, W_Q, b_Q, W_K, b_K):
    return reference(x, W_Q, b_Q, W_K, b_K).softmax(dim=-1)


EXERCISE = Exercise(
    "attn_scores",
    checks=(values, other_sizes, key_bias, gradient),
    reference=reference,
    gives=Tensor,
    tolerance=SCALED,
    forbids=("attention",),
    slips=(
        Slip("the scores are not divided by anything", unscaled),
        Slip("the scores are divided by d_head, or by its root twice, instead of once by its root", scaled_twice),
        Slip("the scores are multiplied by the root of d_head instead of divided by it", multiplied),
        Slip("the scores are divided by the root of d_model instead of d_head", root_of_d_model),
        Slip("the scores are divided by the root of d_model / n_heads, which d_head need not be", root_of_share),
        Slip(
            "the scores are divided by the root of d_model // n_heads, which d_head need not be", root_of_floored_share
        ),
        Slip("the scores are divided by the root of the number of positions instead of d_head", root_of_positions),
        Slip("the scores are divided by the root of the number of heads instead of d_head", root_of_heads),
        Slip("queries and keys are swapped: rows must be queries and columns keys", transposed),
        Slip("neither b_Q nor b_K is added", without_biases),
        Slip("b_Q is not added", without_query_bias),
        Slip("b_K is not added", without_key_bias),
        Slip("b_Q goes to the keys and b_K to the queries", swapped_biases),
        Slip("b_Q is added to the keys too, instead of b_K", query_bias_twice),
        Slip("the keys are made with W_Q instead of W_K", one_matrix),
        Slip(
            "W_Q and W_K are reshaped to [d_model, n_heads * d_head] before d_model is moved to the front",
            matrices_reshaped,
        ),
        Slip(
            "[batch, pos, head, d_head] is reshaped to [batch, head, pos, d_head] instead of transposed",
            positions_mixed,
        ),
        Slip("keys and queries are the same vectors, made with W_Q and b_Q", queries_only),
        Slip("the query is scaled before its bias is added, so the bias is not scaled", bias_unscaled),
        Slip("the future is already masked here", masked),
        Slip("a softmax is already taken here", softmax_too),
    ),
)
