# %% right="torch.einsum with letters"
import torch


def attn_scores(x, W_Q, b_Q, W_K, b_K):
    q = torch.einsum("btd,hdk->bthk", x, W_Q) + b_Q
    k = torch.einsum("btd,hdk->bthk", x, W_K) + b_K
    return torch.einsum("bqhk,bshk->bhqs", q, k) / k.shape[-1] ** 0.5


# %% right="einops, query scaled with its bias"
from einops import einsum, rearrange


def attn_scores(x, W_Q, b_Q, W_K, b_K):
    d_head = W_Q.size(2)
    q = einsum(x, W_Q, "b t d, h d k -> b h t k") + rearrange(b_Q, "h k -> h 1 k")
    k = einsum(x, W_K, "b t d, h d k -> b h t k") + rearrange(b_K, "h k -> h 1 k")
    return einsum(q * d_head**-0.5, k, "b h i k, b h j k -> b h i j")


# %% right="broadcast matrix products"
import math


def attn_scores(x, W_Q, b_Q, W_K, b_K):
    x = x.unsqueeze(1)
    queries = x @ W_Q + b_Q.unsqueeze(1)
    keys = x @ W_K + b_K.unsqueeze(1)
    return (queries @ keys.transpose(-2, -1)) / math.sqrt(keys.shape[-1])


# %% right="loops over batch and heads"
import torch


def attn_scores(x, W_Q, b_Q, W_K, b_K):
    rows = []
    for row in x:
        heads = []
        for head in range(W_Q.shape[0]):
            q = row @ W_Q[head] + b_Q[head]
            k = row @ W_K[head] + b_K[head]
            heads.append((q @ k.T) / torch.sqrt(torch.tensor(W_Q.shape[-1])))
        rows.append(torch.stack(heads))
    return torch.stack(rows)


# %% right="one wide matrix, as in the paper, and the fourth root on both sides"
import torch


def attn_scores(x, W_Q, b_Q, W_K, b_K):
    H, D, K = W_Q.shape
    B, T, _ = x.shape
    wide_Q = W_Q.permute(1, 0, 2).reshape(D, H * K)
    wide_K = W_K.permute(1, 0, 2).reshape(D, H * K)
    q = (x @ wide_Q + b_Q.flatten()).view(B, T, H, K).transpose(1, 2) / K**0.25
    k = (x @ wide_K + b_K.flatten()).view(B, T, H, K).transpose(1, 2) / K**0.25
    return torch.matmul(q, k.mT)


# %% right="computed in float64, the dtype of x given back"
def attn_scores(x, W_Q, b_Q, W_K, b_K):
    q = x.double()[:, None] @ W_Q.double() + b_Q.double()[:, None]
    k = x.double()[:, None] @ W_K.double() + b_K.double()[:, None]
    return (q @ k.mT / q.shape[-1] ** 0.5).to(x.dtype)


# %% right="sums of products, not contiguous"
def attn_scores(x, W_Q, b_Q, W_K, b_K):
    q = (x[:, :, None, :, None] * W_Q).sum(3) + b_Q
    k = (x[:, :, None, :, None] * W_K).sum(3) + b_K
    return (q[:, :, None] * k[:, None]).sum(-1).permute(0, 3, 1, 2) / W_Q.shape[-1] ** 0.5


# %% wrong="heads last"
import torch


def attn_scores(x, W_Q, b_Q, W_K, b_K):
    q = torch.einsum("btd,hdk->bthk", x, W_Q) + b_Q
    k = torch.einsum("btd,hdk->bthk", x, W_K) + b_K
    return torch.einsum("bqhk,bshk->bqsh", q, k) / k.shape[-1] ** 0.5


# %% wrong="cosine similarity"
import torch
from torch.nn import functional as F


def attn_scores(x, W_Q, b_Q, W_K, b_K):
    q = F.normalize(x[:, None] @ W_Q + b_Q[:, None], dim=-1)
    k = F.normalize(x[:, None] @ W_K + b_K[:, None], dim=-1)
    return q @ k.mT


# %% wrong="all heads use head 0's keys"
def attn_scores(x, W_Q, b_Q, W_K, b_K):
    q = x[:, None] @ W_Q + b_Q[:, None]
    k = x[:, None] @ W_K[:1] + b_K[:1, None]
    return q @ k.mT / q.shape[-1] ** 0.5


# %% wrong="heads mixed by a view without a transpose"
def attn_scores(x, W_Q, b_Q, W_K, b_K):
    H, D, K = W_Q.shape
    B, T, _ = x.shape
    q = (x @ W_Q.permute(1, 0, 2).reshape(D, H * K) + b_Q.flatten()).view(B, H, T, K)
    k = (x @ W_K.permute(1, 0, 2).reshape(D, H * K) + b_K.flatten()).view(B, H, T, K)
    return q @ k.mT / K**0.5


# %% wrong="scale rounded to an integer"
import math


def attn_scores(x, W_Q, b_Q, W_K, b_K):
    q, k = x[:, None] @ W_Q + b_Q[:, None], x[:, None] @ W_K + b_K[:, None]
    return q @ k.mT / math.isqrt(W_Q.shape[-1])


# %% wrong="float32 whatever comes in"
def attn_scores(x, W_Q, b_Q, W_K, b_K):
    x, W_Q, b_Q, W_K, b_K = (t.float() for t in (x, W_Q, b_Q, W_K, b_K))
    q, k = x[:, None] @ W_Q + b_Q[:, None], x[:, None] @ W_K + b_K[:, None]
    return q @ k.mT / W_Q.shape[-1] ** 0.5


# %% wrong="a typed-in head width"
def attn_scores(x, W_Q, b_Q, W_K, b_K):
    q, k = x[:, None] @ W_Q + b_Q[:, None], x[:, None] @ W_K + b_K[:, None]
    return q @ k.mT / 8


# %% wrong="keys carry no gradient"
def attn_scores(x, W_Q, b_Q, W_K, b_K):
    q, k = x[:, None] @ W_Q + b_Q[:, None], x[:, None] @ W_K + b_K[:, None]
    return q @ k.detach().mT / W_Q.shape[-1] ** 0.5


# %% wrong="PyTorch's attention with the identity as values"
import torch
from torch.nn import functional as F


def attn_scores(x, W_Q, b_Q, W_K, b_K):
    q, k = x[:, None] @ W_Q + b_Q[:, None], x[:, None] @ W_K + b_K[:, None]
    eye = torch.eye(x.shape[1], dtype=x.dtype).expand(*q.shape[:2], -1, -1)
    return F.scaled_dot_product_attention(q, k, eye).log()


# %% wrong="batch rows mixed"
import torch


def attn_scores(x, W_Q, b_Q, W_K, b_K):
    q = torch.einsum("btd,hdk->bthk", x, W_Q) + b_Q
    k = torch.einsum("btd,hdk->bthk", x, W_K) + b_K
    return torch.einsum("bqhk,cshk->bhqs", q, k) / k.shape[-1] ** 0.5


# %% wrong="matrices reshaped without moving the head axis"
import math


def attn_scores(x, W_Q, b_Q, W_K, b_K):
    (B, T, D), (H, _, K) = x.shape, W_Q.shape
    q, k = (
        (x @ W.reshape(D, H * K) + b.flatten()).view(B, T, H, K).transpose(1, 2) for W, b in ((W_Q, b_Q), (W_K, b_K))
    )
    return q @ k.transpose(-2, -1) / math.sqrt(K)


# %% wrong="b_Q pasted into the keys' line"
def attn_scores(x, W_Q, b_Q, W_K, b_K):
    q = x[:, None] @ W_Q + b_Q[:, None]
    k = x[:, None] @ W_K + b_Q[:, None]
    return q @ k.mT / W_Q.shape[-1] ** 0.5


# %% wrong="computed in float32, given back in the dtype of x"
import math
import torch


def attn_scores(x, W_Q, b_Q, W_K, b_K):
    dtype = x.dtype
    x, W_Q, b_Q, W_K, b_K = (t.float() for t in (x, W_Q, b_Q, W_K, b_K))
    q, k = x[:, None] @ W_Q + b_Q[:, None], x[:, None] @ W_K + b_K[:, None]
    return (q @ k.mT / math.sqrt(W_Q.shape[-1])).to(dtype)


# %% wrong="squeezed"
import math
import torch


def attn_scores(x, W_Q, b_Q, W_K, b_K):
    q, k = x[:, None] @ W_Q + b_Q[:, None], x[:, None] @ W_K + b_K[:, None]
    return (q @ k.mT / math.sqrt(W_Q.shape[-1])).squeeze(0)


# %% right="with the QK matrix, bilinear"
import torch


def attn_scores(x, W_Q, b_Q, W_K, b_K, *, scale=None):
    scale = scale or W_Q.size(-1) ** 0.5
    M = W_Q @ W_K.transpose(1, 2)
    s = torch.einsum("bqd,hde,bke->bhqk", x, M, x)
    s = s + torch.einsum("bqd,hdc,hc->bhq", x, W_Q, b_K)[..., None]
    s = s + torch.einsum("bkd,hdc,hc->bhk", x, W_K, b_Q)[:, :, None]
    s = s + (b_Q * b_K).sum(-1)[:, None, None]
    return s / scale


# %% right="vmap"
import torch
from torch.func import vmap


def attn_scores(x, W_Q, b_Q, W_K, b_K):
    one = lambda x, WQ, bQ, WK, bK: ((x @ WQ + bQ) @ (x @ WK + bK).T).div(WQ.shape[1] ** 0.5)
    return vmap(vmap(one, (None, 0, 0, 0, 0)), (0, None, None, None, None))(x, W_Q, b_Q, W_K, b_K)
