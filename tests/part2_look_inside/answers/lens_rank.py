# %% right="take_along_dim"
import torch


def lens_rank(logits, target):
    own = torch.take_along_dim(logits, target[None, ..., None], dim=-1)
    return (own < logits).sum(-1)


# %% right="layer by layer"
import torch


def lens_rank(logits, target):
    ranks = []
    for layer in logits:
        own = layer.gather(2, target.unsqueeze(2))
        ranks.append(torch.count_nonzero(layer > own, dim=2))
    return torch.stack(ranks)


# %% right="sorted and searched"
import torch


def lens_rank(logits, target):
    L = logits.shape[0]
    own = logits.gather(-1, target[None, :, :, None].repeat(L, 1, 1, 1))
    ordered = (-logits).sort(dim=-1).values.contiguous()
    return torch.searchsorted(ordered, (-own).contiguous())[..., 0]


# %% right="advanced indexing"
import torch


def lens_rank(logits, target):
    batch, pos = target.shape
    own = logits[:, torch.arange(batch)[:, None], torch.arange(pos)[None, :], target]
    return (logits > own[..., None]).long().sum(dim=-1)


# %% wrong="counts distinct larger logits"
import torch


def lens_rank(logits, target):
    own = logits.gather(-1, target.expand(logits.shape[:-1])[..., None])
    out = torch.zeros(logits.shape[:-1], dtype=torch.long)
    for index in torch.cartesian_prod(*map(torch.arange, out.shape)):
        i = tuple(index.tolist())
        out[i] = len(set(logits[i][logits[i] > own[i]].tolist()))
    return out


# %% wrong="argsort, then position of the target, unstable ties"
def lens_rank(logits, target):
    order = logits.argsort(dim=-1, descending=True)
    return (order == target[None, ..., None]).float().argmax(-1)


# %% wrong="rank after rounding"
def lens_rank(logits, target):
    logits = logits.round()
    own = logits.gather(-1, target.expand(logits.shape[:-1])[..., None])
    return (logits > own).sum(-1)


# %% wrong="compares with the maximum"
def lens_rank(logits, target):
    return (logits < logits.amax(-1, keepdim=True)).sum(-1)


# %% wrong="probabilities underflow"
def lens_rank(logits, target):
    probs = (5 * logits).half().softmax(-1)
    own = probs.gather(-1, target.expand(logits.shape[:-1])[..., None])
    return (probs > own).sum(-1)


# %% wrong="middle of ties"
def lens_rank(logits, target):
    own = logits.gather(-1, target.expand(logits.shape[:-1])[..., None])
    return ((logits > own).sum(-1) + (logits >= own).sum(-1) - 1) // 2


# %% right="three loops"
import torch


def lens_rank(logits, target):
    L, B, T, V = logits.shape
    out = torch.zeros(L, B, T, dtype=torch.long)
    for l in range(L):
        for b in range(B):
            for t in range(T):
                row = logits[l, b, t].tolist()
                mine = row[int(target[b, t])]
                out[l, b, t] = sum(1 for other in row if other > mine)
    return out


# %% right="one-hot mask picks the target's logit"
import torch
from torch.nn import functional as F


def lens_rank(logits, target):
    hot = F.one_hot(target.long(), logits.shape[-1]).bool()
    own = torch.where(hot, logits, torch.zeros((), dtype=logits.dtype)).sum(-1, keepdim=True)
    return torch.count_nonzero(logits > own, dim=-1)


# %% right="index arrays, numpy"
import numpy as np
import torch


def lens_rank(logits, target):
    x = logits.detach().numpy()
    t = target.numpy()
    b, p = np.indices(t.shape)
    own = x[:, b, p, t]
    return torch.from_numpy((x > own[..., None]).sum(-1).astype(np.int64))


# %% wrong="compares probabilities"
def lens_rank(logits, target):
    p = logits.softmax(-1)
    own = p.gather(-1, target.expand(logits.shape[:-1]).unsqueeze(-1))
    return (p > own).sum(-1)


# %% wrong="compares in float32"
def lens_rank(logits, target):
    logits = logits.float()
    own = logits.gather(-1, target.expand(logits.shape[:-1]).unsqueeze(-1))
    return (logits > own).sum(-1)


# %% wrong="compares in half precision to save memory"
def lens_rank(logits, target):
    logits = logits.half()
    own = logits.gather(-1, target.expand(logits.shape[:-1]).unsqueeze(-1))
    return (logits > own).sum(-1)


# %% wrong="compares with a tolerance"
def lens_rank(logits, target):
    own = logits.gather(-1, target.expand(logits.shape[:-1]).unsqueeze(-1))
    return (logits > own + 1e-3).sum(-1)


# %% wrong="uint8 sum overflows above 255"
import torch


def lens_rank(logits, target):
    own = logits.gather(-1, target.expand(logits.shape[:-1]).unsqueeze(-1))
    return (logits > own).sum(-1, dtype=torch.uint8).long()


# %% wrong="looks in the best 10 only"
def lens_rank(logits, target):
    k = min(10, logits.shape[-1])
    top = logits.topk(k, dim=-1).values
    own = logits.gather(-1, target.expand(logits.shape[:-1]).unsqueeze(-1))
    return (top > own).sum(-1)
