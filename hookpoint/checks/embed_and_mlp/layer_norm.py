"""Checks for `layer_norm` (part 1, notebook 02)."""

from dataclasses import replace

import torch
from torch.nn import functional as F

from hookpoint.checks.author import Exercise, Slip, build, same

from . import _norms as norms
from ._parts import CFG, drawn, leaves, same_leaf_gradients, untouched

SHAPES = ((3, 2, 5), (2, 5), (7,), (), (1, 3))  # before the features; four axes first, where axis 1 and axis -2 differ


def reference(x, w, b, eps=CFG.eps):
    """PyTorch's own layer norm, at least in float32."""
    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    return F.layer_norm(wide, w.shape, w.to(wide.dtype), b.to(wide.dtype), eps).to(x.dtype)


def rows(draw, *shape, dtype=torch.float32):
    """Rows with a mean near 1 whose variance reaches from far below eps to far above it."""
    return draw.normal(*shape, dtype=dtype) * (3 * draw.normal(*shape[:-1], 1, dtype=dtype)).exp() + 1


def weights(draw, cfg=CFG, dtype=torch.float32):
    return drawn(draw, dtype, w=(cfg.d_model,), b=(cfg.d_model,))


def values(learner, draw):
    """Each position is normalised on its own, then scaled by w and shifted by b; the result has the dtype of x."""
    for dtype in (torch.float32, torch.float64):
        w = weights(draw, dtype=dtype)
        module = build(learner.LayerNorm, CFG, w)
        for shape in (*SHAPES, SHAPES[1]):  # one shape twice, with other numbers: nothing may be kept between calls
            x = rows(draw, *shape, CFG.d_model, dtype=dtype)
            same(module(x), reference(x, **w))
    x = rows(draw, CFG.d_model, 3, 5, dtype=dtype).permute(2, 1, 0)  # no view flattens its leading axes
    same(module(x), reference(x, **w), "with an x that is not contiguous")
    module.eval()
    same(module(x), reference(x, **w), "in eval mode")
    untouched(learner, module, w)


def small_variance(learner, draw):
    """Where a row hardly varies, eps decides: it is added to the variance, and it comes from the config."""
    for eps in (CFG.eps, 2.0):
        w = weights(draw)
        module = build(learner.LayerNorm, replace(CFG, eps=eps), w)
        x = 1 + draw.normal(3, 5, CFG.d_model) * torch.tensor([0, 1e-3, 0.1, 0.4, 1.0])[:, None]
        same(module(x), reference(x, **w, eps=eps))
    eps, w = 2**-20, weights(draw, dtype=torch.float64)  # as small as they come; a power of two for float32 too
    module = build(learner.LayerNorm, replace(CFG, eps=eps), w)
    x = draw.normal(5, CFG.d_model, dtype=torch.float64) * torch.tensor([0, 1e-4, 1e-3, 1e-2, 1.0])[:, None]
    same(module(x), reference(x, **w, eps=eps), f"with an eps of {eps:.1g}")


def one_feature(learner, draw):
    """With d_model = 1 nothing is left of x, and the result is b."""
    cfg = replace(CFG, d_model=1)
    w = weights(draw, cfg)
    same(build(learner.LayerNorm, cfg, w)(draw.normal(3, 5, 1)), w["b"].expand(3, 5, 1).contiguous())


def half(learner, draw):
    """Half precision is computed in float32, where the squares fit, and given back in half precision."""
    for dtype in (torch.float16, torch.bfloat16):
        w = weights(draw, dtype=dtype)
        sizes = torch.tensor([600, 2, 600, 40, 900])[:, None]  # only the large ones overflow when they are squared
        x = (sizes * draw.normal(2, 5, CFG.d_model, mean=0.2)).to(dtype)
        module = build(learner.LayerNorm, CFG, w)
        same(module(x), reference(x, **w))
        # Rows that differ by less than their mean is rounded by in half precision; the rows themselves are exact.
        x = draw.normal(3, 5, CFG.d_model, mean=60, std=0.6).to(dtype)
        same(module(x), reference(x, **w), "with rows around 60")


def gradient(learner, draw):
    """The gradient reaches x, through the mean and the variance too, and w and b."""
    w = leaves(weights(draw, dtype=torch.float64))
    x = draw.normal(2, 5, CFG.d_model, dtype=torch.float64)
    x[0, 1] = 2.0  # no variance at all: eps keeps the gradient finite
    x.requires_grad_()
    same_leaf_gradients(build(learner.LayerNorm, CFG, w), lambda x: reference(x, **w), w | {"x": x}, x)


EXERCISE = Exercise(
    "layer_norm",
    writes="LayerNorm",
    checks=(values, small_variance, one_feature, half, gradient),
    reference=reference,
    forbids=("layer_norm",),
    slips=(
        Slip("epsilon is added to the standard deviation, not to the variance under the root", norms.eps_outside_root),
        Slip("epsilon is left out, so a row of equal numbers divides 0 by 0", norms.no_eps),
        Slip("epsilon is 1e-5 whatever the config says; it is cfg.eps", norms.fixed_eps),
        Slip("the variance is held above epsilon; epsilon is added to it", norms.clamped),
        Slip("the variance divides by d_model - 1 (torch's default), not by d_model", norms.sample_variance),
        Slip(
            "torch's default std (d_model - 1) is taken, and epsilon is added outside the root",
            norms.sample_deviation,
        ),
        Slip("the mean is never subtracted: this is RMSNorm, which other models use", norms.root_mean_square),
        Slip("the mean is taken off for the variance but not off x itself", norms.not_centred),
        Slip("the centred x is divided by the variance, not by its root", norms.by_variance),
        Slip("the centred x is not divided by anything", norms.only_centred),
        Slip("the centred x is multiplied by the standard deviation, not divided by it", norms.multiplied),
        Slip("the statistics are taken over the positions, not over each position's features", norms.over_positions),
        Slip("the statistics are taken over axis 1; the features are the last axis, -1", norms.over_axis_one),
        Slip("the statistics are taken over the batch, not over the features of each position", norms.over_batch),
        Slip("the whole tensor has one mean and one variance; each position has its own", norms.over_everything),
        Slip("positions and features share one mean and one variance; each position has its own", norms.over_sequence),
        Slip("w scales x before it is normalised; it scales the normalised x", norms.gain_first),
        Slip("b is added before w scales; w scales first", norms.bias_first),
        Slip("the gain w is forgotten", norms.no_gain),
        Slip("the bias b is forgotten", norms.no_bias),
        Slip("both the gain w and the bias b are forgotten", norms.plain),
        Slip("1 + w scales; here w itself is the gain", norms.one_plus_gain),
        Slip("w and b have changed places", norms.swapped),
        Slip("the mean and the variance are detached from the graph", norms.detached),
        Slip("the variance is detached from the graph", norms.detached_variance),
        Slip("the mean is detached from the graph", norms.detached_mean),
        Slip("everything is computed in the dtype of x, and the squares overflow in half precision", norms.in_half),
        Slip("half precision comes back as float32; the result has the dtype of x", norms.widened),
        Slip("everything is computed in float32, which loses digits of float64", norms.always_float32),
        Slip("the variance is the mean of x squared without the mean taken off", norms.raw_second_moment),
    ),
)
