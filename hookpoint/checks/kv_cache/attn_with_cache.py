"""Checks for `attn_with_cache` (part 1, notebook 08)."""

import math
from dataclasses import replace

import torch
from torch import Tensor

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Slip, same
from hookpoint.checks.model_and_loss._functional import attention, block_shapes, drawn
from hookpoint.model.cache import KVCache

from ._caches import BATCH, CFG, needed_cache

SHAPES = {name.removeprefix("attn."): shape for name, shape in block_shapes(CFG).items() if name.startswith("attn.")}
LENGTH = 7


def reference(attn, x_new, cache, layer):
    """The whole layer on all positions at once; `attn` is a dict of weights, `cache` what came before `x_new`."""
    whole = torch.cat([cache, x_new], dim=1)
    return attention(whole, {f"attn.{name}": weight for name, weight in attn.items()}, "attn")[:, cache.shape[1] :]


def layers(learner, draw, count=CFG.n_layers, dtype=torch.float32, opposed=False, batch=BATCH):
    """For each layer an attention module over there, its weights, and a stream [batch, pos, d_model].

    With `opposed`, keys point away from queries: what a position sees of itself scores far below 0, and a mask that is
    not low enough wins over it.
    """
    made = []
    for _ in range(count):
        weights = drawn(draw, SHAPES, dtype)
        if opposed:
            weights |= {"W_K": -20 * weights["W_Q"], "b_K": -20 * weights["b_Q"]}
        attn = learner.given.attention_layer(CFG)
        learner.given.load(attn, weights)
        made.append((attn, weights, draw.normal(batch, LENGTH, CFG.d_model, dtype=dtype)))
    return made


def through(learner, made, split):
    """The learner's outputs, part by part through all layers: [(layer, start, end, output)], and the cache."""
    cfg = replace(CFG, n_layers=len(made))
    cache = needed_cache(learner, "attn_with_cache", None, None, None, 0, cfg=cfg)
    start, outputs = 0, []
    for count in split:
        for layer, (attn, _, x) in enumerate(made):
            out = learner.attn_with_cache(attn, x[:, start : start + count], cache, layer)
            outputs.append((layer, start, start + count, out))
        start += count
    return outputs, cache


def compared(learner, made, split, how):
    """Raises `Mismatch` unless each part's output is that of the whole layer."""
    outputs, cache = through(learner, made, split)
    for layer, start, end, out in outputs:
        _, weights, x = made[layer]
        where = "position {start}" if end == start + 1 else "positions {start} to {last}"
        when = f"at {where.format(start=start, last=end - 1)} of {LENGTH} fed {how}"
        same(out, reference(weights, x[:, start:end], x[:, :start], layer), when)
    return cache


def at_once(learner, draw):
    """With an empty cache, and all positions at once, it is plain attention: nobody sees what comes later."""
    compared(learner, layers(learner, draw), (LENGTH,), "at once")


def extends(learner, draw):
    """The cache is extended by the new positions, once per call."""
    made = layers(learner, draw, 2)
    outputs, cache = through(learner, made, (3, 2))
    if (got := int(cache.length.value)) != 5:
        raise Mismatch(f"is {got} after attn_with_cache was given 3 and 2 positions in every layer, expected 5.")
    _, weights, x = made[1]
    same(outputs[-1][-1], reference(weights, x[:, 3:5], x[:, :3], 1), "at positions 3 to 4, fed after 0 to 2")


def one_by_one(learner, draw):
    """Fed one by one, each position gets what it gets in the whole sequence, in every layer."""
    compared(learner, layers(learner, draw), (1,) * 4, "one by one")


def in_parts(learner, draw):
    """Fed in parts of any size, every position sees all before it, its own part included, and none behind it."""
    compared(learner, layers(learner, draw), (1, 3, 2), "as 1 + 3 + 2")
    compared(learner, layers(learner, draw, 1, torch.float64), (5, 2), "as 5 + 2 in float64")
    compared(learner, layers(learner, draw, 1, batch=1), (2, 1, 4), "as 2 + 1 + 4 in one row")


def far_ahead(learner, draw):
    """No part of a future position leaks, not even where all that may be seen has a very low score."""
    made = layers(learner, draw, 1, opposed=True)
    changed = [(attn, weights, x.clone()) for attn, weights, x in made]
    for _, _, x in changed:
        x[:, 4] *= 3
    for split in ((2, 3), (5,)):
        before, _ = through(learner, made, split)
        after, _ = through(learner, changed, split)
        for (_, start, end, one), (_, _, _, other) in zip(before, after, strict=True):
            upto = min(end, 4) - start
            if one.shape == other.shape and not torch.allclose(one[:, :upto], other[:, :upto], atol=1e-4):
                line = f"  It was fed as {' + '.join(map(str, split))} positions."
                raise Mismatch(f"gives other results at positions {start} to 3 when position 4 changes.", line)


def qkv(attn, x_new):
    return (torch.einsum("btd,hdk->bthk", x_new, getattr(attn, f"W_{p}")) + getattr(attn, f"b_{p}") for p in "QKV")


def output(attn, q, k, v, mask, scale=None):
    scores = torch.einsum("bqhk,bthk->bhqt", q, k) / (scale or math.sqrt(q.shape[-1]))
    pattern = scores if mask is None else scores.masked_fill(~mask, -torch.inf)
    z = torch.einsum("bhqt,bthk->bqhk", pattern.softmax(-1), v)
    return torch.einsum("bqhk,hkd->bqd", z, attn.W_O) + attn.b_O


def ones(q, k):
    return torch.ones(q.shape[1], k.shape[1], dtype=torch.bool)


def no_mask(attn, x_new, cache, layer):
    q, k, v = qkv(attn, x_new)
    return output(attn, q, *cache.append(layer, k, v), None)


def top_left(attn, x_new, cache, layer):
    q, k, v = qkv(attn, x_new)
    k, v = cache.append(layer, k, v)
    return output(attn, q, k, v, ones(q, k).tril())


def new_only(attn, x_new, cache, layer):
    q, k, v = qkv(attn, x_new)
    cache.append(layer, k, v)
    return output(attn, q, k, v, ones(q, k).tril())


def past_only(attn, x_new, cache, layer):
    q, k, v = qkv(attn, x_new)
    k, v = cache.append(layer, k, v)
    mask = ones(q, k).tril(k.shape[1] - q.shape[1] - 1)
    mask[:, 0] = True
    return output(attn, q, k, v, mask)


def one_ahead(attn, x_new, cache, layer):
    q, k, v = qkv(attn, x_new)
    k, v = cache.append(layer, k, v)
    return output(attn, q, k, v, ones(q, k).tril(k.shape[1] - q.shape[1] + 1))


def first_layer_always(attn, x_new, cache, layer):
    q, k, v = qkv(attn, x_new)
    k, v = cache.append(0, k, v)
    return output(attn, q, k, v, ones(q, k).tril(k.shape[1] - q.shape[1]))


def appended_twice(attn, x_new, cache, layer):
    q, k, v = qkv(attn, x_new)
    cache.append(layer, k, v)
    k, v = cache.append(layer, k, v)
    return output(attn, q, k, v, ones(q, k).tril(k.shape[1] - q.shape[1]))


def nothing_stored(attn, x_new, cache, layer):
    q, k, v = qkv(attn, x_new)
    return output(attn, q, k, v, ones(q, k).tril())


def without_biases(attn, x_new, cache, layer):
    q, k, v = (torch.einsum("btd,hdk->bthk", x_new, getattr(attn, f"W_{p}")) for p in "QKV")
    k, v = cache.append(layer, k, v)
    return output(attn, q, k, v, ones(q, k).tril(k.shape[1] - q.shape[1])) - attn.b_O


def without_output_bias(attn, x_new, cache, layer):
    return right(attn, x_new, cache, layer) - attn.b_O


def right(attn, x_new, cache, layer):
    q, k, v = qkv(attn, x_new)
    k, v = cache.append(layer, k, v)
    return output(attn, q, k, v, ones(q, k).tril(k.shape[1] - q.shape[1]))


def unscaled(attn, x_new, cache, layer):
    q, k, v = qkv(attn, x_new)
    k, v = cache.append(layer, k, v)
    return output(attn, q, k, v, ones(q, k).tril(k.shape[1] - q.shape[1]), scale=1.0)


def scaled_by_share(attn, x_new, cache, layer):
    q, k, v = qkv(attn, x_new)
    k, v = cache.append(layer, k, v)
    scale = math.sqrt(x_new.shape[-1] / q.shape[2])
    return output(attn, q, k, v, ones(q, k).tril(k.shape[1] - q.shape[1]), scale=scale)


def last_alone(attn, x_new, cache, layer):
    return right(attn, x_new, cache, layer)[:, -1:]


def mask_by_length(attn, x_new, cache, layer):
    """`length` read after append: right in all layers but the last, where it has moved on already."""
    q, k, v = qkv(attn, x_new)
    k, v = cache.append(layer, k, v)
    return output(attn, q, k, v, ones(q, k).tril(cache.length))


EXERCISE = Exercise(
    "attn_with_cache",
    checks=(at_once, extends, one_by_one, in_parts, far_ahead),
    reference=reference,
    gives=Tensor,
    needs={"causal_mask": "hookpoint.model.attention:causal_mask"},
    tolerance=WHOLE,
    beside={"KVCache": KVCache},
    slips=(
        Slip("nothing is masked: positions that come in together see each other's future", no_mask),
        Slip(
            "the mask starts at the top left (as with is_causal=True), so new queries count as the first positions",
            top_left,
        ),
        Slip("the new positions attend to each other alone, and not to what is in the cache", new_only),
        Slip("no position attends to itself", past_only),
        Slip("each position also sees the next one", one_ahead),
        Slip("everything goes to layer 0 of the cache, whatever `layer` says", first_layer_always),
        Slip("the new keys and values are appended twice", appended_twice),
        Slip("the cache is neither read nor extended", nothing_stored),
        Slip("no bias is added", without_biases),
        Slip("b_O is not added", without_output_bias),
        Slip("the scores are not divided by anything", unscaled),
        Slip("the scores are divided by the root of d_model / n_heads, which d_head need not be", scaled_by_share),
        Slip("only the last new position comes back", last_alone),
        Slip(
            "the mask is placed by cache.length as it is after append, which moves on at the last layer", mask_by_length
        ),
    ),
)
