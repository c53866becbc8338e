# %% right="nn.Softmax"
from torch import nn


def attn_pattern(scores):
    return nn.Softmax(dim=3)(scores)


# %% right="by hand"
def attn_pattern(scores):
    weights = (scores - scores.max(dim=-1, keepdim=True).values).exp()
    return weights / weights.sum(dim=-1, keepdim=True)


# %% right="through logsumexp, half in float32"
import torch


def attn_pattern(scores):
    wide = scores.float() if scores.dtype == torch.float16 else scores
    return (wide - wide.logsumexp(dim=-1, keepdim=True)).exp().to(scores.dtype)


# %% right="log_softmax and exp"
import torch
from torch.nn import functional as F


def attn_pattern(scores):
    return torch.exp(F.log_softmax(scores, dim=-1))


# %% right="row by row, in float64"
import torch


def attn_pattern(scores):
    rows = [torch.softmax(row.double(), 0) for row in scores.reshape(-1, scores.shape[-1])]
    return torch.stack(rows).reshape(scores.shape).to(scores.dtype)


# %% right="in place on its own temporaries"
def attn_pattern(scores):
    out = scores - scores.amax(-1, keepdim=True).detach()
    out = out.exp_()
    return out.div(out.sum(-1, keepdim=True))


# %% wrong="a small number in the sum"
def attn_pattern(scores):
    weights = (scores - scores.amax(dim=-1, keepdim=True)).exp()
    return weights / (weights.sum(dim=-1, keepdim=True) + 1e-6)


# %% wrong="each row's mean is subtracted"
def attn_pattern(scores):
    finite = scores.masked_fill(scores.isinf(), 0)
    weights = (scores - finite.mean(dim=-1, keepdim=True)).exp()
    return weights / weights.sum(dim=-1, keepdim=True)


# %% wrong="scores are clamped"
def attn_pattern(scores):
    weights = scores.clamp(-80, 80).exp()
    return weights / weights.sum(dim=-1, keepdim=True)


# %% wrong="NaN made 0"
def attn_pattern(scores):
    weights = scores.exp()
    return (weights / weights.sum(dim=-1, keepdim=True)).nan_to_num(0.0)


# %% wrong="one-hot of the largest"
import torch


def attn_pattern(scores):
    return torch.nn.functional.one_hot(scores.argmax(-1), scores.shape[-1]).to(scores.dtype)


# %% wrong="softmax over the axis that torch chooses when none is given"
from torch import nn


def attn_pattern(scores):
    return nn.Softmax()(scores)


# %% wrong="always float32"
def attn_pattern(scores):
    return scores.float().softmax(dim=-1)


# %% wrong="base 2"
def attn_pattern(scores):
    weights = (scores - scores.amax(dim=-1, keepdim=True)).exp2()
    return weights / weights.sum(dim=-1, keepdim=True)


# %% wrong="small shares are cut off"
def attn_pattern(scores):
    pattern = scores.softmax(dim=-1)
    return pattern * (pattern > 1e-3)


# %% wrong="dropout"
import torch


def attn_pattern(scores):
    return torch.nn.functional.dropout(scores.softmax(dim=-1), 0.1)


# %% wrong="the sum is detached"
def attn_pattern(scores):
    weights = (scores - scores.amax(dim=-1, keepdim=True)).exp()
    return weights / weights.sum(dim=-1, keepdim=True).detach()


# %% wrong="no axis when there is one query"
def attn_pattern(scores):
    if scores.shape[-2] == 1:
        return scores
    return scores.softmax(dim=-1)


# %% wrong="masks again where the table is square"
import torch


def attn_pattern(scores):
    Q, K = scores.shape[-2:]
    if Q == K:
        scores = scores.masked_fill(torch.ones(Q, K, dtype=torch.bool).triu(1), -torch.inf)
    return scores.softmax(-1)


# %% wrong="squeezed at batch one"
import torch


def attn_pattern(scores):
    return scores.softmax(-1).squeeze(0)
