# %% right="shapes and math.prod"
import math


def param_count(cfg, tied=False):
    h, k, d, m = cfg.n_heads, cfg.d_head, cfg.d_model, cfg.d_mlp
    norm = [(d,), (d,)]
    attention = [(h, d, k)] * 3 + [(h, k)] * 3 + [(h, k, d), (d,)]
    shapes = {
        "embed": [(cfg.d_vocab, d)],
        "pos_embed": [(cfg.n_ctx, d)],
        "attn": attention * cfg.n_layers,
        "mlp": [(d, m), (m,), (m, d), (d,)] * cfg.n_layers,
        "layer_norm": norm * (2 * cfg.n_layers) + norm,
        "unembed": [(cfg.d_vocab,)] if tied else [(d, cfg.d_vocab), (cfg.d_vocab,)],
    }
    out = {name: sum(math.prod(shape) for shape in group) for name, group in shapes.items()}
    out["total"] = sum(out.values())
    return out


# %% right="a loop over layers, total first"
def param_count(cfg, tied=False):
    counts = dict.fromkeys(["total", "unembed", "layer_norm", "mlp", "attn", "pos_embed", "embed"], 0)

    def add(name, number):
        counts[name] += number
        counts["total"] += number

    add("embed", cfg.d_vocab * cfg.d_model)
    add("pos_embed", cfg.n_ctx * cfg.d_model)
    for _ in range(cfg.n_layers):
        add("layer_norm", 4 * cfg.d_model)
        for _ in range(cfg.n_heads):
            add("attn", 3 * (cfg.d_model + 1) * cfg.d_head + cfg.d_head * cfg.d_model)
        add("attn", cfg.d_model)
        add("mlp", (cfg.d_model + 1) * cfg.d_mlp + (cfg.d_mlp + 1) * cfg.d_model)
    add("layer_norm", 2 * cfg.d_model)
    if not tied:
        add("unembed", cfg.d_model * cfg.d_vocab)
    add("unembed", cfg.d_vocab)
    return counts


# %% right="builds the modules and counts"
import torch


def size(module):
    return sum(p.numel() for p in module.parameters())


def param_count(cfg, tied=False):
    attn = (
        3 * cfg.n_heads * (cfg.d_model * cfg.d_head + cfg.d_head) + cfg.n_heads * cfg.d_head * cfg.d_model + cfg.d_model
    )
    parts = {
        "embed": size(Embed(cfg)),
        "pos_embed": size(PosEmbed(cfg)),
        "attn": cfg.n_layers * attn,
        "mlp": cfg.n_layers * size(MLP(cfg)),
        "layer_norm": (2 * cfg.n_layers + 1) * size(LayerNorm(cfg)),
        "unembed": cfg.d_vocab + (not tied) * cfg.d_vocab * cfg.d_model,
    }
    return parts | {"total": sum(parts.values())}


# %% right="empty tensors on the meta device"
import torch


def param_count(cfg, tied=False):
    def size(*shape):
        return torch.empty(*shape, device="meta").numel()

    h, k, d, m, n = cfg.n_heads, cfg.d_head, cfg.d_model, cfg.d_mlp, cfg.n_layers
    count = dict(
        embed=size(cfg.d_vocab, d),
        pos_embed=size(cfg.n_ctx, d),
        attn=n * (3 * size(h, d, k) + 3 * size(h, k) + size(h, k, d) + size(d)),
        mlp=n * (size(d, m) + size(m) + size(m, d) + size(d)),
        layer_norm=(n * 2 + 1) * 2 * size(d),
        unembed=(0 if tied else size(d, cfg.d_vocab)) + size(cfg.d_vocab),
    )
    count["total"] = sum(count[key] for key in count)
    return count


# %% right="NumPy integers in an ordered dict"
from collections import OrderedDict

import numpy as np


def param_count(cfg, tied=False):
    d = np.int64(cfg.d_model)
    width = cfg.n_heads * cfg.d_head
    count = OrderedDict()
    count["embed"] = cfg.d_vocab * d
    count["pos_embed"] = cfg.n_ctx * d
    count["attn"] = cfg.n_layers * (4 * d * width + 3 * width + d)
    count["mlp"] = cfg.n_layers * (2 * d * cfg.d_mlp + cfg.d_mlp + d)
    count["layer_norm"] = cfg.n_layers * 4 * d + 2 * d
    count["unembed"] = cfg.d_vocab if tied else cfg.d_vocab * (d + 1)
    count["total"] = sum(count.values())
    return count


# %% wrong="floats from a division"
def param_count(cfg, tied=False):
    d, h, k, m, n = cfg.d_model, cfg.n_heads, cfg.d_head, cfg.d_mlp, cfg.n_layers
    parts = {
        "embed": cfg.d_vocab * d / 1,
        "pos_embed": cfg.n_ctx * d / 1,
        "attn": n * (4 * h * d * k + 3 * h * k + d) / 1,
        "mlp": n * (2 * d * m + m + d) / 1,
        "layer_norm": (2 * n + 1) * 2 * d / 1,
        "unembed": (cfg.d_vocab + (0 if tied else d * cfg.d_vocab)) / 1,
    }
    return parts | {"total": sum(parts.values())}


# %% wrong="no total"
def param_count(cfg, tied=False):
    d, h, k, m, n = cfg.d_model, cfg.n_heads, cfg.d_head, cfg.d_mlp, cfg.n_layers
    return {
        "embed": cfg.d_vocab * d,
        "pos_embed": cfg.n_ctx * d,
        "attn": n * (4 * h * d * k + 3 * h * k + d),
        "mlp": n * (2 * d * m + m + d),
        "layer_norm": (2 * n + 1) * 2 * d,
        "unembed": cfg.d_vocab + (0 if tied else d * cfg.d_vocab),
    }


# %% wrong="the total counts itself"
def param_count(cfg, tied=False):
    d, h, k, m, n = cfg.d_model, cfg.n_heads, cfg.d_head, cfg.d_mlp, cfg.n_layers
    parts = {
        "embed": cfg.d_vocab * d,
        "pos_embed": cfg.n_ctx * d,
        "attn": n * (4 * h * d * k + 3 * h * k + d),
        "mlp": n * (2 * d * m + m + d),
        "layer_norm": (2 * n + 1) * 2 * d,
        "unembed": cfg.d_vocab + (0 if tied else d * cfg.d_vocab),
    }
    parts["total"] = sum(parts.values())
    parts["total"] = sum(parts.values())
    return parts


# %% wrong="LayerNorm parameters counted inside the blocks only for attention"
def param_count(cfg, tied=False):
    d, h, k, m, n = cfg.d_model, cfg.n_heads, cfg.d_head, cfg.d_mlp, cfg.n_layers
    parts = {
        "embed": cfg.d_vocab * d,
        "pos_embed": cfg.n_ctx * d,
        "attn": n * (4 * h * d * k + 3 * h * k + d + 2 * d),
        "mlp": n * (2 * d * m + m + d + 2 * d),
        "layer_norm": 2 * d,
        "unembed": cfg.d_vocab + (0 if tied else d * cfg.d_vocab),
    }
    return parts | {"total": sum(parts.values())}


# %% wrong="tied shares the position table too"
def param_count(cfg, tied=False):
    d, h, k, m, n = cfg.d_model, cfg.n_heads, cfg.d_head, cfg.d_mlp, cfg.n_layers
    parts = {
        "embed": cfg.d_vocab * d,
        "pos_embed": 0 if tied else cfg.n_ctx * d,
        "attn": n * (4 * h * d * k + 3 * h * k + d),
        "mlp": n * (2 * d * m + m + d),
        "layer_norm": (2 * n + 1) * 2 * d,
        "unembed": cfg.d_vocab + (0 if tied else d * cfg.d_vocab),
    }
    return parts | {"total": sum(parts.values())}


# %% wrong="GPT-2 small by heart"
def param_count(cfg, tied=False):
    return {
        "embed": 38597376,
        "pos_embed": 786432,
        "attn": 28348416,
        "mlp": 56669184,
        "layer_norm": 38400,
        "unembed": 50257 if tied else 38647633,
        "total": 124490065 if tied else 163087441,
    }


# %% wrong="vocabulary rounded up to a multiple of 64"
def param_count(cfg, tied=False):
    d, h, k, m, n = cfg.d_model, cfg.n_heads, cfg.d_head, cfg.d_mlp, cfg.n_layers
    vocab = -(-cfg.d_vocab // 64) * 64
    parts = {
        "embed": vocab * d,
        "pos_embed": cfg.n_ctx * d,
        "attn": n * (4 * h * d * k + 3 * h * k + d),
        "mlp": n * (2 * d * m + m + d),
        "layer_norm": (2 * n + 1) * 2 * d,
        "unembed": vocab + (0 if tied else d * vocab),
    }
    return parts | {"total": sum(parts.values())}


# %% wrong="tied default on"
def param_count(cfg, tied=True):
    H, D, K, M, L, V = cfg.n_heads, cfg.d_model, cfg.d_head, cfg.d_mlp, cfg.n_layers, cfg.d_vocab
    c = dict(
        embed=V * D,
        pos_embed=cfg.n_ctx * D,
        attn=L * (4 * H * D * K + 3 * H * K + D),
        mlp=L * (2 * D * M + M + D),
        layer_norm=(2 * L + 1) * 2 * D,
        unembed=V + (0 if tied else V * D),
    )
    return {**c, "total": sum(c.values())}


# %% right="Counter"
from collections import Counter
from math import prod


def param_count(cfg, tied=False, *, verbose=False):
    D, V = cfg.d_model, cfg.d_vocab
    c = Counter(embed=V * D, pos_embed=cfg.n_ctx * D, unembed=V, layer_norm=2 * D)
    if not tied:
        c["unembed"] += V * D
    for _ in range(cfg.n_layers):
        c.update(
            attn=3 * (D + 1) * cfg.n_heads * cfg.d_head + (cfg.n_heads * cfg.d_head + 1) * D,
            layer_norm=4 * D,
            mlp=prod((D + 1, cfg.d_mlp)) + (cfg.d_mlp + 1) * D,
        )
    c["total"] = c.total()
    return c
