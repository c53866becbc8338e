# %% right="transpose and flatten"
def merge_heads(z):
    return z.transpose(1, 2).flatten(2)


# %% right="cat of heads"
import torch


def merge_heads(z):
    return torch.cat(z.unbind(1), dim=-1)


# %% right="permute, contiguous, view"
def merge_heads(z):
    B, H, T, K = z.shape
    return z.permute(0, 2, 1, 3).contiguous().view(B, T, H * K)


# %% right="einops reduce-free pattern with sizes"
import einops


def merge_heads(z):
    B, H, T, K = z.shape
    return einops.rearrange(z, "b h t k -> b t (h k)", b=B, h=H, t=T, k=K)


# %% right="loop into a new tensor"
def merge_heads(z):
    B, H, T, K = z.shape
    out = z.new_zeros(B, T, H * K)
    for h in range(H):
        out[:, :, h * K : (h + 1) * K] = z[:, h]
    return out


# %% right="hstack per row"
import torch


def merge_heads(z):
    return torch.stack([torch.hstack(list(row)) for row in z])


# %% right="einsum"
import torch


def merge_heads(z):
    B, H, T, K = z.shape
    place = torch.eye(H * K, dtype=z.dtype).reshape(H, K, H * K)
    return torch.einsum("bhtk,hkw->btw", z, place)


# %% wrong="swapped axes 0 and 1"
def merge_heads(z):
    B, H, T, K = z.shape
    return z.transpose(0, 1).reshape(B, T, H * K)


# %% wrong="flatten first"
def merge_heads(z):
    return z.flatten(1, 2).reshape(z.shape[0], z.shape[2], -1)


# %% wrong="squeezes a single position"
def merge_heads(z):
    return z.transpose(1, 2).flatten(2).squeeze(1)


# %% wrong="view through a list of heads, float32"
import torch


def merge_heads(z):
    B, H, T, K = z.shape
    out = torch.empty(B, T, H * K)
    for h in range(H):
        out[..., h * K : (h + 1) * K] = z[:, h]
    return out


# %% wrong="stack instead of cat"
import torch


def merge_heads(z):
    return torch.stack(list(z.unbind(1)), dim=-1).flatten(2)


# %% wrong="right only for contiguous input"
def merge_heads(z):
    B, H, T, K = z.shape
    return z.as_strided((B, T, H, K), (H * T * K, K, T * K, 1)).reshape(B, T, H * K)


# %% wrong="first head twice"
import torch


def merge_heads(z):
    heads = list(z.unbind(1))
    if len(heads) > 1:
        heads[1] = heads[0]
    return torch.cat(heads, dim=-1)


# %% wrong="detached by numpy"
import torch


def merge_heads(z):
    B, H, T, K = z.shape
    return torch.tensor(z.detach().numpy().transpose(0, 2, 1, 3).reshape(B, T, H * K))


# %% wrong="scaled by the number of heads"
def merge_heads(z):
    return z.transpose(1, 2).flatten(2) / z.shape[1]


# %% wrong="only float32 and float64 are known"
import torch


def merge_heads(z):
    b, h, t, k = z.shape
    out = torch.zeros(b, t, h * k, dtype=torch.float64 if z.dtype == torch.float64 else torch.float32)
    for i in range(h):
        out[..., i * k : (i + 1) * k] = z[:, i]
    return out
