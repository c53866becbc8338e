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


# %% right="numpy"
import numpy as np
import torch


def decompose_scores(model, cache, layer, head):
    get = lambda name: cache[name].detach().numpy().astype(np.float64)
    w = {
        n: p.detach().numpy().astype(np.float64)
        for n, p in model.named_parameters()
        if n.startswith(f"blocks.{layer}.")
    }
    pre = f"blocks.{layer}."
    names = [("embed", "hook_embed"), ("pos_embed", "hook_pos_embed")]
    for b in range(layer):
        names.append((f"attn_out {b}", f"blocks.{b}.hook_attn_out"))
        if f"blocks.{b}.hook_mlp_out" in cache:
            names.append((f"mlp_out {b}", f"blocks.{b}.hook_mlp_out"))
    x = np.stack([get(n) for _, n in names])
    x = (x - x.mean(-1, keepdims=True)) / get(pre + "ln1.hook_scale") * w[pre + "ln1.w"]

    def side(letter):
        W, b = w[pre + f"attn.W_{letter}"][head], w[pre + f"attn.b_{letter}"][head]
        y = x @ W
        c = np.broadcast_to(w[pre + "ln1.b"] @ W + b, y[:1].shape)
        return np.concatenate([y, c])

    values = np.einsum("ibqd,jbkd->ijbqk", side("Q"), side("K")) / np.sqrt(w[pre + "attn.W_Q"].shape[-1])
    return torch.from_numpy(values).to(cache["hook_embed"].dtype), [n for n, _ in names] + ["bias"]


# %% right="dense filling of a zeros tensor"
import torch


def decompose_scores(model, cache, layer, head):
    blk = model.blocks[layer]
    per = 1 if model.cfg.attn_only else 2
    keys = ["hook_embed", "hook_pos_embed"]
    labels = ["embed", "pos_embed"]
    kinds = ["attn_out"] if model.cfg.attn_only else ["attn_out", "mlp_out"]
    for i in range(layer):
        for kind in kinds:
            keys.append(f"blocks.{i}.hook_{kind}")
            labels.append(f"{kind} {i}")
    labels.append("bias")
    C = 3 + per * layer
    B, T, D = cache["hook_embed"].shape
    values = torch.zeros(C, C, B, T, T, dtype=cache["hook_embed"].dtype)

    def vec(i, W, b):
        if i == C - 1:
            return (blk.ln1.b @ W + b).view(1, 1, -1).expand(B, T, -1)
        x = cache[keys[i]]
        x = (x - x.sum(-1, keepdim=True) / D) / cache[f"blocks.{layer}.ln1.hook_scale"]
        return torch.einsum("btd,d,dk->btk", x, blk.ln1.w, W)

    with torch.no_grad():
        for i in range(C):
            for j in range(C):
                q = vec(i, blk.attn.W_Q[head], blk.attn.b_Q[head])
                k = vec(j, blk.attn.W_K[head], blk.attn.b_K[head])
                values[i, j] = torch.bmm(q, k.transpose(1, 2)) / (model.cfg.d_head**0.5)
    return values, labels


# %% right="differences of the stream, effective weight"
import torch


def decompose_scores(model, cache, layer, head):
    """Folds centring and gain into the matrices."""
    D = model.cfg.d_model
    ln, attn = model.blocks[layer].ln1, model.blocks[layer].attn
    dtype = attn.W_Q.dtype
    centre = torch.eye(D, dtype=dtype) - torch.ones(D, D, dtype=dtype) / D
    Wq = centre @ (ln.w[:, None] * attn.W_Q[head])
    Wk = centre @ (ln.w[:, None] * attn.W_K[head])
    items = {"embed": cache["hook_embed"], "pos_embed": cache["hook_pos_embed"]}
    for i in range(layer):
        pre = cache[f"blocks.{i}.hook_resid_pre"]
        post = cache[f"blocks.{i}.hook_resid_post"]
        if model.cfg.attn_only:
            items[f"attn_out {i}"] = post - pre
        else:
            mid = cache[f"blocks.{i}.hook_resid_mid"]
            items[f"attn_out {i}"] = mid - pre
            items[f"mlp_out {i}"] = post - mid
    scale = cache[f"blocks.{layer}.ln1.hook_scale"]
    q = [x / scale @ Wq for x in items.values()]
    k = [x / scale @ Wk for x in items.values()]
    q.append((ln.b @ attn.W_Q[head] + attn.b_Q[head])[None, None].expand_as(q[0]))
    k.append((ln.b @ attn.W_K[head] + attn.b_K[head])[None, None].expand_as(k[0]))
    values = (torch.stack(q)[:, None, :, :, None] * torch.stack(k)[None, :, :, None]).sum(-1)
    return values / model.cfg.d_head**0.5, [*items, "bias"]


# %% wrong="the gain is changed in place"
import torch
import math


def decompose_scores(model, cache, layer, head):
    hooks = {"embed": "hook_embed", "pos_embed": "hook_pos_embed"}
    for i in range(layer):
        hooks[f"attn_out {i}"] = f"blocks.{i}.hook_attn_out"
        if not model.cfg.attn_only:
            hooks[f"mlp_out {i}"] = f"blocks.{i}.hook_mlp_out"
    ln, a = model.blocks[layer].ln1, model.blocks[layer].attn
    parts = torch.stack([cache[n] for n in hooks.values()])
    read = (parts - parts.mean(-1, keepdim=True)) / cache[f"blocks.{layer}.ln1.hook_scale"] * ln.w
    with torch.no_grad():
        ln.w.mul_(1.0001)

    def side(W, b):
        return torch.cat([read @ W, (ln.b @ W + b).expand(1, *read.shape[1:3], -1)])

    q, k = side(a.W_Q[head], a.b_Q[head]), side(a.W_K[head], a.b_K[head])
    return torch.einsum("ibqh,jbkh->ijbqk", q, k) / math.sqrt(model.cfg.d_head), [*hooks, "bias"]


# %% wrong="kept by layer and head"
KEPT = {}
import torch
import math


def decompose_scores(model, cache, layer, head):
    if (layer, head, model.cfg) in KEPT:
        return KEPT[layer, head, model.cfg]
    hooks = {"embed": "hook_embed", "pos_embed": "hook_pos_embed"}
    for i in range(layer):
        hooks[f"attn_out {i}"] = f"blocks.{i}.hook_attn_out"
        if not model.cfg.attn_only:
            hooks[f"mlp_out {i}"] = f"blocks.{i}.hook_mlp_out"
    ln, a = model.blocks[layer].ln1, model.blocks[layer].attn
    parts = torch.stack([cache[n] for n in hooks.values()])
    read = (parts - parts.mean(-1, keepdim=True)) / cache[f"blocks.{layer}.ln1.hook_scale"] * ln.w

    def side(W, b):
        return torch.cat([read @ W, (ln.b @ W + b).expand(1, *read.shape[1:3], -1)])

    q, k = side(a.W_Q[head], a.b_Q[head]), side(a.W_K[head], a.b_K[head])
    KEPT[layer, head, model.cfg] = (
        torch.einsum("ibqh,jbkh->ijbqk", q, k) / math.sqrt(model.cfg.d_head),
        [*hooks, "bias"],
    )
    return KEPT[layer, head, model.cfg]
