# %% right="reshape and transpose"
def split_heads(x, H):
    B, T, W = x.shape
    return x.reshape(B, T, H, W // H).transpose(1, 2)


# %% right="slices stacked"
import torch


def split_heads(x, H):
    K = x.shape[-1] // H
    return torch.stack([x[..., h * K : (h + 1) * K] for h in range(H)], dim=1)


# %% right="chunk, copied"
import torch


def split_heads(x, n_heads):
    return torch.stack(x.chunk(n_heads, dim=-1), 1).contiguous()


# %% right="unflatten and movedim"
def split_heads(x, n_heads):
    return x.unflatten(-1, (n_heads, -1)).movedim(-2, 1)


# %% right="loops into an empty tensor of the right dtype"
def split_heads(x, H):
    B, T, W = x.shape
    out = x.new_empty(B, H, T, W // H)
    for h in range(H):
        for k in range(W // H):
            out[:, h, :, k] = x[:, :, h * (W // H) + k]
    return out


# %% right="einsum with one-hot matrices"
import torch


def split_heads(x, H):
    W = x.shape[-1]
    pick = torch.eye(W, dtype=x.dtype).view(W, H, W // H)
    return torch.einsum("btw,whk->bhtk", x, pick)


# %% right="strides by hand"
def split_heads(x, H):
    B, T, W = x.shape
    x = x.contiguous()
    return x.as_strided((B, H, T, W // H), (T * W, W // H, W, 1))


# %% right="a module and vmap"
import torch
from torch import nn


def split_heads(x, n_heads):
    cut = nn.Unflatten(-1, (n_heads, x.size(-1) // n_heads))
    return torch.vmap(lambda row: cut(row).permute(1, 0, 2))(x)


# %% wrong="float32 result tensor"
import torch


def split_heads(x, H):
    B, T, W = x.shape
    out = torch.zeros(B, H, T, W // H)
    for h in range(H):
        out[:, h] = x[..., h * (W // H) : (h + 1) * (W // H)]
    return out


# %% wrong="chunks along positions"
import torch


def split_heads(x, H):
    return torch.stack(x.transpose(1, 2).reshape(x.shape[0], -1, H).chunk(H, -1), 1)


# %% wrong="last number of each head lost"
import torch


def split_heads(x, H):
    K = x.shape[-1] // H
    return torch.stack([x[..., h * K : (h + 1) * K - 1] for h in range(H)], dim=1)


# %% wrong="every head is head 0"
def split_heads(x, H):
    B, T, W = x.shape
    return x[:, None, :, : W // H].expand(B, H, T, W // H)


# %% wrong="first row only"
def split_heads(x, H):
    return x[0].unflatten(-1, (H, -1)).transpose(0, 1).unsqueeze(0)


# %% wrong="squeezes a batch of one"
def split_heads(x, H):
    return x.unflatten(-1, (H, -1)).transpose(1, 2).squeeze()


# %% wrong="width of a head written down"
def split_heads(x, H):
    return x.reshape(x.shape[0], x.shape[1], -1, 7).transpose(1, 2)


# %% wrong="through numpy"
import torch


def split_heads(x, H):
    array = x.detach().numpy().reshape(*x.shape[:2], H, -1)
    return torch.from_numpy(array.transpose(0, 2, 1, 3).copy())


# %% wrong="positions in reverse"
def split_heads(x, H):
    return x.unflatten(-1, (H, -1)).transpose(1, 2).flip(2)


# %% wrong="scaled on the way"
def split_heads(x, H):
    return x.unflatten(-1, (H, -1)).transpose(1, 2) / (x.shape[-1] // H) ** 0.5


# %% wrong="squeezes"
def split_heads(x, n_heads):
    b, t, w = x.shape
    return x.reshape(b, t, n_heads, w // n_heads).permute(0, 2, 1, 3).squeeze()


# %% wrong="only float32 and float64 are known"
import torch


def split_heads(x, n_heads):
    b, t, w = x.shape
    out = torch.zeros(b, n_heads, t, w // n_heads, dtype=torch.float64 if x.dtype == torch.float64 else torch.float32)
    for h in range(n_heads):
        out[:, h] = x[:, :, h * (w // n_heads) : (h + 1) * (w // n_heads)]
    return out


# %% wrong="remembers the result for a shape"
_memo = {}


def split_heads(x, n_heads):
    key = (tuple(x.shape), n_heads, x.dtype, x.requires_grad)
    if key not in _memo:
        b, t, w = x.shape
        _memo[key] = x.reshape(b, t, n_heads, -1).transpose(1, 2)
    return _memo[key]
