# %% right="einops"
from einops import rearrange


def split_qkv(w, b, n_heads):
    if w.shape[0] % n_heads:
        raise ValueError("heads do not divide d_model")
    q, k, v = rearrange(w, "d (three h k) -> three h d k", three=3, h=n_heads).unbind(0)
    bq, bk, bv = rearrange(b, "(three h k) -> three h k", three=3, h=n_heads).unbind(0)
    return q, k, v, bq, bk, bv


# %% right="head by head with slices"
import torch


def split_qkv(w, b, n_heads):
    D = w.size(0)
    assert D % n_heads == 0, "d_model must be a multiple of n_heads"
    K = D // n_heads
    out = []
    for start in (0, D, 2 * D):
        out.append(torch.stack([w[:, start + h * K : start + (h + 1) * K] for h in range(n_heads)]))
    for start in (0, D, 2 * D):
        out.append(torch.stack([b[start + h * K : start + (h + 1) * K] for h in range(n_heads)]))
    return tuple(out)


# %% right="chunk, view and transpose of the transpose"
def split_qkv(w, b, n_heads):
    D = w.shape[0]
    d_head, rest = divmod(D, n_heads)
    if rest:
        raise IndexError(f"{D} is not a multiple of {n_heads}")
    rows = w.t().contiguous()  # [3D, D]: one row for each output
    Q, K, V = (part.view(n_heads, d_head, D).transpose(1, 2) for part in rows.chunk(3, dim=0))
    return (Q, K, V, *(part.view(n_heads, d_head) for part in b.contiguous().chunk(3)))


# %% right="through numpy, as a list"
import numpy as np
import torch


def split_qkv(w, b, n_heads):
    if w.shape[0] % n_heads != 0:
        raise ValueError
    matrices = [np.stack(np.split(part, n_heads, axis=1)) for part in np.split(w.numpy(), 3, axis=1)]
    biases = [np.stack(np.split(part, n_heads)) for part in np.split(b.numpy(), 3)]
    return [torch.from_numpy(part) for part in matrices + biases]


# %% wrong="the parts come as one stacked tensor"
def split_qkv(w, b, n_heads):
    if w.shape[0] % n_heads:
        raise ValueError
    return w.unflatten(1, (3, n_heads, -1)).permute(1, 2, 0, 3), b.unflatten(0, (3, n_heads, -1))


# %% wrong="d_head and n_heads exchanged in the sizes"
def split_qkv(w, b, n_heads):
    d_head = w.shape[0] // n_heads
    if d_head * n_heads != w.shape[0]:
        raise ValueError
    Q, K, V = (part.reshape(-1, d_head, n_heads).permute(1, 0, 2) for part in w.chunk(3, dim=1))
    bQ, bK, bV = (part.reshape(d_head, n_heads) for part in b.chunk(3))
    return Q, K, V, bQ, bK, bV


# %% wrong="values come first"
def split_qkv(w, b, n_heads):
    if w.shape[0] % n_heads:
        raise ValueError
    V, Q, K = w.unflatten(1, (3, n_heads, -1)).permute(1, 2, 0, 3)
    bV, bQ, bK = b.unflatten(0, (3, n_heads, -1))
    return Q, K, V, bQ, bK, bV


# %% wrong="the biases keep the order of another library"
def split_qkv(w, b, n_heads):
    if w.shape[0] % n_heads:
        raise ValueError
    Q, K, V = w.unflatten(1, (3, n_heads, -1)).permute(1, 2, 0, 3)
    bQ, bK, bV = b.unflatten(0, (n_heads, 3, -1)).transpose(0, 1)
    return Q, K, V, bQ, bK, bV


# %% wrong="a batch axis of one head"
def split_qkv(w, b, n_heads):
    if w.shape[0] % n_heads:
        raise ValueError
    Q, K, V = w.unflatten(1, (3, n_heads, -1)).permute(1, 2, 0, 3).squeeze()
    bQ, bK, bV = b.unflatten(0, (3, n_heads, -1)).squeeze()
    return Q, K, V, bQ, bK, bV


# %% wrong="the scale of the scores is put into the queries"
def split_qkv(w, b, n_heads):
    if w.shape[0] % n_heads:
        raise ValueError
    Q, K, V = w.unflatten(1, (3, n_heads, -1)).permute(1, 2, 0, 3)
    bQ, bK, bV = b.unflatten(0, (3, n_heads, -1))
    root = Q.shape[-1] ** 0.5
    return Q / root, K, V, bQ / root, bK, bV


# %% wrong="divisibility of the joint matrix is asked for"
def split_qkv(w, b, n_heads):
    D = w.shape[0]
    if w.shape[1] % n_heads:
        raise ValueError
    d_head = max(D // n_heads, 1)
    pad = n_heads * d_head
    parts = [w[:, at * D : (at + 1) * D] for at in range(3)]
    biases = [b[at * D : (at + 1) * D] for at in range(3)]
    if pad <= D:
        parts = [part[:, :pad] for part in parts]
        biases = [bias[:pad] for bias in biases]
        return (
            *(part.reshape(D, n_heads, d_head).transpose(0, 1) for part in parts),
            *(bias.reshape(n_heads, d_head) for bias in biases),
        )
    return (*(part.repeat(n_heads, 1, 1) for part in parts), *(bias.repeat(n_heads, 1) for bias in biases))
