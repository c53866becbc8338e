# %% right="a new parameter, config by config"
from dataclasses import replace

import torch
from torch import nn


def extend_context(model, n_ctx):
    old = model.pos_embed.W_pos.detach()
    new = torch.zeros(n_ctx, old.shape[1], dtype=old.dtype)
    new[: old.shape[0]] = old
    model.pos_embed.W_pos = nn.Parameter(new)
    model.cfg = replace(model.cfg, n_ctx=n_ctx)
    for part in model.modules():
        if getattr(part, "cfg", None) is not None:
            part.cfg = replace(part.cfg, n_ctx=n_ctx)
    return model


# %% right="a new model with all other weights"
import dataclasses

import torch


def extend_context(model, n_ctx):
    new = type(model)(dataclasses.replace(model.cfg, n_ctx=n_ctx)).to(model.embed.W_E.dtype)
    if model.unembed.W_U.data_ptr() == model.embed.W_E.data_ptr():
        tie_weights(new)
    source = dict(model.named_parameters())
    with torch.no_grad():
        for name, parameter in new.named_parameters():
            if name == "pos_embed.W_pos":
                parameter[: len(source[name])] = source[name]
            else:
                parameter.copy_(source[name])
    return new


# %% right="the table again and again"
from dataclasses import replace


def extend_context(model, n_ctx):
    W = model.pos_embed.W_pos
    times = -(-n_ctx // len(W))
    W.data = W.data.repeat(times, 1)[:n_ctx].clone()
    cfg = replace(model.cfg, n_ctx=n_ctx)
    for module in model.modules():
        if "cfg" in vars(module):
            module.cfg = cfg
    return model


# %% right="random rows as spread as the old ones, in a deep copy"
import copy
from dataclasses import replace

import torch
from torch import nn


def extend_context(model, n_ctx):
    model = copy.deepcopy(model)
    old = model.pos_embed.W_pos.data
    if n_ctx > len(old):
        rng = torch.Generator().manual_seed(0)
        noise = torch.randn(n_ctx - len(old), old.shape[1], generator=rng, dtype=old.dtype) * old.std()
        model.pos_embed.W_pos = nn.Parameter(torch.cat((old, noise)))
    model.cfg = model.pos_embed.cfg = replace(model.cfg, n_ctx=n_ctx)
    return model


# %% wrong="positions clipped to the last one that is known"
from dataclasses import replace

from torch import nn


class Clipped(nn.Module):
    def __init__(self, old):
        super().__init__()
        self.W_pos = old.W_pos

    def forward(self, tokens, offset=0):
        import torch

        places = torch.arange(offset, offset + tokens.shape[1]).clamp(max=len(self.W_pos) - 1)
        return self.W_pos[places].expand(len(tokens), -1, -1)


def extend_context(model, n_ctx):
    model.pos_embed = Clipped(model.pos_embed)
    model.cfg = replace(model.cfg, n_ctx=n_ctx)
    return model


# %% wrong="every other row is a new one"
from dataclasses import replace

import torch


def extend_context(model, n_ctx):
    old = model.pos_embed.W_pos.data
    places = torch.linspace(0, len(old) - 1, n_ctx).round().long()
    model.pos_embed.W_pos.data = old[places]
    model.cfg = replace(model.cfg, n_ctx=n_ctx)
    return model


# %% wrong="the tokens' table grows"
from dataclasses import replace

import torch


def extend_context(model, n_ctx):
    W = model.embed.W_E
    W.data = torch.cat([W.data, W.data.new_zeros(n_ctx - model.cfg.n_ctx, W.shape[1])])
    model.cfg = replace(model.cfg, n_ctx=n_ctx)
    return model


# %% wrong="the config is changed first and the length taken from it"
from dataclasses import replace

import torch


def extend_context(model, n_ctx):
    model.cfg = replace(model.cfg, n_ctx=n_ctx)
    old = model.pos_embed.W_pos.data
    model.pos_embed.W_pos.data = torch.cat([old, old.new_zeros(n_ctx - model.cfg.n_ctx, old.shape[1])])
    return model


# %% wrong="the old rows are scaled to keep the mean length"
from dataclasses import replace

import torch


def extend_context(model, n_ctx):
    old = model.pos_embed.W_pos.data
    new = torch.cat([old, old[-1:].expand(n_ctx - len(old), -1)])
    model.pos_embed.W_pos.data = new * (old.norm() / new.norm())
    model.cfg = replace(model.cfg, n_ctx=n_ctx)
    return model


# %% wrong="float32 afterwards, and no size that is not larger"
from dataclasses import replace

import torch


def extend_context(model, n_ctx):
    old = model.pos_embed.W_pos.data
    if n_ctx <= len(old):
        raise ValueError("n_ctx must grow")
    model.pos_embed.W_pos.data = torch.cat([old, old[-1:].expand(n_ctx - len(old), -1)]).float()
    model.cfg = replace(model.cfg, n_ctx=n_ctx)
    return model


# %% wrong="another size is changed too"
from dataclasses import replace

import torch


def extend_context(model, n_ctx):
    old = model.pos_embed.W_pos.data
    model.pos_embed.W_pos.data = torch.cat([old, old[-1:].expand(n_ctx - len(old), -1)])
    model.cfg = replace(model.cfg, n_ctx=n_ctx, d_head=model.cfg.d_model // model.cfg.n_heads)
    return model


# %% wrong="changed in place, nothing returned"
from dataclasses import replace

import torch


def extend_context(model, n_ctx):
    table = model.pos_embed.W_pos
    lacking = n_ctx - table.shape[0]
    table.data = torch.cat([table.data, table.data[-1:].expand(lacking, -1)])
    table.grad = None
    cfg = replace(model.cfg, n_ctx=n_ctx)
    for module in model.modules():
        if hasattr(module, "cfg"):
            module.cfg = cfg


# %% wrong="only the model's own config changes"
from dataclasses import replace

import torch


def extend_context(model, n_ctx):
    table = model.pos_embed.W_pos
    lacking = n_ctx - table.shape[0]
    table.data = torch.cat([table.data, table.data[-1:].expand(lacking, -1)])
    table.grad = None
    cfg = replace(model.cfg, n_ctx=n_ctx)
    model.cfg = cfg
    return model


# %% right="pad with zeros; refuses to shrink"
from dataclasses import replace

import torch.nn.functional as F


def extend_context(model, n_ctx):
    have = model.pos_embed.W_pos.shape[0]
    if n_ctx <= have:
        raise ValueError("n_ctx must grow")
    model.pos_embed.W_pos.data = F.pad(model.pos_embed.W_pos.data, (0, 0, 0, n_ctx - have))
    for module in [model, *model.children()]:
        if getattr(module, "cfg", None) is not None:
            module.cfg = replace(module.cfg, n_ctx=n_ctx)
    for block in model.blocks:
        for m in block.modules():
            if hasattr(m, "cfg"):
                m.cfg = replace(m.cfg, n_ctx=n_ctx)
    return model


# %% wrong="at most double"
import copy
import json
import math
import os
from dataclasses import asdict, replace
from pathlib import Path
import safetensors.torch
import torch
from jaxtyping import Float, Int
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F


def extend_context(model: nn.Module, n_ctx: int) -> nn.Module:
    """The model with `n_ctx` positions; the old ones are what they were."""
    W_pos = model.pos_embed.W_pos
    old = W_pos.detach()
    if n_ctx < len(old):
        raise ValueError(f"The model has {len(old)} positions already.")
    W_pos.data = torch.cat([old, old[: n_ctx - len(old)]])
    W_pos.grad = None
    cfg = replace(model.cfg, n_ctx=n_ctx)
    for module in model.modules():
        if hasattr(module, "cfg"):
            module.cfg = cfg
    return model
