# %% right="ids set aside too, einops"
import torch
from einops import rearrange
from torch.nn import functional as F


@torch.inference_mode()
def generate_fast(model, ids, n):
    cfg, start = model.cfg, 0
    out = torch.cat([ids, ids.new_zeros(len(ids), n)], dim=1)
    cache = PreallocatedKVCache(cfg, len(ids), model.embed.W_E.dtype)
    weights = [(*fuse_qkv(b.attn), b.attn.W_O.flatten(0, 1)) for b in model.blocks]
    for end in range(ids.shape[1], ids.shape[1] + n):
        x = model.embed.W_E[out[:, start:end]] + model.pos_embed.W_pos[start:end]
        for i, block in enumerate(model.blocks):
            W, b, W_O = weights[i]
            qkv = rearrange(block.ln1(x) @ W + b, "b t (s h k) -> s b t h k", s=3, h=cfg.n_heads)
            k, v = cache.append(i, qkv[1], qkv[2])
            q, k, v = (rearrange(t, "b t h k -> b h t k") for t in (qkv[0], k, v))
            z = F.scaled_dot_product_attention(q, k, v, is_causal=end - start > 1)
            x = x + rearrange(z, "b h t k -> b t (h k)") @ W_O + block.attn.b_O
            x = x + block.mlp(block.ln2(x))
        out[:, end] = model.unembed(model.ln_final(x[:, -1:]))[:, 0].argmax(-1)
        start = end
    return out.clone()


# %% right="a mask in every step"
import torch
from torch.nn import functional as F


def generate_fast(model, ids, n):
    with torch.no_grad():
        fused = [fuse_qkv(block.attn) for block in model.blocks]
        cache = PreallocatedKVCache(model.cfg, ids.shape[0], next(model.parameters()).dtype)
        for _ in range(n):
            past = cache.length
            new = ids[:, past:]
            x = model.embed(new) + model.pos_embed(new, offset=past)
            mask = causal_mask(new.shape[1], ids.shape[1])
            for i, block in enumerate(model.blocks):
                W, b = fused[i]
                q, k, v = (block.ln1(x) @ W + b).view(*new.shape, 3, model.cfg.n_heads, -1).unbind(2)
                k, v = cache.append(i, k, v)
                z = F.scaled_dot_product_attention(
                    q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), attn_mask=mask
                )
                x = x + z.transpose(1, 2).flatten(2) @ block.attn.W_O.flatten(0, 1) + block.attn.b_O
                x = x + block.mlp(block.ln2(x))
            ids = torch.hstack([ids, model.unembed(model.ln_final(x))[:, -1:].argmax(-1)])
    return ids


# %% right="no SDPA, lists of keys"
import torch


@torch.no_grad()
def generate_fast(model, ids, n):
    H, K = model.cfg.n_heads, model.cfg.d_head
    fused = [fuse_qkv(block.attn) for block in model.blocks]
    past = [None] * len(model.blocks)
    new, start = ids, 0
    for _ in range(n):
        x = model.embed(new) + model.pos_embed.W_pos[start : start + new.shape[1]]
        for i, block in enumerate(model.blocks):
            qkv = (block.ln1(x) @ fused[i][0] + fused[i][1]).view(*new.shape, 3, H, K).permute(2, 0, 3, 1, 4)
            kv = qkv[1:] if past[i] is None else torch.cat([past[i], qkv[1:]], dim=3)
            past[i] = kv
            scores = qkv[0] @ kv[0].mT / K**0.5
            hidden = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(scores.shape[-1] - scores.shape[-2] + 1)
            z = scores.masked_fill(hidden, -torch.inf).softmax(-1) @ kv[1]
            x = x + z.transpose(1, 2).flatten(2) @ block.attn.W_O.flatten(0, 1) + block.attn.b_O
            x = x + block.mlp(block.ln2(x))
        start += new.shape[1]
        new = model.unembed(model.ln_final(x[:, -1:])).argmax(-1)
        ids = torch.cat([ids, new], dim=1)
    return ids


# %% right="torch's own GELU and LayerNorm"
import torch
from torch.nn import functional as F


@torch.inference_mode()
def generate_fast(model, ids, n):
    cfg = model.cfg
    fused = [fuse_qkv(block.attn) for block in model.blocks]
    cache = PreallocatedKVCache(cfg, len(ids), model.embed.W_E.dtype)

    def norm(ln, x):
        return F.layer_norm(x, (cfg.d_model,), ln.w, ln.b, cfg.eps)

    for _ in range(n):
        start = cache.length
        new = ids[:, start:]
        x = F.embedding(new, model.embed.W_E) + model.pos_embed.W_pos[positions_with_cache(start, new.shape[1])]
        for i, block in enumerate(model.blocks):
            W, b = fused[i]
            qkv = F.linear(norm(block.ln1, x), W.T, b).unflatten(-1, (3, cfg.n_heads, cfg.d_head))
            k, v = cache.append(i, qkv[:, :, 1], qkv[:, :, 2])
            q, k, v = (t.transpose(1, 2) for t in (qkv[:, :, 0], k, v))
            z = F.scaled_dot_product_attention(q, k, v, is_causal=start == 0).transpose(1, 2).flatten(2)
            x = x + F.linear(z, block.attn.W_O.flatten(0, 1).T, block.attn.b_O)
            hidden = F.gelu(norm(block.ln2, x) @ block.mlp.W_in + block.mlp.b_in, approximate="tanh")
            x = x + hidden @ block.mlp.W_out + block.mlp.b_out
        logits = norm(model.ln_final, x[:, -1]) @ model.unembed.W_U + model.unembed.b_U
        ids = torch.cat([ids, logits.argmax(-1, keepdim=True)], 1)
    return ids.clone()


# %% wrong="the plain loop"
import torch


@torch.no_grad()
def generate_fast(model, ids, n):
    for _ in range(n):
        ids = torch.cat([ids, model(ids)[:, -1:].argmax(-1)], dim=1)
    return ids


# %% wrong="float32 room"
import torch
from torch.nn import functional as F


@torch.no_grad()
def generate_fast(model, ids, n):
    cfg = model.cfg
    fused = [fuse_qkv(block.attn) for block in model.blocks]
    cache = PreallocatedKVCache(cfg, len(ids))
    for _ in range(n):
        start = cache.length
        x = model.embed(ids[:, start:]) + model.pos_embed.W_pos[start : ids.shape[1]]
        for i, block in enumerate(model.blocks):
            qkv = F.linear(block.ln1(x), fused[i][0].T, fused[i][1]).unflatten(-1, (3, cfg.n_heads, cfg.d_head))
            k, v = cache.append(i, qkv[:, :, 1], qkv[:, :, 2])
            q, k, v = (t.transpose(1, 2) for t in (qkv[:, :, 0], k, v))
            z = F.scaled_dot_product_attention(q, k, v, is_causal=start == 0).transpose(1, 2).flatten(2)
            x = x + z @ block.attn.W_O.flatten(0, 1) + block.attn.b_O
            x = x + block.mlp(block.ln2(x))
        ids = torch.cat([ids, model.unembed(model.ln_final(x[:, -1:])).argmax(-1)], 1)
    return ids


# %% wrong="is_causal in every step"
import torch
from torch.nn import functional as F


@torch.no_grad()
def generate_fast(model, ids, n):
    cfg = model.cfg
    fused = [fuse_qkv(block.attn) for block in model.blocks]
    cache = PreallocatedKVCache(cfg, len(ids), model.embed.W_E.dtype)
    for _ in range(n):
        start = cache.length
        x = model.embed(ids[:, start:]) + model.pos_embed.W_pos[start : ids.shape[1]]
        for i, block in enumerate(model.blocks):
            qkv = F.linear(block.ln1(x), fused[i][0].T, fused[i][1]).unflatten(-1, (3, cfg.n_heads, cfg.d_head))
            k, v = cache.append(i, qkv[:, :, 1], qkv[:, :, 2])
            q, k, v = (t.transpose(1, 2) for t in (qkv[:, :, 0], k, v))
            z = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
            x = x + z @ block.attn.W_O.flatten(0, 1) + block.attn.b_O
            x = x + block.mlp(block.ln2(x))
        ids = torch.cat([ids, model.unembed(model.ln_final(x[:, -1:])).argmax(-1)], 1)
    return ids


# %% wrong="positions from zero"
import torch
from torch.nn import functional as F


@torch.no_grad()
def generate_fast(model, ids, n):
    cfg = model.cfg
    fused = [fuse_qkv(block.attn) for block in model.blocks]
    cache = PreallocatedKVCache(cfg, len(ids), model.embed.W_E.dtype)
    for _ in range(n):
        start = cache.length
        x = model.embed(ids[:, start:]) + model.pos_embed(ids[:, start:])
        for i, block in enumerate(model.blocks):
            qkv = F.linear(block.ln1(x), fused[i][0].T, fused[i][1]).unflatten(-1, (3, cfg.n_heads, cfg.d_head))
            k, v = cache.append(i, qkv[:, :, 1], qkv[:, :, 2])
            q, k, v = (t.transpose(1, 2) for t in (qkv[:, :, 0], k, v))
            z = F.scaled_dot_product_attention(q, k, v, is_causal=start == 0).transpose(1, 2).flatten(2)
            x = x + z @ block.attn.W_O.flatten(0, 1) + block.attn.b_O
            x = x + block.mlp(block.ln2(x))
        ids = torch.cat([ids, model.unembed(model.ln_final(x[:, -1:])).argmax(-1)], 1)
    return ids


# %% wrong="no final norm"
import torch
from torch.nn import functional as F


@torch.no_grad()
def generate_fast(model, ids, n):
    cfg = model.cfg
    fused = [fuse_qkv(block.attn) for block in model.blocks]
    cache = PreallocatedKVCache(cfg, len(ids), model.embed.W_E.dtype)
    for _ in range(n):
        start = cache.length
        x = model.embed(ids[:, start:]) + model.pos_embed.W_pos[start : ids.shape[1]]
        for i, block in enumerate(model.blocks):
            qkv = F.linear(block.ln1(x), fused[i][0].T, fused[i][1]).unflatten(-1, (3, cfg.n_heads, cfg.d_head))
            k, v = cache.append(i, qkv[:, :, 1], qkv[:, :, 2])
            q, k, v = (t.transpose(1, 2) for t in (qkv[:, :, 0], k, v))
            z = F.scaled_dot_product_attention(q, k, v, is_causal=start == 0).transpose(1, 2).flatten(2)
            x = x + z @ block.attn.W_O.flatten(0, 1) + block.attn.b_O
            x = x + block.mlp(block.ln2(x))
        ids = torch.cat([ids, model.unembed(x[:, -1:]).argmax(-1)], 1)
    return ids


# %% wrong="the fused weights are kept on the model"
import torch
from torch.nn import functional as F


@torch.no_grad()
def generate_fast(model, ids, n):
    cfg = model.cfg
    if not hasattr(model, "fused"):
        model.fused = [tuple(part.clone() for part in fuse_qkv(block.attn)) for block in model.blocks]
    cache = PreallocatedKVCache(cfg, len(ids), model.embed.W_E.dtype)
    for _ in range(n):
        start = cache.length
        x = model.embed(ids[:, start:]) + model.pos_embed.W_pos[start : ids.shape[1]]
        for i, block in enumerate(model.blocks):
            W, b = model.fused[i]
            qkv = F.linear(block.ln1(x), W.T, b).unflatten(-1, (3, cfg.n_heads, cfg.d_head))
            k, v = cache.append(i, qkv[:, :, 1], qkv[:, :, 2])
            q, k, v = (t.transpose(1, 2) for t in (qkv[:, :, 0], k, v))
            z = F.scaled_dot_product_attention(q, k, v, is_causal=start == 0).transpose(1, 2).flatten(2)
            x = x + z @ block.attn.W_O.flatten(0, 1) + block.attn.b_O
            x = x + block.mlp(block.ln2(x))
        ids = torch.cat([ids, model.unembed(model.ln_final(x[:, -1:])).argmax(-1)], 1)
    return ids


# %% wrong="in bfloat16"
import copy
import torch


@torch.no_grad()
def generate_fast(model, ids, n):
    quick = copy.deepcopy(model).bfloat16()
    for _ in range(n):
        ids = torch.cat([ids, quick(ids)[:, -1:].argmax(-1)], dim=1)
    return ids


# %% wrong="the cache of the call before"
import torch
from torch.nn import functional as F


CACHES = {}


@torch.no_grad()
def generate_fast(model, ids, n):
    cfg = model.cfg
    fused = [fuse_qkv(block.attn) for block in model.blocks]
    key = (id(model), len(ids))
    if key not in CACHES or CACHES[key].length >= ids.shape[1]:
        CACHES[key] = PreallocatedKVCache(cfg, len(ids), model.embed.W_E.dtype)
    cache = CACHES[key]
    for _ in range(n):
        new = ids[:, cache.length :]
        start = cache.length
        resid = model.embed(new) + model.pos_embed.W_pos[positions_with_cache(start, new.shape[1])]
        for layer, block in enumerate(model.blocks):
            W, b = fused[layer]
            qkv = F.linear(block.ln1(resid), W.T, b).unflatten(-1, (3, cfg.n_heads, cfg.d_head))
            q, k, v = qkv.unbind(2)
            k, v = cache.append(layer, k, v)
            z = F.scaled_dot_product_attention(
                q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), is_causal=q.shape[1] == k.shape[1]
            )
            resid = resid + z.transpose(1, 2).flatten(2) @ block.attn.W_O.flatten(0, 1) + block.attn.b_O
            resid = resid + block.mlp(block.ln2(resid))
        logits = model.unembed(model.ln_final(resid[:, -1:]))[:, 0]
        ids = torch.cat([ids, logits.argmax(-1)[:, None]], dim=1)
    return ids


# %% wrong="stops one token before the context is full"
import torch
from torch.nn import functional as F


@torch.no_grad()
def generate_fast(model, ids, n):
    cfg = model.cfg
    fused = [fuse_qkv(block.attn) for block in model.blocks]
    cache = PreallocatedKVCache(cfg, len(ids), model.embed.W_E.dtype)
    for _ in range(n):
        if ids.shape[1] >= cfg.n_ctx - 1:
            ids = torch.cat([ids, ids[:, -1:]], 1)
            continue
        new = ids[:, cache.length :]
        start = cache.length
        resid = model.embed(new) + model.pos_embed.W_pos[positions_with_cache(start, new.shape[1])]
        for layer, block in enumerate(model.blocks):
            W, b = fused[layer]
            qkv = F.linear(block.ln1(resid), W.T, b).unflatten(-1, (3, cfg.n_heads, cfg.d_head))
            q, k, v = qkv.unbind(2)
            k, v = cache.append(layer, k, v)
            z = F.scaled_dot_product_attention(
                q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), is_causal=q.shape[1] == k.shape[1]
            )
            resid = resid + z.transpose(1, 2).flatten(2) @ block.attn.W_O.flatten(0, 1) + block.attn.b_O
            resid = resid + block.mlp(block.ln2(resid))
        logits = model.unembed(model.ln_final(resid[:, -1:]))[:, 0]
        ids = torch.cat([ids, logits.argmax(-1)[:, None]], dim=1)
    return ids


# %% wrong="generate_cached as it was"
from hookpoint.model.cache import generate_cached


def generate_fast(model, ids, n):
    return generate_cached(model, ids, n, temperature=0)
