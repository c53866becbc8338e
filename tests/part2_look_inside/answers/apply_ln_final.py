# %% right="plain arithmetic in both cases, sums for means"
import torch


def apply_ln_final(resid, model, scale_from=None):
    source = resid if scale_from is None else scale_from
    n = source.shape[-1]
    deviation = source - source.sum(-1, keepdim=True) / n
    variance = (deviation**2).sum(-1, keepdim=True) / n
    x = resid - resid.sum(-1, keepdim=True) / n
    return x / torch.sqrt(variance + model.cfg.eps) * model.ln_final.w + model.ln_final.b


# %% right="the other reading: the mean of scale_from is taken off"
import torch


def apply_ln_final(resid, model, scale_from=None):
    if scale_from is None:
        scale_from = resid
    var, mean = torch.var_mean(scale_from, dim=-1, correction=0, keepdim=True)
    return (resid - mean) * torch.rsqrt(var + model.ln_final.cfg.eps) * model.ln_final.w + model.ln_final.b


# %% right="the scale from torch's own layer norm, by a hook"
def apply_ln_final(resid, model, scale_from=None):
    if scale_from is None:
        return model.ln_final(resid)
    _, cache = None, {}

    def keep(act, hook):
        cache["scale"] = act

    with model.hooked([("ln_final.hook_scale", keep)]):
        model.ln_final(scale_from)
    centred = resid - resid.mean(-1, keepdim=True)
    return centred / cache["scale"] * model.ln_final.w + model.ln_final.b


# %% right="functional layer norm, rescaled"
from torch.nn import functional as F


def apply_ln_final(resid, model, scale_from=None):
    own = F.layer_norm(resid, (resid.shape[-1],), model.ln_final.w, model.ln_final.b, model.cfg.eps)
    if scale_from is None:
        return own

    def root(x):
        return (x.var(-1, unbiased=False, keepdim=True) + model.cfg.eps) ** 0.5

    return (own - model.ln_final.b) * (root(resid) / root(scale_from)) + model.ln_final.b


# %% wrong="frozen only where a stack has four axes"
def apply_ln_final(resid, model, scale_from=None):
    if scale_from is None or resid.ndim < 4:
        return model.ln_final(resid)
    scale = (scale_from.var(-1, correction=0, keepdim=True) + model.cfg.eps).sqrt()
    return (resid - resid.mean(-1, keepdim=True)) / scale * model.ln_final.w + model.ln_final.b


# %% wrong="scale of the last position for every position"
def apply_ln_final(resid, model, scale_from=None):
    if scale_from is None:
        return model.ln_final(resid)
    scale = (scale_from[:, -1:].var(-1, correction=0, keepdim=True) + model.cfg.eps).sqrt()
    return (resid - resid.mean(-1, keepdim=True)) / scale * model.ln_final.w + model.ln_final.b


# %% wrong="scale over positions and dimensions together"
def apply_ln_final(resid, model, scale_from=None):
    source = resid if scale_from is None else scale_from
    scale = (source.var((-2, -1), correction=0, keepdim=True) + model.cfg.eps).sqrt()
    return (resid - resid.mean(-1, keepdim=True)) / scale * model.ln_final.w + model.ln_final.b


# %% wrong="gain before dividing, twice"
def apply_ln_final(resid, model, scale_from=None):
    source = resid if scale_from is None else scale_from
    return model.ln_final.w * model.ln_final(resid) if scale_from is not None else model.ln_final(source)


# %% wrong="everything in float32"
def apply_ln_final(resid, model, scale_from=None):
    source = (resid if scale_from is None else scale_from).float()
    scale = (source.var(-1, correction=0, keepdim=True) + model.cfg.eps).sqrt()
    return (resid - resid.mean(-1, keepdim=True)) / scale * model.ln_final.w + model.ln_final.b


# %% wrong="edits resid"
def apply_ln_final(resid, model, scale_from=None):
    source = resid if scale_from is None else scale_from
    scale = (source.var(-1, correction=0, keepdim=True) + model.cfg.eps).sqrt()
    resid -= resid.mean(-1, keepdim=True)
    return resid / scale * model.ln_final.w + model.ln_final.b
