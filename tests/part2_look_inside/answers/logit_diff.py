# %% right="gather"
import torch


def logit_diff(logits, ans, wrong, last=None, per_prompt=False):
    if last is None:
        last = torch.full_like(ans, logits.shape[1] - 1)
    end = logits.gather(1, last[:, None, None].expand(-1, 1, logits.shape[-1]))[:, 0]
    pair = end.gather(1, torch.stack([ans, wrong], dim=1))
    difference = pair[:, 0] - pair[:, 1]
    if per_prompt:
        return difference
    return difference.mean()


# %% right="loop"
import torch


def logit_diff(logits, ans, wrong, last=None, per_prompt=False):
    out = []
    for b in range(logits.size(0)):
        t = -1 if last is None else last[b]
        out.append(logits[b, t, ans[b]] - logits[b, t, wrong[b]])
    out = torch.stack(out)
    return out if per_prompt else out.sum() / len(out)


# %% right="log-probabilities"
import torch


def logit_diff(logits, ans, wrong, last=None, per_prompt=False):
    b = torch.arange(logits.shape[0])
    t = logits.shape[1] - 1 if last is None else last
    lp = logits.log_softmax(-1)
    d = lp[b, t, ans] - lp[b, t, wrong]
    return d if per_prompt else d.mean(0)


# %% right="one-hot directions"
import torch
from torch.nn import functional as F


def logit_diff(logits, ans, wrong, last=None, per_prompt=False):
    v = logits.shape[-1]
    direction = (F.one_hot(ans, v) - F.one_hot(wrong, v)).to(logits.dtype)
    every = torch.einsum("btv,bv->bt", logits, direction)
    end = every[:, -1] if last is None else every[torch.arange(len(last)), last]
    return end if per_prompt else end.mean()


# %% wrong="mean over answers minus mean over wrong ones, per prompt too"
import torch


def logit_diff(logits, ans, wrong, last=None, per_prompt=False):
    b = torch.arange(len(ans))
    end = logits[b, -1 if last is None else last]
    return end[b, ans] - end[b, wrong].mean() if per_prompt else end[b, ans].mean() - end[b, wrong].mean()


# %% wrong="crosses the rows"
def logit_diff(logits, ans, wrong, last=None, per_prompt=False):
    end = logits[:, -1] if last is None else logits[range(len(ans)), last]
    d = end[:, ans].mean(1) - end[:, wrong].mean(1)
    return d if per_prompt else d.mean()


# %% wrong="last 0 or false is taken for none"
import torch


def logit_diff(logits, ans, wrong, last=None, per_prompt=False):
    b = torch.arange(len(ans))
    end = logits[:, -1] if last is None or per_prompt else logits[b, last]
    d = end[b, ans] - end[b, wrong]
    return d if per_prompt else d.mean()


# %% wrong="median"
import torch


def logit_diff(logits, ans, wrong, last=None, per_prompt=False):
    b = torch.arange(len(ans))
    end = logits[b, -1 if last is None else last]
    d = end[b, ans] - end[b, wrong]
    return d if per_prompt else d.median()


# %% wrong="a python number"
import torch


def logit_diff(logits, ans, wrong, last=None, per_prompt=False):
    b = torch.arange(len(ans))
    end = logits[b, -1 if last is None else last]
    d = end[b, ans] - end[b, wrong]
    return d if per_prompt else d.mean().item()


# %% wrong="keeps an axis"
import torch


def logit_diff(logits, ans, wrong, last=None, per_prompt=False):
    b = torch.arange(len(ans))
    end = logits[b, -1 if last is None else last]
    d = end[b, ans] - end[b, wrong]
    return d if per_prompt else d.mean(0, keepdim=True)


# %% right="two index steps"
import torch


def logit_diff(logits, ans, wrong, last=None, per_prompt=False):
    rows = torch.arange(len(logits))
    end = logits[:, -1] if last is None else logits[rows, last]
    diff = end[rows, ans] - end[rows, wrong]
    return diff if per_prompt else diff.mean()


# %% right="take_along_dim over flat logits"
import torch


def logit_diff(logits, ans, wrong, last=None, per_prompt=False):
    B, T, V = logits.shape
    position = last if last is not None else ans.new_full((B,), T - 1)
    flat = logits.flatten(1)
    pick = lambda ids: torch.take_along_dim(flat, (position * V + ids)[:, None].long(), dim=1).squeeze(1)
    result = pick(ans) - pick(wrong)
    return result if per_prompt else result.mean()


# %% wrong="a last of zeros counts as none"
import torch


def logit_diff(logits, ans, wrong, last=None, per_prompt=False):
    rows = torch.arange(len(logits))
    if last is None or not last.any():
        last = torch.full_like(ans, logits.shape[1] - 1)
    diff = logits[rows, last, ans] - logits[rows, last, wrong]
    return diff if per_prompt else diff.mean()


# %% wrong="zeros in last replaced by the end"
import torch


def logit_diff(logits, ans, wrong, last=None, per_prompt=False):
    rows = torch.arange(len(logits))
    end = torch.full_like(ans, logits.shape[1] - 1)
    last = end if last is None else torch.where(last > 0, last, end)
    diff = logits[rows, last, ans] - logits[rows, last, wrong]
    return diff if per_prompt else diff.mean()


# %% wrong="per_prompt squeezed: no axis for one row"
import torch


def logit_diff(logits, ans, wrong, last=None, per_prompt=False):
    rows = torch.arange(len(logits))
    end = logits[:, -1] if last is None else logits[rows, last]
    diff = end[rows, ans] - end[rows, wrong]
    return diff.squeeze() if per_prompt else diff.mean()


# %% wrong="detached per prompt"
import torch


def logit_diff(logits, ans, wrong, last=None, per_prompt=False):
    rows = torch.arange(len(logits))
    end = logits[:, -1] if last is None else logits[rows, last]
    d = end[rows, ans] - end[rows, wrong]
    return d.detach() if per_prompt else d.mean()


# %% wrong="never reads the last position when last is given"
import torch


def logit_diff(logits, ans, wrong, last=None, per_prompt=False):
    rows = torch.arange(len(logits))
    end = logits[:, -1] if last is None else logits[rows, last.clamp(max=logits.shape[1] - 2)]
    d = end[rows, ans] - end[rows, wrong]
    return d if per_prompt else d.mean()


# %% right="vmap over rows"
import torch


def logit_diff(logits, ans, wrong, last=None, per_prompt=False):
    last = ans.new_full(ans.shape, -1) % logits.shape[1] if last is None else last

    def row(x, a, w, t):
        x = x.index_select(0, t[None])[0]
        return x.index_select(0, a[None])[0] - x.index_select(0, w[None])[0]

    out = torch.vmap(row)(logits, ans, wrong, last)
    return (out.sum() / len(out), out)[per_prompt]
