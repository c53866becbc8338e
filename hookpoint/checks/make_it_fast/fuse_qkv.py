"""Checks for `fuse_qkv` (part 1, notebook 08b)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Slip, same
from hookpoint.checks.model_and_loss._functional import doubled, same_pull, tracked

from ._layers import a_layer, some_weights

NAMES = ("W_Q", "W_K", "W_V", "b_Q", "b_K", "b_V")


def reference(attn):
    """Column by column: the kind, then the head, then the place in the head; `attn` is a dict of weights."""
    columns, entries = [], []
    for part in "QKV":
        for W, b in zip(attn[f"W_{part}"], attn[f"b_{part}"], strict=True):
            columns += list(W.T)
            entries += list(b)
    return torch.stack(columns, dim=1), torch.stack(entries)


def values(learner, draw):
    """All queries' columns come first, then the keys', then the values', head after head; the biases likewise."""
    weights = some_weights(draw)
    for kind in (weights, doubled(weights)):
        same(learner.fuse_qkv(a_layer(learner, kind)), reference(kind))


def one_product(learner, draw):
    """x @ W + b holds the queries, keys and values that the layer computes."""
    weights, x = some_weights(draw), draw.normal(2, 4, 14)
    W, b = learner.fuse_qkv(a_layer(learner, weights))
    q, k, v = (x[:, None] @ weights[f"W_{part}"] + weights[f"b_{part}"][:, None] for part in "QKV")
    for part, want, got in zip("qkv", (q, k, v), (x @ W + b).unflatten(-1, (3, 3, 5)).unbind(2), strict=True):
        same(got, want.transpose(1, 2), f"as {part}, when x meets W and b")


def gradient(learner, draw):
    """The gradient reaches the layer's own parameters."""
    weights = tracked(some_weights(draw))
    W, b = learner.fuse_qkv(a_layer(learner, weights))
    want_W, want_b = reference(weights)
    leaves = {name: weights[name] for name in NAMES}
    along = draw.normal(15, 45, dtype=torch.float64)
    same_pull(torch.cat([W, b[None]]), torch.cat([want_W, want_b[None]]), along, leaves)


def anew(learner, draw):
    """The weights are read at each call: those of a layer that has been trained on give another result."""
    layer = a_layer(learner, some_weights(draw))
    learner.fuse_qkv(layer)
    changed = some_weights(draw)
    learner.given.load(layer, changed)
    same(learner.fuse_qkv(layer), reference(changed), "after the layer's weights have changed")


def both(attn, join):
    return join([attn.W_Q, attn.W_K, attn.W_V]), torch.cat([attn.b_Q, attn.b_K, attn.b_V]).flatten()


def side_by_side(matrices):
    return torch.cat([W.transpose(0, 1).flatten(1) for W in matrices], dim=1)


def right(attn):
    return both(attn, side_by_side)


def reshaped(attn):
    return both(attn, lambda matrices: torch.cat([W.reshape(W.shape[1], -1) for W in matrices], dim=1))


def transposed(attn):
    W, b = right(attn)
    return W.T, b


def head_by_head(attn):
    """Queries, keys and values of the first head, then those of the second ..."""
    W = torch.cat([attn.W_Q, attn.W_K, attn.W_V], dim=-1).transpose(0, 1).flatten(1)
    return W, torch.cat([attn.b_Q, attn.b_K, attn.b_V], dim=-1).flatten()


def biases_in_other_order(attn):
    W, _ = right(attn)
    return W, torch.cat([attn.b_Q, attn.b_K, attn.b_V], dim=-1).flatten()


def heads_fastest(attn):
    W = torch.cat([W.permute(1, 2, 0).flatten(1) for W in (attn.W_Q, attn.W_K, attn.W_V)], dim=1)
    return W, torch.cat([b.T.flatten() for b in (attn.b_Q, attn.b_K, attn.b_V)])


def keys_first(attn):
    W = side_by_side([attn.W_K, attn.W_Q, attn.W_V])
    return W, torch.cat([attn.b_K, attn.b_Q, attn.b_V]).flatten()


def values_before_keys(attn):
    W = side_by_side([attn.W_Q, attn.W_V, attn.W_K])
    return W, torch.cat([attn.b_Q, attn.b_V, attn.b_K]).flatten()


def no_biases(attn):
    W, b = right(attn)
    return W, torch.zeros_like(b)


def bias_table(attn):
    W, _ = right(attn)
    return W, torch.stack([attn.b_Q, attn.b_K, attn.b_V])


def detached(attn):
    W, b = right(attn)
    return W.detach(), b.detach()


def scaled_queries(attn):
    W, b = right(attn)
    size = attn.b_Q.numel()
    factor = torch.ones_like(b)
    factor[:size] = attn.W_Q.shape[-1] ** -0.5
    return W * factor, b * factor


def one_head(attn):
    return side_by_side([W[:1] for W in (attn.W_Q, attn.W_K, attn.W_V)]), torch.cat(
        [attn.b_Q[0], attn.b_K[0], attn.b_V[0]]
    )


EXERCISE = Exercise(
    "fuse_qkv",
    checks=(values, one_product, gradient, anew),
    reference=reference,
    gives=(Tensor, Tensor),
    slips=(
        Slip("each matrix is reshaped to [d_model, heads * d_head] before d_model is moved to the front", reshaped),
        Slip("W is transposed: its rows belong to d_model, its columns to q, k and v", transposed),
        Slip("the columns go head by head (q, k, v of the first head, then of the second)", head_by_head),
        Slip("the biases go head by head, while the columns go kind by kind", biases_in_other_order),
        Slip("the heads vary fastest and the places within a head slowest", heads_fastest),
        Slip("the keys come before the queries", keys_first),
        Slip("the values come before the keys", values_before_keys),
        Slip("the biases are left out", no_biases),
        Slip("the biases come as a table [3, heads, d_head]", bias_table),
        Slip("the result is detached from the layer's parameters", detached),
        Slip("the queries are already divided by the root of d_head, which attention does later", scaled_queries),
        Slip("only the first head is there", one_head),
    ),
)
