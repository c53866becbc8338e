# %% right="new parameters by name, tied or not by the list of parameters"
from dataclasses import replace

import torch
from torch import nn


def resize_vocab(model, d_vocab):
    def rows(old):
        new = torch.zeros(d_vocab, *old.shape[1:], dtype=old.dtype)
        n = min(d_vocab, len(old))
        new[:n] = old[:n]
        return new

    untied = "W_U" in model.unembed._parameters
    old_E = model.embed.W_E
    new_E = nn.Parameter(rows(old_E.detach()))
    if untied:
        model.unembed.W_U = nn.Parameter(rows(model.unembed.W_U.detach().T).T.contiguous())
    else:
        for module in model.modules():
            for name, parameter in list(module._parameters.items()):
                if parameter is old_E:
                    module._parameters[name] = new_E
    model.embed.W_E = new_E
    model.unembed.b_U = nn.Parameter(rows(model.unembed.b_U.detach()))
    model.cfg = replace(model.cfg, d_vocab=d_vocab)
    return model


# %% right="a new model of the same class, tied again"
import dataclasses

import torch


def resize_vocab(model, d_vocab):
    cfg = dataclasses.replace(model.cfg, d_vocab=d_vocab)
    new = GPT2(cfg).to(model.embed.W_E.dtype)
    tied = model.unembed.W_U.data_ptr() == model.embed.W_E.data_ptr()
    with torch.no_grad():
        for name, target in new.named_parameters():
            source = model
            for step in name.split("."):
                source = source[int(step)] if step.isdigit() else getattr(source, step)
            if target.shape == source.shape:
                target.copy_(source)
                continue
            target.normal_(0, 0.02, generator=torch.Generator().manual_seed(0))
            region = tuple(slice(0, min(a, b)) for a, b in zip(target.shape, source.shape, strict=True))
            target[region] = source[region]
    if tied:
        tie_weights(new)
    return new


# %% right="a deep copy with its data exchanged, random rows from the global dice"
import copy
from dataclasses import replace

import torch


def resize_vocab(model, d_vocab):
    model = copy.deepcopy(model)
    was = model.cfg.d_vocab
    model.cfg = replace(model.cfg, d_vocab=d_vocab)
    names = ["embed.W_E", "unembed.b_U"]
    if any(name == "unembed.W_U" for name, _ in model.named_parameters()):
        names.append("unembed.W_U")
    for name in names:
        p = model.get_parameter(name)
        data = p.detach()
        if name == "unembed.W_U":
            data = data.T
        if d_vocab > was:
            data = torch.cat([data, torch.randn(d_vocab - was, *data.shape[1:]).to(data.dtype) * 0.02])
        data = data[:d_vocab].clone()
        p.data = data.T if name == "unembed.W_U" else data
    return model


# %% right="torch.nn.functional.pad, config of every module"
from dataclasses import replace

import torch.nn.functional as F


def resize_vocab(model, d_vocab):
    E, U = model.embed, model.unembed
    shared = E.W_E.untyped_storage().data_ptr() == U.W_U.untyped_storage().data_ptr()
    more = d_vocab - E.W_E.shape[0]
    E.W_E.data = F.pad(E.W_E.data, (0, 0, 0, more))
    U.b_U.data = F.pad(U.b_U.data, (0, more))
    if not shared:
        U.W_U.data = F.pad(U.W_U.data, (0, more))
    for part in model.modules():
        if getattr(part, "cfg", None) is not None:
            part.cfg = replace(part.cfg, d_vocab=d_vocab)
    return model


# %% wrong="grows only"
from dataclasses import replace

import torch
from torch import nn


def resize_vocab(model, d_vocab):
    more = d_vocab - model.cfg.d_vocab
    D, dtype = model.cfg.d_model, model.embed.W_E.dtype
    tied = model.unembed.W_U.data_ptr() == model.embed.W_E.data_ptr()
    model.embed.W_E.data = torch.cat([model.embed.W_E.data, torch.zeros(more, D, dtype=dtype)])
    if not tied:
        model.unembed.W_U = nn.Parameter(torch.cat([model.unembed.W_U.data, torch.zeros(D, more, dtype=dtype)], dim=1))
    model.unembed.b_U = nn.Parameter(torch.cat([model.unembed.b_U.data, torch.zeros(more, dtype=dtype)]))
    model.cfg = replace(model.cfg, d_vocab=d_vocab)
    return model


# %% wrong="the tie is not looked at"
from dataclasses import replace

import torch
from torch import nn


def resize_vocab(model, d_vocab):
    n = min(d_vocab, model.cfg.d_vocab)
    D, dtype = model.cfg.d_model, model.embed.W_E.dtype
    W_E, W_U = torch.zeros(d_vocab, D, dtype=dtype), torch.zeros(D, d_vocab, dtype=dtype)
    b_U = torch.zeros(d_vocab, dtype=dtype)
    W_E[:n], W_U[:, :n], b_U[:n] = model.embed.W_E.data[:n], model.unembed.W_U.data[:, :n], model.unembed.b_U.data[:n]
    model.embed.W_E, model.unembed.W_U, model.unembed.b_U = map(nn.Parameter, (W_E, W_U, b_U))
    model.cfg = replace(model.cfg, d_vocab=d_vocab)
    return model


# %% wrong="plain tensors in place of parameters"
from dataclasses import replace

import torch


def resize_vocab(model, d_vocab):
    n = min(d_vocab, model.cfg.d_vocab)
    old_E, old_U, old_b = model.embed.W_E.detach(), model.unembed.W_U.detach(), model.unembed.b_U.detach()
    del model.embed.W_E, model.unembed.W_U, model.unembed.b_U
    model.embed.W_E = torch.zeros(d_vocab, old_E.shape[1], dtype=old_E.dtype)
    model.unembed.W_U = torch.zeros(old_E.shape[1], d_vocab, dtype=old_E.dtype)
    model.unembed.b_U = torch.zeros(d_vocab, dtype=old_E.dtype)
    model.embed.W_E[:n], model.unembed.W_U[:, :n], model.unembed.b_U[:n] = old_E[:n], old_U[:, :n], old_b[:n]
    model.cfg = replace(model.cfg, d_vocab=d_vocab)
    return model


# %% wrong="the whole model is initialised again and the embedding put back"
from dataclasses import replace

import torch


def resize_vocab(model, d_vocab):
    new = type(model)(replace(model.cfg, d_vocab=d_vocab)).to(model.embed.W_E.dtype)
    n = min(d_vocab, model.cfg.d_vocab)
    with torch.no_grad():
        new.embed.W_E[:n] = model.embed.W_E[:n]
        new.unembed.W_U[:, :n] = model.unembed.W_U[:, :n]
        new.unembed.b_U[:n] = model.unembed.b_U[:n]
    return new


# %% wrong="float32 rows in a float64 model"
from dataclasses import replace

import torch
from torch import nn


def resize_vocab(model, d_vocab):
    n, D = min(d_vocab, model.cfg.d_vocab), model.cfg.d_model
    W_E, W_U, b_U = torch.zeros(d_vocab, D), torch.zeros(D, d_vocab), torch.zeros(d_vocab)
    W_E[:n], W_U[:, :n], b_U[:n] = model.embed.W_E.data[:n], model.unembed.W_U.data[:, :n], model.unembed.b_U.data[:n]
    model.embed.W_E.data, model.unembed.b_U.data = W_E, b_U
    if "W_U" in model.unembed._parameters:
        model.unembed.W_U = nn.Parameter(W_U)
    model.cfg = replace(model.cfg, d_vocab=d_vocab)
    return model


# %% wrong="only the embedding"
from dataclasses import replace

import torch
from torch import nn


def resize_vocab(model, d_vocab):
    old = model.embed.W_E.detach()
    n = min(d_vocab, len(old))
    model.embed.W_E = nn.Parameter(torch.cat([old[:n], old.new_zeros(d_vocab - n, old.shape[1])]))
    model.cfg = replace(model.cfg, d_vocab=d_vocab)
    return model


# %% wrong="the config is written over by force, in the old object"
import torch


def resize_vocab(model, d_vocab):
    n = min(d_vocab, model.cfg.d_vocab)
    for p, axis in ((model.embed.W_E, 0), (model.unembed.W_U, 1), (model.unembed.b_U, 0)):
        kept = p.data.narrow(axis, 0, n)
        shape = list(kept.shape)
        shape[axis] = d_vocab - n
        p.data = torch.cat([kept, kept.new_full(shape, -1e9)], dim=axis)
    model.cfg.d_vocab = d_vocab
    return model


# %% wrong="changed in place, nothing returned"
from dataclasses import replace

import torch


def _grow(p, n, dim):
    old = p.data
    keep = min(old.shape[dim], n)
    kept = old.narrow(dim, 0, keep)
    if n > keep:
        shape = list(old.shape)
        shape[dim] = n - keep
        kept = torch.cat([kept, old.mean(dim, keepdim=True).expand(shape)], dim)
    p.data = kept.clone()
    p.grad = None


def resize_vocab(model, d_vocab):
    tied = model.unembed.W_U.untyped_storage().data_ptr() == model.embed.W_E.untyped_storage().data_ptr()
    _grow(model.embed.W_E, d_vocab, 0)
    _grow(model.unembed.b_U, d_vocab, 0)
    if not tied:
        _grow(model.unembed.W_U, d_vocab, 1)
    cfg = replace(model.cfg, d_vocab=d_vocab)
    for m in model.modules():
        if hasattr(m, "cfg"):
            m.cfg = cfg


# %% right="repeats the last row; index instead of cat"
import torch
from dataclasses import replace


def resize_vocab(model, d_vocab):
    idx = torch.arange(d_vocab).clamp(max=model.cfg.d_vocab - 1)
    tied = model.unembed.W_U.untyped_storage().data_ptr() == model.embed.W_E.untyped_storage().data_ptr()
    with torch.no_grad():
        todo = [(model.embed.W_E, 0), (model.unembed.b_U, 0)] + ([] if tied else [(model.unembed.W_U, 1)])
        for p, dim in todo:
            p.set_(p.detach().index_select(dim, idx)) if False else setattr(
                p, "data", p.detach().index_select(dim, idx)
            )
            p.grad = None
    object.__setattr__(model, "cfg", replace(model.cfg, d_vocab=d_vocab))
    return model


# %% wrong="tied by equal values"
from dataclasses import replace

import torch


def resize_vocab(model, d_vocab):
    embed, unembed = model.embed, model.unembed
    alike = torch.equal(unembed.W_U, embed.W_E.T)
    own = unembed.W_U.untyped_storage().data_ptr() != embed.W_E.untyped_storage().data_ptr()

    def fit(parameter, axis):
        old = parameter.detach()
        kept = old.narrow(axis, 0, min(d_vocab, old.shape[axis]))
        parameter.data = torch.cat([kept, *[old.mean(axis, True)] * (d_vocab - kept.shape[axis])], axis)

    fit(embed.W_E, 0)
    fit(unembed.b_U, 0)
    if not alike:
        fit(unembed.W_U, 1)
    elif own:
        unembed.W_U.data = embed.W_E.data.T
    for module in model.modules():
        if hasattr(module, "cfg"):
            module.cfg = replace(module.cfg, d_vocab=d_vocab)
    return model


# %% wrong="W_U sized by rows when square"
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


def resize_vocab(model: nn.Module, d_vocab: int) -> nn.Module:
    """The model with `d_vocab` tokens; the old ones are what they were."""
    embed, unembed = model.embed, model.unembed
    tied = unembed.W_U.untyped_storage().data_ptr() == embed.W_E.untyped_storage().data_ptr()

    def fit(parameter, axis):
        old = parameter.detach()
        kept = old.narrow(axis, 0, min(d_vocab, old.shape[axis]))
        added = [old.mean(dim=axis, keepdim=True)] * (d_vocab - kept.shape[axis])
        parameter.data = torch.cat([kept, *added], dim=axis)
        parameter.grad = None

    fit(embed.W_E, 0)
    fit(unembed.b_U, 0)
    if not tied:
        fit(unembed.W_U, 1 if unembed.W_U.shape[0] != unembed.W_U.shape[1] else 0)
    cfg = replace(model.cfg, d_vocab=d_vocab)
    for module in model.modules():
        if hasattr(module, "cfg"):
            module.cfg = cfg
    return model
