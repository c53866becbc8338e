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
