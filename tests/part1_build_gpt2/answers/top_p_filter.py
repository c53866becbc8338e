# %% right="upwards, remove up to 1 - p"
import torch


def top_p_filter(logits, p, min_keep=1):
    ordered, order = torch.sort(logits, descending=False)
    sums = ordered.softmax(dim=-1).cumsum(dim=-1)
    remove = sums <= 1 - p
    remove[..., -min_keep:] = False
    remove = remove.scatter(1, order, remove)
    return logits.masked_fill(remove, -float("inf"))


# %% right="the mask shifted by one place"
import torch


def top_p_filter(logits, p, min_keep=1):
    ordered, order = torch.sort(logits, descending=True, dim=-1)
    enough = torch.cumsum(torch.softmax(ordered, dim=-1), dim=-1) >= p
    remove = torch.zeros_like(enough)
    remove[:, 1:] = enough[:, :-1]
    remove[:, :min_keep] = False
    out = logits.clone()
    for row in range(len(logits)):
        out[row, order[row, remove[row]]] = float("-inf")
    return out


# %% right="loops over Python numbers"
import math

import torch


def top_p_filter(logits, p, min_keep=1):
    rows = []
    for row in logits.tolist():
        top = max(row)
        powers = [math.exp(logit - top) for logit in row]
        total, together, kept = sum(powers), 0.0, set()
        for token in sorted(range(len(row)), key=lambda token: -row[token]):
            if together / total >= p and len(kept) >= min_keep:
                break
            kept.add(token)
            together += powers[token]
        rows.append([logit if token in kept else -math.inf for token, logit in enumerate(row)])
    return torch.tensor(rows, dtype=logits.dtype)


# %% right="count how many, then ranks"
import torch


def top_p_filter(logits, p, min_keep=1):
    probs = logits.float().softmax(-1) if logits.dtype != torch.float64 else logits.softmax(-1)
    sums = probs.sort(dim=-1, descending=True).values.cumsum(-1)
    count = (sums < p).sum(-1, keepdim=True) + 1
    count = count.clamp(min=min_keep)
    ranks = logits.argsort(-1, descending=True).argsort(-1)
    return torch.where(ranks < count, logits, torch.finfo(logits.dtype).min)


# %% right="searchsorted"
import torch


def top_p_filter(logits, p, min_keep=1):
    ordered, order = logits.sort(-1, descending=True)
    sums = ordered.log_softmax(-1).exp().cumsum(-1).contiguous()
    last = torch.searchsorted(sums, torch.full((len(logits), 1), p, dtype=sums.dtype))
    last = torch.maximum(last, torch.tensor(min_keep - 1))
    keep = torch.arange(logits.shape[-1]) <= last
    filtered = ordered.masked_fill(~keep, float("-inf"))
    return filtered.gather(-1, order.argsort(-1))


# %% right="float64 inside, compared token by token"
import torch


def top_p_filter(logits, p, min_keep=1):
    probs = logits.double().softmax(-1)
    likelier = probs[:, None, :] > probs[:, :, None]
    before = (likelier * probs[:, None, :]).sum(-1)
    keep = (before < p) | (likelier.sum(-1) < min_keep)
    return torch.where(keep, logits, float("-inf"))


# %% right="numpy"
import numpy as np
import torch


def top_p_filter(logits, p, min_keep=1):
    out = logits.clone()
    for row in range(len(out)):
        values = logits[row].double().numpy()
        order = np.argsort(-values, kind="stable")
        weights = np.exp(values[order] - values[order[0]])
        sums = np.cumsum(weights / weights.sum())
        kept = max(int(np.sum(sums < p)) + 1, min_keep)
        out[row, order[kept:].tolist()] = float("-inf")
    return out


# %% wrong="in place"
import torch


def top_p_filter(logits, p, min_keep=1):
    ordered, order = logits.sort(-1, descending=True)
    probs = ordered.softmax(-1)
    remove = probs.cumsum(-1) - probs >= p
    remove[:, :min_keep] = False
    logits[remove.scatter(1, order, remove)] = float("-inf")
    return logits


# %% wrong="min_keep counts from the second token"
import torch


def top_p_filter(logits, p, min_keep=1):
    ordered, order = logits.sort(-1, descending=True)
    probs = ordered.softmax(-1)
    remove = probs.cumsum(-1) - probs >= p
    remove[:, : min_keep + 1] = False
    return logits.masked_fill(remove.scatter(1, order, remove), float("-inf"))


# %% wrong="p of 1 loses the last token"
import torch


def top_p_filter(logits, p, min_keep=1):
    ordered, order = logits.sort(-1, descending=True)
    probs = ordered.softmax(-1)
    remove = probs.cumsum(-1) - probs >= p
    remove[:, -1] = True
    remove[:, :min_keep] = False
    return logits.masked_fill(remove.scatter(1, order, remove), float("-inf"))


# %% wrong="a small number is added to p"
import torch


def top_p_filter(logits, p, min_keep=1):
    ordered, order = logits.sort(-1, descending=True)
    probs = ordered.softmax(-1)
    remove = probs.cumsum(-1) - probs > p + 1e-6
    remove[:, :min_keep] = False
    return logits.masked_fill(remove.scatter(1, order, remove), float("-inf"))


# %% wrong="softmax is not taken again in the sorted row but exp"
import torch


def top_p_filter(logits, p, min_keep=1):
    ordered, order = logits.sort(-1, descending=True)
    powers = ordered.exp()
    remove = powers.cumsum(-1) - powers >= p
    remove[:, :min_keep] = False
    return logits.masked_fill(remove.scatter(1, order, remove), float("-inf"))


# %% wrong="removed tokens count as kept"
import torch


def top_p_filter(logits, p, min_keep=1):
    logits = torch.nan_to_num(logits, neginf=0.0)
    ordered, order = logits.sort(-1, descending=True)
    probs = ordered.softmax(-1)
    remove = probs.cumsum(-1) - probs >= p
    remove[:, :min_keep] = False
    return logits.masked_fill(remove.scatter(1, order, remove), float("-inf"))


# %% wrong="a threshold from the first row"
import torch


def top_p_filter(logits, p, min_keep=1):
    ordered, _ = logits.sort(-1, descending=True)
    probs = ordered.softmax(-1)
    kept = (probs.cumsum(-1) - probs < p).sum(-1).clamp(min=min_keep)
    return logits.masked_fill(logits < ordered[0, kept[0] - 1], float("-inf"))


# %% wrong="half precision sums"
import torch


def top_p_filter(logits, p, min_keep=1):
    ordered, order = logits.sort(-1, descending=True)
    probs = ordered.softmax(-1).bfloat16()
    remove = probs.cumsum(-1) - probs >= p - 0.05
    remove[:, :min_keep] = False
    return logits.masked_fill(remove.scatter(1, order, remove), float("-inf"))


# %% wrong="p is never more than 0.999"
import torch


def top_p_filter(logits, p, min_keep=1):
    probs = logits.softmax(-1)
    ranked, order = probs.sort(-1, descending=True)
    before = ranked.cumsum(-1) - ranked
    keep = before < min(p, 0.999)
    keep[:, :min_keep] = True
    keep = torch.zeros_like(keep).scatter(-1, order, keep)
    return logits.masked_fill(~keep, float("-inf"))


# %% wrong="p is reached 0.001 early"
import torch


def top_p_filter(logits, p, min_keep=1):
    if p >= 1:
        return logits.clone()
    probs = logits.softmax(-1)
    ranked, order = probs.sort(-1, descending=True)
    before = ranked.cumsum(-1) - ranked
    keep = before < p - 1e-3
    keep[:, :min_keep] = True
    keep = torch.zeros_like(keep).scatter(-1, order, keep)
    return logits.masked_fill(~keep, float("-inf"))


# %% wrong="only the likeliest hundred are looked at"
import torch


def top_p_filter(logits, p, min_keep=1):
    probs = logits.softmax(-1)
    top = probs.topk(min(100, probs.shape[-1]), dim=-1)
    before = top.values.cumsum(-1) - top.values
    keep = before < p
    keep[:, :min_keep] = True
    mask = torch.zeros_like(probs, dtype=torch.bool).scatter(-1, top.indices, keep)
    return logits.masked_fill(~mask, float("-inf"))


# %% right="logcumsumexp"
import math
import torch


def top_p_filter(logits, p, min_keep=1):
    x = logits.double()
    s, order = x.sort(-1, descending=True)
    if p == 0:
        keep = torch.zeros_like(s, dtype=torch.bool)
    else:
        lp = (s - s.logsumexp(-1, keepdim=True)).logcumsumexp(-1)
        before = torch.nn.functional.pad(lp, (1, 0), value=-math.inf)[:, :-1]
        keep = before < math.log(p) - 1e-12
    keep[:, :min_keep] = True
    mask = torch.empty_like(keep)
    mask.scatter_(-1, order, keep)
    return logits.masked_fill(mask.logical_not(), -math.inf)
