# %% right="state dict into a new model"
import torch


@torch.no_grad()
def rotate_head(model, layer, head, R):
    state = {name: value.clone() for name, value in model.state_dict().items()}
    at = f"blocks.{layer}.attn."
    back = torch.linalg.inv(R)
    for name in ("W_Q", "W_V", "b_Q", "b_V"):
        state[at + name][head] = state[at + name][head] @ R
    for name in ("W_K", "b_K"):
        state[at + name][head] = state[at + name][head] @ back.mT
    state[at + "W_O"][head] = back @ state[at + "W_O"][head]
    new = type(model)(model.cfg).to(R.dtype)
    new.load_state_dict(state)
    return new


# %% right="solve instead of inv"
import copy

import torch


def rotate_head(model, layer, head, R):
    new = copy.deepcopy(model)
    attn = new.blocks[layer].attn
    with torch.no_grad():
        attn.W_Q[head].copy_(attn.W_Q[head].clone() @ R)
        attn.W_V[head].copy_(attn.W_V[head].clone() @ R)
        attn.b_Q[head].copy_(attn.b_Q[head].clone() @ R)
        attn.b_V[head].copy_(attn.b_V[head].clone() @ R)
        attn.W_K[head].copy_(torch.linalg.solve(R, attn.W_K[head].T).T)
        attn.b_K[head].copy_(torch.linalg.solve(R, attn.b_K[head]))
        attn.W_O[head].copy_(torch.linalg.solve(R, attn.W_O[head]))
    return new


# %% right="einsum on .data"
import copy

import torch
from einops import einsum


def rotate_head(model, layer, head, R):
    new = copy.deepcopy(model)
    attn, inverse = new.blocks[layer].attn, R.inverse()
    for W in (attn.W_Q, attn.W_V):
        W.data[head] = einsum(W.data[head], R, "d h, h g -> d g")
    for W in (attn.b_Q, attn.b_V):
        W.data[head] = einsum(W.data[head], R, "h, h g -> g")
    attn.W_K.data[head] = einsum(attn.W_K.data[head], inverse, "d h, g h -> d g")
    attn.b_K.data[head] = einsum(attn.b_K.data[head], inverse, "h, g h -> g")
    attn.W_O.data[head] = einsum(inverse, attn.W_O.data[head], "g h, h d -> g d")
    return new


# %% right="new parameters"
import copy

import torch
from torch import nn


def rotate_head(model, layer, head, R):
    new = copy.deepcopy(model)
    attn = new.blocks[layer].attn
    to = {"W_Q": R, "b_Q": R, "W_V": R, "b_V": R, "W_K": torch.linalg.inv(R).T, "b_K": torch.linalg.inv(R).T}
    for name, turn in to.items():
        value = getattr(attn, name).detach().clone()
        value[head] = value[head] @ turn
        setattr(attn, name, nn.Parameter(value))
    value = attn.W_O.detach().clone()
    value[head] = torch.linalg.inv(R) @ value[head]
    attn.W_O = nn.Parameter(value)
    return new


# %% wrong="shallow copy"
import copy

import torch


@torch.no_grad()
def rotate_head(model, layer, head, R):
    new = copy.copy(model)
    attn, inverse = new.blocks[layer].attn, torch.linalg.inv(R)
    for W in (attn.W_Q, attn.b_Q, attn.W_V, attn.b_V):
        W[head] = W[head] @ R
    for W in (attn.W_K, attn.b_K):
        W[head] = W[head] @ inverse.T
    attn.W_O[head] = inverse @ attn.W_O[head]
    return new


# %% wrong="values by the inverse"
import copy

import torch


@torch.no_grad()
def rotate_head(model, layer, head, R):
    new = copy.deepcopy(model)
    attn, inverse = new.blocks[layer].attn, torch.linalg.inv(R)
    for W in (attn.W_Q, attn.b_Q):
        W[head] = W[head] @ R
    for W in (attn.W_K, attn.b_K):
        W[head] = W[head] @ inverse.T
    for W in (attn.W_V, attn.b_V):
        W[head] = W[head] @ inverse
    attn.W_O[head] = R @ attn.W_O[head]
    return new


# %% wrong="queries and keys exchanged"
import copy

import torch


@torch.no_grad()
def rotate_head(model, layer, head, R):
    new = copy.deepcopy(model)
    attn, inverse = new.blocks[layer].attn, torch.linalg.inv(R)
    for W in (attn.W_K, attn.b_K, attn.W_V, attn.b_V):
        W[head] = W[head] @ R
    for W in (attn.W_Q, attn.b_Q):
        W[head] = W[head] @ inverse.T
    attn.W_O[head] = inverse @ attn.W_O[head]
    return new


# %% wrong="single precision"
import copy

import torch


@torch.no_grad()
def rotate_head(model, layer, head, R):
    new = copy.deepcopy(model).float()
    R = R.float()
    attn, inverse = new.blocks[layer].attn, torch.linalg.inv(R)
    for W in (attn.W_Q, attn.b_Q, attn.W_V, attn.b_V):
        W[head] = W[head] @ R
    for W in (attn.W_K, attn.b_K):
        W[head] = W[head] @ inverse.T
    attn.W_O[head] = inverse @ attn.W_O[head]
    return new


# %% wrong="output bias zeroed"
import copy

import torch


@torch.no_grad()
def rotate_head(model, layer, head, R):
    new = copy.deepcopy(model)
    attn, inverse = new.blocks[layer].attn, torch.linalg.inv(R)
    for W in (attn.W_Q, attn.b_Q, attn.W_V, attn.b_V):
        W[head] = W[head] @ R
    for W in (attn.W_K, attn.b_K):
        W[head] = W[head] @ inverse.T
    attn.W_O[head] = inverse @ attn.W_O[head]
    attn.b_O.zero_()
    return new


# %% wrong="embedding shared"
import copy

import torch


@torch.no_grad()
def rotate_head(model, layer, head, R):
    new = copy.deepcopy(model)
    new.embed = model.embed
    attn, inverse = new.blocks[layer].attn, torch.linalg.inv(R)
    for W in (attn.W_Q, attn.b_Q, attn.W_V, attn.b_V):
        W[head] = W[head] @ R
    for W in (attn.W_K, attn.b_K):
        W[head] = W[head] @ inverse.T
    attn.W_O[head] = inverse @ attn.W_O[head]
    return new


# %% wrong="changed and changed back"
import copy

import torch


@torch.no_grad()
def rotate_head(model, layer, head, R):
    new = copy.deepcopy(model)
    attn, inverse = new.blocks[layer].attn, torch.linalg.inv(R)
    attn.W_V[head] = attn.W_V[head] @ R @ inverse
    return new


# %% right="numpy and new parameters"
import copy
import numpy as np
import torch
from torch import nn


def rotate_head(model, layer, head, R):
    result = copy.deepcopy(model)
    attn = result.blocks[layer].attn
    r = R.detach().numpy()
    ri = np.linalg.inv(r)

    def put(name, new):
        w = getattr(attn, name).detach().clone().numpy()
        w[head] = new(w[head])
        setattr(attn, name, nn.Parameter(torch.from_numpy(w)))

    for name in ("W_V", "b_V", "W_Q", "b_Q"):
        put(name, lambda x: x @ r)
    for name in ("W_K", "b_K"):
        put(name, lambda x: x @ ri.T)
    put("W_O", lambda x: ri @ x)
    return result


# %% right="einsum over all heads with identities"
import copy
import torch


@torch.no_grad()
def rotate_head(model, layer, head, R):
    cfg = model.cfg
    turn = torch.eye(cfg.d_head, dtype=R.dtype).repeat(cfg.n_heads, 1, 1)
    turn[head] = R
    back = torch.linalg.inv(turn)
    twin = copy.deepcopy(model)
    a = twin.blocks[layer].attn
    a.W_V.copy_(torch.einsum("hdk,hkl->hdl", a.W_V, turn))
    a.W_Q.copy_(torch.einsum("hdk,hkl->hdl", a.W_Q, turn))
    a.b_V.copy_(torch.einsum("hk,hkl->hl", a.b_V, turn))
    a.b_Q.copy_(torch.einsum("hk,hkl->hl", a.b_Q, turn))
    a.W_K.copy_(torch.einsum("hdk,hlk->hdl", a.W_K, back))
    a.b_K.copy_(torch.einsum("hk,hlk->hl", a.b_K, back))
    a.W_O.copy_(torch.einsum("hkl,hld->hkd", back, a.W_O))
    return twin


# %% right="float64 inside, copy_"
import copy
import torch


def rotate_head(model, layer, head, R):
    new = copy.deepcopy(model)
    old = model.blocks[layer].attn
    at = new.blocks[layer].attn
    big = R.detach().double()
    inv = torch.linalg.inv(big)
    with torch.no_grad():
        at.W_V[head].copy_(old.W_V[head].double() @ big)
        at.b_V[head].copy_(old.b_V[head].double() @ big)
        at.W_Q[head].copy_(old.W_Q[head].double() @ big)
        at.b_Q[head].copy_(old.b_Q[head].double() @ big)
        at.W_K[head].copy_(old.W_K[head].double() @ inv.mT)
        at.b_K[head].copy_(old.b_K[head].double() @ inv.mT)
        at.W_O[head].copy_(inv @ old.W_O[head].double())
    return new


# %% wrong="unembed shared"
import torch
from copy import deepcopy


@torch.no_grad()
def rotate_head(model, layer, head, R):
    new = deepcopy(model)
    a = new.blocks[layer].attn
    inv = torch.linalg.inv(R)
    for p in (a.W_Q, a.b_Q, a.W_V, a.b_V):
        p[head] = p[head] @ R
    for p in (a.W_K, a.b_K):
        p[head] = p[head] @ inv.T
    a.W_O[head] = inv @ a.W_O[head]
    new.unembed = model.unembed
    return new


# %% wrong="the ln of the block shared"
import torch
from copy import deepcopy


@torch.no_grad()
def rotate_head(model, layer, head, R):
    new = deepcopy(model)
    a = new.blocks[layer].attn
    inv = torch.linalg.inv(R)
    for p in (a.W_Q, a.b_Q, a.W_V, a.b_V):
        p[head] = p[head] @ R
    for p in (a.W_K, a.b_K):
        p[head] = p[head] @ inv.T
    a.W_O[head] = inv @ a.W_O[head]
    new.blocks[layer].ln1 = model.blocks[layer].ln1
    return new


# %% wrong="W_K turned twice in the last head"
import torch
from copy import deepcopy


@torch.no_grad()
def rotate_head(model, layer, head, R):
    new = deepcopy(model)
    a = new.blocks[layer].attn
    inv = torch.linalg.inv(R)
    for p in (a.W_Q, a.b_Q, a.W_V, a.b_V):
        p[head] = p[head] @ R
    for p in (a.W_K, a.b_K):
        p[head] = p[head] @ inv.T
    a.W_O[head] = inv @ a.W_O[head]
    if head == 2:
        a.W_K[head] = a.W_K[head] @ inv.T
    return new
