# %% right="torch.einsum"
import torch


def combine_heads(z, W_O, b_O):
    return torch.einsum("bthk,hkd->btd", z, W_O) + b_O


# %% right="side by side and one matrix"
def combine_heads(z, W_O, b_O):
    B, T, H, K = z.shape
    return z.reshape(B, T, H * K) @ W_O.reshape(H * K, -1) + b_O


# %% right="a loop that starts from the bias"
def combine_heads(z, W_O, b_O):
    out = b_O
    for head, matrix in enumerate(W_O):
        out = out + z[:, :, head] @ matrix
    return out


# %% right="per-head results, then their sum"
def combine_heads(z, W_O, b_O):
    results = (z.unsqueeze(-2) @ W_O).squeeze(-2)
    return results.sum(dim=2) + b_O


# %% right="tensordot"
import torch


def combine_heads(z, W_O, b_O):
    return torch.tensordot(z, W_O, dims=([2, 3], [0, 1])).add(b_O)


# %% right="F.linear"
from einops import rearrange
from torch.nn import functional as F


def combine_heads(z, W_O, b_O):
    return F.linear(rearrange(z, "b t h k -> b t (h k)"), rearrange(W_O, "h k d -> d (h k)"), bias=b_O)


# %% right="the bias spread over the heads"
import torch


def combine_heads(z, W_O, b_O):
    return (torch.einsum("bthk,hkd->bthd", z, W_O) + b_O / W_O.shape[0]).sum(2)


# %% wrong="bias on the first position only"
import torch


def combine_heads(z, W_O, b_O):
    out = torch.einsum("bthk,hkd->btd", z, W_O)
    out[:, 0] += b_O
    return out


# %% wrong="heads in reverse"
import torch


def combine_heads(z, W_O, b_O):
    return torch.einsum("bthk,hkd->btd", z.flip(2), W_O) + b_O


# %% wrong="largest head wins"
import torch


def combine_heads(z, W_O, b_O):
    return torch.einsum("bthk,hkd->bthd", z, W_O).amax(dim=2) + b_O


# %% wrong="divided by the root of the number of heads"
import torch


def combine_heads(z, W_O, b_O):
    return torch.einsum("bthk,hkd->btd", z, W_O) / W_O.shape[0] ** 0.5 + b_O


# %% wrong="bias subtracted"
import torch


def combine_heads(z, W_O, b_O):
    return torch.einsum("bthk,hkd->btd", z, W_O) - b_O


# %% wrong="W_O flattened the other way"
def combine_heads(z, W_O, b_O):
    B, T, H, K = z.shape
    return z.reshape(B, T, H * K) @ W_O.transpose(0, 1).reshape(H * K, -1) + b_O


# %% wrong="positions are summed too"
import torch


def combine_heads(z, W_O, b_O):
    return torch.einsum("bthk,hkd->bd", z, W_O) + b_O


# %% wrong="always float32"
import torch


def combine_heads(z, W_O, b_O):
    return torch.einsum("bthk,hkd->btd", z.float(), W_O.float()) + b_O.float()


# %% wrong="writes into z"
import torch


def combine_heads(z, W_O, b_O):
    z *= 1.5
    return torch.einsum("bthk,hkd->btd", z, W_O) / 1.5 + b_O


# %% wrong="heads found by the size of an axis"
import torch


def combine_heads(z, W_O, b_O):
    if z.shape[1] == W_O.shape[0]:
        z = z.transpose(1, 2)
    return torch.einsum("bthk,hkd->btd", z, W_O) + b_O


# %% wrong="a view that needs batch and position side by side"
import torch


def combine_heads(z, W_O, b_O):
    B, T, H, K = z.shape
    flat = z.view(B * T, H, K)
    return torch.einsum("nhk,hkd->nd", flat, W_O).view(B, T, -1) + b_O


# %% wrong="squeeze at batch one"
import torch


def combine_heads(z, W_O, b_O):
    return (torch.einsum("bthk,hkd->btd", z, W_O) + b_O).squeeze(0)


# %% right="conv1d"
import torch
from torch.nn import functional as F


def combine_heads(z, W_O, b_O):
    return F.conv1d(z.flatten(2).transpose(1, 2), W_O.flatten(0, 1).T[..., None], b_O).transpose(1, 2)
