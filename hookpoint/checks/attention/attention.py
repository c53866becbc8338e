"""Checks for `attention`, the class `Attention` (part 1, notebook 03)."""

import math
from dataclasses import replace

import torch
from torch.nn import functional as F

from hookpoint.checks.author import Exercise, Mismatch, Slip, build, same
from hookpoint.checks.compare import Tolerance
from hookpoint.model import Config

from ._layer import SHAPES, Steps
from .apply_mask import reference as apply_mask
from .attn_pattern import reference as attn_pattern
from .attn_scores import reference as attn_scores
from .causal_mask import given
from .causal_mask import reference as causal_mask
from .combine_heads import reference as combine_heads
from .weighted_values import reference as weighted_values

CFG = Config(d_vocab=23, n_ctx=11, d_model=14, n_layers=2, n_heads=3, d_head=5, d_mlp=17)
HUGE = 1e5  # a token this large has scores of about 200,000: lowering them by less leaves them the highest
LOW = 1e5  # a fixed fill above -LOW is the highest score of a row whose own scores are lower than that
SCALED = Tolerance(1e-3, float64=1e-6)  # in float64 too, the root of d_head may be a float32 tensor
ROUGHLY = Tolerance(5e-2, float64=5e-2)  # at -LOW, float32 inside an answer rounds to hundredths; a leak is the whole


def reference(x, W_Q, W_K, W_V, W_O, b_Q, b_K, b_V, b_O):
    """PyTorch's own attention between four projections."""
    q, k, v = (x[:, None] @ W + b[:, None] for W, b in ((W_Q, b_Q), (W_K, b_K), (W_V, b_V)))
    z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return torch.einsum("bhtk,hkd->btd", z, W_O) + b_O


def weights(draw, cfg=CFG, dtype=torch.float32):
    """Matrices that give scores of a few units, and biases of that size."""
    sizes = {name: [getattr(cfg, size) for size in shape] for name, shape in SHAPES.items()}
    return {name: draw.normal(*size, std=0.4 if name[0] == "W" else 1, dtype=dtype) for name, size in sizes.items()}


def values(learner, draw):
    """The layer agrees with PyTorch's causal attention for any batch and length."""
    w = weights(draw)
    layer = build(learner.Attention, CFG, w)
    for batch, pos in ((3, 5), (2, 1), (2, CFG.n_ctx)):
        x = draw.normal(batch, pos, CFG.d_model)
        same(layer(x), reference(x, **w))
    w = {name: value.double() for name, value in w.items()}
    x = draw.normal(3, 5, CFG.d_model, dtype=torch.float64).mT.contiguous().mT
    same(build(learner.Attention, CFG, w)(x), reference(x, **w), "in float64, with an input that is not contiguous")


def other_sizes(learner, draw):
    """The sizes come from the config: here with one head that is wider than the stream."""
    cfg = replace(CFG, n_heads=1, d_model=3, d_head=7)
    w, x = weights(draw, cfg), draw.normal(3, 5, cfg.d_model)
    same(build(learner.Attention, cfg, w)(x), reference(x, **w))


def large_scores(learner, draw):
    """Scores of a hundred count as they are: nothing limits them."""
    w, x = weights(draw), draw.normal(2, 5, CFG.d_model)
    w["W_Q"], w["W_K"] = 4 * w["W_Q"], 4 * w["W_K"]
    same(build(learner.Attention, CFG, w)(x), reference(x, **w), "with large scores")


def again(learner, draw):
    """A call leaves nothing behind that the next one would see, and eval mode and torch.no_grad() change no number."""
    w = weights(draw)
    x, other = draw.normal(2, 5, CFG.d_model), draw.normal(2, 5, CFG.d_model)
    layer, want = build(learner.Attention, CFG, w), reference(x, **w)
    layer(other)
    same(layer(x), want, "after a call with another input")
    layer.eval()
    same(layer(x), want, "in eval mode")
    with torch.no_grad():
        same(layer(x), want, "under torch.no_grad()")


def causality(learner, draw):
    """Later tokens move no earlier output, however large they are and however low the earlier positions' own scores."""
    w, known = weights(draw, dtype=torch.float64), 4
    # Head 0's own scores are about -LOW; the other heads' are ordinary, so that fills of different height differ.
    w["b_Q"][0] = (LOW / math.sqrt(CFG.d_head)) ** 0.5
    w["b_K"][0] = -w["b_Q"][0]
    w["W_K"][0] -= w["W_K"][0].mean(dim=-1, keepdim=True)  # keeps b_Q from telling the keys apart
    x = draw.normal(3, 7, CFG.d_model, dtype=torch.float64)
    later = torch.cat([x[:, :known], HUGE * x[:, known:]], dim=1)
    got, want = build(learner.Attention, CFG, w)(later), reference(x, **w)
    if got.shape == want.shape and got.dtype == want.dtype:
        # What comes after the change is not asked: at huge scores it is rounding.
        want = torch.cat([want[:, :known], got.detach()[:, known:]], dim=1)
    same(got, want, "at positions before the tokens that were made huge", ROUGHLY)


def head_silenced(learner, draw):
    """With one head's W_O set to 0, the layer writes what the other heads write, and b_O once."""
    w, x, head = weights(draw), draw.normal(2, 5, CFG.d_model), draw.number(0, CFG.n_heads)
    w["W_O"][head] = 0
    same(build(learner.Attention, CFG, w)(x), reference(x, **w), "with one head silenced")


def gradient(learner, draw):
    """The gradient reaches x and all eight parameters."""
    w = {name: value.requires_grad_() for name, value in weights(draw, dtype=torch.float64).items()}
    x = draw.normal(2, 5, CFG.d_model, dtype=torch.float64).requires_grad_()
    along = draw.normal(2, 5, CFG.d_model, dtype=torch.float64)
    leaves = {"x": x, **w}
    out = build(learner.Attention, CFG, w)(x)
    if not out.requires_grad:
        raise Mismatch(
            "returned a result that carries no gradient.", "  Was it detached, or computed outside torch?", got=out
        )
    got = slopes((out * along).sum(), leaves)
    want = slopes((reference(x, **w) * along).sum(), leaves)
    for name in ("x", "W_Q", "W_K", "W_V", "W_O", "b_V", "b_O"):
        same(got[name], want[name], f"in the gradient of {name}")
    # Together, because b_K's is 0: only beside b_Q's can rounding be told from a gradient.
    same(*(torch.stack([found["b_Q"], found["b_K"]]) for found in (got, want)), "in the gradients of b_Q and b_K")


def slopes(y, leaves):
    """The gradient by name, 0 for a leaf that y does not use: b_K is one, for the softmax undoes it."""
    found = torch.autograd.grad(y, list(leaves.values()), allow_unused=True)
    return {
        name: torch.zeros_like(leaf) if g is None else g for (name, leaf), g in zip(leaves.items(), found, strict=True)
    }


class unscaled(Steps):
    def scale(self):
        return 1.0


class root_of_d_model(Steps):
    def scale(self):
        return math.sqrt(self.cfg.d_model)


class root_of_share(Steps):
    def scale(self):
        return math.sqrt(self.cfg.d_model / self.cfg.n_heads)


class root_of_floored_share(Steps):
    def scale(self):
        return math.sqrt(max(self.cfg.d_model // self.cfg.n_heads, 1))


class scaled_twice(Steps):
    def scale(self):
        return self.cfg.d_head


class unmasked(Steps):
    def mask(self, scores):
        return scores


class sees_the_future(Steps):
    def mask(self, scores):
        return scores.masked_fill(~causal_mask(*scores.shape[-2:]).mT, -torch.inf)


class sees_the_next(Steps):
    def mask(self, scores):
        return scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool).triu(2), -torch.inf)


class zeroed(Steps):
    def mask(self, scores):
        return scores * causal_mask(*scores.shape[-2:])


class minus_ten_thousand(Steps):
    def mask(self, scores):
        return scores.masked_fill(~causal_mask(*scores.shape[-2:]), -1e4)


class minus_a_hundred_thousand(Steps):
    def mask(self, scores):
        return scores.masked_fill(~causal_mask(*scores.shape[-2:]), -1e5)


class masked_late(Steps):
    def mask(self, scores):
        return scores

    def normalise(self, scores):
        return scores.softmax(dim=-1) * causal_mask(*scores.shape[-2:])


class over_queries(Steps):
    def normalise(self, scores):
        return scores.softmax(dim=-2).nan_to_num()


class matrices_reshaped(Steps):
    def project(self, x, letter):
        W = getattr(self, f"W_{letter}")
        W = W.reshape(W.shape[1], W.shape[0], W.shape[2]).transpose(0, 1)
        return x[:, None] @ W + getattr(self, f"b_{letter}")[:, None]


class pattern_transposed(Steps):
    def read(self, pattern, v):
        return pattern.mT @ v


class queries_swapped(Steps):
    def project(self, x, letter):
        return super().project(x, {"Q": "K", "K": "Q", "V": "V"}[letter])


class without_value_bias(Steps):
    def project(self, x, letter):
        return super().project(x, letter) - (self.b_V[:, None] if letter == "V" else 0)


class without_query_bias(Steps):
    def project(self, x, letter):
        return super().project(x, letter) - (self.b_Q[:, None] if letter == "Q" else 0)


class keys_as_values(Steps):
    def project(self, x, letter):
        return super().project(x, "K" if letter == "V" else letter)


class bias_per_head(Steps):
    def write(self, z):
        return super().write(z) + (self.cfg.n_heads - 1) * self.b_O


class without_output_bias(Steps):
    def write(self, z):
        return super().write(z) - self.b_O


class averaged(Steps):
    def write(self, z):
        return (z @ self.W_O).mean(dim=1) + self.b_O


class mixed_positions(Steps):
    def write(self, z):
        batch, heads, pos, d_head = z.shape
        return z.reshape(batch, pos, heads * d_head) @ self.W_O.flatten(0, 1) + self.b_O


class with_residual(Steps):
    def forward(self, x):
        return x + super().forward(x)


class normalises_first(Steps):
    def forward(self, x):
        return super().forward(F.layer_norm(x, x.shape[-1:], eps=self.cfg.eps))


class detached(Steps):
    def normalise(self, scores):
        return scores.softmax(dim=-1).detach()


EXERCISE = Exercise(
    "attention",
    writes="Attention",
    checks=(values, other_sizes, large_scores, causality, again, head_silenced, gradient),
    reference=reference,
    tolerance=SCALED,
    needs={
        "causal_mask": given,
        "apply_mask": apply_mask,
        "attn_scores": attn_scores,
        "attn_pattern": attn_pattern,
        "weighted_values": weighted_values,
        "combine_heads": combine_heads,
    },
    slips=(
        Slip("the scores are not divided by the root of d_head", unscaled),
        Slip("the scores are divided by the root of d_model instead of d_head", root_of_d_model),
        Slip("the scores are divided by the root of d_model / n_heads, which d_head need not be", root_of_share),
        Slip(
            "the scores are divided by the root of d_model // n_heads, which d_head need not be", root_of_floored_share
        ),
        Slip("the scores are divided by d_head, or by its root twice", scaled_twice),
        Slip("no mask is applied, so each position sees the future", unmasked),
        Slip("the mask is transposed: each position sees the future and not the past", sees_the_future),
        Slip("the mask's diagonal is one too far right, so each position sees the next one", sees_the_next),
        Slip("hidden scores become 0 before the softmax, which gives them exp(0) = 1", zeroed),
        Slip(
            "the mask comes after the softmax, so rows no longer sum to 1 and the future still counts in the sum",
            masked_late,
        ),
        Slip("hidden scores become a fixed number like -10,000, which is the highest in a row of lower ones", minus_ten_thousand),
        Slip("hidden scores become a fixed number like -100,000, which is the highest in a row of lower ones", minus_a_hundred_thousand),
        Slip(
            "W_Q, W_K and W_V are reshaped to [d_model, n_heads * d_head] before d_model is moved to the front",
            matrices_reshaped,
        ),
        Slip("the softmax runs over the queries instead of the keys", over_queries),
        Slip("the pattern is transposed where it meets the values", pattern_transposed),
        Slip("queries are made with W_K and b_K, and keys with W_Q and b_Q", queries_swapped),
        Slip("b_V is not added", without_value_bias),
        Slip("b_Q is not added", without_query_bias),
        Slip("the keys are summed instead of the values", keys_as_values),
        Slip("b_O is added once per head", bias_per_head),
        Slip("b_O is not added", without_output_bias),
        Slip("the heads are averaged instead of summed", averaged),
        Slip("z is reshaped with the head before the position, which mixes heads and positions", mixed_positions),
        Slip("x is added to the result; the block does that, not the layer", with_residual),
        Slip("x is normalised inside the layer; the block does that before it", normalises_first),
        Slip("the pattern is detached from the graph, so nothing teaches the queries and keys", detached),
    ),
)
