# %% right="at signs and permute"
from torch.nn import functional as F


def fused_attention(attn, x):
    W, b = fuse_qkv(attn)
    heads, d_head = attn.b_Q.shape
    q, k, v = (x @ W + b).view(*x.shape[:2], 3, heads, d_head).permute(2, 0, 3, 1, 4)
    z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return z.transpose(1, 2).reshape(*x.shape[:2], -1) @ attn.W_O.reshape(heads * d_head, -1) + attn.b_O


# %% right="einsum for both products, mask given"
import torch


def fused_attention(attn, x):
    heads, _, d_head = attn.W_Q.shape
    W = torch.stack((attn.W_Q, attn.W_K, attn.W_V))
    b = torch.stack((attn.b_Q, attn.b_K, attn.b_V))
    q, k, v = torch.einsum("btd,shdk->sbhtk", x, W) + b[:, None, :, None]
    mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril()
    z = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return torch.einsum("bhtk,hkd->btd", z, attn.W_O) + attn.b_O


# %% right="einops einsum"
import torch
from einops import einsum, rearrange
from torch.nn.functional import scaled_dot_product_attention


def fused_attention(attn, x):
    W, b = fuse_qkv(attn)
    qkv = einsum(x, W, "batch pos d_model, d_model columns -> batch pos columns") + b
    q, k, v = (
        rearrange(part, "batch pos (head d_head) -> batch head pos d_head", head=attn.W_Q.shape[0])
        for part in qkv.chunk(3, dim=-1)
    )
    z = scaled_dot_product_attention(q, k, v, is_causal=True)
    return einsum(z, attn.W_O, "batch head pos d_head, head d_head d_model -> batch pos d_model") + attn.b_O


# %% right="addmm on flat rows"
import torch
from torch.nn import functional as F


def fused_attention(attn, x):
    W, b = fuse_qkv(attn)
    batch, pos, d_model = x.shape
    qkv = torch.addmm(b, x.reshape(-1, d_model), W).reshape(batch, pos, 3, *attn.b_Q.shape)
    z = F.scaled_dot_product_attention(*(qkv[:, :, kind].transpose(1, 2) for kind in range(3)), is_causal=True)
    out = torch.addmm(attn.b_O, z.transpose(1, 2).reshape(batch * pos, -1), attn.W_O.flatten(0, 1))
    return out.reshape(batch, pos, d_model)


# %% right="linear"
from torch.nn import functional as F


def fused_attention(attn, x):
    W, b = fuse_qkv(attn)
    parts = F.linear(x, W.t(), b).tensor_split(3, dim=-1)
    q, k, v = (part.unflatten(-1, (attn.W_Q.shape[0], -1)).transpose(1, 2) for part in parts)
    z = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
    return F.linear(z, attn.W_O.flatten(0, 1).t(), attn.b_O)


# %% wrong="one kernel call per head"
import torch
from torch.nn import functional as F


def fused_attention(attn, x):
    W, b = fuse_qkv(attn)
    q, k, v = (x @ W + b).unflatten(-1, (3, *attn.b_Q.shape)).permute(2, 0, 3, 1, 4)
    z = [F.scaled_dot_product_attention(q[:, h], k[:, h], v[:, h], is_causal=True) for h in range(q.shape[1])]
    return torch.cat(z, dim=-1) @ attn.W_O.flatten(0, 1) + attn.b_O


# %% wrong="a product per head at the output"
from torch.nn import functional as F


def fused_attention(attn, x):
    W, b = fuse_qkv(attn)
    q, k, v = (x @ W + b).unflatten(-1, (3, *attn.b_Q.shape)).permute(2, 0, 3, 1, 4)
    z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return sum(z[:, h] @ attn.W_O[h] for h in range(z.shape[1])) + attn.b_O


# %% wrong="the mask the other way round"
import torch
from torch.nn import functional as F


def fused_attention(attn, x):
    W, b = fuse_qkv(attn)
    q, k, v = (x @ W + b).unflatten(-1, (3, *attn.b_Q.shape)).permute(2, 0, 3, 1, 4)
    hidden = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
    z = F.scaled_dot_product_attention(q, k, v, attn_mask=hidden)
    return z.transpose(1, 2).flatten(2) @ attn.W_O.flatten(0, 1) + attn.b_O


# %% wrong="W_O transposed per head"
from torch.nn import functional as F


def fused_attention(attn, x):
    W, b = fuse_qkv(attn)
    q, k, v = (x @ W + b).unflatten(-1, (3, *attn.b_Q.shape)).permute(2, 0, 3, 1, 4)
    z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return z.transpose(1, 2).flatten(2) @ attn.W_O.transpose(0, 1).reshape(-1, x.shape[-1]) + attn.b_O


# %% wrong="dropout at work"
from torch.nn import functional as F


def fused_attention(attn, x):
    W, b = fuse_qkv(attn)
    q, k, v = (x @ W + b).unflatten(-1, (3, *attn.b_Q.shape)).permute(2, 0, 3, 1, 4)
    z = F.scaled_dot_product_attention(q, k, v, dropout_p=0.1, is_causal=True)
    return z.transpose(1, 2).flatten(2) @ attn.W_O.flatten(0, 1) + attn.b_O


# %% wrong="weights cut off from the graph"
from torch.nn import functional as F


def fused_attention(attn, x):
    W, b = (part.detach() for part in fuse_qkv(attn))
    q, k, v = (x @ W + b).unflatten(-1, (3, *attn.b_Q.shape)).permute(2, 0, 3, 1, 4)
    z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return z.transpose(1, 2).flatten(2) @ attn.W_O.flatten(0, 1) + attn.b_O


# %% wrong="computed in bfloat16"
import torch
from torch.nn import functional as F


def fused_attention(attn, x):
    W, b = (part.to(torch.bfloat16) for part in fuse_qkv(attn))
    q, k, v = (x.to(torch.bfloat16) @ W + b).unflatten(-1, (3, *attn.b_Q.shape)).permute(2, 0, 3, 1, 4)
    z = F.scaled_dot_product_attention(q, k, v, is_causal=True).to(x.dtype)
    return z.transpose(1, 2).flatten(2) @ attn.W_O.flatten(0, 1) + attn.b_O


# %% wrong="adds the stream"
from torch.nn import functional as F


def fused_attention(attn, x):
    W, b = fuse_qkv(attn)
    q, k, v = (x @ W + b).unflatten(-1, (3, *attn.b_Q.shape)).permute(2, 0, 3, 1, 4)
    z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return x + z.transpose(1, 2).flatten(2) @ attn.W_O.flatten(0, 1) + attn.b_O


# %% wrong="matrices kept from the first call"
from einops import rearrange
from torch.nn import functional as F


def fused_attention(attn, x):
    if "_fused" not in attn.__dict__:
        attn.__dict__["_fused"] = fuse_qkv(attn)
    W, b = attn.__dict__["_fused"]
    q, k, v = rearrange(F.linear(x, W.T, b), "b p (n h k) -> n b h p k", n=3, h=attn.W_Q.shape[0])
    z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return rearrange(z, "b h p k -> b p (h k)") @ attn.W_O.flatten(0, 1) + attn.b_O


# %% wrong="causal only for long texts"
from torch.nn import functional as F


def fused_attention(attn, x):
    W, b = fuse_qkv(attn)
    H, K = attn.b_Q.shape
    q, k, v = (x @ W + b).unflatten(-1, (3, H, K)).permute(2, 0, 3, 1, 4)
    z = F.scaled_dot_product_attention(q, k, v, is_causal=x.shape[1] > 2)
    return z.transpose(1, 2).flatten(2) @ attn.W_O.flatten(0, 1) + attn.b_O


# %% right="tensordot"
import torch
from torch.nn import functional as F


def fused_attention(attn, x):
    W, b = fuse_qkv(attn)
    q, k, v = (torch.tensordot(x, W, dims=1) + b).unflatten(-1, (3, *attn.b_Q.shape)).movedim(2, 0).transpose(2, 3)
    z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return torch.tensordot(z.movedim(1, 2), attn.W_O, dims=2) + attn.b_O
