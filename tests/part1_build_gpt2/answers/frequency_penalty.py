# %% right="index_add"
import torch


def frequency_penalty(ids, logits, f):
    return logits.index_add(0, ids, torch.full(ids.shape, -f, dtype=logits.dtype))


# %% right="a loop over the text"
def frequency_penalty(ids, logits, f):
    out = logits.clone()
    for token in ids.tolist():
        out[token] -= f
    return out


# %% right="Counter"
from collections import Counter


def frequency_penalty(ids, logits, f):
    out = logits.clone()
    for token, count in Counter(ids.tolist()).items():
        out[token] = out[token] - f * count
    return out


# %% right="unique with counts"
import torch


def frequency_penalty(ids, logits, f):
    tokens, counts = torch.unique(ids, return_counts=True)
    lowered = logits.clone()
    lowered[tokens] -= f * counts
    return lowered


# %% right="comparison table"
import torch


def frequency_penalty(ids, logits, f):
    counts = (ids[None] == torch.arange(len(logits))[:, None]).sum(1)
    return logits - f * counts


# %% right="bincount, default dtype of the product"
import torch


def frequency_penalty(ids, logits, f):
    return logits - f * torch.bincount(ids, minlength=logits.shape[0])


# %% right="scatter_add of ones"
import torch


def frequency_penalty(ids, logits, f):
    counts = torch.zeros_like(logits).scatter_add(0, ids, torch.ones_like(ids, dtype=logits.dtype))
    return torch.sub(logits, counts, alpha=f)


# %% wrong="in place"
import torch


def frequency_penalty(ids, logits, f):
    logits -= f * torch.bincount(ids, minlength=len(logits))
    return logits


# %% wrong="index with repeated ids"
def frequency_penalty(ids, logits, f):
    out = logits.clone()
    out[ids] -= f
    return out


# %% wrong="presence and frequency"
import torch


def frequency_penalty(ids, logits, f):
    counts = torch.bincount(ids, minlength=len(logits))
    return logits - f * counts - f * (counts > 0)


# %% wrong="at most three times"
import torch


def frequency_penalty(ids, logits, f):
    return logits - f * torch.bincount(ids, minlength=len(logits)).clamp(max=3)


# %% wrong="only positive logits"
import torch


def frequency_penalty(ids, logits, f):
    counts = torch.bincount(ids, minlength=len(logits))
    return torch.where(logits > 0, logits - f * counts, logits + f * counts)


# %% wrong="cut to the ids that occur"
import torch


def frequency_penalty(ids, logits, f):
    counts = torch.bincount(ids)
    return logits[: len(counts)] - f * counts


# %% wrong="whole numbers"
import torch


def frequency_penalty(ids, logits, f):
    return logits - (f * torch.bincount(ids, minlength=len(logits))).int()


# %% wrong="relative to the most frequent"
import torch


def frequency_penalty(ids, logits, f):
    counts = torch.bincount(ids, minlength=len(logits)).to(logits.dtype)
    return logits - f * counts / counts.max()


# %% wrong="runs count once"
import torch


def frequency_penalty(ids, logits, f):
    return logits - f * torch.bincount(torch.unique_consecutive(ids), minlength=len(logits))


# %% wrong="remembers the counts of earlier calls"
import torch

seen = {}


def frequency_penalty(ids, logits, f):
    for token in ids.tolist():
        seen[token] = seen.get(token, 0) + 1
    out = logits.clone()
    for token, count in seen.items():
        out[token] -= f * count
    return out


# %% wrong="computed in float32 and given back as it came"
import torch


def frequency_penalty(ids, logits, f):
    counts = torch.bincount(ids, minlength=logits.shape[-1])
    return (logits.float() - f * counts).to(logits.dtype)


# %% wrong="count at most 255"
import torch


def frequency_penalty(ids, logits, f):
    counts = torch.zeros(len(logits), dtype=torch.uint8)
    counts.scatter_add_(0, ids, torch.ones_like(ids, dtype=torch.uint8))
    return logits - f * counts.to(logits.dtype)


# %% wrong="only the last 64 tokens"
import torch


def frequency_penalty(ids, logits, f):
    return logits - f * torch.bincount(ids[-64:], minlength=len(logits)).to(logits.dtype)


# %% right="put_ with accumulate"
import torch


def frequency_penalty(ids, logits, f):
    return logits.index_put((ids,), torch.full(ids.shape, -f, dtype=logits.dtype), accumulate=True)


# %% wrong="the last run of each token"
import torch


def frequency_penalty(ids, logits, f):
    out = logits.clone()
    for t, c in zip(*torch.unique_consecutive(ids, return_counts=True)):
        out[t] = logits[t] - f * c
    return out
