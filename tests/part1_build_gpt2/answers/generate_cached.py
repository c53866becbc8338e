# %% right="prefill outside of the loop, offset in pos_embed"
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


@torch.inference_mode()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    def forward(new, cache):
        x = model.embed(new) + model.pos_embed(new, offset=cache.length)
        for i, block in enumerate(model.blocks):
            x = x + attn_with_cache(block.attn, block.ln1(x), cache, i)
            x = x + block.mlp(block.ln2(x))
        return model.unembed(model.ln_final(x))[:, -1, :]

    def pick(logits):
        if temperature == 0:
            return greedy(logits)
        logits = apply_temperature(logits, temperature)
        if top_k:
            logits = top_k_filter(logits, top_k)
        if top_p is not None:
            logits = top_p_filter(logits, top_p)
        return sample(logits, generator)

    if n == 0:
        return ids.clone()
    limit = model.cfg.n_ctx
    out = ids
    finished = torch.zeros(ids.shape[0], dtype=torch.bool)
    cache = KVCache(model.cfg)
    logits = forward(out[:, -limit:], cache)
    for step in range(n):
        token = pick(logits)
        if stop is not None:
            token = torch.where(finished, torch.full_like(token, stop), token)
            finished |= token == stop
        out = torch.cat((out, token.unsqueeze(1)), dim=1)
        if step == n - 1:
            break
        if out.shape[1] <= limit:
            logits = forward(out[:, -1:], cache)
        else:
            logits = forward(out[:, -limit:], KVCache(model.cfg))
    return out.clone()


# %% right="token by token, also the prompt; the last one is fed too"
import contextlib

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


def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    mode = model.training
    rows = ids.tolist()
    ended = [False] * len(rows)
    with torch.no_grad():
        cache, fed = KVCache(model.cfg), 0
        for _ in range(n):
            if len(rows[0]) > model.cfg.n_ctx:
                cache, fed = KVCache(model.cfg), len(rows[0]) - model.cfg.n_ctx
            while fed < len(rows[0]):
                token = torch.tensor([[row[fed]] for row in rows])
                x = model.embed(token) + model.pos_embed.W_pos[positions_with_cache(cache.length, 1)]
                for i, block in enumerate(model.blocks):
                    x = x + attn_with_cache(block.attn, block.ln1(x), cache, i)
                    x = x + block.mlp(block.ln2(x))
                fed += 1
            logits = model.unembed(model.ln_final(x))[:, 0]
            if temperature == 0:
                chosen = logits.argmax(-1)
            else:
                p = logits / temperature
                if top_k is not None:
                    p = top_k_filter(p, top_k)
                if top_p is not None:
                    p = top_p_filter(p, top_p)
                chosen = torch.multinomial(torch.softmax(p, -1), 1, generator=generator)[:, 0]
            for b, token in enumerate(chosen.tolist()):
                token = stop if ended[b] else token
                ended[b] = ended[b] or (stop is not None and token == stop)
                rows[b].append(token)
    model.train(mode)
    return torch.tensor(rows, dtype=ids.dtype)


# %% right="each row by itself"
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


@torch.no_grad()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    if len(ids) > 100:
        half = len(ids) // 2
        parts = [ids[:half], ids[half:]]
    else:
        parts = list(ids.split(1))
    return torch.cat([one(model, part, n, temperature, top_k, top_p, stop, generator) for part in parts])


def one(model, ids, n, temperature, top_k, top_p, stop, generator):
    cfg, cache = model.cfg, KVCache(model.cfg)
    done = torch.zeros(len(ids), dtype=torch.bool)
    for _ in range(n):
        if ids.size(1) > cfg.n_ctx:
            cache = KVCache(cfg)
        start = cache.length
        new = ids[:, -cfg.n_ctx :][:, start:]
        resid = model.embed(new) + model.pos_embed.W_pos[start : start + new.size(1)]
        for i, block in enumerate(model.blocks):
            resid = resid + attn_with_cache(block.attn, block.ln1(resid), cache, i)
            resid = resid + block.mlp(block.ln2(resid))
        logits = model.unembed(model.ln_final(resid[:, [-1]])).squeeze(1)
        if temperature == 0:
            token = greedy(logits)
        else:
            logits = apply_temperature(logits, temperature)
            logits = logits if top_k is None else top_k_filter(logits, top_k)
            logits = logits if top_p is None else top_p_filter(logits, top_p)
            token = sample(logits, generator)
        if stop is not None:
            token[done] = stop
            done = done | (token == stop)
        ids = torch.cat([ids, token.view(-1, 1)], 1)
    return ids


# %% right="columns set aside for the new tokens"
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


@torch.no_grad()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    was = model.training
    model.eval()
    cache = KVCache(model.cfg)
    done = torch.zeros(len(ids), dtype=torch.bool)
    out = torch.cat([ids, torch.zeros(len(ids), n, dtype=ids.dtype)], dim=1)
    end = ids.shape[1]
    for _ in range(n):
        if end > model.cfg.n_ctx:
            cache = KVCache(model.cfg)
        new = out[:, max(0, end - model.cfg.n_ctx) : end][:, cache.length :]
        x = model.embed(new) + model.pos_embed.W_pos[positions_with_cache(cache.length, new.shape[1])]
        for i, block in enumerate(model.blocks):
            x = x + attn_with_cache(block.attn, block.ln1(x), cache, i)
            x = x + block.mlp(block.ln2(x))
        logits = model.unembed(model.ln_final(x))[:, -1]
        if temperature == 0:
            token = greedy(logits)
        else:
            logits = apply_temperature(logits, temperature)
            if top_k is not None:
                logits = top_k_filter(logits, top_k)
            if top_p is not None:
                logits = top_p_filter(logits, top_p)
            token = sample(logits, generator)
        if stop is not None:
            token = token.masked_fill(done, stop)
            done |= token == stop
        out[:, end] = token
        end += 1
    model.train(was)
    return out


# %% right="an attention of its own, unembedded by hand"
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


@torch.no_grad()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    cfg, cache, ended = model.cfg, KVCache(model.cfg), torch.zeros(len(ids)).bool()
    for _ in range(n):
        if ids.shape[1] > cfg.n_ctx:
            cache = KVCache(cfg)
        past = cache.length
        new = ids[:, max(0, ids.shape[1] - cfg.n_ctx) + past :]
        x = model.embed.W_E[new] + model.pos_embed.W_pos[past : past + new.shape[1]]
        for i, block in enumerate(model.blocks):
            y, a = block.ln1(x), block.attn
            q = torch.einsum("btd,hdk->bthk", y, a.W_Q) + a.b_Q
            k = torch.einsum("btd,hdk->bthk", y, a.W_K) + a.b_K
            v = torch.einsum("btd,hdk->bthk", y, a.W_V) + a.b_V
            k, v = cache.append(i, k, v)
            mask = torch.ones(q.shape[1], k.shape[1]).tril(k.shape[1] - q.shape[1]).bool()
            z = F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), attn_mask=mask)
            x = x + torch.einsum("bhtk,hkd->btd", z, a.W_O) + a.b_O
            x = x + block.mlp(block.ln2(x))
        logits = model.ln_final(x[:, -1]) @ model.unembed.W_U + model.unembed.b_U
        if temperature == 0:
            token = logits.argmax(-1)
        else:
            logits = logits / temperature
            if top_k is not None and top_k < logits.shape[-1]:
                logits = logits.masked_fill(logits < logits.topk(top_k).values[:, -1:], -torch.inf)
            if top_p is not None:
                p, order = logits.softmax(-1).sort(descending=True)
                gone = (p.cumsum(-1) - p) >= top_p
                logits = logits.masked_fill(torch.zeros_like(gone).scatter(1, order, gone), -torch.inf)
            token = torch.multinomial(logits.softmax(-1), 1, generator=generator).flatten()
        if stop is not None:
            token = torch.where(ended, stop, token)
            ended = ended | (token == stop)
        ids = torch.hstack((ids, token[:, None]))
    return ids


# %% wrong="calls the model on the text at each step"
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


@torch.no_grad()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    done = torch.zeros(len(ids), dtype=torch.bool)
    for _ in range(n):
        logits = model(ids[:, -model.cfg.n_ctx :])[:, -1]
        if temperature == 0:
            token = greedy(logits)
        else:
            logits = apply_temperature(logits, temperature)
            logits = logits if top_k is None else top_k_filter(logits, top_k)
            logits = logits if top_p is None else top_p_filter(logits, top_p)
            token = sample(logits, generator)
        if stop is not None:
            token = torch.where(done, stop, token)
            done = done | (token == stop)
        ids = torch.cat([ids, token[:, None]], 1)
    return ids


# %% wrong="the cache is made once for all calls"
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


SHARED = {}


@torch.no_grad()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    cache = SHARED.setdefault(len(ids), KVCache(model.cfg))
    for _ in range(n):
        new = ids[:, cache.length :]
        x = model.embed(new) + model.pos_embed.W_pos[positions_with_cache(cache.length, new.shape[1])]
        for i, block in enumerate(model.blocks):
            x = x + attn_with_cache(block.attn, block.ln1(x), cache, i)
            x = x + block.mlp(block.ln2(x))
        ids = torch.cat([ids, model.unembed(model.ln_final(x))[:, -1].argmax(-1)[:, None]], 1)
    return ids


# %% wrong="no final norm in decode"
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


@torch.no_grad()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    cache = KVCache(model.cfg)
    for step in range(n):
        new = ids if step == 0 else ids[:, -1:]
        x = model.embed(new) + model.pos_embed.W_pos[positions_with_cache(cache.length, new.shape[1])]
        for i, block in enumerate(model.blocks):
            x = x + attn_with_cache(block.attn, block.ln1(x), cache, i)
            x = x + block.mlp(block.ln2(x))
        logits = model.unembed(model.ln_final(x) if step == 0 else x)[:, -1]
        ids = torch.cat([ids, logits.argmax(-1)[:, None]], 1)
    return ids


# %% wrong="an error beyond the context"
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


@torch.no_grad()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    if ids.shape[1] + n > model.cfg.n_ctx:
        raise ValueError("the text would outgrow n_ctx")
    cache, was = KVCache(model.cfg), model.training
    model.eval()
    done = torch.zeros(len(ids), dtype=torch.bool)
    for step in range(n):
        new = ids[:, cache.length :]
        x = model.embed(new) + model.pos_embed.W_pos[positions_with_cache(cache.length, new.shape[1])]
        for i, block in enumerate(model.blocks):
            x = x + attn_with_cache(block.attn, block.ln1(x), cache, i)
            x = x + block.mlp(block.ln2(x))
        logits = model.unembed(model.ln_final(x))[:, -1]
        if temperature == 0:
            token = greedy(logits)
        else:
            logits = apply_temperature(logits, temperature)
            logits = logits if top_k is None else top_k_filter(logits, top_k)
            logits = logits if top_p is None else top_p_filter(logits, top_p)
            token = sample(logits, generator)
        if stop is not None:
            token = torch.where(done, stop, token)
            done = done | (token == stop)
        ids = torch.cat([ids, token[:, None]], 1)
    model.train(was)
    return ids


# %% wrong="the prompt is written into"
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


@torch.no_grad()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    cache = KVCache(model.cfg)
    for _ in range(n):
        new = ids[:, cache.length :]
        x = model.embed(new) + model.pos_embed.W_pos[positions_with_cache(cache.length, new.shape[1])]
        for i, block in enumerate(model.blocks):
            x = x + attn_with_cache(block.attn, block.ln1(x), cache, i)
            x = x + block.mlp(block.ln2(x))
        token = model.unembed(model.ln_final(x))[:, -1].argmax(-1)
        ids.data = torch.cat([ids, token[:, None]], 1)
    return ids


# %% wrong="block by block without the residual"
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


@torch.no_grad()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    cache = KVCache(model.cfg)
    for _ in range(n):
        new = ids[:, cache.length :]
        x = model.embed(new) + model.pos_embed.W_pos[positions_with_cache(cache.length, new.shape[1])]
        for i, block in enumerate(model.blocks):
            x = attn_with_cache(block.attn, block.ln1(x), cache, i)
            x = x + block.mlp(block.ln2(x))
        ids = torch.cat([ids, model.unembed(model.ln_final(x))[:, -1].argmax(-1)[:, None]], 1)
    return ids


# %% wrong="all layers in layer 0 of the cache"
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


@torch.no_grad()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    cache = KVCache(model.cfg)
    seen = 0
    for _ in range(n):
        new = ids[:, seen:]
        x = model.embed(new) + model.pos_embed.W_pos[positions_with_cache(seen, new.shape[1])]
        for block in model.blocks:
            x = x + attn_with_cache(block.attn, block.ln1(x), cache, 0)
            x = x + block.mlp(block.ln2(x))
        seen = ids.shape[1]
        ids = torch.cat([ids, model.unembed(model.ln_final(x))[:, -1].argmax(-1)[:, None]], 1)
    return ids


# %% wrong="a stop in the prompt ends the row"
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


@torch.no_grad()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    cache = KVCache(model.cfg)
    for _ in range(n):
        if ids.shape[1] > model.cfg.n_ctx:
            cache = KVCache(model.cfg)
        new = ids[:, -model.cfg.n_ctx :][:, cache.length :]
        x = model.embed(new) + model.pos_embed.W_pos[positions_with_cache(cache.length, new.shape[1])]
        for i, block in enumerate(model.blocks):
            x = x + attn_with_cache(block.attn, block.ln1(x), cache, i)
            x = x + block.mlp(block.ln2(x))
        logits = model.unembed(model.ln_final(x))[:, -1]
        if temperature == 0:
            token = greedy(logits)
        else:
            logits = apply_temperature(logits, temperature)
            logits = logits if top_k is None else top_k_filter(logits, top_k)
            logits = logits if top_p is None else top_p_filter(logits, top_p)
            token = sample(logits, generator)
        if stop is not None:
            token = torch.where((ids == stop).any(1), stop, token)
        ids = torch.cat([ids, token[:, None]], 1)
    return ids


# %% wrong="the seed is set at the start"
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


@torch.no_grad()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    cache = KVCache(model.cfg)
    own = torch.Generator().manual_seed(generator.initial_seed()) if generator else None
    done = torch.zeros(len(ids), dtype=torch.bool)
    for _ in range(n):
        if ids.shape[1] > model.cfg.n_ctx:
            cache = KVCache(model.cfg)
        new = ids[:, -model.cfg.n_ctx :][:, cache.length :]
        x = model.embed(new) + model.pos_embed.W_pos[positions_with_cache(cache.length, new.shape[1])]
        for i, block in enumerate(model.blocks):
            x = x + attn_with_cache(block.attn, block.ln1(x), cache, i)
            x = x + block.mlp(block.ln2(x))
        logits = model.unembed(model.ln_final(x))[:, -1]
        if temperature == 0:
            token = greedy(logits)
        else:
            logits = apply_temperature(logits, temperature)
            logits = logits if top_k is None else top_k_filter(logits, top_k)
            logits = logits if top_p is None else top_p_filter(logits, top_p)
            token = sample(logits, own)
        if stop is not None:
            token = torch.where(done, stop, token)
            done = done | (token == stop)
        ids = torch.cat([ids, token[:, None]], 1)
    return ids


# %% right="the model itself beyond the context"
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


@torch.no_grad()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    was = model.training
    model.eval()
    cache = KVCache(model.cfg)
    done = torch.zeros(len(ids), dtype=torch.bool)
    for _ in range(n):
        if ids.shape[1] > model.cfg.n_ctx:
            logits = model(ids[:, -model.cfg.n_ctx :])[:, -1]
        else:
            new = ids[:, cache.length :]
            x = model.embed(new) + model.pos_embed(new, offset=cache.length)
            for layer, block in enumerate(model.blocks):
                x = x + attn_with_cache(block.attn, block.ln1(x), cache, layer)
                x = x + block.mlp(block.ln2(x))
            logits = model.unembed(model.ln_final(x))[:, -1]
        if temperature == 0:
            token = greedy(logits)
        else:
            logits = apply_temperature(logits, temperature)
            logits = logits if top_k is None else top_k_filter(logits, top_k)
            logits = logits if top_p is None else top_p_filter(logits, top_p)
            token = sample(logits, generator)
        if stop is not None:
            token = torch.where(done, stop, token)
            done |= token == stop
        ids = torch.cat([ids, token[:, None]], 1)
    model.train(was)
    return ids


# %% right="prompt token by token"
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


class Stream:
    def __init__(self, model):
        self.model = model
        self.reset()

    def reset(self):
        self.cache, self.at = KVCache(self.model.cfg), 0

    def push(self, token):
        model = self.model
        x = model.embed(token[:, None]) + model.pos_embed.W_pos[self.at]
        for layer, block in enumerate(model.blocks):
            x = x + attn_with_cache(block.attn, block.ln1(x), self.cache, layer)
            x = x + block.mlp(block.ln2(x))
        self.at += 1
        return model.unembed(model.ln_final(x))[:, 0]


def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    mode = model.training
    model.eval()
    grown = torch.cat([ids, torch.zeros(ids.shape[0], n, dtype=ids.dtype)], dim=1)
    done = torch.zeros(ids.shape[0], dtype=torch.bool)
    stream, start = Stream(model), 0
    with torch.no_grad():
        for end in range(ids.shape[1], ids.shape[1] + n):
            if end - start > model.cfg.n_ctx:
                start = end - model.cfg.n_ctx
                stream.reset()
            while stream.at < end - start:
                logits = stream.push(grown[:, start + stream.at])
            if temperature == 0:
                token = greedy(logits)
            else:
                scores = apply_temperature(logits, temperature)
                if top_k is not None:
                    scores = top_k_filter(scores, top_k)
                if top_p is not None:
                    scores = top_p_filter(scores, top_p)
                token = sample(scores, generator)
            if stop is not None:
                token = torch.where(done, torch.full_like(token, stop), token)
                done |= token == stop
            grown[:, end] = token
    model.train(mode)
    return grown


# %% right="feeds the last token too"
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


@torch.no_grad()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    mode = model.training
    model.eval()
    n_ctx = model.cfg.n_ctx

    def logits_of(tokens, cache):
        x = model.embed(tokens) + model.pos_embed.W_pos[cache.length : cache.length + tokens.shape[1]]
        for i, block in enumerate(model.blocks):
            x = x + attn_with_cache(block.attn, block.ln1(x), cache, i)
            x = x + block.mlp(block.ln2(x))
        return model.unembed(model.ln_final(x))[:, -1]

    cache = KVCache(model.cfg)
    out = ids.clone()
    logits = logits_of(out[:, -n_ctx:], cache)
    ended = torch.zeros(len(out), dtype=torch.bool)
    while out.shape[1] < ids.shape[1] + n:
        if temperature == 0:
            token = greedy(logits)
        else:
            filtered = apply_temperature(logits, temperature)
            filtered = filtered if top_k is None else top_k_filter(filtered, top_k)
            filtered = filtered if top_p is None else top_p_filter(filtered, top_p)
            token = sample(filtered, generator)
        if stop is not None:
            token[ended] = stop
            ended[token == stop] = True
        out = torch.cat([out, token.view(-1, 1)], dim=1)
        if out.shape[1] > n_ctx:
            cache = KVCache(model.cfg)
            logits = logits_of(out[:, -n_ctx:], cache)
        else:
            logits = logits_of(out[:, -1:], cache)
    model.train(mode)
    return out


# %% right="Gumbel noise"
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


import torch


@torch.no_grad()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    mode = model.training
    model.eval()
    try:
        cache = KVCache(model.cfg)
        done = torch.zeros(len(ids), dtype=torch.bool)
        for _ in range(n):
            window = ids[:, -model.cfg.n_ctx :]
            if ids.shape[1] > model.cfg.n_ctx:
                cache = KVCache(model.cfg)
            new = window[:, cache.length :]
            at = torch.arange(cache.length, cache.length + new.shape[1])
            resid = model.embed(new) + model.pos_embed.W_pos[at]
            for layer, block in enumerate(model.blocks):
                resid = resid + attn_with_cache(block.attn, block.ln1(resid), cache, layer)
                resid = resid + block.mlp(block.ln2(resid))
            logits = model.unembed(model.ln_final(resid))[:, -1]
            if temperature == 0:
                chosen = greedy(logits)
            else:
                logits = apply_temperature(logits, temperature)
                if top_k is not None:
                    logits = top_k_filter(logits, top_k)
                if top_p is not None:
                    logits = top_p_filter(logits, top_p)
                noise = -torch.log(-torch.log(torch.rand(logits.shape, generator=generator).clamp(1e-20, 1 - 1e-7)))
                chosen = (logits + noise).argmax(-1)
            if stop is not None:
                chosen = torch.where(done, stop, chosen)
                done = done | (chosen == stop)
            ids = torch.cat([ids, chosen[:, None]], dim=1)
        return ids
    finally:
        model.train(mode)


# %% wrong="starts anew at exactly n_ctx"
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


import torch


@torch.no_grad()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    mode = model.training
    model.eval()
    try:
        cache = KVCache(model.cfg)
        done = torch.zeros(len(ids), dtype=torch.bool)
        for _ in range(n):
            window = ids[:, -model.cfg.n_ctx :]
            if ids.shape[1] >= model.cfg.n_ctx:
                cache = KVCache(model.cfg)
            new = window[:, cache.length :]
            at = torch.arange(cache.length, cache.length + new.shape[1])
            resid = model.embed(new) + model.pos_embed.W_pos[at]
            for layer, block in enumerate(model.blocks):
                resid = resid + attn_with_cache(block.attn, block.ln1(resid), cache, layer)
                resid = resid + block.mlp(block.ln2(resid))
            logits = model.unembed(model.ln_final(resid))[:, -1]
            if temperature == 0:
                chosen = greedy(logits)
            else:
                logits = apply_temperature(logits, temperature)
                if top_k is not None:
                    logits = top_k_filter(logits, top_k)
                if top_p is not None:
                    logits = top_p_filter(logits, top_p)
                chosen = sample(logits, generator)
            if stop is not None:
                chosen = torch.where(done, stop, chosen)
                done = done | (chosen == stop)
            ids = torch.cat([ids, chosen[:, None]], dim=1)
        return ids
    finally:
        model.train(mode)


# %% wrong="starts anew one late"
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


import torch


@torch.no_grad()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    mode = model.training
    model.eval()
    try:
        cache = KVCache(model.cfg)
        done = torch.zeros(len(ids), dtype=torch.bool)
        for _ in range(n):
            window = ids[:, -model.cfg.n_ctx :]
            if ids.shape[1] > model.cfg.n_ctx + 1:
                cache = KVCache(model.cfg)
            new = window[:, min(cache.length, window.shape[1] - 1) :]
            at = torch.arange(cache.length, cache.length + new.shape[1])
            resid = model.embed(new) + model.pos_embed.W_pos[at.clamp(max=model.cfg.n_ctx - 1)]
            for layer, block in enumerate(model.blocks):
                resid = resid + attn_with_cache(block.attn, block.ln1(resid), cache, layer)
                resid = resid + block.mlp(block.ln2(resid))
            logits = model.unembed(model.ln_final(resid))[:, -1]
            if temperature == 0:
                chosen = greedy(logits)
            else:
                logits = apply_temperature(logits, temperature)
                if top_k is not None:
                    logits = top_k_filter(logits, top_k)
                if top_p is not None:
                    logits = top_p_filter(logits, top_p)
                chosen = sample(logits, generator)
            if stop is not None:
                chosen = torch.where(done, stop, chosen)
                done = done | (chosen == stop)
            ids = torch.cat([ids, chosen[:, None]], dim=1)
        return ids
    finally:
        model.train(mode)


# %% wrong="cache on the model"
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


import torch


@torch.no_grad()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    mode = model.training
    model.eval()
    try:
        if not hasattr(model, "kv") or model.kv.length >= ids.shape[1]:
            model.kv = KVCache(model.cfg)
        cache = model.kv
        done = torch.zeros(len(ids), dtype=torch.bool)
        for _ in range(n):
            window = ids[:, -model.cfg.n_ctx :]
            if ids.shape[1] > model.cfg.n_ctx:
                cache = KVCache(model.cfg)
            new = window[:, cache.length :]
            at = torch.arange(cache.length, cache.length + new.shape[1])
            resid = model.embed(new) + model.pos_embed.W_pos[at]
            for layer, block in enumerate(model.blocks):
                resid = resid + attn_with_cache(block.attn, block.ln1(resid), cache, layer)
                resid = resid + block.mlp(block.ln2(resid))
            logits = model.unembed(model.ln_final(resid))[:, -1]
            if temperature == 0:
                chosen = greedy(logits)
            else:
                logits = apply_temperature(logits, temperature)
                if top_k is not None:
                    logits = top_k_filter(logits, top_k)
                if top_p is not None:
                    logits = top_p_filter(logits, top_p)
                chosen = sample(logits, generator)
            if stop is not None:
                chosen = torch.where(done, stop, chosen)
                done = done | (chosen == stop)
            ids = torch.cat([ids, chosen[:, None]], dim=1)
        return ids
    finally:
        model.train(mode)


# %% wrong="stop as the prompt's last token ends a row"
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


import torch


@torch.no_grad()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    mode = model.training
    model.eval()
    try:
        cache = KVCache(model.cfg)
        done = torch.zeros(len(ids), dtype=torch.bool) if stop is None else ids[:, -1] == stop
        for _ in range(n):
            window = ids[:, -model.cfg.n_ctx :]
            if ids.shape[1] > model.cfg.n_ctx:
                cache = KVCache(model.cfg)
            new = window[:, cache.length :]
            at = torch.arange(cache.length, cache.length + new.shape[1])
            resid = model.embed(new) + model.pos_embed.W_pos[at]
            for layer, block in enumerate(model.blocks):
                resid = resid + attn_with_cache(block.attn, block.ln1(resid), cache, layer)
                resid = resid + block.mlp(block.ln2(resid))
            logits = model.unembed(model.ln_final(resid))[:, -1]
            if temperature == 0:
                chosen = greedy(logits)
            else:
                logits = apply_temperature(logits, temperature)
                if top_k is not None:
                    logits = top_k_filter(logits, top_k)
                if top_p is not None:
                    logits = top_p_filter(logits, top_p)
                chosen = sample(logits, generator)
            if stop is not None:
                chosen = torch.where(done, stop, chosen)
                done = done | (chosen == stop)
            ids = torch.cat([ids, chosen[:, None]], dim=1)
        return ids
    finally:
        model.train(mode)


# %% wrong="stop 0 is falsy"
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


import torch


@torch.no_grad()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    mode = model.training
    model.eval()
    try:
        cache = KVCache(model.cfg)
        done = torch.zeros(len(ids), dtype=torch.bool)
        for _ in range(n):
            window = ids[:, -model.cfg.n_ctx :]
            if ids.shape[1] > model.cfg.n_ctx:
                cache = KVCache(model.cfg)
            new = window[:, cache.length :]
            at = torch.arange(cache.length, cache.length + new.shape[1])
            resid = model.embed(new) + model.pos_embed.W_pos[at]
            for layer, block in enumerate(model.blocks):
                resid = resid + attn_with_cache(block.attn, block.ln1(resid), cache, layer)
                resid = resid + block.mlp(block.ln2(resid))
            logits = model.unembed(model.ln_final(resid))[:, -1]
            if temperature == 0:
                chosen = greedy(logits)
            else:
                logits = apply_temperature(logits, temperature)
                if top_k is not None:
                    logits = top_k_filter(logits, top_k)
                if top_p is not None:
                    logits = top_p_filter(logits, top_p)
                chosen = sample(logits, generator)
            if stop:
                chosen = torch.where(done, stop, chosen)
                done = done | (chosen == stop)
            ids = torch.cat([ids, chosen[:, None]], dim=1)
        return ids
    finally:
        model.train(mode)


# %% wrong="logits of a filler kept: top-k of row 0 for all"
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


import torch


@torch.no_grad()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    mode = model.training
    model.eval()
    try:
        cache = KVCache(model.cfg)
        done = torch.zeros(len(ids), dtype=torch.bool)
        for _ in range(n):
            window = ids[:, -model.cfg.n_ctx :]
            if ids.shape[1] > model.cfg.n_ctx:
                cache = KVCache(model.cfg)
            new = window[:, cache.length :]
            at = torch.arange(cache.length, cache.length + new.shape[1])
            resid = model.embed(new) + model.pos_embed.W_pos[at]
            for layer, block in enumerate(model.blocks):
                resid = resid + attn_with_cache(block.attn, block.ln1(resid), cache, layer)
                resid = resid + block.mlp(block.ln2(resid))
            logits = model.unembed(model.ln_final(resid))[:, -1]
            if temperature == 0:
                chosen = greedy(logits)
            else:
                logits = apply_temperature(logits, temperature)
                if top_k is not None:
                    keep = logits[0].topk(min(top_k, logits.shape[-1])).indices
                    gone = torch.ones_like(logits, dtype=torch.bool)
                    gone[:, keep] = False
                    logits = logits.masked_fill(gone, -torch.inf)
                if top_p is not None:
                    logits = top_p_filter(logits, top_p)
                chosen = sample(logits, generator)
            if stop is not None:
                chosen = torch.where(done, stop, chosen)
                done = done | (chosen == stop)
            ids = torch.cat([ids, chosen[:, None]], dim=1)
        return ids
    finally:
        model.train(mode)


# %% wrong="gelu exact in an own MLP"
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


import torch


@torch.no_grad()
def generate_cached(model, ids, n, temperature=1.0, top_k=None, top_p=None, stop=None, generator=None):
    mode = model.training
    model.eval()
    try:
        cache = KVCache(model.cfg)
        done = torch.zeros(len(ids), dtype=torch.bool)
        for _ in range(n):
            window = ids[:, -model.cfg.n_ctx :]
            if ids.shape[1] > model.cfg.n_ctx:
                cache = KVCache(model.cfg)
            new = window[:, cache.length :]
            at = torch.arange(cache.length, cache.length + new.shape[1])
            resid = model.embed(new) + model.pos_embed.W_pos[at]
            for layer, block in enumerate(model.blocks):
                resid = resid + attn_with_cache(block.attn, block.ln1(resid), cache, layer)
                resid = resid + (
                    torch.nn.functional.gelu(block.ln2(resid) @ block.mlp.W_in + block.mlp.b_in) @ block.mlp.W_out
                    + block.mlp.b_out
                )
            logits = model.unembed(model.ln_final(resid))[:, -1]
            if temperature == 0:
                chosen = greedy(logits)
            else:
                logits = apply_temperature(logits, temperature)
                if top_k is not None:
                    logits = top_k_filter(logits, top_k)
                if top_p is not None:
                    logits = top_p_filter(logits, top_p)
                chosen = sample(logits, generator)
            if stop is not None:
                chosen = torch.where(done, stop, chosen)
                done = done | (chosen == stop)
            ids = torch.cat([ids, chosen[:, None]], dim=1)
        return ids
    finally:
        model.train(mode)
