"""Checks for `fused_attention` (part 1, notebook 08b)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Slip, same
from hookpoint.checks.model_and_loss._functional import doubled, same_pull, tracked
from hookpoint.model.fast import fuse_qkv

from ._layers import CFG, a_layer, some_weights, whole


def reference(attn, x):
    """One head at a time, by the definition; `attn` is a dict of weights."""
    return whole(x, attn)


def values(learner, draw):
    """The result is that of the layer, in float32 and in float64, for any memory layout."""
    weights, x = some_weights(draw), draw.normal(2, 7, CFG.d_model)
    for kind, given, when in (
        (weights, x, ""),
        (doubled(weights), x.double(), "in float64"),
        (weights, x.mT.contiguous().mT, "with an x that is not contiguous"),
    ):
        same(learner.fused_attention(a_layer(learner, kind), given), whole(given, kind), when)


def one_position(learner, draw):
    """It takes one position, and one sequence."""
    weights = some_weights(draw)
    for shape in ((3, 1), (1, 4), (2, 2)):
        x = draw.normal(*shape, CFG.d_model)
        same(learner.fused_attention(a_layer(learner, weights), x), whole(x, weights), f"for x {[*shape, CFG.d_model]}")


def causality(learner, draw):
    """A position that changes leaves the results of all earlier ones as they were."""
    weights, x = some_weights(draw), draw.normal(2, 6, CFG.d_model)
    changed = x.clone()
    changed[:, 4] = 5 * draw.normal(2, CFG.d_model)
    layer = a_layer(learner, weights)
    same(learner.fused_attention(layer, x), whole(x, weights))
    same(learner.fused_attention(layer, changed), whole(changed, weights), "after position 4 changed")


def anew(learner, draw):
    """The weights are read at each call: those of a layer that has been trained on give another result."""
    x = draw.normal(2, 5, CFG.d_model)
    layer = a_layer(learner, some_weights(draw))
    learner.fused_attention(layer, x)
    changed = some_weights(draw)
    learner.given.load(layer, changed)
    same(learner.fused_attention(layer, x), whole(x, changed), "after the layer's weights have changed")


def gradient(learner, draw):
    """The gradient reaches x and every parameter of the layer."""
    weights = tracked(some_weights(draw))
    x = draw.normal(2, 5, CFG.d_model, dtype=torch.float64).requires_grad_()
    got = learner.fused_attention(a_layer(learner, weights), x)
    # b_K cannot change the result, so its gradient is 0 up to rounding.
    same_pull(got, whole(x, weights), draw.normal(2, 5, CFG.d_model, dtype=torch.float64), {"x": x, **weights})


def few_products(learner, draw):
    """Two matrix products and one call of torch's attention kernel, however many heads there are."""
    weights, x = some_weights(draw), draw.normal(2, 7, CFG.d_model)
    layer = a_layer(learner, weights)
    same(learner.fused_attention(layer, x), whole(x, weights))
    noted = learner.given.products_of(learner.fused_attention, layer, x)
    if noted["kernels"] != 1:
        line = "  Let scaled_dot_product_attention do scores, mask, softmax and weighted values, for all heads at once."
        raise Mismatch(f"calls a fused attention kernel {noted['kernels']} times, expected once.", line)
    if noted["products"] > 2:
        line = "  One for all heads' queries, keys and values, and one for the output."
        raise Mismatch(f"makes {noted['products']} matrix products beside the kernel, where 2 are enough.", line)


def projected(attn, x):
    """q, k and v, each [batch, head, pos, d_head]."""
    W, b = fuse_qkv(attn)
    return (x @ W + b).unflatten(-1, (3, *attn.b_Q.shape)).permute(2, 0, 3, 1, 4)


def written(attn, z):
    return z.transpose(1, 2).flatten(2) @ attn.W_O.flatten(0, 1) + attn.b_O


def not_causal(attn, x):
    return written(attn, F.scaled_dot_product_attention(*projected(attn, x)))


def scaled_twice(attn, x):
    q, k, v = projected(attn, x)
    return written(attn, F.scaled_dot_product_attention(q / q.shape[-1] ** 0.5, k, v, is_causal=True))


def unscaled(attn, x):
    q, k, v = projected(attn, x)
    return written(attn, F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=1.0))


def positions_as_heads(attn, x):
    """The kernel gets [batch, pos, head, d_head] and takes heads for positions."""
    q, k, v = (part.transpose(1, 2) for part in projected(attn, x))
    return F.scaled_dot_product_attention(q, k, v, is_causal=True).flatten(2) @ attn.W_O.flatten(0, 1) + attn.b_O


def heads_mixed(attn, x):
    z = F.scaled_dot_product_attention(*projected(attn, x), is_causal=True)
    return z.reshape(len(x), x.shape[1], -1) @ attn.W_O.flatten(0, 1) + attn.b_O


def split_by_head(attn, x):
    W, b = fuse_qkv(attn)
    heads, d_head = attn.b_Q.shape
    q, k, v = (x @ W + b).unflatten(-1, (heads, 3, d_head)).permute(3, 0, 2, 1, 4)
    return written(attn, F.scaled_dot_product_attention(q, k, v, is_causal=True))


def values_as_keys(attn, x):
    q, k, v = projected(attn, x)
    return written(attn, F.scaled_dot_product_attention(q, v, k, is_causal=True))


def no_output_bias(attn, x):
    return written(attn, F.scaled_dot_product_attention(*projected(attn, x), is_causal=True)) - attn.b_O


def no_biases(attn, x):
    W, _ = fuse_qkv(attn)
    q, k, v = (x @ W).unflatten(-1, (3, *attn.b_Q.shape)).permute(2, 0, 3, 1, 4)
    return written(attn, F.scaled_dot_product_attention(q, k, v, is_causal=True))


def not_written(attn, x):
    """No projection by W_O: what the heads read comes back, cut to the stream's width."""
    z = F.scaled_dot_product_attention(*projected(attn, x), is_causal=True)
    return z.transpose(1, 2).flatten(2)[..., : x.shape[-1]]


def three_products(attn, x):
    q, k, v = (
        torch.einsum("btd,hdk->bhtk", x, getattr(attn, f"W_{p}")) + getattr(attn, f"b_{p}")[:, None] for p in "QKV"
    )
    return written(attn, F.scaled_dot_product_attention(q, k, v, is_causal=True))


def no_kernel(attn, x):
    q, k, v = projected(attn, x)
    hidden = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
    pattern = (q @ k.mT / q.shape[-1] ** 0.5).masked_fill(hidden, -torch.inf).softmax(-1)
    return written(attn, pattern @ v)


def the_layer_itself(attn, x):
    return attn(x)


def no_gradient(attn, x):
    with torch.no_grad():
        return written(attn, F.scaled_dot_product_attention(*projected(attn, x), is_causal=True))


EXERCISE = Exercise(
    "fused_attention",
    checks=(values, one_position, causality, gradient, anew, few_products),
    reference=reference,
    gives=Tensor,
    needs={"fuse_qkv": "hookpoint.model.fast:fuse_qkv"},
    tolerance=WHOLE,
    slips=(
        Slip("nothing is masked: every position sees the future", not_causal),
        Slip("the queries are divided by the root of d_head, and the kernel does it again", scaled_twice),
        Slip("the scores are not divided by the root of d_head", unscaled),
        Slip("the kernel gets [batch, pos, head, d_head], and takes heads for positions", positions_as_heads),
        Slip("what the heads give is reshaped to [batch, pos, ...] without a transpose first", heads_mixed),
        Slip("the columns are split head by head, while they go kind by kind", split_by_head),
        Slip("keys and values are swapped", values_as_keys),
        Slip("b_O is not added", no_output_bias),
        Slip("the fused bias is not added", no_biases),
        Slip("W_O is not applied", not_written),
        Slip("queries, keys and values are still three products", three_products),
        Slip("scores and weighted values are products of your own, not the kernel's", no_kernel),
        Slip("the layer is called as it was: nothing is fused", the_layer_itself),
        Slip("the result carries no gradient", no_gradient),
    ),
)
