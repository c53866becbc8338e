# %% right="scatter into minus infinity"
import torch


def top_k_filter(logits, k):
    values, places = torch.topk(logits, min(k, logits.size(-1)), dim=-1)
    return torch.full_like(logits, float("-inf")).scatter(-1, places, values)


# %% right="ranks by sorting twice"
import torch


def top_k_filter(logits, k):
    ranks = logits.argsort(dim=-1, descending=True).argsort(dim=-1)
    return torch.where(ranks < k, logits, torch.tensor(float("-inf"), dtype=logits.dtype))


# %% right="finfo.min, row by row"
import torch


def top_k_filter(logits, k):
    out = logits.clone()
    for row in out:
        order = torch.argsort(row, descending=True)
        row[order[k:]] = torch.finfo(row.dtype).min
    return out


# %% right="kthvalue"
import torch


def top_k_filter(logits, k):
    vocab = logits.shape[1]
    if k >= vocab:
        return logits.clone()
    threshold = torch.kthvalue(logits, vocab - k + 1, dim=1, keepdim=True).values
    return logits + torch.where(logits >= threshold, 0.0, float("-inf")).to(logits.dtype)


# %% right="a mask that is added"
import torch


def top_k_filter(logits, k):
    places = logits.topk(min(k, logits.shape[-1])).indices
    mask = torch.full(logits.shape, float("-inf"), dtype=logits.dtype)
    mask.scatter_(1, places, 0.0)
    return logits + mask


# %% right="python lists"
import torch


def top_k_filter(logits, k):
    rows = []
    for row in logits.tolist():
        best = sorted(range(len(row)), key=lambda token: row[token], reverse=True)[:k]
        rows.append([logit if token in best else -float("inf") for token, logit in enumerate(row)])
    return torch.tensor(rows, dtype=logits.dtype)


# %% right="returns the argument when nothing is cut"
import torch


def top_k_filter(logits, k):
    if k >= logits.shape[-1]:
        return logits
    order = logits.sort(dim=-1, descending=True).indices
    mask = torch.ones_like(logits, dtype=torch.bool).scatter(-1, order[:, :k], False)
    return logits.masked_fill(mask, float("-inf"))


# %% wrong="in place"
import torch


def top_k_filter(logits, k):
    threshold = logits.topk(min(k, logits.shape[-1])).values[:, -1:]
    logits[logits < threshold] = float("-inf")
    return logits


# %% wrong="the mean threshold of the batch"
def top_k_filter(logits, k):
    threshold = logits.topk(min(k, logits.shape[-1])).values[:, -1].mean()
    return logits.masked_fill(logits < threshold, float("-inf"))


# %% wrong="threshold by the value only of the last row"
def top_k_filter(logits, k):
    threshold = logits.topk(min(k, logits.shape[-1])).values[-1, -1]
    return logits.masked_fill(logits < threshold, float("-inf"))


# %% wrong="minus a hundred"
def top_k_filter(logits, k):
    threshold = logits.topk(min(k, logits.shape[-1])).values[:, -1:]
    return logits.masked_fill(logits < threshold, -100.0)


# %% wrong="k at least two"
def top_k_filter(logits, k):
    threshold = logits.topk(min(max(k, 2), logits.shape[-1])).values[:, -1:]
    return logits.masked_fill(logits < threshold, float("-inf"))


# %% wrong="nothing when k is too large"
import torch


def top_k_filter(logits, k):
    if k >= logits.shape[-1]:
        return torch.full_like(logits, float("-inf"))
    threshold = logits.topk(k).values[:, -1:]
    return logits.masked_fill(logits < threshold, float("-inf"))


# %% wrong="removed ones come back to life"
import torch


def top_k_filter(logits, k):
    finite = torch.nan_to_num(logits, neginf=-50.0)
    threshold = finite.topk(min(k, logits.shape[-1])).values[:, -1:]
    return finite.masked_fill(finite < threshold, float("-inf"))


# %% wrong="nan for removed"
import torch


def top_k_filter(logits, k):
    threshold = logits.topk(min(k, logits.shape[-1])).values[:, -1:]
    return torch.where(logits < threshold, float("nan"), logits)


# %% wrong="distinct values instead of tokens"
import torch


def top_k_filter(logits, k):
    out = logits.clone()
    for row in out:
        values = row.unique().sort(descending=True).values
        row[row < values[min(k, len(values)) - 1]] = float("-inf")
    return out


# %% wrong="a tuple"
def top_k_filter(logits, k):
    return logits.topk(min(k, logits.shape[-1]))


# %% right="numpy's argpartition"
import torch


def top_k_filter(logits, k):
    import numpy as np

    a = logits.numpy()
    k = min(k, a.shape[1])
    keep = np.argpartition(-a, k - 1, axis=1)[:, :k]
    out = np.full_like(a, -np.inf)
    np.put_along_axis(out, keep, np.take_along_axis(a, keep, 1), 1)
    return torch.from_numpy(out)


# %% wrong="threshold through default float32"
import torch


def top_k_filter(logits, k):
    k = min(k, logits.shape[-1])
    cut = torch.tensor([sorted(row, reverse=True)[k - 1] for row in logits.tolist()])
    return logits.masked_fill(logits < cut[:, None], float("-inf"))


# %% wrong="a margin for rounding"
def top_k_filter(logits, k):
    k = min(k, logits.shape[-1])
    return logits.masked_fill(logits < logits.topk(k).values[:, -1:] - 1e-3, float("-inf"))


# %% right="repeated argmax"
import torch


def top_k_filter(logits, k):
    left = logits.clone()
    rows = torch.arange(len(logits))
    kept = torch.zeros_like(logits, dtype=torch.bool)
    for _ in range(min(k, logits.shape[1])):
        best = left.argmax(-1)
        kept[rows, best] = True
        left[rows, best] = -torch.inf
    return torch.where(kept, logits, torch.finfo(logits.dtype).min)
