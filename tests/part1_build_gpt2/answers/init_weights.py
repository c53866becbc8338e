# %% right="isinstance on names, randn and copy"
import math

import torch


@torch.no_grad()
def init_weights(model, seed):
    rng = torch.Generator()
    rng.manual_seed(seed)
    residual = model.cfg.init_range / math.sqrt(2 * model.cfg.n_layers)
    for name, parameter in model.named_parameters():
        if name.endswith(("W_O", "W_out")):
            parameter.copy_(torch.randn(parameter.shape, generator=rng, dtype=parameter.dtype) * residual)
        elif "W_" in name:
            parameter.copy_(torch.randn(parameter.shape, generator=rng, dtype=parameter.dtype) * model.cfg.init_range)
        elif name.endswith(".w"):
            parameter.fill_(1)
        else:
            parameter.zero_()


# %% right="one long draw cut into pieces"
import torch


def init_weights(model, seed):
    total = sum(p.numel() for p in model.parameters())
    noise = torch.randn(total, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    used = 0
    for name, p in model.named_parameters():
        kind = name.split(".")[-1]
        piece = noise[used : used + p.numel()].view(p.shape)
        used += p.numel()
        scale = model.cfg.init_range * ((2 * model.cfg.n_layers) ** -0.5 if kind in {"W_O", "W_out"} else 1)
        p.data.copy_(piece * scale if kind.startswith("W") else torch.full_like(piece, float(kind == "w")))


# %% right="global dice inside fork_rng"
import torch
from torch import nn


def init_weights(model, seed):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name, p in model.named_parameters():
            kind = name.rsplit(".", 1)[-1]
            if kind in ("W_O", "W_out"):
                nn.init.normal_(p, 0.0, model.cfg.init_range / (2 * model.cfg.n_layers) ** 0.5)
            elif kind[0] == "W":
                nn.init.normal_(p, 0.0, model.cfg.init_range)
            elif kind == "w":
                nn.init.ones_(p)
            else:
                nn.init.zeros_(p)


# %% right="part by part, numpy's generator"
import math

import numpy
import torch


def init_weights(model, seed):
    rng = numpy.random.default_rng(seed)
    cfg = model.cfg

    def draw(parameter, std):
        with torch.no_grad():
            parameter.copy_(torch.from_numpy(rng.normal(0, std, parameter.shape)))

    def norm(layer):
        with torch.no_grad():
            layer.w.fill_(1)
            layer.b.fill_(0)

    writes = cfg.init_range / math.sqrt(2 * cfg.n_layers)
    for parameter in (model.embed.W_E, model.pos_embed.W_pos, model.unembed.W_U):
        draw(parameter, cfg.init_range)
    for block in model.blocks:
        norm(block.ln1)
        norm(block.ln2)
        for name in ("W_Q", "W_K", "W_V"):
            draw(getattr(block.attn, name), cfg.init_range)
        draw(block.mlp.W_in, cfg.init_range)
        draw(block.attn.W_O, writes)
        draw(block.mlp.W_out, writes)
        for bias in (block.attn.b_Q, block.attn.b_K, block.attn.b_V, block.attn.b_O, block.mlp.b_in, block.mlp.b_out):
            bias.data.zero_()
    norm(model.ln_final)
    model.unembed.b_U.data.zero_()


# %% right="Box-Muller from uniform numbers, through load_state_dict"
import math

import torch


def init_weights(model, seed):
    g = torch.Generator().manual_seed(seed)
    state = model.state_dict()
    for path, old in state.items():
        name = path.split(".")[-1]
        if name.startswith("W_"):
            u, v = (torch.rand(old.shape, generator=g, dtype=torch.float64) for _ in range(2))
            normal = (-2 * (1 - u).log()).sqrt() * (2 * math.pi * v).cos()
            std = model.cfg.init_range
            if name in ("W_O", "W_out"):
                std *= 0.5**0.5 * model.cfg.n_layers**-0.5
            state[path] = (normal * std).to(old.dtype)
        else:
            state[path] = torch.ones_like(old) if name == "w" else torch.zeros_like(old)
    model.load_state_dict(state)


# %% wrong="the process's own dice"
import torch
from torch import nn


def init_weights(model, seed):
    torch.manual_seed(seed)
    for name, p in model.named_parameters():
        kind = name.split(".")[-1]
        std = model.cfg.init_range / ((2 * model.cfg.n_layers) ** 0.5 if kind in ("W_O", "W_out") else 1)
        nn.init.normal_(p, 0, std) if kind[0] == "W" else nn.init.constant_(p, float(kind == "w"))


# %% wrong="heads share one draw"
import torch


@torch.no_grad()
def init_weights(model, seed):
    g = torch.Generator().manual_seed(seed)
    for name, p in model.named_parameters():
        kind = name.split(".")[-1]
        std = model.cfg.init_range / ((2 * model.cfg.n_layers) ** 0.5 if kind in ("W_O", "W_out") else 1)
        if kind[0] == "W":
            p.copy_(torch.randn(p.shape[-2:], generator=g) * std)
        else:
            p.fill_(float(kind == "w"))


# %% wrong="cut off at two standard deviations"
import torch
from torch import nn


@torch.no_grad()
def init_weights(model, seed):
    g = torch.Generator().manual_seed(seed)
    for name, p in model.named_parameters():
        kind = name.split(".")[-1]
        std = model.cfg.init_range / ((2 * model.cfg.n_layers) ** 0.5 if kind in ("W_O", "W_out") else 1)
        if kind[0] == "W":
            nn.init.trunc_normal_(p, 0, std, -2 * std, 2 * std, generator=g)
        else:
            p.fill_(float(kind == "w"))


# %% wrong="the layer's own number in place of the number of layers"
import torch


@torch.no_grad()
def init_weights(model, seed):
    g = torch.Generator().manual_seed(seed)
    for name, p in model.named_parameters():
        kind = name.split(".")[-1]
        std = model.cfg.init_range
        if kind in ("W_O", "W_out"):
            std /= (2 * (int(name.split(".")[1]) + 1)) ** 0.5
        p.normal_(0, std, generator=g) if kind[0] == "W" else p.fill_(float(kind == "w"))


# %% wrong="ln_final keeps its old gain"
import torch


@torch.no_grad()
def init_weights(model, seed):
    g = torch.Generator().manual_seed(seed)
    for name, p in model.named_parameters():
        kind = name.split(".")[-1]
        std = model.cfg.init_range / ((2 * model.cfg.n_layers) ** 0.5 if kind in ("W_O", "W_out") else 1)
        if kind[0] == "W":
            p.normal_(0, std, generator=g)
        elif "ln1" in name or "ln2" in name:
            p.fill_(float(kind == "w"))
        elif kind.startswith("b_"):
            p.zero_()


# %% wrong="every layer gets the numbers of the first"
import torch


@torch.no_grad()
def init_weights(model, seed):
    for name, p in model.named_parameters():
        kind = name.split(".")[-1]
        g = torch.Generator().manual_seed(seed + sum(map(ord, kind)))
        std = model.cfg.init_range / ((2 * model.cfg.n_layers) ** 0.5 if kind in ("W_O", "W_out") else 1)
        p.normal_(0, std, generator=g) if kind[0] == "W" else p.fill_(float(kind == "w"))


# %% wrong="the unembedding starts at zero"
import torch


@torch.no_grad()
def init_weights(model, seed):
    g = torch.Generator().manual_seed(seed)
    for name, p in model.named_parameters():
        kind = name.split(".")[-1]
        std = model.cfg.init_range / ((2 * model.cfg.n_layers) ** 0.5 if kind in ("W_O", "W_out") else 1)
        p.normal_(0, std, generator=g) if kind[0] == "W" and kind != "W_U" else p.fill_(float(kind == "w"))


# %% right="the same objects with new data"
import math

import torch


def init_weights(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        last = name.split(".")[-1]
        if last.startswith("W"):
            std = model.cfg.init_range / (math.sqrt(2 * model.cfg.n_layers) if last in ("W_O", "W_out") else 1)
            parameter.data = torch.randn(parameter.shape, generator=generator).to(parameter.dtype) * std
        else:
            parameter.data = torch.full_like(parameter, float(last == "w"))


# %% wrong="new parameters in place of the old ones"
import math

import torch
from torch import nn


def init_weights(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        for name, old in list(module.named_parameters(recurse=False)):
            new = torch.full_like(old, float(name == "w"))
            if name.startswith("W_"):
                std = model.cfg.init_range / (math.sqrt(2 * model.cfg.n_layers) if name in ("W_O", "W_out") else 1)
                new = torch.randn(old.shape, generator=generator).to(old.dtype) * std
            setattr(module, name, nn.Parameter(new.detach()))


# %% wrong="W_U gets the numbers of W_E"
import math

import torch


@torch.no_grad()
def init_weights(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        last = name.split(".")[-1]
        if last.startswith("W_"):
            scale = math.sqrt(2 * model.cfg.n_layers) if last in ("W_O", "W_out") else 1
            parameter.normal_(0, model.cfg.init_range / scale, generator=generator)
        else:
            parameter.fill_(float(last == "w"))
    model.unembed.W_U.copy_(model.embed.W_E.T)


# %% wrong="cut off at three standard deviations"
import math
import torch
from torch import nn


def init_weights(model, seed):
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for n, p in model.named_parameters():
            last = n.split(".")[-1]
            if last.startswith("W_"):
                s = model.cfg.init_range / (math.sqrt(2 * model.cfg.n_layers) if last in ("W_O", "W_out") else 1)
                nn.init.trunc_normal_(p, 0, s, -3 * s, 3 * s, generator=g)
            else:
                p.fill_(1.0 if last == "w" else 0.0)


# %% right="trunc_normal_ at its far bounds"
import math
import torch
from torch import nn


def init_weights(model, seed):
    g = torch.Generator().manual_seed(seed)
    for n, p in model.named_parameters():
        last = n.split(".")[-1]
        if last.startswith("W_"):
            s = model.cfg.init_range / (math.sqrt(2 * model.cfg.n_layers) if last in ("W_O", "W_out") else 1)
            nn.init.trunc_normal_(p, 0, s, generator=g)
        else:
            nn.init.constant_(p, 1.0 if last == "w" else 0.0)
