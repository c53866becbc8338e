"""Checks for `attention`, the class `Attention` (part 1, notebook 03)."""

import math
from dataclasses import replace

import torch
from torch.nn import functional as F

from hookpoint.checks.author import Exercise, Mismatch, Tolerance, build, each, same
from hookpoint.model import Config
from hookpoint.model.attention import __all__ as PARTS

from ._attention_slips import SLIPS
from ._layer import SHAPES

CFG = Config(d_vocab=23, n_ctx=11, d_model=14, n_layers=2, n_heads=3, d_head=5, d_mlp=17)
HUGE = 1e5  # a token this large has scores of about 200,000: lowering them by less leaves them the highest
LOW = 1e5  # a fixed fill above -LOW is the highest score of a row whose own scores are lower than that
BEYOND = 1e50  # more than float32 can hold
SCALED = Tolerance(1e-3, float64=1e-6)  # in float64 too, the root of d_head may be a float32 tensor
SLOPES = Tolerance(1e-3, float64=1e-5)  # a softmax in float32 rounds a gradient more than what it is a gradient of
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
    sizes = (3, 5), (2, 1), (2, CFG.n_heads), (1, CFG.n_ctx)
    for (x,), got in each(layer, [[draw.normal(batch, pos, CFG.d_model)] for batch, pos in sizes]):
        same(got, reference(x, **w))
    w = {name: value.double() for name, value in w.items()}
    w |= {"W_V": BEYOND * w["W_V"], "b_V": BEYOND * w["b_V"], "W_O": w["W_O"] / BEYOND}
    x = draw.normal(3, 5, CFG.d_model, dtype=torch.float64).mT.contiguous().mT
    when = "in float64, with values too large for float32 and an input that is not contiguous"
    same(build(learner.Attention, CFG, w)(x), reference(x, **w), when)


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
    _, (_, got) = each(layer, [[other], [x]])
    same(got, want, "after a call with another input")
    layer.eval()
    with torch.no_grad():
        same(layer(x), want, "in eval mode under torch.no_grad()")
    w = weights(draw)
    learner.given.load(layer, w)
    same(layer(x), reference(x, **w), "after a change of all weights")


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
        same(got[name], want[name], f"in the gradient of {name}", SLOPES)
    # Together, because b_K's is 0: only beside b_Q's can rounding be told from a gradient.
    yours, right = (torch.stack([found["b_Q"], found["b_K"]]) for found in (got, want))
    same(yours, right, "in the gradients of b_Q and b_K", SLOPES)


def slopes(y, leaves):
    """The gradient by name, 0 for a leaf that y does not use: b_K is one, for the softmax undoes it."""
    found = torch.autograd.grad(y, list(leaves.values()), allow_unused=True)
    return {
        name: torch.zeros_like(leaf) if g is None else g for (name, leaf), g in zip(leaves.items(), found, strict=True)
    }


EXERCISE = Exercise(
    "attention",
    writes="Attention",
    checks=(values, other_sizes, causality, large_scores, again, head_silenced, gradient),
    reference=reference,
    tolerance=SCALED,
    needs={name: f"hookpoint.model.attention:{name}" for name in PARTS},
    slips=SLIPS,
)
