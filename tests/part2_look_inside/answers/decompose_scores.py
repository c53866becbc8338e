# %% right="loops over parts"
import torch


def decompose_scores(model, cache, layer, head):
    block = model.blocks[layer]
    names, labels = ["hook_embed", "hook_pos_embed"], ["embed", "pos_embed"]
    for l in range(layer):
        for kind in ["attn_out"] if model.cfg.attn_only else ["attn_out", "mlp_out"]:
            names.append(f"blocks.{l}.hook_{kind}")
            labels.append(f"{kind} {l}")
    scale = cache[f"blocks.{layer}.ln1.hook_scale"]
    qs, ks = [], []
    for name in names:
        x = cache[name]
        x = (x - x.mean(-1, keepdim=True)) / scale * block.ln1.w
        qs.append(x @ block.attn.W_Q[head])
        ks.append(x @ block.attn.W_K[head])
    qs.append((block.ln1.b @ block.attn.W_Q[head] + block.attn.b_Q[head]).expand_as(qs[0]))
    ks.append((block.ln1.b @ block.attn.W_K[head] + block.attn.b_K[head]).expand_as(ks[0]))
    values = torch.stack([torch.stack([q @ k.mT for k in ks]) for q in qs]) / model.cfg.d_head**0.5
    return values, labels + ["bias"]


# %% right="weights folded, masked future"
import torch


@torch.no_grad()
def decompose_scores(model, cache, layer, head):
    ln, attn = model.blocks[layer].ln1, model.blocks[layer].attn
    labels = ["embed", "pos_embed"]
    parts = [cache["hook_embed"], cache["hook_pos_embed"]]
    for l in range(layer):
        labels.append(f"attn_out {l}")
        parts.append(cache[f"blocks.{l}.hook_attn_out"])
        if f"blocks.{l}.hook_mlp_out" in cache:
            labels.append(f"mlp_out {l}")
            parts.append(cache[f"blocks.{l}.hook_mlp_out"])
    D = model.cfg.d_model
    centre = torch.eye(D, dtype=ln.w.dtype) - 1 / D
    X = torch.stack(parts) / cache[f"blocks.{layer}.ln1.hook_scale"]
    Q = X @ (centre @ torch.diag(ln.w) @ attn.W_Q[head])
    K = X @ (centre @ torch.diag(ln.w) @ attn.W_K[head])
    B, T = X.shape[1:3]
    Q = torch.cat([Q, (ln.b @ attn.W_Q[head] + attn.b_Q[head]).repeat(1, B, T, 1)])
    K = torch.cat([K, (ln.b @ attn.W_K[head] + attn.b_K[head]).repeat(1, B, T, 1)])
    values = torch.einsum("cbqh,dbkh->cdbqk", Q, K) * model.cfg.d_head**-0.5
    return values.masked_fill(torch.ones(T, T).triu(1).bool(), 0.0), labels + ["bias"]


# %% right="scale from the stream"
import math

import torch
from einops import einsum


def decompose_scores(model, cache, layer, head):
    ln, attn = model.blocks[layer].ln1, model.blocks[layer].attn
    where = {"embed": "hook_embed", "pos_embed": "hook_pos_embed"}
    for l in range(layer):
        where |= {
            f"{kind} {l}": f"blocks.{l}.hook_{kind}"
            for kind in ("attn_out", "mlp_out")
            if f"blocks.{l}.hook_{kind}" in cache
        }
    stack = torch.stack(list(map(cache.__getitem__, where.values())))
    whole = stack.sum(0)
    sigma = (whole.var(-1, unbiased=False, keepdim=True) + model.cfg.eps).sqrt()
    read = (stack - stack.mean(-1, keepdim=True)) / sigma * ln.w
    extra = ln.b.expand(1, *read.shape[1:])
    read = torch.cat([read, extra])
    q = einsum(read, attn.W_Q[head], "c b t d, d h -> c b t h").clone()
    k = einsum(read, attn.W_K[head], "c b t d, d h -> c b t h").clone()
    q[-1] += attn.b_Q[head]
    k[-1] += attn.b_K[head]
    return einsum(q, k, "i b q h, j b k h -> i j b q k") / math.sqrt(model.cfg.d_head), [*where, "bias"]


# %% right="through the qk matrix"
import torch


@torch.no_grad()
def decompose_scores(model, cache, layer, head):
    ln, attn = model.blocks[layer].ln1, model.blocks[layer].attn
    labels = ["embed", "pos_embed"] + [
        f"{kind} {l}"
        for l in range(layer)
        for kind in (("attn_out",) if model.cfg.attn_only else ("attn_out", "mlp_out"))
    ]
    names = ["hook_" + label if " " not in label else "blocks.{1}.hook_{0}".format(*label.split()) for label in labels]
    X = torch.stack([cache[n] for n in names])
    X = ln.w * (X - X.mean(-1, keepdim=True)) / cache[f"blocks.{layer}.ln1.hook_scale"]
    C, B, T, _ = X.shape
    W_Q, W_K = attn.W_Q[head], attn.W_K[head]
    bq, bk = ln.b @ W_Q + attn.b_Q[head], ln.b @ W_K + attn.b_K[head]
    values = X.new_zeros(C + 1, C + 1, B, T, T)
    values[:C, :C] = torch.einsum("ibqd,de,jbke->ijbqk", X, W_Q @ W_K.T, X)
    values[:C, C] = torch.einsum("ibqd,d->ibq", X, W_Q @ bk)[..., None]
    values[C, :C] = torch.einsum("jbkd,d->jbk", X, W_K @ bq)[..., None, :]
    values[C, C] = bq @ bk
    return values / model.cfg.d_head**0.5, labels + ["bias"]


# %% wrong="biased variance forgotten"
import torch


def decompose_scores(model, cache, layer, head):
    ln, attn = model.blocks[layer].ln1, model.blocks[layer].attn
    where = {"embed": "hook_embed", "pos_embed": "hook_pos_embed"}
    for l in range(layer):
        where |= {
            f"{kind} {l}": f"blocks.{l}.hook_{kind}"
            for kind in ("attn_out", "mlp_out")
            if f"blocks.{l}.hook_{kind}" in cache
        }
    stack = torch.stack([cache[name] for name in where.values()])
    whole = stack.sum(0)
    read = (stack - stack.mean(-1, keepdim=True)) / (whole.var(-1, keepdim=True) + model.cfg.eps).sqrt() * ln.w
    read = torch.cat([read, ln.b.expand(1, *read.shape[1:])])
    q, k = (read @ attn.W_Q[head]).clone(), (read @ attn.W_K[head]).clone()
    q[-1] += attn.b_Q[head]
    k[-1] += attn.b_K[head]
    return torch.einsum("ibqh,jbkh->ijbqk", q, k) / model.cfg.d_head**0.5, [*where, "bias"]


# %% wrong="scale divided twice"
import torch


def decompose_scores(model, cache, layer, head):
    ln, attn = model.blocks[layer].ln1, model.blocks[layer].attn
    where = {"embed": "hook_embed", "pos_embed": "hook_pos_embed"}
    for l in range(layer):
        where |= {
            f"{kind} {l}": f"blocks.{l}.hook_{kind}"
            for kind in ("attn_out", "mlp_out")
            if f"blocks.{l}.hook_{kind}" in cache
        }
    stack = torch.stack([cache[name] for name in where.values()])
    read = (stack - stack.mean(-1, keepdim=True)) / cache[f"blocks.{layer}.ln1.hook_scale"] ** 2 * ln.w
    read = torch.cat([read, ln.b.expand(1, *read.shape[1:])])
    q, k = (read @ attn.W_Q[head]).clone(), (read @ attn.W_K[head]).clone()
    q[-1] += attn.b_Q[head]
    k[-1] += attn.b_K[head]
    return torch.einsum("ibqh,jbkh->ijbqk", q, k) / model.cfg.d_head**0.5, [*where, "bias"]


# %% wrong="attention of all layers first, then MLPs"
import torch


def decompose_scores(model, cache, layer, head):
    ln, attn = model.blocks[layer].ln1, model.blocks[layer].attn
    where = {"embed": "hook_embed", "pos_embed": "hook_pos_embed"}
    for kind in ("attn_out", "mlp_out"):
        where |= {f"{kind} {l}": f"blocks.{l}.hook_{kind}" for l in range(layer) if f"blocks.{l}.hook_{kind}" in cache}
    stack = torch.stack([cache[name] for name in where.values()])
    read = (stack - stack.mean(-1, keepdim=True)) / cache[f"blocks.{layer}.ln1.hook_scale"] * ln.w
    read = torch.cat([read, ln.b.expand(1, *read.shape[1:])])
    q, k = (read @ attn.W_Q[head]).clone(), (read @ attn.W_K[head]).clone()
    q[-1] += attn.b_Q[head]
    k[-1] += attn.b_K[head]
    return torch.einsum("ibqh,jbkh->ijbqk", q, k) / model.cfg.d_head**0.5, [*where, "bias"]


# %% wrong="MLPs forgotten"
import torch


def decompose_scores(model, cache, layer, head):
    ln, attn = model.blocks[layer].ln1, model.blocks[layer].attn
    where = {"embed": "hook_embed", "pos_embed": "hook_pos_embed"}
    where |= {f"attn_out {l}": f"blocks.{l}.hook_attn_out" for l in range(layer)}
    stack = torch.stack([cache[name] for name in where.values()])
    read = (stack - stack.mean(-1, keepdim=True)) / cache[f"blocks.{layer}.ln1.hook_scale"] * ln.w
    read = torch.cat([read, ln.b.expand(1, *read.shape[1:])])
    q, k = (read @ attn.W_Q[head]).clone(), (read @ attn.W_K[head]).clone()
    q[-1] += attn.b_Q[head]
    k[-1] += attn.b_K[head]
    return torch.einsum("ibqh,jbkh->ijbqk", q, k) / model.cfg.d_head**0.5, [*where, "bias"]


# %% wrong="bias added to every part"
import torch


def decompose_scores(model, cache, layer, head):
    ln, attn = model.blocks[layer].ln1, model.blocks[layer].attn
    where = {"embed": "hook_embed", "pos_embed": "hook_pos_embed"}
    for l in range(layer):
        where |= {
            f"{kind} {l}": f"blocks.{l}.hook_{kind}"
            for kind in ("attn_out", "mlp_out")
            if f"blocks.{l}.hook_{kind}" in cache
        }
    stack = torch.stack([cache[name] for name in where.values()])
    read = (stack - stack.mean(-1, keepdim=True)) / cache[f"blocks.{layer}.ln1.hook_scale"] * ln.w
    read = torch.cat([read, ln.b.expand(1, *read.shape[1:])])
    q, k = read @ attn.W_Q[head] + attn.b_Q[head], read @ attn.W_K[head] + attn.b_K[head]
    return torch.einsum("ibqh,jbkh->ijbqk", q, k) / model.cfg.d_head**0.5, [*where, "bias"]


# %% wrong="pairs on the diagonal only"
import torch


def decompose_scores(model, cache, layer, head):
    ln, attn = model.blocks[layer].ln1, model.blocks[layer].attn
    where = {"embed": "hook_embed", "pos_embed": "hook_pos_embed"}
    for l in range(layer):
        where |= {
            f"{kind} {l}": f"blocks.{l}.hook_{kind}"
            for kind in ("attn_out", "mlp_out")
            if f"blocks.{l}.hook_{kind}" in cache
        }
    stack = torch.stack([cache[name] for name in where.values()])
    read = (stack - stack.mean(-1, keepdim=True)) / cache[f"blocks.{layer}.ln1.hook_scale"] * ln.w
    read = torch.cat([read, ln.b.expand(1, *read.shape[1:])])
    q, k = read @ attn.W_Q[head], read @ attn.W_K[head]
    values = torch.zeros(len(q), len(q), *q.shape[1:3], q.shape[2], dtype=q.dtype)
    for i in range(len(q)):
        values[i, i] = q[i] @ k[i].mT / model.cfg.d_head**0.5
    return values, [*where, "bias"]


# %% wrong="labels only of the earlier parts, values softmaxed"
import torch


def decompose_scores(model, cache, layer, head):
    ln, attn = model.blocks[layer].ln1, model.blocks[layer].attn
    where = {"embed": "hook_embed", "pos_embed": "hook_pos_embed"}
    for l in range(layer):
        where |= {
            f"{kind} {l}": f"blocks.{l}.hook_{kind}"
            for kind in ("attn_out", "mlp_out")
            if f"blocks.{l}.hook_{kind}" in cache
        }
    stack = torch.stack([cache[name] for name in where.values()])
    read = (stack - stack.mean(-1, keepdim=True)) / cache[f"blocks.{layer}.ln1.hook_scale"] * ln.w
    read = torch.cat([read, ln.b.expand(1, *read.shape[1:])])
    q, k = read @ attn.W_Q[head], read @ attn.W_K[head]
    return (torch.einsum("ibqh,jbkh->ijbqk", q, k) / model.cfg.d_head**0.5).softmax(-1), [*where, "bias"]
