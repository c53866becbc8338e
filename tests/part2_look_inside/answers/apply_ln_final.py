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


# %% right="a helper class"
import torch


class _Frozen:
    def __init__(self, model, x):
        self.model = model
        self.std = torch.std(x, dim=-1, correction=0, keepdim=True)

    def __call__(self, x):
        d = self.model.cfg.d_model
        centre = torch.eye(d, dtype=x.dtype, device=x.device) - 1.0 / d
        scale = torch.hypot(self.std, torch.full_like(self.std, self.model.cfg.eps**0.5))
        return (x @ centre) / scale * self.model.ln_final.w + self.model.ln_final.b


def apply_ln_final(resid, model, scale_from=None):
    return _Frozen(model, resid if scale_from is None else scale_from)(resid)


# %% right="loop over flat rows"
import torch


def apply_ln_final(resid, model, scale_from=None):
    ref = resid if scale_from is None else scale_from.expand(resid.shape)
    rows = []
    for x, y in zip(resid.reshape(-1, resid.shape[-1]), ref.reshape(-1, resid.shape[-1])):
        m = y.sum() / len(y)
        v = ((y - m) ** 2).sum() / len(y)
        rows.append((x - x.sum() / len(x)) / (v + model.cfg.eps) ** 0.5 * model.ln_final.w + model.ln_final.b)
    return torch.stack(rows).reshape(resid.shape)


# %% right="layer_norm trick: mean square minus square of mean in float64"
import torch
from torch.nn import functional as F


def apply_ln_final(resid, model, scale_from=None):
    ln, cfg = model.ln_final, model.cfg
    if scale_from is None:
        return F.layer_norm(resid, (cfg.d_model,), ln.w.to(resid.dtype), ln.b.to(resid.dtype), cfg.eps)
    x = resid.double()
    y = scale_from.double()
    s = torch.sqrt(y.pow(2).mean(-1) - y.mean(-1).pow(2) + cfg.eps)
    out = (x - x.mean(-1)[..., None]) / s[..., None] * ln.w.double() + ln.b.double()
    return out.to(resid.dtype)


# %% wrong="adds the first axis itself, so that a pair of equal shape gets a fifth axis"
def apply_ln_final(resid, model, scale_from=None):
    if scale_from is None:
        return model.ln_final(resid)
    s = (scale_from.var(-1, unbiased=False, keepdim=True) + model.cfg.eps).sqrt()[None]
    return (resid - resid.mean(-1, keepdim=True)) / s * model.ln_final.w + model.ln_final.b


# %% wrong="the hook with the frozen scale stays"
import torch


def apply_ln_final(resid, model, scale_from=None):
    if scale_from is not None:
        scale = (scale_from.var(-1, unbiased=False, keepdim=True) + model.cfg.eps).sqrt().expand(*resid.shape[:-1], 1)
        model.ln_final.hook_scale.hooks.append(lambda act, hook: scale)
    return model.ln_final(resid)


# %% wrong="the scale of the last scale_from is kept for calls without one"
import torch

last = {}


def apply_ln_final(resid, model, scale_from=None):
    if scale_from is not None:
        last["scale"] = (scale_from.var(-1, unbiased=False, keepdim=True) + model.cfg.eps).sqrt()
        x = (resid - resid.mean(-1, keepdim=True)) / last["scale"]
        return x * model.ln_final.w + model.ln_final.b
    scale = last.get("scale", (resid.var(-1, unbiased=False, keepdim=True) + model.cfg.eps).sqrt())
    return (resid - resid.mean(-1, keepdim=True)) / scale * model.ln_final.w + model.ln_final.b


# %% wrong="no gradient when frozen"
import torch


def apply_ln_final(resid, model, scale_from=None):
    if scale_from is None:
        return model.ln_final(resid)
    with torch.no_grad():
        scale = (scale_from.var(-1, unbiased=False, keepdim=True) + model.cfg.eps).sqrt()
        return (resid - resid.mean(-1, keepdim=True)) / scale * model.ln_final.w + model.ln_final.b


# %% right="a hook that is taken away again"
import torch


def apply_ln_final(resid, model, scale_from=None):
    if scale_from is None:
        return model.ln_final(resid)
    scale = (scale_from.var(-1, unbiased=False, keepdim=True) + model.cfg.eps).sqrt().expand(*resid.shape[:-1], 1)
    return run_frozen(model, resid, scale)


def run_frozen(model, resid, scale):
    point = model.ln_final.hook_scale
    point.hooks.append(lambda act, hook: scale)
    try:
        return model.ln_final(resid)
    finally:
        point.hooks.pop()
