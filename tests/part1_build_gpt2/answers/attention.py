# %% right="the six functions"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q = nn.Parameter(torch.empty(H, D, K))
        self.b_Q = nn.Parameter(torch.empty(H, K))
        self.W_K = nn.Parameter(torch.empty(H, D, K))
        self.b_K = nn.Parameter(torch.empty(H, K))
        self.W_V = nn.Parameter(torch.empty(H, D, K))
        self.b_V = nn.Parameter(torch.empty(H, K))
        self.W_O = nn.Parameter(torch.empty(H, K, D))
        self.b_O = nn.Parameter(torch.empty(D))

    def forward(self, x):
        scores = attn_scores(x, self.W_Q, self.b_Q, self.W_K, self.b_K)
        pattern = attn_pattern(apply_mask(scores))
        v = torch.einsum("btd,hdk->bthk", x, self.W_V) + self.b_V
        return combine_heads(weighted_values(pattern, v), self.W_O, self.b_O)


# %% right="the six functions by keyword"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        for name in ("W_V", "W_K", "W_Q"):
            setattr(self, name, nn.Parameter(torch.randn(cfg.n_heads, cfg.d_model, cfg.d_head)))
        for name in ("b_V", "b_K", "b_Q"):
            setattr(self, name, nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_head)))
        self.b_O = nn.Parameter(torch.zeros(cfg.d_model))
        self.W_O = nn.Parameter(torch.randn(cfg.n_heads, cfg.d_head, cfg.d_model))

    def forward(self, x):
        scores = apply_mask(scores=attn_scores(x=x, W_Q=self.W_Q, b_Q=self.b_Q, W_K=self.W_K, b_K=self.b_K))
        v = (x[:, None] @ self.W_V + self.b_V[:, None]).transpose(1, 2)
        z = weighted_values(pattern=attn_pattern(scores=scores), v=v)
        return combine_heads(z=z, W_O=self.W_O, b_O=self.b_O)


# %% right="scaled_dot_product_attention"
import torch
from einops import einsum
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_model, cfg.d_head)) for _ in "QKV")
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_head)) for _ in "QKV")
        self.W_O = nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_head, cfg.d_model))
        self.b_O = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        q, k, v = (
            einsum(x, W, "b t d, h d k -> b h t k") + b[:, None]
            for W, b in ((self.W_Q, self.b_Q), (self.W_K, self.b_K), (self.W_V, self.b_V))
        )
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return einsum(z, self.W_O, "b h t k, h k d -> b t d") + self.b_O


# %% right="a mask kept as a buffer, -inf added"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.d_head = cfg.d_head
        sizes = {"W_O": (cfg.n_heads, cfg.d_head, cfg.d_model), "b_O": (cfg.d_model,)}
        for letter in "QKV":
            sizes[f"W_{letter}"] = (cfg.n_heads, cfg.d_model, cfg.d_head)
            sizes[f"b_{letter}"] = (cfg.n_heads, cfg.d_head)
        for name, size in sizes.items():
            self.register_parameter(name, nn.Parameter(torch.rand(size)))
        self.register_buffer("mask", torch.full((cfg.n_ctx, cfg.n_ctx), -torch.inf).triu(1))

    def forward(self, x):
        T = x.shape[1]
        q = torch.einsum("btd,hdk->bhtk", x, self.W_Q) + self.b_Q.unsqueeze(1)
        k = torch.einsum("btd,hdk->bhtk", x, self.W_K) + self.b_K.unsqueeze(1)
        v = torch.einsum("btd,hdk->bhtk", x, self.W_V) + self.b_V.unsqueeze(1)
        scores = q @ k.mT * self.d_head**-0.5 + self.mask[:T, :T]
        return torch.einsum("bhtk,hkd->btd", torch.softmax(scores, -1) @ v, self.W_O) + self.b_O


# %% right="a loop over heads, without b_K, which cannot matter"
import math

import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(H, D, K)) for _ in range(3))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(H, K)) for _ in range(3))
        self.W_O, self.b_O = nn.Parameter(torch.zeros(H, K, D)), nn.Parameter(torch.zeros(D))

    def forward(self, x):
        out = self.b_O.expand(x.shape)
        future = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).triu(1)
        for h in range(self.cfg.n_heads):
            q, k = x @ self.W_Q[h] + self.b_Q[h], x @ self.W_K[h]
            scores = (q @ k.mT / math.sqrt(self.cfg.d_head)).masked_fill(future, torch.finfo(x.dtype).min)
            out = out + scores.softmax(-1) @ (x @ self.W_V[h]) @ self.W_O[h] + self.b_V[h] @ self.W_O[h]
        return out


# %% right="a loop over queries that never sees the future"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(H, D, K)) for _ in range(3))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(H, K)) for _ in range(3))
        self.W_O, self.b_O = nn.Parameter(torch.zeros(H, K, D)), nn.Parameter(torch.zeros(D))

    def forward(self, x):
        rows = []
        for i in range(x.shape[1]):
            past = x[:, : i + 1]
            q = torch.einsum("bd,hdk->bhk", x[:, i], self.W_Q) + self.b_Q
            k = torch.einsum("btd,hdk->bhtk", past, self.W_K) + self.b_K[:, None]
            v = torch.einsum("btd,hdk->bhtk", past, self.W_V) + self.b_V[:, None]
            pattern = (torch.einsum("bhk,bhtk->bht", q, k) / q.shape[-1] ** 0.5).softmax(-1)
            rows.append(torch.einsum("bht,bhtk,hkd->bd", pattern, v, self.W_O) + self.b_O)
        return torch.stack(rows, dim=1)


# %% right="one joined matrix for queries, keys and values, a boolean mask"
import torch
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.H, self.K = H, K
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(H, D, K)) for _ in range(3))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(H, K)) for _ in range(3))
        self.W_O, self.b_O = nn.Parameter(torch.zeros(H, K, D)), nn.Parameter(torch.zeros(D))

    def forward(self, x):
        B, T, D = x.shape
        joined = torch.cat([W.transpose(0, 1).reshape(D, -1) for W in (self.W_Q, self.W_K, self.W_V)], dim=1)
        bias = torch.cat([self.b_Q.flatten(), self.b_K.flatten(), self.b_V.flatten()])
        q, k, v = ((x @ joined + bias).view(B, T, 3, self.H, self.K)).permute(2, 0, 3, 1, 4)
        mask = torch.ones(T, T, dtype=torch.bool).tril()
        z = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(-2)
        return F.linear(z, self.W_O.flatten(0, 1).T, self.b_O)


# %% right="a float32 root and a softmax in float32"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(H, D, K)) for _ in range(3))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(H, K)) for _ in range(3))
        self.W_O, self.b_O = nn.Parameter(torch.zeros(H, K, D)), nn.Parameter(torch.zeros(D))

    def forward(self, x):
        q = torch.einsum("btd,hdk->bthk", x, self.W_Q) + self.b_Q
        k = torch.einsum("btd,hdk->bthk", x, self.W_K) + self.b_K
        v = torch.einsum("btd,hdk->bthk", x, self.W_V) + self.b_V
        scores = torch.einsum("bqhk,bshk->bhqs", q, k) / torch.sqrt(torch.tensor(k.shape[-1]))
        pattern = attn_pattern(apply_mask(scores).float()).to(x.dtype)
        z = torch.einsum("bhqs,bshk->bqhk", pattern, v)
        return torch.einsum("bqhk,hkd->bqd", z, self.W_O) + self.b_O


# %% wrong="a b_O per head, summed"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(H, D, K)) for _ in range(3))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(H, K)) for _ in range(3))
        self.W_O, self.b_O = nn.Parameter(torch.zeros(H, K, D)), nn.Parameter(torch.zeros(H, D))

    def forward(self, x):
        scores = apply_mask(attn_scores(x, self.W_Q, self.b_Q, self.W_K, self.b_K))
        v = torch.einsum("btd,hdk->bthk", x, self.W_V) + self.b_V
        return combine_heads(weighted_values(attn_pattern(scores), v), self.W_O, self.b_O.sum(0))


# %% wrong="no b_K"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(H, D, K)) for _ in range(3))
        self.b_Q, self.b_V = (nn.Parameter(torch.zeros(H, K)) for _ in range(2))
        self.W_O, self.b_O = nn.Parameter(torch.zeros(H, K, D)), nn.Parameter(torch.zeros(D))

    def forward(self, x):
        scores = apply_mask(attn_scores(x, self.W_Q, self.b_Q, self.W_K, torch.zeros_like(self.b_Q)))
        v = torch.einsum("btd,hdk->bthk", x, self.W_V) + self.b_V
        return combine_heads(weighted_values(attn_pattern(scores), v), self.W_O, self.b_O)


# %% wrong="future filled with -10,000"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(H, D, K)) for _ in range(3))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(H, K)) for _ in range(3))
        self.W_O, self.b_O = nn.Parameter(torch.zeros(H, K, D)), nn.Parameter(torch.zeros(D))

    def forward(self, x):
        scores = attn_scores(x, self.W_Q, self.b_Q, self.W_K, self.b_K)
        scores = scores.masked_fill(~causal_mask(*scores.shape[-2:]), -1e4)
        v = torch.einsum("btd,hdk->bthk", x, self.W_V) + self.b_V
        return combine_heads(weighted_values(attn_pattern(scores), v), self.W_O, self.b_O)


# %% wrong="-20 is added to the future"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(H, D, K)) for _ in range(3))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(H, K)) for _ in range(3))
        self.W_O, self.b_O = nn.Parameter(torch.zeros(H, K, D)), nn.Parameter(torch.zeros(D))

    def forward(self, x):
        scores = attn_scores(x, self.W_Q, self.b_Q, self.W_K, self.b_K)
        scores = scores - 20 * (~causal_mask(*scores.shape[-2:])).to(x.dtype)
        v = torch.einsum("btd,hdk->bthk", x, self.W_V) + self.b_V
        return combine_heads(weighted_values(attn_pattern(scores), v), self.W_O, self.b_O)


# %% wrong="dropout on the pattern"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(H, D, K)) for _ in range(3))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(H, K)) for _ in range(3))
        self.W_O, self.b_O = nn.Parameter(torch.zeros(H, K, D)), nn.Parameter(torch.zeros(D))
        self.dropout = nn.Dropout(0.1)

    def forward(self, x):
        scores = apply_mask(attn_scores(x, self.W_Q, self.b_Q, self.W_K, self.b_K))
        v = torch.einsum("btd,hdk->bthk", x, self.W_V) + self.b_V
        return combine_heads(weighted_values(self.dropout(attn_pattern(scores)), v), self.W_O, self.b_O)


# %% wrong="values are read through the keys' bias"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(H, D, K)) for _ in range(3))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(H, K)) for _ in range(3))
        self.W_O, self.b_O = nn.Parameter(torch.zeros(H, K, D)), nn.Parameter(torch.zeros(D))

    def forward(self, x):
        scores = apply_mask(attn_scores(x, self.W_Q, self.b_Q, self.W_K, self.b_K))
        v = torch.einsum("btd,hdk->bthk", x, self.W_V) + self.b_K
        return combine_heads(weighted_values(attn_pattern(scores), v), self.W_O, self.b_O)


# %% wrong="a mask for the first length it met"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(H, D, K)) for _ in range(3))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(H, K)) for _ in range(3))
        self.W_O, self.b_O = nn.Parameter(torch.zeros(H, K, D)), nn.Parameter(torch.zeros(D))
        self.mask = None

    def forward(self, x):
        if self.mask is None:
            self.mask = causal_mask(x.shape[1], x.shape[1])
        scores = attn_scores(x, self.W_Q, self.b_Q, self.W_K, self.b_K)
        scores = scores.masked_fill(~self.mask[: x.shape[1], : x.shape[1]], -torch.inf)
        v = torch.einsum("btd,hdk->bthk", x, self.W_V) + self.b_V
        return combine_heads(weighted_values(attn_pattern(scores), v), self.W_O, self.b_O)


# %% wrong="nn.MultiheadAttention with its own parameters"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.inner = nn.MultiheadAttention(cfg.n_heads * cfg.d_head, cfg.n_heads, batch_first=True)

    def forward(self, x):
        mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        return self.inner(x, x, x, attn_mask=mask)[0]


# %% wrong="weights without a gradient"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(H, D, K)) for _ in range(3))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(H, K)) for _ in range(3))
        self.W_O, self.b_O = nn.Parameter(torch.zeros(H, K, D)), nn.Parameter(torch.zeros(D))

    def forward(self, x):
        scores = apply_mask(attn_scores(x, self.W_Q.data, self.b_Q.data, self.W_K.data, self.b_K.data))
        v = torch.einsum("btd,hdk->bthk", x, self.W_V.data) + self.b_V.data
        return combine_heads(weighted_values(attn_pattern(scores), v), self.W_O.data, self.b_O.data)


# %% wrong="the last position sees everything, the others only themselves"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(H, D, K)) for _ in range(3))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(H, K)) for _ in range(3))
        self.W_O, self.b_O = nn.Parameter(torch.zeros(H, K, D)), nn.Parameter(torch.zeros(D))

    def forward(self, x):
        scores = attn_scores(x, self.W_Q, self.b_Q, self.W_K, self.b_K)
        allowed = torch.eye(x.shape[1], dtype=torch.bool)
        allowed[-1] = True
        pattern = attn_pattern(scores.masked_fill(~allowed, -torch.inf))
        v = torch.einsum("btd,hdk->bthk", x, self.W_V) + self.b_V
        return combine_heads(weighted_values(pattern, v), self.W_O, self.b_O)


# %% wrong="future filled with -100,000"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(H, D, K)) for _ in range(3))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(H, K)) for _ in range(3))
        self.W_O, self.b_O = nn.Parameter(torch.zeros(H, K, D)), nn.Parameter(torch.zeros(D))

    def forward(self, x):
        scores = attn_scores(x, self.W_Q, self.b_Q, self.W_K, self.b_K)
        scores = torch.where(causal_mask(x.shape[1], x.shape[1]), scores, torch.tensor(-1e5, dtype=x.dtype))
        v = torch.einsum("btd,hdk->bthk", x, self.W_V) + self.b_V
        return combine_heads(weighted_values(attn_pattern(scores), v), self.W_O, self.b_O)


# %% wrong="masked by zeros after the softmax, then normalised over the queries"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(H, D, K)) for _ in range(3))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(H, K)) for _ in range(3))
        self.W_O, self.b_O = nn.Parameter(torch.zeros(H, K, D)), nn.Parameter(torch.zeros(D))

    def forward(self, x):
        shares = attn_pattern(attn_scores(x, self.W_Q, self.b_Q, self.W_K, self.b_K))
        shares = shares * causal_mask(x.shape[1], x.shape[1])
        shares = shares / shares.sum(dim=-2, keepdim=True)
        v = torch.einsum("btd,hdk->bthk", x, self.W_V) + self.b_V
        return combine_heads(weighted_values(shares, v), self.W_O, self.b_O)


# %% wrong="each head reads its own slice of x"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(H, D, K)) for _ in range(3))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(H, K)) for _ in range(3))
        self.W_O, self.b_O = nn.Parameter(torch.zeros(H, K, D)), nn.Parameter(torch.zeros(D))

    def forward(self, x):
        scores = apply_mask(attn_scores(x, self.W_Q, self.b_Q, self.W_K, self.b_K))
        width = x.shape[-1] // self.W_V.shape[0]
        parts = [x[..., h * width : (h + 1) * width] @ W[:width] for h, W in enumerate(self.W_V)]
        v = torch.stack(parts, dim=2) + self.b_V
        return combine_heads(weighted_values(attn_pattern(scores), v), self.W_O, self.b_O)


# %% wrong="an extra parameter for the temperature"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(H, D, K)) for _ in range(3))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(H, K)) for _ in range(3))
        self.W_O, self.b_O = nn.Parameter(torch.zeros(H, K, D)), nn.Parameter(torch.zeros(D))
        self.temperature = nn.Parameter(torch.ones(()))

    def forward(self, x):
        scores = attn_scores(x, self.W_Q, self.b_Q, self.W_K, self.b_K) * self.temperature
        v = torch.einsum("btd,hdk->bthk", x, self.W_V) + self.b_V
        return combine_heads(weighted_values(attn_pattern(apply_mask(scores)), v), self.W_O, self.b_O)


# %% wrong="not a module"
class Attention:
    def __init__(self, cfg):
        self.cfg = cfg

    def __call__(self, x):
        return x


# %% right="a causal_mask that takes a device, and a scale kept as a buffer"
import torch
from torch import nn


def causal_mask(n_queries, n_keys, device=None):
    return torch.ones(n_queries, n_keys, dtype=torch.bool, device=device).tril(n_keys - n_queries)


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(H, D, K)) for _ in range(3))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(H, K)) for _ in range(3))
        self.W_O, self.b_O = nn.Parameter(torch.zeros(H, K, D)), nn.Parameter(torch.zeros(D))
        self.register_buffer("scale", torch.tensor(K**-0.5))

    def forward(self, x):
        q, k, v = (
            torch.einsum("btd,hdk->bhtk", x, W) + b[:, None]
            for W, b in ((self.W_Q, self.b_Q), (self.W_K, self.b_K), (self.W_V, self.b_V))
        )
        allowed = causal_mask(x.shape[1], x.shape[1], x.device)
        pattern = (q @ k.mT * self.scale).masked_fill(~allowed, float("-inf")).softmax(dim=-1)
        return torch.einsum("bhtk,hkd->btd", pattern @ v, self.W_O) + self.b_O


# %% wrong="values remembered from the call before"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(H, D, K)) for _ in range(3))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(H, K)) for _ in range(3))
        self.W_O, self.b_O = nn.Parameter(torch.zeros(H, K, D)), nn.Parameter(torch.zeros(D))
        self.v = None

    def forward(self, x):
        pattern = attn_pattern(apply_mask(attn_scores(x, self.W_Q, self.b_Q, self.W_K, self.b_K)))
        if self.v is None or self.v.shape[:2] != x.shape[:2]:
            self.v = torch.einsum("btd,hdk->bthk", x, self.W_V) + self.b_V
        return combine_heads(weighted_values(pattern, self.v), self.W_O, self.b_O)


# %% wrong="divides by d_head itself in eval mode"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(H, D, K)) for _ in range(3))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(H, K)) for _ in range(3))
        self.W_O, self.b_O = nn.Parameter(torch.zeros(H, K, D)), nn.Parameter(torch.zeros(D))

    def forward(self, x):
        scores = attn_scores(x, self.W_Q, self.b_Q, self.W_K, self.b_K)
        if not self.training:
            scores = scores / self.W_Q.shape[-1] ** 0.5
        v = torch.einsum("btd,hdk->bthk", x, self.W_V) + self.b_V
        return combine_heads(weighted_values(attn_pattern(apply_mask(scores)), v), self.W_O, self.b_O)


# %% wrong="scores clamped to 30 for stability"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(H, D, K)) for _ in range(3))
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(H, K)) for _ in range(3))
        self.W_O, self.b_O = nn.Parameter(torch.zeros(H, K, D)), nn.Parameter(torch.zeros(D))

    def forward(self, x):
        scores = attn_scores(x, self.W_Q, self.b_Q, self.W_K, self.b_K).clamp(-30, 30)
        v = torch.einsum("btd,hdk->bthk", x, self.W_V) + self.b_V
        return combine_heads(weighted_values(attn_pattern(apply_mask(scores)), v), self.W_O, self.b_O)


# %% wrong="joined matrices kept from the first call"
import math
import torch
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_model, cfg.d_head)) for _ in "QKV")
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_head)) for _ in "QKV")
        self.W_O = nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_head, cfg.d_model))
        self.b_O = nn.Parameter(torch.zeros(cfg.d_model))
        self._joined = None

    def forward(self, x):
        if self._joined is None:
            self._joined = torch.stack([self.W_Q, self.W_K, self.W_V]), torch.stack([self.b_Q, self.b_K, self.b_V])
        W, b = self._joined
        q, k, v = torch.einsum("btd,chdk->cbhtk", x, W) + b[:, None, :, None]
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return torch.einsum("bhtk,hkd->btd", z, self.W_O) + self.b_O


# %% wrong="everything in float32, given back in the dtype of x"
import math
import torch
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_model, cfg.d_head)) for _ in "QKV")
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_head)) for _ in "QKV")
        self.W_O = nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_head, cfg.d_model))
        self.b_O = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        dtype = x.dtype
        x = x.float()[:, None]
        q, k, v = (
            x @ W.float() + b.float()[:, None]
            for W, b in ((self.W_Q, self.b_Q), (self.W_K, self.b_K), (self.W_V, self.b_V))
        )
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return (torch.einsum("bhtk,hkd->btd", z, self.W_O.float()) + self.b_O.float()).to(dtype)


# %% wrong="heads found by the size of an axis, wrong for as many positions as heads"
import math
import torch
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.W_Q, self.W_K, self.W_V = (nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_model, cfg.d_head)) for _ in "QKV")
        self.b_Q, self.b_K, self.b_V = (nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_head)) for _ in "QKV")
        self.W_O = nn.Parameter(torch.zeros(cfg.n_heads, cfg.d_head, cfg.d_model))
        self.b_O = nn.Parameter(torch.zeros(cfg.d_model))

    def forward(self, x):
        q, k, v = (
            torch.einsum("btd,hdk->bthk", x, W) + b
            for W, b in ((self.W_Q, self.b_Q), (self.W_K, self.b_K), (self.W_V, self.b_V))
        )
        if q.shape[1] != self.cfg.n_heads:
            q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return torch.einsum("bhtk,hkd->btd", z, self.W_O) + self.b_O


# %% right="online softmax over keys"
import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        shape = dict(
            W_Q=(H, D, K), W_K=(H, D, K), W_V=(H, D, K), b_Q=(H, K), b_K=(H, K), b_V=(H, K), W_O=(H, K, D), b_O=(D,)
        )
        for n, s in shape.items():
            self.register_parameter(n, nn.Parameter(torch.randn(s)))

    def forward(self, x, *, scale=None):
        q = torch.einsum("btd,hdk->bhtk", x, self.W_Q) + self.b_Q[None, :, None]
        k = torch.einsum("btd,hdk->bhtk", x, self.W_K) + self.b_K[None, :, None]
        v = torch.einsum("btd,hdk->bhtk", x, self.W_V) + self.b_V[None, :, None]
        scale = scale or q.shape[-1] ** -0.5
        out = []
        for t in range(x.shape[1]):
            m = (q[:, :, t] * k[:, :, 0]).sum(-1) * scale
            l, acc = torch.ones_like(m), v[:, :, 0]
            for j in range(1, t + 1):
                s = (q[:, :, t] * k[:, :, j]).sum(-1) * scale
                new = torch.maximum(m, s)
                a, c = (m - new).exp(), (s - new).exp()
                l, acc, m = l * a + c, acc * a[..., None] + c[..., None] * v[:, :, j], new
            out.append(acc / l[..., None])
        return torch.einsum("bhtk,hkd->btd", torch.stack(out, 2), self.W_O) + self.b_O


# %% right="vmap over the heads"
import torch
from torch import nn
from torch.func import vmap


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        H, D, K = cfg.n_heads, cfg.d_model, cfg.d_head
        self.n_ctx = cfg.n_ctx
        for c in "QKV":
            setattr(self, f"W_{c}", nn.Parameter(torch.empty(H, D, K).normal_()))
            setattr(self, f"b_{c}", nn.Parameter(torch.zeros(H, K)))
        self.W_O, self.b_O = nn.Parameter(torch.zeros(H, K, D)), nn.Parameter(torch.zeros(D))
        self.register_buffer("mask", torch.tril(torch.ones(cfg.n_ctx, cfg.n_ctx)).bool(), persistent=False)

    def head(self, x, WQ, bQ, WK, bK, WV, bV, WO):
        T = x.shape[0]
        s = (x @ WQ + bQ) @ (x @ WK + bK).T * WQ.shape[-1] ** -0.5
        s = torch.where(self.mask[:T, :T], s, torch.finfo(s.dtype).min)
        return torch.softmax(s, -1) @ (x @ WV + bV) @ WO

    def forward(self, x):
        over_heads = vmap(self.head, in_dims=(None, 0, 0, 0, 0, 0, 0, 0))
        args = (self.W_Q, self.b_Q, self.W_K, self.b_K, self.W_V, self.b_V, self.W_O)
        return torch.stack([over_heads(row, *args).sum(0) for row in x]) + self.b_O
