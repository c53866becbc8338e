# %% right="logsumexp"
import torch


def stable_softmax(x, dim):
    return torch.exp(x - torch.logsumexp(x, dim, keepdim=True))


# %% right="moves the axis to the end"
def stable_softmax(x, dim):
    y = x.movedim(dim, -1)
    e = (y - y.max(-1, keepdim=True).values).exp()
    return (e / e.sum(-1, keepdim=True)).movedim(-1, dim)


# %% right="detached maximum, guard in the divisor"
import torch


def stable_softmax(x, dim=-1):
    m = torch.max(x, dim=dim, keepdim=True)[0].detach()
    e = torch.exp(x - m)
    return e / (e.sum(dim=dim, keepdim=True) + 1e-12)


# %% right="zeros for empty rows"
import torch


def stable_softmax(x, dim):
    top = x.amax(dim, keepdim=True)
    top = torch.where(torch.isinf(top), torch.zeros_like(top), top)
    e = torch.exp(x - top)
    total = e.sum(dim, keepdim=True)
    return e / torch.where(total == 0, torch.ones_like(total), total)


# %% right="sigmoid of differences summed"
import torch


def stable_softmax(x, dim):
    y = x.movedim(dim, -1).double()
    differences = y.unsqueeze(-2) - y.unsqueeze(-1)
    return (
        (1 / differences.exp().sum(-1)).nan_to_num(nan=0.0).to(x.dtype).movedim(-1, dim)
        if not x.isinf().any()
        else ((y - y.amax(-1, keepdim=True)).exp() / (y - y.amax(-1, keepdim=True)).exp().sum(-1, keepdim=True))
        .to(x.dtype)
        .movedim(-1, dim)
    )


# %% right="in float64 and back, nan_to_num"
import torch


def stable_softmax(x, dim):
    y = x.to(torch.float64)
    y = y - y.amax(dim=dim, keepdim=True)
    p = y.exp()
    return torch.nan_to_num(p / p.sum(dim=dim, keepdim=True)).to(x.dtype)


# %% right="row by row through unbind"
import torch


def stable_softmax(x, dim):
    pieces = x.unbind(dim)
    top = pieces[0]
    for piece in pieces[1:]:
        top = torch.maximum(top, piece)
    powers = [torch.exp(piece - top) for piece in pieces]
    total = sum(powers[1:], powers[0])
    return torch.stack([power / total for power in powers], dim=dim)


# %% right="base two with a factor"
import math

import torch


def stable_softmax(x, dim):
    scaled = (x - x.amax(dim, keepdim=True)) * math.log2(math.e)
    powers = torch.exp2(scaled)
    return powers / powers.sum(dim, True)


# %% right="float32 inside for half"
import torch


def stable_softmax(x, dim):
    wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
    shifted = wide - wide.max(dim, keepdim=True)[0]
    return (shifted.exp() / shifted.exp().sum(dim, keepdim=True)).type_as(x)


# %% wrong="negative dims unsupported"
import torch


def stable_softmax(x, dim):
    order = [d for d in range(x.ndim) if d != dim] + [dim]
    y = x.permute(order) if len(order) == x.ndim else x
    e = (y - y.amax(-1, keepdim=True)).exp()
    p = e / e.sum(-1, keepdim=True)
    return p.permute([order.index(d) for d in range(x.ndim)]) if len(order) == x.ndim else p


# %% wrong="only three axes"
def stable_softmax(x, dim):
    a, b, c = x.shape
    e = (x - x.amax(dim, keepdim=True)).exp()
    return e / e.sum(dim, keepdim=True)


# %% wrong="median subtracted"
def stable_softmax(x, dim):
    e = (x - x.median(dim, keepdim=True).values).exp()
    return e / e.sum(dim, keepdim=True)


# %% wrong="-inf replaced by -1e9"
def stable_softmax(x, dim):
    x = x.clamp(min=-1e9)
    e = (x - x.amax(dim, keepdim=True)).exp()
    return e / e.sum(dim, keepdim=True)


# %% wrong="a large epsilon in the divisor"
def stable_softmax(x, dim):
    e = (x - x.amax(dim, keepdim=True)).exp()
    return e / (e.sum(dim, keepdim=True) + 1e-3)


# %% wrong="shares rounded"
import torch


def stable_softmax(x, dim):
    e = (x - x.amax(dim, keepdim=True)).exp()
    return torch.round(e / e.sum(dim, keepdim=True), decimals=4)


# %% wrong="squeezes axes of one"
def stable_softmax(x, dim):
    e = (x - x.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True)).squeeze()


# %% wrong="largest absolute value subtracted"
def stable_softmax(x, dim):
    e = (x - x.abs().amax(dim, keepdim=True)).exp()
    return e / e.sum(dim, keepdim=True)


# %% wrong="torch's own softmax, sneaked in"
from torch import nn


def stable_softmax(x, dim):
    return nn.Softmax(dim=dim)(x)


# %% wrong="log_softmax and exp"
import torch


def stable_softmax(x, dim):
    return torch.special.log_softmax(x, dim).exp()


# %% wrong="shifted only where it is above 80"
import torch


def stable_softmax(x, dim):
    shift = x.max() if x.max() > 80 else torch.zeros(())
    e = (x - shift).exp()
    return e / e.sum(dim, keepdim=True)


# %% wrong="empty rows shared evenly"
import torch


def stable_softmax(x, dim):
    e = (x - x.amax(dim, keepdim=True)).exp()
    p = e / e.sum(dim, keepdim=True)
    return torch.where(p.isnan(), torch.ones_like(p) / x.shape[dim], p)


# %% wrong="logsumexp without keepdim"
import torch


def stable_softmax(x, dim):
    return (x - torch.logsumexp(x, dim)).exp()


# %% wrong="result of a half is float32"
def stable_softmax(x, dim):
    y = x.float() if x.element_size() == 2 else x
    e = (y - y.amax(dim, keepdim=True)).exp()
    return e / e.sum(dim, keepdim=True)


# %% wrong="F.softmin"
import torch


def stable_softmax(x, dim):
    return torch.nn.functional.softmin(-x, dim)


# %% wrong="a zero counts as masked"
import torch


def stable_softmax(x, dim):
    e = (x - x.amax(dim, keepdim=True)).exp()
    e = torch.where(x == 0, torch.zeros_like(e), e)
    return e / e.sum(dim, keepdim=True)


# %% wrong="NaN gradients at -inf"
import torch


def stable_softmax(x, dim):
    e = (x - x.amax(dim, keepdim=True)).exp()
    return torch.exp(torch.log(e) - torch.log(e.sum(dim, keepdim=True)))


# %% wrong="differences cut off at -15"
import torch


def stable_softmax(x, dim):
    e = (x - x.amax(dim, keepdim=True)).clamp(min=-15).exp()
    e = torch.where(x == float("-inf"), torch.zeros_like(e), e)
    return e / e.sum(dim, keepdim=True)


# %% right="cumulative online softmax"
import torch


def stable_softmax(x, dim):
    work = x.double()
    m = torch.full_like(work.select(dim, 0), float("-inf"))
    s = torch.zeros_like(m)
    for row in work.unbind(dim):
        new = torch.maximum(m, row)
        safe = torch.where(new == float("-inf"), torch.zeros_like(new), new)
        s = s * (m - safe).exp() + (row - safe).exp()
        m = new
    return ((work - m.unsqueeze(dim)).exp() / s.unsqueeze(dim)).to(x.dtype)
