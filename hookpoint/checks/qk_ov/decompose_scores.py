"""Checks for `decompose_scores` (part 2, notebook 13)."""

import dataclasses
import math

import torch
from torch import Tensor

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Slip, Tolerance, same

from ._heads import CFG, drawn, left_alone, loaded, of_head, ours

SHORT = dataclasses.replace(CFG, eps=0.1)
ATTENTION = dataclasses.replace(SHORT, attn_only=True)
BATCH, LENGTH = 2, 6
LOOSE = Tolerance(1e-3, float64=1e-6)  # in float64 too, the root of d_head may be a float32 tensor


def reference(model, cache, layer, head):
    """Names the arguments in messages."""


def names_before(cfg, layer):
    """Labels and hook names of what stands in the stream before a layer."""
    named = [("embed", "hook_embed"), ("pos_embed", "hook_pos_embed")]
    for at in range(layer):
        kinds = ("attn_out",) if cfg.attn_only else ("attn_out", "mlp_out")
        named += [(f"{kind} {at}", f"blocks.{at}.hook_{kind}") for kind in kinds]
    return named


def pairs(weights, cache, layer, head, cfg):
    """Every pair of parts by itself, position by position with a plain LayerNorm, in float64."""
    weights, cache = ({name: value.double() for name, value in some.items()} for some in (weights, cache))
    W_Q, W_K, b_Q, b_K = of_head(weights, layer, head, "W_Q", "W_K", "b_Q", "b_K")
    gain, shift = weights[f"blocks.{layer}.ln1.w"], weights[f"blocks.{layer}.ln1.b"]
    stream = cache[f"blocks.{layer}.hook_resid_pre"]
    scale = (stream.var(dim=-1, unbiased=False, keepdim=True) + cfg.eps).sqrt()
    queries, keys = [], []
    for _, name in names_before(cfg, layer):
        part = cache[name]
        read = gain * (part - part.mean(dim=-1, keepdim=True)) / scale
        queries.append(read @ W_Q)
        keys.append(read @ W_K)
    queries.append((shift @ W_Q + b_Q).expand_as(queries[0]))
    keys.append((shift @ W_K + b_K).expand_as(keys[0]))
    rows = [torch.stack([q @ k.mT for k in keys]) for q in queries]
    return torch.stack(rows) / math.sqrt(cfg.d_head)


def asked(learner, draw, cfg, layer, head, dtype=torch.float32, weights=None):
    """The learner's (values, labels), the weights and the cache they were made of."""
    weights = drawn(draw, cfg, dtype) if weights is None else weights
    tokens = draw.ids(cfg.d_vocab, BATCH, LENGTH)
    _, cache = ours(weights, cfg).run_with_cache(tokens)
    model = loaded(learner, weights, cfg)
    values, labels = learner.decompose_scores(model, cache, layer, head)
    expected = [label for label, _ in names_before(cfg, layer)] + ["bias"]
    if list(labels) != expected:
        raise Mismatch(f"gives the labels {list(labels)}, expected {expected}.")
    shape = (len(expected), len(expected), BATCH, LENGTH, LENGTH)
    if values.shape != shape:
        raise Mismatch(f"gives values of shape {list(values.shape)}, expected {list(shape)}.")
    left_alone(learner, model, weights)
    return values, weights, cache


def allowed(values):
    """Entries of the future are open."""
    return values.tril()


def sums_to_scores(learner, draw):
    """Summed over both kinds of part, the values are the head's scores, wherever the mask allows."""
    for cfg, layer, head, dtype in ((SHORT, 2, 1, torch.float32), (ATTENTION, 0, 2, torch.float64)):
        values, _, cache = asked(learner, draw, cfg, layer, head, dtype)
        want = cache[f"blocks.{layer}.attn.hook_attn_scores"][:, head]
        same(allowed(values.sum(dim=(0, 1))), allowed(want), f"in the sum over parts for head {layer}.{head}", LOOSE)


def each_pair(learner, draw):
    """Entry (i, j) is what part i in the query and part j in the key give together, at LayerNorm's scale in the run."""
    for cfg, layer, head, dtype in (
        (SHORT, 1, 1, torch.float64),
        (ATTENTION, 2, 2, torch.float32),
        (ATTENTION, 2, 2, torch.float32),  # another run, of another model of these sizes
    ):
        values, weights, cache = asked(learner, draw, cfg, layer, head, dtype)
        want = pairs(weights, cache, layer, head, cfg).to(dtype)
        same(allowed(values), allowed(want), f"for head {layer}.{head}", LOOSE)


def exact(learner, draw):
    """Where a head is built to read positions by its queries and tokens by its keys, no other pair gives anything."""
    cfg = dataclasses.replace(ATTENTION, d_model=8)
    weights = {name: 0 * w for name, w in drawn(draw, cfg, torch.float64).items()}
    signs = torch.tensor([1.0, -1.0, 1.0, -1.0]).double()
    weights["embed.W_E"][:, :4] = draw.normal(cfg.d_vocab, 1, dtype=torch.float64) * signs
    weights["pos_embed.W_pos"][:, 4:] = (1 + draw.normal(cfg.n_ctx, 1, dtype=torch.float64).abs()) * signs
    for layer in range(cfg.n_layers):
        weights[f"blocks.{layer}.ln1.w"] += 1
    weights["blocks.1.attn.W_Q"][1, 4, 0] = 1
    weights["blocks.1.attn.W_K"][1, 0, 0] = 1
    values, _, cache = asked(learner, draw, cfg, 1, 1, weights=weights)
    scale = cache["blocks.1.ln1.hook_scale"][..., 0]
    query = cache["hook_pos_embed"][..., 4] / scale
    key = cache["hook_embed"][..., 0] / scale
    want = torch.zeros_like(values)
    want[1, 0] = query[:, :, None] * key[:, None] / math.sqrt(cfg.d_head)
    same(allowed(values), allowed(want), "for a head that compares positions with tokens", LOOSE)


def parts_of(model, cache, layer, extra=0):
    named = [("embed", "hook_embed"), ("pos_embed", "hook_pos_embed")]
    for at in range(layer + extra):
        for kind in ("attn_out", "mlp_out"):
            if f"blocks.{at}.hook_{kind}" in cache:
                named.append((f"{kind} {at}", f"blocks.{at}.hook_{kind}"))
    return [label for label, _ in named], torch.stack([cache[name] for _, name in named])


def computed(model, cache, layer, head, scale=None, centre=True, gain=True, bias=True, shift=True, width=None, extra=0):
    ln, attn = model.blocks[layer].ln1, model.blocks[layer].attn
    labels, parts = parts_of(model, cache, layer, extra)
    if centre:
        parts = parts - parts.mean(dim=-1, keepdim=True)
    scale = cache[f"blocks.{layer}.ln1.hook_scale"] if scale is None else scale
    read = parts / scale * (ln.w if gain else 1)
    sides = []
    for W, b in ((attn.W_Q[head], attn.b_Q[head]), (attn.W_K[head], attn.b_K[head])):
        constant = (ln.b @ W if shift else 0) + (b if bias else 0 * b)
        sides.append(torch.cat([read @ W, constant.expand(1, *read.shape[1:3], -1)]))
    width = model.cfg.d_head if width is None else width
    return torch.einsum("xbqh,ybkh->xybqk", *sides) / width**0.5, [*labels, "bias"]


def no_biases(model, cache, layer, head):
    values, labels = computed(model, cache, layer, head, bias=False, shift=False)
    return values, labels


def bias_left_out(model, cache, layer, head):
    values, labels = computed(model, cache, layer, head)
    return values[:-1, :-1], labels[:-1]


def head_bias_alone(model, cache, layer, head):
    return computed(model, cache, layer, head, shift=False)


def shift_alone(model, cache, layer, head):
    return computed(model, cache, layer, head, bias=False)


def own_scales(model, cache, layer, head):
    _, parts = parts_of(model, cache, layer)
    scale = (parts.var(dim=-1, unbiased=False, keepdim=True) + model.cfg.eps).sqrt()
    return computed(model, cache, layer, head, scale=scale)


def no_normalising(model, cache, layer, head):
    return computed(model, cache, layer, head, scale=1, centre=False, gain=False, shift=False)


def not_centred(model, cache, layer, head):
    return computed(model, cache, layer, head, centre=False)


def no_gain(model, cache, layer, head):
    return computed(model, cache, layer, head, gain=False)


def other_scale(model, cache, layer, head):
    return computed(model, cache, layer, head, scale=cache["blocks.0.ln1.hook_scale"])


def unscaled(model, cache, layer, head):
    return computed(model, cache, layer, head, width=1)


def own_layer_too(model, cache, layer, head):
    return computed(model, cache, layer, head, extra=1)


def key_first(model, cache, layer, head):
    values, labels = computed(model, cache, layer, head)
    return values.transpose(0, 1), labels


def positions_swapped(model, cache, layer, head):
    values, labels = computed(model, cache, layer, head)
    return values.mT, labels


def batch_summed(model, cache, layer, head):
    values, labels = computed(model, cache, layer, head)
    return values.sum(dim=2, keepdim=True).expand_as(values), labels


def other_head(model, cache, layer, head):
    return computed(model, cache, layer, 0)


def merged(model, cache, layer, head):
    values, labels = computed(model, cache, layer, head)
    values = torch.cat([values[:1] + values[1:2], values[2:]])
    values = torch.cat([values[:, :1] + values[:, 1:2], values[:, 2:]], dim=1)
    return values, labels[1:]


def bias_in_one_entry(model, cache, layer, head):
    values, labels = computed(model, cache, layer, head, bias=False, shift=False)
    rest = computed(model, cache, layer, head)[0].sum(dim=(0, 1)) - values.sum(dim=(0, 1))
    values[-1, -1] = rest
    return values, labels


EXERCISE = Exercise(
    "decompose_scores",
    checks=(sums_to_scores, each_pair, exact),
    reference=reference,
    gives=(Tensor, list),
    needs={"qk_matrix": "qk_of", "FactoredMatrix": "factored"},
    tolerance=WHOLE,
    slips=(
        Slip("the bias part is 0: b_Q, b_K and LayerNorm's shift are dropped", no_biases),
        Slip("the bias part is left out", bias_left_out),
        Slip("LayerNorm's shift is missing in the bias part", head_bias_alone),
        Slip("b_Q and b_K are missing in the bias part", shift_alone),
        Slip("every part is divided by its own scale; it must be the whole stream's, as it was", own_scales),
        Slip("LayerNorm is left out", no_normalising),
        Slip("the parts are not centred", not_centred),
        Slip("LayerNorm's gain is missing", no_gain),
        Slip("the scale is that of layer 0", other_scale),
        Slip("the values are not divided by the root of d_head", unscaled),
        Slip("what the layer itself writes is among the parts, though it comes after the scores", own_layer_too),
        Slip("the first axis is the key's part and the second the query's", key_first),
        Slip("query and key positions have changed places", positions_swapped),
        Slip("the batch is added up", batch_summed),
        Slip("the head is ignored", other_head),
        Slip("embed and pos_embed are one part; here they are two", merged),
        Slip("all that the biases do is put into the entry bias with bias", bias_in_one_entry),
    ),
)
