"""Checks for `apply_ln_final` (part 2, notebook 11)."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.checks.author import Exercise, Slip, gradients, same

from ._subject import BATCH, CFG, POS, drawn

ONE = replace(CFG, n_layers=1)


def reference(resid, model, scale_from=None):
    """torch's layer norm; or the model's own, with its scale put in at the hook point."""
    if scale_from is None:
        return F.layer_norm(resid, resid.shape[-1:], model.ln_final.w, model.ln_final.b, model.cfg.eps)
    scale = (scale_from.var(-1, correction=0, keepdim=True) + model.cfg.eps).sqrt().expand(*resid.shape[:-1], 1)
    with model.hooked([("ln_final.hook_scale", lambda act, hook: scale)]):
        return model.ln_final(resid)


def streams(draw, *leading, dtype=torch.float32):
    """A residual, and another of the same mean and another scale at each position."""
    resid, other = draw.normal(*leading, BATCH, POS, CFG.d_model, dtype=dtype), draw.normal(BATCH, POS, CFG.d_model)
    mean = draw.normal(BATCH, POS, 1, dtype=dtype)
    resid, other = (x - x.mean(-1, keepdim=True) for x in (0.7 * resid, 2.5 * other.to(dtype)))
    return resid + mean, other + mean


def own_scale(learner, draw):
    """Without `scale_from` it is the model's final LayerNorm, for a stack of residuals as for one."""
    for dtype, leading in ((torch.float32, (4,)), (torch.float64, ())):
        subject, (resid, _) = drawn(learner, draw, dtype, cfg=ONE), streams(draw, *leading, dtype=dtype)
        same(learner.apply_ln_final(resid, subject.there), reference(resid, subject.model).detach())


def frozen_scale(learner, draw):
    """With `scale_from` the vectors are divided by the scale of that residual, and not by their own."""
    for dtype in (torch.float32, torch.float64):
        subject, (resid, other) = drawn(learner, draw, dtype, cfg=ONE), streams(draw, dtype=dtype)
        learner.apply_ln_final(resid, subject.there)  # tells a slip in both cases from one in this case only
        same(learner.apply_ln_final(resid, subject.there, other), reference(resid, subject.model, other).detach())
        got, want = learner.apply_ln_final(resid, subject.there), reference(resid, subject.model).detach()
        same(got, want, "after a call with scale_from")


def frozen_for_a_stack(learner, draw):
    """One `scale_from` serves a whole stack of residuals."""
    subject, (resid, other) = drawn(learner, draw, cfg=ONE), streams(draw, 4)
    got = learner.apply_ln_final(resid, subject.there, scale_from=other)
    same(got, reference(resid, subject.model, other).detach())


def its_own_from_outside(learner, draw):
    """A residual given as its own `scale_from` comes out as without one."""
    subject, (resid, _) = drawn(learner, draw, cfg=ONE), streams(draw)
    same(learner.apply_ln_final(resid, subject.there, resid), reference(resid, subject.model).detach())


def gradient(learner, draw):
    """It can be differentiated."""
    subject, (resid, other) = drawn(learner, draw, torch.float64, cfg=ONE), streams(draw)
    (got,) = gradients(lambda x: learner.apply_ln_final(x, subject.there), resid)
    (want,) = gradients(lambda x: reference(x, subject.model), resid)
    same(got, want, "in the gradient of resid")
    other = other.double()
    (got,) = gradients(lambda x: learner.apply_ln_final(x, subject.there, other), resid)
    (want,) = gradients(lambda x: reference(x, subject.model, other), resid)
    same(centred(got), centred(want), "in the gradient of resid, with scale_from")  # centred, the readings agree


def spread(x, model):
    return (x.var(-1, correction=0, keepdim=True) + model.cfg.eps).sqrt()


def centred(x):
    return x - x.mean(-1, keepdim=True)


def finished(x, model):
    return x * model.ln_final.w + model.ln_final.b


def not_at_all(resid, model, scale_from=None):
    return resid


def centred_only(resid, model, scale_from=None):
    return finished(centred(resid), model)


def always_own(resid, model, scale_from=None):
    return model.ln_final(resid)


def of_the_other(resid, model, scale_from=None):
    return model.ln_final(resid if scale_from is None else scale_from).expand(resid.shape)


def never_centred(resid, model, scale_from=None):
    return finished(resid / spread(resid if scale_from is None else scale_from, model), model)


def not_centred_when_frozen(resid, model, scale_from=None):
    return model.ln_final(resid) if scale_from is None else never_centred(resid, model, scale_from)


def no_gain(resid, model, scale_from=None):
    return centred(resid) / spread(resid if scale_from is None else scale_from, model)


def no_gain_when_frozen(resid, model, scale_from=None):
    return model.ln_final(resid) if scale_from is None else no_gain(resid, model, scale_from)


def no_bias_when_frozen(resid, model, scale_from=None):
    if scale_from is None:
        return model.ln_final(resid)
    return no_gain(resid, model, scale_from) * model.ln_final.w


def no_bias(resid, model, scale_from=None):
    return no_gain(resid, model, scale_from) * model.ln_final.w


def eps_outside(resid, model, scale_from=None):
    source = resid if scale_from is None else scale_from
    return finished(centred(resid) / (source.std(-1, correction=0, keepdim=True) + model.cfg.eps), model)


def no_eps_when_frozen(resid, model, scale_from=None):
    if scale_from is None:
        return model.ln_final(resid)
    return finished(centred(resid) / scale_from.std(-1, correction=0, keepdim=True), model)


def usual_eps(resid, model, scale_from=None):
    source = resid if scale_from is None else scale_from
    return finished(centred(resid) / (source.var(-1, correction=0, keepdim=True) + 1e-5).sqrt(), model)


def one_less(resid, model, scale_from=None):
    source = resid if scale_from is None else scale_from
    return finished(centred(resid) / (source.var(-1, keepdim=True) + model.cfg.eps).sqrt(), model)


def root_mean_square(resid, model, scale_from=None):
    source = resid if scale_from is None else scale_from
    return finished(centred(resid) / (source.square().mean(-1, keepdim=True) + model.cfg.eps).sqrt(), model)


def length(resid, model, scale_from=None):
    source = resid if scale_from is None else scale_from
    return finished(centred(resid) / centred(source).norm(dim=-1, keepdim=True), model)


def scale_of_the_batch(resid, model, scale_from=None):
    if scale_from is None:
        return model.ln_final(resid)
    return finished(centred(resid) / spread(scale_from, model).mean(), model)


def divided_twice(resid, model, scale_from=None):
    return model.ln_final(resid) if scale_from is None else model.ln_final(resid) / spread(scale_from, model)


def unembedded(resid, model, scale_from=None):
    return reference(resid, model, scale_from) @ model.unembed.W_U + model.unembed.b_U


def without_graph(resid, model, scale_from=None):
    return reference(resid, model, scale_from).detach()


EXERCISE = Exercise(
    "apply_ln_final",
    checks=(own_scale, frozen_scale, frozen_for_a_stack, its_own_from_outside, gradient),
    reference=reference,
    gives=Tensor,
    slips=(
        Slip("the residual is handed on as it is, without the final LayerNorm", not_at_all),
        Slip("the residual is centred and not divided by its scale", centred_only),
        Slip("`scale_from` is ignored: every residual has its own scale", always_own),
        Slip("`scale_from` itself is normalised, in the place of `resid`", of_the_other),
        Slip("the mean is not subtracted", never_centred),
        Slip("the mean is not subtracted where the scale is frozen", not_centred_when_frozen),
        Slip("gain and bias are left out", no_gain),
        Slip("gain and bias are left out where the scale is frozen", no_gain_when_frozen),
        Slip("the bias is left out", no_bias),
        Slip("the bias is left out where the scale is frozen", no_bias_when_frozen),
        Slip("eps is added to the standard deviation; it belongs to the variance, under the root", eps_outside),
        Slip("eps is left out where the scale is frozen", no_eps_when_frozen),
        Slip("eps is 1e-5 whatever the model's is", usual_eps),
        Slip("the variance is divided by d_model - 1: pass correction=0", one_less),
        Slip("the scale is the root mean square; it is the root of the variance", root_mean_square),
        Slip("the vectors are divided by a length, which is sqrt(d_model) times the standard deviation", length),
        Slip("one scale, the mean over all positions, serves every position", scale_of_the_batch),
        Slip("the residual is divided by its own scale and by the frozen one", divided_twice),
        Slip("the result is unembedded already", unembedded),
        Slip("the result is detached", without_graph),
    ),
)
