# %% right="take_along_dim after a test"
import torch


def batched_gather_last(logits, idx):
    if idx.numel() and not (0 <= int(idx.min()) and int(idx.max()) < logits.shape[-1]):
        raise IndexError(f"an index is not in [0, {logits.shape[-1]})")
    return torch.take_along_dim(logits, idx[..., None], dim=-1)[..., 0]


# %% right="brackets after a test"
import torch


def batched_gather_last(logits, idx):
    B, T, V = logits.shape
    if (idx < 0).any() or (idx >= V).any():
        raise IndexError("an index is outside the vocabulary")
    return logits[torch.arange(B)[:, None], torch.arange(T)[None, :], idx]


# %% right="one-hot product"
import torch
import torch.nn.functional as F


def batched_gather_last(logits, idx):
    return (logits * F.one_hot(idx, logits.shape[-1]).to(logits.dtype)).sum(-1)


# %% right="loops with assert"
import torch


def batched_gather_last(logits, idx):
    rows = []
    for b in range(idx.shape[0]):
        row = []
        for t in range(idx.shape[1]):
            i = idx[b, t].item()
            assert 0 <= i < logits.shape[2], f"{i} is no index of the last axis"
            row.append(logits[b, t, i])
        rows.append(torch.stack(row))
    return torch.stack(rows)


# %% right="flat index after a test"
import torch


def batched_gather_last(logits, idx):
    V = logits.shape[-1]
    if idx.min() < 0 or idx.max() >= V:
        raise ValueError(f"indices must be in [0, {V})")
    flat = logits.reshape(-1, V)
    return flat[torch.arange(flat.shape[0]), idx.reshape(-1)].view(idx.shape)


# %% right="masked sum after a test"
import torch


def batched_gather_last(logits, idx):
    V = logits.size(-1)
    if not bool(((0 <= idx) & (idx < V)).all()):
        raise RuntimeError("index out of range")
    here = idx.unsqueeze(-1) == torch.arange(V)
    return logits.masked_fill(~here, 0).sum(dim=-1)


# %% right="gather per row"
import torch


def batched_gather_last(logits, idx):
    return torch.stack([row.gather(1, which.view(-1, 1)).view(-1) for row, which in zip(logits, idx)])


# %% right="masked_select"
import torch
import torch.nn.functional as F


def batched_gather_last(logits, idx):
    return logits.masked_select(F.one_hot(idx, logits.shape[-1]).bool()).reshape(idx.shape)


# %% wrong="squeeze without an axis"
def batched_gather_last(logits, idx):
    return logits.gather(-1, idx.unsqueeze(-1)).squeeze()


# %% wrong="refuses only negative ones"
import torch


def batched_gather_last(logits, idx):
    if (idx < 0).any():
        raise ValueError("negative index")
    V = logits.shape[-1]
    return logits.gather(-1, idx.clamp(max=V - 1).unsqueeze(-1)).squeeze(-1)


# %% wrong="refuses V - 1 too"
def batched_gather_last(logits, idx):
    if (idx < 0).any() or (idx >= logits.shape[-1] - 1).any():
        raise ValueError("index out of range")
    return logits.gather(-1, idx.unsqueeze(-1)).squeeze(-1)


# %% wrong="refuses 0"
def batched_gather_last(logits, idx):
    if (idx <= 0).any():
        raise ValueError("index out of range")
    return logits.gather(-1, idx.unsqueeze(-1)).squeeze(-1)


# %% wrong="refuses only if all are wrong"
def batched_gather_last(logits, idx):
    V = logits.shape[-1]
    if (idx < 0).all() or (idx >= V).all():
        raise ValueError("index out of range")
    return logits.gather(-1, idx.remainder(V).unsqueeze(-1)).squeeze(-1)


# %% wrong="tests the first row only"
def batched_gather_last(logits, idx):
    V = logits.shape[-1]
    if idx[0, 0] < 0 or idx[0, 0] >= V:
        raise ValueError("index out of range")
    return logits.gather(-1, (idx % V).unsqueeze(-1)).squeeze(-1)


# %% wrong="negative index picks nothing: NaN"
import torch


def batched_gather_last(logits, idx):
    V = logits.shape[-1]
    safe = idx.clamp(0, V - 1)
    out = logits.gather(-1, safe.unsqueeze(-1)).squeeze(-1)
    return torch.where(safe == idx, out, float("nan"))


# %% wrong="diagonal of all pairs"
import torch


def batched_gather_last(logits, idx):
    picked = logits[:, :, idx[0]]
    if (idx < 0).any() or (idx >= logits.shape[-1]).any():
        raise IndexError("out of range")
    return torch.diagonal(picked, dim1=1, dim2=2)


# %% wrong="prints instead of raising"
def batched_gather_last(logits, idx):
    if (idx < 0).any():
        print("warning: negative index")
    return logits.gather(-1, idx.remainder(logits.shape[-1]).unsqueeze(-1)).squeeze(-1)


# %% wrong="a list of numbers"
def batched_gather_last(logits, idx):
    return [[logits[b, t, idx[b, t]].item() for t in range(idx.shape[1])] for b in range(idx.shape[0])]


# %% wrong="negative allowed, large refused"
import torch


def batched_gather_last(logits, idx):
    return torch.stack([torch.stack([logits[b, t, i] for t, i in enumerate(row)]) for b, row in enumerate(idx)])


# %% wrong="take_along_dim wraps large ones"
import torch


def batched_gather_last(logits, idx):
    if torch.any(idx < 0):
        raise ValueError("negative index")
    return torch.take_along_dim(logits, idx[:, :, None], dim=2)[:, :, 0]


# %% wrong="tests all rows but the last"
import torch


def batched_gather_last(logits, idx):
    if idx[:-1].numel() and (idx[:-1].min() < 0 or idx[:-1].max() >= logits.shape[-1]):
        raise IndexError("out of range")
    return torch.take_along_dim(logits, (idx % logits.shape[-1])[..., None], -1).squeeze(-1)


# %% wrong="tests the first two rows"
def batched_gather_last(logits, idx):
    v = logits.shape[-1]
    if any(i < 0 or i >= v for row in idx[:2].tolist() for i in row):
        raise IndexError
    return logits.gather(-1, (idx % v).unsqueeze(-1)).squeeze(-1)


# %% right="vmap twice over index_select after a test"
import torch


def batched_gather_last(logits, idx):
    if torch.any((idx < 0) | (idx >= logits.size(-1))):
        raise ValueError("idx out of range")
    return torch.vmap(torch.vmap(lambda row, i: row.index_select(0, i.reshape(1)).squeeze(0)))(logits, idx)
