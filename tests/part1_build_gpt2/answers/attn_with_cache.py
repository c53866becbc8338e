# %% right="torch's attention with a rectangle"
import torch
from torch.nn import functional as F


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.keys, self.values = [None] * cfg.n_layers, [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.keys)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.keys[layer] is not None:
            k, v = torch.cat([self.keys[layer], k], 1), torch.cat([self.values[layer], v], 1)
        self.keys[layer], self.values[layer] = k, v
        return k, v


def attn_with_cache(attn, x_new, cache, layer):
    x = x_new.unsqueeze(1)
    q, k, v = (x @ W + b[:, None] for W, b in ((attn.W_Q, attn.b_Q), (attn.W_K, attn.b_K), (attn.W_V, attn.b_V)))
    k, v = cache.append(layer, k.transpose(1, 2), v.transpose(1, 2))
    mask = causal_mask(q.shape[2], k.shape[1])
    z = F.scaled_dot_product_attention(q, k.transpose(1, 2), v.transpose(1, 2), attn_mask=mask)
    return (z @ attn.W_O).sum(1) + attn.b_O


# %% right="positions instead of a mask"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg, self.rooms, self.filled = cfg, [None] * cfg.n_layers, [0] * cfg.n_layers

    @property
    def length(self):
        return min(self.filled)

    def append(self, layer, k, v):
        if self.rooms[layer] is None:
            self.rooms[layer] = torch.empty(2, len(k), self.cfg.n_ctx, *k.shape[2:], dtype=k.dtype)
        start, end = self.filled[layer], self.filled[layer] + k.shape[1]
        self.rooms[layer][0][:, start:end] = k.detach()
        self.rooms[layer][1][:, start:end] = v.detach()
        self.filled[layer] = end
        return self.rooms[layer][0][:, :end], self.rooms[layer][1][:, :end]


def attn_with_cache(attn, x_new, cache, layer):
    start = cache.length
    q = torch.einsum("btd,hdk->bhtk", x_new, attn.W_Q) + attn.b_Q[:, None]
    k = torch.einsum("btd,hdk->bthk", x_new, attn.W_K) + attn.b_K
    v = torch.einsum("btd,hdk->bthk", x_new, attn.W_V) + attn.b_V
    k, v = cache.append(layer, k, v)
    scores = torch.einsum("bhqk,bthk->bhqt", q, k) * q.shape[-1] ** -0.5
    asks = torch.arange(start, start + x_new.shape[1])
    later = torch.arange(k.shape[1])[None, :] > asks[:, None]
    weights = scores.masked_fill(later, float("-inf")).softmax(-1)
    z = torch.einsum("bhqt,bthk->bqhk", weights, v)
    return z.flatten(2) @ attn.W_O.flatten(0, 1) + attn.b_O


# %% right="loops over rows, heads and queries"
import math

import torch


class KVCache:
    def __init__(self, cfg):
        self.n_layers = cfg.n_layers
        self.pieces = [[] for _ in range(cfg.n_layers)]

    @property
    def length(self):
        return min(sum(k.size(1) for k, _ in pieces) for pieces in self.pieces)

    def append(self, layer, k, v):
        self.pieces[layer].append((k.detach(), v.detach()))
        return tuple(torch.cat(parts, dim=1) for parts in zip(*self.pieces[layer]))


def attn_with_cache(attn, x_new, cache, layer):
    heads = range(attn.W_Q.shape[0])
    k = torch.stack([x_new @ attn.W_K[h] + attn.b_K[h] for h in heads], dim=2)
    v = torch.stack([x_new @ attn.W_V[h] + attn.b_V[h] for h in heads], dim=2)
    k, v = cache.append(layer, k, v)
    before = k.shape[1] - x_new.shape[1]
    out = attn.b_O.expand_as(x_new).clone()
    for h in heads:
        q = (x_new @ attn.W_Q[h] + attn.b_Q[h]) / math.sqrt(attn.W_Q.shape[-1])
        for i in range(x_new.shape[1]):
            seen = before + i + 1
            weights = torch.softmax((k[:, :seen, h] @ q[:, i, :, None])[..., 0], dim=1)
            out[:, i] = out[:, i] + (weights[:, :, None] * v[:, :seen, h]).sum(1) @ attn.W_O[h]
    return out


# %% right="token by token inside"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.keys, self.values = [None] * cfg.n_layers, [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.keys)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.keys[layer] is not None:
            k, v = torch.cat([self.keys[layer], k], 1), torch.cat([self.values[layer], v], 1)
        self.keys[layer], self.values[layer] = k, v
        return k, v


def attn_with_cache(attn, x_new, cache, layer):
    outs = []
    for t in range(x_new.shape[1]):
        x = x_new[:, t]
        q = torch.einsum("bd,hdk->bhk", x, attn.W_Q) + attn.b_Q
        k = torch.einsum("bd,hdk->bhk", x, attn.W_K) + attn.b_K
        v = torch.einsum("bd,hdk->bhk", x, attn.W_V) + attn.b_V
        ks, vs = cache.append(layer, k[:, None], v[:, None])
        p = (torch.einsum("bhk,bthk->bht", q, ks) / q.shape[-1] ** 0.5).softmax(-1)
        outs.append(torch.einsum("bht,bthk,hkd->bd", p, vs, attn.W_O) + attn.b_O)
    return torch.stack(outs, 1)


# %% right="is_causal where the cache was empty"
import torch
from torch.nn import functional as F


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.keys, self.values = [None] * cfg.n_layers, [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.keys)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.keys[layer] is not None:
            k, v = torch.cat([self.keys[layer], k], 1), torch.cat([self.values[layer], v], 1)
        self.keys[layer], self.values[layer] = k, v
        return k, v


def attn_with_cache(attn, x_new, cache, layer):
    q, k, v = (torch.einsum("btd,hdk->bthk", x_new, getattr(attn, f"W_{n}")) + getattr(attn, f"b_{n}") for n in "QKV")
    new = q.shape[1]
    k, v = cache.append(layer, k, v)
    q, k, v = (t.transpose(1, 2) for t in (q, k, v))
    first = k.shape[2] == new
    mask = None if first or new == 1 else torch.ones(new, k.shape[2]).tril(k.shape[2] - new).bool()
    z = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=first)
    return torch.einsum("bhtk,hkd->btd", z, attn.W_O) + attn.b_O


# %% right="additive mask"
import math

import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg, self.rooms, self.filled = cfg, [None] * cfg.n_layers, [0] * cfg.n_layers

    @property
    def length(self):
        return min(self.filled)

    def append(self, layer, k, v):
        if self.rooms[layer] is None:
            self.rooms[layer] = torch.empty(2, len(k), self.cfg.n_ctx, *k.shape[2:], dtype=k.dtype)
        start, end = self.filled[layer], self.filled[layer] + k.shape[1]
        self.rooms[layer][0][:, start:end] = k.detach()
        self.rooms[layer][1][:, start:end] = v.detach()
        self.filled[layer] = end
        return self.rooms[layer][0][:, :end], self.rooms[layer][1][:, :end]


def attn_with_cache(attn, x_new, cache, layer):
    q = torch.einsum("btd,hdk->bthk", x_new, attn.W_Q) + attn.b_Q
    k, v = cache.append(
        layer,
        torch.einsum("btd,hdk->bthk", x_new, attn.W_K) + attn.b_K,
        torch.einsum("btd,hdk->bthk", x_new, attn.W_V) + attn.b_V,
    )
    Tq, Tk = q.shape[1], k.shape[1]
    bias = torch.full((Tq, Tk), -1e9, dtype=q.dtype).triu(Tk - Tq + 1)
    scores = torch.einsum("bqhk,bthk->bhqt", q, k) / math.sqrt(k.shape[-1]) + bias
    pattern = torch.softmax(scores, dim=-1)
    return torch.einsum("bhqt,bthk,hkd->bqd", pattern, v, attn.W_O) + attn.b_O


# %% wrong="the layer itself on the new positions"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.keys, self.values = [None] * cfg.n_layers, [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.keys)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.keys[layer] is not None:
            k, v = torch.cat([self.keys[layer], k], 1), torch.cat([self.values[layer], v], 1)
        self.keys[layer], self.values[layer] = k, v
        return k, v


def attn_with_cache(attn, x_new, cache, layer):
    return attn(x_new)


# %% wrong="mask only when there is more than one query, top left"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.keys, self.values = [None] * cfg.n_layers, [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.keys)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.keys[layer] is not None:
            k, v = torch.cat([self.keys[layer], k], 1), torch.cat([self.values[layer], v], 1)
        self.keys[layer], self.values[layer] = k, v
        return k, v


def attn_with_cache(attn, x_new, cache, layer):
    q = torch.einsum("btd,hdk->bthk", x_new, attn.W_Q) + attn.b_Q
    k, v = cache.append(
        layer,
        torch.einsum("btd,hdk->bthk", x_new, attn.W_K) + attn.b_K,
        torch.einsum("btd,hdk->bthk", x_new, attn.W_V) + attn.b_V,
    )
    scores = torch.einsum("bqhk,bthk->bhqt", q, k) / k.shape[-1] ** 0.5
    if q.shape[1] > 1:
        mask = torch.ones(q.shape[1], k.shape[1], dtype=torch.bool).tril()
        scores = scores.masked_fill(~mask, -1e9)
    return torch.einsum("bhqt,bthk,hkd->bqd", scores.softmax(-1), v, attn.W_O) + attn.b_O


# %% wrong="a weak mask"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.keys, self.values = [None] * cfg.n_layers, [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.keys)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.keys[layer] is not None:
            k, v = torch.cat([self.keys[layer], k], 1), torch.cat([self.values[layer], v], 1)
        self.keys[layer], self.values[layer] = k, v
        return k, v


def attn_with_cache(attn, x_new, cache, layer):
    q = torch.einsum("btd,hdk->bthk", x_new, attn.W_Q) + attn.b_Q
    k, v = cache.append(
        layer,
        torch.einsum("btd,hdk->bthk", x_new, attn.W_K) + attn.b_K,
        torch.einsum("btd,hdk->bthk", x_new, attn.W_V) + attn.b_V,
    )
    scores = torch.einsum("bqhk,bthk->bhqt", q, k) / k.shape[-1] ** 0.5
    mask = causal_mask(q.shape[1], k.shape[1])
    scores = scores.masked_fill(~mask, -30.0)
    return torch.einsum("bhqt,bthk,hkd->bqd", scores.softmax(-1), v, attn.W_O) + attn.b_O


# %% wrong="queries cached as well"
import torch


class KVCache:
    def __init__(self, cfg):
        self.n_layers = cfg.n_layers
        self.pieces = [[] for _ in range(cfg.n_layers)]

    @property
    def length(self):
        return min(sum(k.size(1) for k, _ in pieces) for pieces in self.pieces)

    def append(self, layer, k, v):
        self.pieces[layer].append((k.detach(), v.detach()))
        return tuple(torch.cat(parts, dim=1) for parts in zip(*self.pieces[layer]))


def attn_with_cache(attn, x_new, cache, layer):
    q = torch.einsum("btd,hdk->bthk", x_new, attn.W_Q) + attn.b_Q
    k = torch.einsum("btd,hdk->bthk", x_new, attn.W_K) + attn.b_K
    v = torch.einsum("btd,hdk->bthk", x_new, attn.W_V) + attn.b_V
    q_all, _ = cache.append(layer, q, v)
    k, v = cache.append(layer, k, v)
    mask = causal_mask(q_all.shape[1], k.shape[1])
    scores = torch.einsum("bqhk,bthk->bhqt", q_all, k) / k.shape[-1] ** 0.5
    pattern = scores.masked_fill(~mask, -1e9).softmax(-1)
    return (torch.einsum("bhqt,bthk,hkd->bqd", pattern, v, attn.W_O) + attn.b_O)[:, -x_new.shape[1] :]


# %% wrong="biases cached twice"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.keys, self.values = [None] * cfg.n_layers, [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.keys)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.keys[layer] is not None:
            k, v = torch.cat([self.keys[layer], k], 1), torch.cat([self.values[layer], v], 1)
        self.keys[layer], self.values[layer] = k, v
        return k, v


def attn_with_cache(attn, x_new, cache, layer):
    q = torch.einsum("btd,hdk->bthk", x_new, attn.W_Q) + attn.b_Q
    k, v = cache.append(
        layer, torch.einsum("btd,hdk->bthk", x_new, attn.W_K), torch.einsum("btd,hdk->bthk", x_new, attn.W_V)
    )
    scores = torch.einsum("bqhk,bthk->bhqt", q, k + attn.b_K) / k.shape[-1] ** 0.5
    pattern = scores.masked_fill(~causal_mask(q.shape[1], k.shape[1]), -1e9).softmax(-1)
    z = torch.einsum("bhqt,bthk->bqhk", pattern, v + attn.b_V)
    return torch.einsum("bqhk,hkd->bqd", z, attn.W_O) + attn.W_O.shape[0] * attn.b_O


# %% wrong="softmax over queries"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.keys, self.values = [None] * cfg.n_layers, [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.keys)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.keys[layer] is not None:
            k, v = torch.cat([self.keys[layer], k], 1), torch.cat([self.values[layer], v], 1)
        self.keys[layer], self.values[layer] = k, v
        return k, v


def attn_with_cache(attn, x_new, cache, layer):
    q = torch.einsum("btd,hdk->bthk", x_new, attn.W_Q) + attn.b_Q
    k, v = cache.append(
        layer,
        torch.einsum("btd,hdk->bthk", x_new, attn.W_K) + attn.b_K,
        torch.einsum("btd,hdk->bthk", x_new, attn.W_V) + attn.b_V,
    )
    scores = torch.einsum("bqhk,bthk->bhqt", q, k) / k.shape[-1] ** 0.5
    pattern = scores.masked_fill(~causal_mask(q.shape[1], k.shape[1]), -1e9).softmax(-2)
    return torch.einsum("bhqt,bthk,hkd->bqd", pattern, v, attn.W_O) + attn.b_O


# %% wrong="a scratch cache of its own"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.keys, self.values = [None] * cfg.n_layers, [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.keys)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.keys[layer] is not None:
            k, v = torch.cat([self.keys[layer], k], 1), torch.cat([self.values[layer], v], 1)
        self.keys[layer], self.values[layer] = k, v
        return k, v


def attn_with_cache(attn, x_new, cache, layer):
    mine = KVCache(cache.cfg)
    q = torch.einsum("btd,hdk->bthk", x_new, attn.W_Q) + attn.b_Q
    k, v = mine.append(
        layer,
        torch.einsum("btd,hdk->bthk", x_new, attn.W_K) + attn.b_K,
        torch.einsum("btd,hdk->bthk", x_new, attn.W_V) + attn.b_V,
    )
    scores = torch.einsum("bqhk,bthk->bhqt", q, k) / k.shape[-1] ** 0.5
    pattern = scores.masked_fill(~causal_mask(q.shape[1], k.shape[1]), -1e9).softmax(-1)
    return torch.einsum("bhqt,bthk,hkd->bqd", pattern, v, attn.W_O) + attn.b_O


# %% wrong="computed without gradients but in float32"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.keys, self.values = [None] * cfg.n_layers, [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.keys)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.keys[layer] is not None:
            k, v = torch.cat([self.keys[layer], k], 1), torch.cat([self.values[layer], v], 1)
        self.keys[layer], self.values[layer] = k, v
        return k, v


def attn_with_cache(attn, x_new, cache, layer):
    q = torch.einsum("btd,hdk->bthk", x_new.float(), attn.W_Q.float()) + attn.b_Q.float()
    k = torch.einsum("btd,hdk->bthk", x_new.float(), attn.W_K.float()) + attn.b_K.float()
    v = torch.einsum("btd,hdk->bthk", x_new.float(), attn.W_V.float()) + attn.b_V.float()
    k, v = cache.append(layer, k, v)
    scores = torch.einsum("bqhk,bthk->bhqt", q, k) / k.shape[-1] ** 0.5
    pattern = scores.masked_fill(~causal_mask(q.shape[1], k.shape[1]), -1e9).softmax(-1)
    out = torch.einsum("bhqt,bthk,hkd->bqd", pattern, v, attn.W_O.float()) + attn.b_O.float()
    return out.to(x_new.dtype)


# %% right="nothing but no_grad and detached"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.k = [None] * cfg.n_layers
        self.v = [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.k)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.k[layer] is not None:
            k = torch.cat([self.k[layer], k], dim=1)
            v = torch.cat([self.v[layer], v], dim=1)
        self.k[layer], self.v[layer] = k, v
        return k, v


import math

import torch


@torch.no_grad()
def attn_with_cache(attn, x_new, cache, layer):
    q = torch.einsum("btd,hdk->bthk", x_new, attn.W_Q) + attn.b_Q
    k = torch.einsum("btd,hdk->bthk", x_new, attn.W_K) + attn.b_K
    v = torch.einsum("btd,hdk->bthk", x_new, attn.W_V) + attn.b_V
    k, v = cache.append(layer, k, v)
    scores = torch.einsum("bqhk,bshk->bhqs", q, k) / math.sqrt(q.shape[-1])
    mask = causal_mask(q.shape[1], k.shape[1])
    scores = scores.masked_fill(~mask, -torch.inf)
    pattern = scores.softmax(dim=-1)
    z = torch.einsum("bhqs,bshk->bqhk", pattern, v)
    return torch.einsum("bqhk,hkd->bqd", z, attn.W_O) + attn.b_O


# %% right="token by token inside (2)"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.k = [None] * cfg.n_layers
        self.v = [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.k)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.k[layer] is not None:
            k = torch.cat([self.k[layer], k], dim=1)
            v = torch.cat([self.v[layer], v], dim=1)
        self.k[layer], self.v[layer] = k, v
        return k, v


def attn_with_cache(attn, x_new, cache, layer):
    K = torch.einsum("btd,hdk->bthk", x_new, attn.W_K) + attn.b_K
    V = torch.einsum("btd,hdk->bthk", x_new, attn.W_V) + attn.b_V
    Q = torch.einsum("btd,hdk->bthk", x_new, attn.W_Q) + attn.b_Q
    out = []
    for t in range(x_new.shape[1]):
        k, v = cache.append(layer, K[:, t : t + 1], V[:, t : t + 1])
        w = torch.einsum("bhk,bshk->bhs", Q[:, t], k).div(k.shape[-1] ** 0.5).softmax(-1)
        out.append(torch.einsum("bhs,bshk,hkd->bd", w, v, attn.W_O) + attn.b_O)
    return torch.stack(out, 1)


# %% right="old scores and new scores side by side"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.k = [None] * cfg.n_layers
        self.v = [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.k)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.k[layer] is not None:
            k = torch.cat([self.k[layer], k], dim=1)
            v = torch.cat([self.v[layer], v], dim=1)
        self.k[layer], self.v[layer] = k, v
        return k, v


def attn_with_cache(attn, x_new, cache, layer):
    q, k, v = (
        torch.einsum("btd,hdk->bhtk", x_new, W) + b[:, None]
        for W, b in ((attn.W_Q, attn.b_Q), (attn.W_K, attn.b_K), (attn.W_V, attn.b_V))
    )
    k_all, v_all = cache.append(layer, k.transpose(1, 2), v.transpose(1, 2))
    new = x_new.shape[1]
    old = k_all.shape[1] - new
    k_old, v_old = k_all[:, :old].transpose(1, 2), v_all[:, :old].transpose(1, 2)
    scores_old = q @ k_old.mT
    scores_new = q @ k.mT + torch.full((new, new), -torch.inf, dtype=q.dtype).triu(1)
    both = torch.cat([scores_old, scores_new], -1) / k.shape[-1] ** 0.5
    p_old, p_new = both.softmax(-1).split([old, new], -1)
    z = p_old @ v_old + p_new @ v
    return torch.einsum("bhtk,hkd->btd", z, attn.W_O) + attn.b_O


# %% wrong="batch axis lost when there is one row"
import torch


class KVCache:
    def __init__(self, cfg):
        self.cfg = cfg
        self.k = [None] * cfg.n_layers
        self.v = [None] * cfg.n_layers

    @property
    def length(self):
        return min(0 if k is None else k.shape[1] for k in self.k)

    def append(self, layer, k, v):
        k, v = k.detach(), v.detach()
        if self.k[layer] is not None:
            k = torch.cat([self.k[layer], k], dim=1)
            v = torch.cat([self.v[layer], v], dim=1)
        self.k[layer], self.v[layer] = k, v
        return k, v


import math

import torch


def attn_with_cache(attn, x_new, cache, layer):
    q = torch.einsum("btd,hdk->bthk", x_new, attn.W_Q) + attn.b_Q
    k = torch.einsum("btd,hdk->bthk", x_new, attn.W_K) + attn.b_K
    v = torch.einsum("btd,hdk->bthk", x_new, attn.W_V) + attn.b_V
    k, v = cache.append(layer, k, v)
    scores = torch.einsum("bqhk,bshk->bhqs", q, k) / math.sqrt(q.shape[-1])
    mask = causal_mask(q.shape[1], k.shape[1])
    scores = scores.masked_fill(~mask, -torch.inf)
    pattern = scores.softmax(dim=-1)
    z = torch.einsum("bhqs,bshk->bqhk", pattern, v)
    if len(x_new) == 1:
        z, pattern = z.squeeze(0), pattern
        return torch.einsum("qhk,hkd->qd", z, attn.W_O) + attn.b_O
    return torch.einsum("bqhk,hkd->bqd", z, attn.W_O) + attn.b_O
