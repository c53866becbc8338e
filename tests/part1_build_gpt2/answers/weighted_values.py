# %% right="torch.einsum"
import torch


def weighted_values(pattern, v):
    return torch.einsum("bhqk,bkhd->bqhd", pattern, v)


# %% right="matrix product between two transposes"
def weighted_values(pattern, v):
    return (pattern @ v.transpose(1, 2)).transpose(1, 2)


# %% right="loops over keys"
def weighted_values(pattern, v):
    z = 0
    for key in range(v.shape[1]):
        z = z + pattern[..., key].transpose(1, 2).unsqueeze(-1) * v[:, key].unsqueeze(1)
    return z


# %% right="products and a sum"
from einops import rearrange


def weighted_values(pattern, v):
    shares = rearrange(pattern, "b h q k -> b q h k 1")
    values = rearrange(v, "b k h d -> b 1 h k d")
    return (shares * values).sum(dim=3)


# %% right="bmm on merged batch and heads"
import torch
from einops import rearrange


def weighted_values(pattern, v):
    z = torch.bmm(rearrange(pattern, "b h q k -> (b h) q k"), rearrange(v, "b k h d -> (b h) k d"))
    return rearrange(z, "(b h) q d -> b q h d", b=v.shape[0]).contiguous()


# %% wrong="heads and positions swapped in v"
import torch


def weighted_values(pattern, v):
    return torch.einsum("bhqk,bqhd->bkhd", pattern, v)


# %% wrong="only the most attended key is read"
import torch


def weighted_values(pattern, v):
    best = torch.nn.functional.one_hot(pattern.argmax(-1), pattern.shape[-1]).to(v.dtype)
    return torch.einsum("bhqk,bkhd->bqhd", best, v)


# %% wrong="future shares are dropped"
import torch


def weighted_values(pattern, v):
    return torch.einsum("bhqk,bkhd->bqhd", pattern.tril(), v)


# %% wrong="values are averaged, then scaled"
def weighted_values(pattern, v):
    return v.mean(dim=1, keepdim=True) * pattern.sum(-1).transpose(1, 2).unsqueeze(-1)


# %% wrong="the residual is kept"
import torch


def weighted_values(pattern, v):
    return torch.einsum("bhqk,bkhd->bqhd", pattern, v) + v[:, -pattern.shape[2] :]


# %% wrong="heads are summed"
import torch


def weighted_values(pattern, v):
    return torch.einsum("bhqk,bkhd->bqd", pattern, v)


# %% wrong="pattern carries no gradient"
import torch


def weighted_values(pattern, v):
    return torch.einsum("bhqk,bkhd->bqhd", pattern.detach(), v)


# %% wrong="PyTorch's attention on the logarithm of the pattern"
import torch
from torch.nn import functional as F


def weighted_values(pattern, v):
    values = v.transpose(1, 2)
    queries = torch.zeros(*pattern.shape[:3], 1, dtype=v.dtype)
    keys = torch.zeros(*values.shape[:3], 1, dtype=v.dtype)
    return F.scaled_dot_product_attention(queries, keys, values, pattern.log()).transpose(1, 2)


# %% wrong="heads found by the size of an axis"
import torch


def weighted_values(pattern, v):
    H = pattern.shape[1]
    if v.shape[1] != H:
        v = v.transpose(1, 2)
    return (pattern @ v).transpose(1, 2)


# %% wrong="a view that needs batch and head side by side"
import torch


def weighted_values(pattern, v):
    B, H, Q, K = pattern.shape
    out = torch.bmm(pattern.view(B * H, Q, K), v.transpose(1, 2).reshape(B * H, K, -1))
    return out.view(B, H, Q, -1).transpose(1, 2)


# %% wrong="squeeze at batch one"
import torch


def weighted_values(pattern, v):
    return torch.einsum("bhqk,bkhd->bqhd", pattern, v).squeeze(0)


# %% wrong="rows of zeros read evenly"
import torch


def weighted_values(pattern, v):
    total = pattern.abs().sum(-1, keepdim=True)
    pattern = torch.where(total == 0, torch.full_like(pattern, 1 / pattern.shape[-1]), pattern)
    return torch.einsum("bhqk,bkhd->bqhd", pattern, v)


# %% right="vmap"
from torch.func import vmap


def weighted_values(pattern, v):
    return vmap(vmap(lambda p, u: p @ u, (0, 1), 1))(pattern, v)
