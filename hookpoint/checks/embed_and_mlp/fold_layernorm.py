"""Checks for `fold_layernorm` (part 1, notebook 02)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.checks.author import Exercise, Mismatch, Slip, same
from hookpoint.checks.compare import describe

from ._parts import CFG

D = CFG.d_model
RESTS = ((D,), (17,), (3, 5))  # the square one first: there a scaling of the wrong axis has the right shape


def reference(w, b, W, bias):
    """One input feature at a time."""
    folded = torch.stack([gain * row for gain, row in zip(w, W, strict=True)])
    return folded, bias + sum(shift * row for shift, row in zip(b, W, strict=True))


def inputs(draw, rest, dtype=torch.float32):
    return [draw.normal(*shape, dtype=dtype) for shape in ((D,), (D,), (D, *rest), rest)]


def folds(got, w, b, W, bias, x, when=""):
    """Raises `Mismatch` unless the folded layer does for normalised rows what LayerNorm and the layer did for x."""
    matrix, shift = got
    if matrix.shape != W.shape or matrix.dtype != W.dtype:
        raise Mismatch(f"returned a W' that is {describe(matrix)}, expected {describe(W)}, like W.", got=got)
    part(got, shift, reference(w, b, W, bias)[1], "in bias'", when)
    normal = F.layer_norm(x, (D,))
    want = torch.tensordot(F.layer_norm(x, (D,), w), W, 1)
    part(got, torch.tensordot(normal, matrix, 1), want, "in what W' makes of a normalised x", when)


def part(got, value, want, what, when):
    """Compares one thing that follows from the result, in a message about the whole call."""
    try:
        same(value, want, " ".join(filter(None, (what, when))))
    except Mismatch as mismatch:
        mismatch.got = got
        raise


def values(learner, draw):
    """Your W' and bias' do to a normalised x what w, b, W and bias did, for one output axis and for several."""
    for dtype in (torch.float64, torch.float32):
        for rest in RESTS:
            given = inputs(draw, rest, dtype)
            given[0][3] = 0  # a feature that the gain switches off
            folds(learner.fold_layernorm(*given), *given, draw.normal(2, D + 3, D, dtype=dtype))


def any_layout(learner, draw):
    """Matrices that are not contiguous fold too: W_in is often a transposed view."""
    w, b, W, bias = inputs(draw, (7,), torch.float64)
    W = W.T.contiguous().T
    folds(learner.fold_layernorm(w, b, W, bias), w, b, W, bias, draw.normal(3, D + 3, D, dtype=torch.float64))
    w, b, W, bias = inputs(draw, (3, 5), torch.float64)
    W, bias = W.transpose(0, 1).contiguous().transpose(0, 1), bias.T.contiguous().T  # as W_Q [n_heads, d_model, d_head]
    folds(learner.fold_layernorm(w, b, W, bias), w, b, W, bias, draw.normal(3, D + 3, D, dtype=torch.float64))


def outer(v, W):
    """`v` along the first axis of W."""
    return v.reshape(-1, *[1] * (W.ndim - 1)) * W


def carried(b, W):
    return torch.tensordot(b, W, 1)


def scales_outputs(w, b, W, bias):
    return W * w, bias + carried(b, W)


def shift_through_folded(w, b, W, bias):
    return outer(w, W), bias + carried(b, outer(w, W))


def shift_forgotten(w, b, W, bias):
    return outer(w, W), bias


def bias_forgotten(w, b, W, bias):
    return outer(w, W), carried(b, W)


def gain_forgotten(w, b, W, bias):
    return W, bias + carried(b, W)


def multiplied(w, b, W, bias):
    return outer(w, W), bias * carried(b, W)


def subtracted(w, b, W, bias):
    return outer(w, W), bias - carried(b, W)


def gain_divides(w, b, W, bias):
    return outer(1 / w, W), bias + carried(b, W)


def gain_added(w, b, W, bias):
    return W + outer(w, torch.ones_like(W)), bias + carried(b, W)


def swapped(w, b, W, bias):
    return outer(b, W), bias + carried(w, W)


def transposed_shift(w, b, W, bias):
    return outer(w, W), bias + W @ b


def b_added_alone(w, b, W, bias):
    return outer(w, W), bias + b


def bias_scaled(w, b, W, bias):
    return outer(w, W), bias * w + carried(b, W)


def centres_outputs(w, b, W, bias):
    folded = outer(w, W)
    return folded - folded.mean(-1, keepdim=True), bias + carried(b, W)


def centres_before_gain(w, b, W, bias):
    return outer(w, W - W.mean(0)), bias + carried(b, W)


def centres_before_shift(w, b, W, bias):
    folded = outer(w, W)
    return folded - folded.mean(0), bias + carried(b, W - W.mean(0))


def centres_shift(w, b, W, bias):
    return outer(w, W), bias + carried(b - b.mean(), W)


EXERCISE = Exercise(
    "fold_layernorm",
    checks=(values, any_layout),
    reference=reference,
    gives=(Tensor, Tensor),
    slips=(
        Slip("w scales the outputs of W; it belongs to its inputs, the first axis", scales_outputs),
        Slip("b goes through W'; the gain never touches b, so b goes through W", shift_through_folded),
        Slip("bias is left as it was: b, sent through W, belongs in it", shift_forgotten),
        Slip("the layer's own bias is lost", bias_forgotten),
        Slip("W is left as it was: w belongs in it", gain_forgotten),
        Slip("b sent through W multiplies bias; it is added", multiplied),
        Slip("b sent through W is subtracted from bias; it is added", subtracted),
        Slip("W is divided by w; it is multiplied", gain_divides),
        Slip("w is added to W; it multiplies it", gain_added),
        Slip("w and b have changed places", swapped),
        Slip("b goes through W transposed", transposed_shift),
        Slip("b is added to bias without going through W", b_added_alone),
        Slip("bias is scaled by w; it comes after the layer, where no gain reaches it", bias_scaled),
        Slip("W' is centred over its outputs; only its inputs, the first axis, may be centred", centres_outputs),
        Slip("W is centred before w scales it: centring is free only afterwards", centres_before_gain),
        Slip("b goes through a centred W; the mean of b is not removed by LayerNorm", centres_before_shift),
        Slip("the mean is taken off b, which LayerNorm adds after its centring", centres_shift),
    ),
)
