# %% right="permute and reshape"
import torch


def fuse_qkv(attn):
    W = torch.stack([attn.W_Q, attn.W_K, attn.W_V])
    b = torch.stack([attn.b_Q, attn.b_K, attn.b_V])
    return W.permute(2, 0, 1, 3).reshape(W.shape[2], -1), b.reshape(-1)


# %% right="head by head"
import torch


def fuse_qkv(attn):
    columns, biases = [], []
    for W, b in ((attn.W_Q, attn.b_Q), (attn.W_K, attn.b_K), (attn.W_V, attn.b_V)):
        for head in range(W.size(0)):
            columns.append(W[head])
            biases.append(b[head])
    return torch.cat(columns, dim=-1), torch.cat(biases)


# %% right="einops"
from einops import rearrange


def fuse_qkv(attn):
    W = rearrange([attn.W_Q, attn.W_K, attn.W_V], "qkv head d_model d_head -> d_model (qkv head d_head)")
    b = rearrange([attn.b_Q, attn.b_K, attn.b_V], "qkv head d_head -> (qkv head d_head)")
    return W, b


# %% right="written into a new matrix"
import torch


def fuse_qkv(attn):
    heads, d_model, d_head = attn.W_Q.shape
    W = attn.W_Q.new_zeros(d_model, 3, heads, d_head)
    for kind, name in enumerate("QKV"):
        W[:, kind] = getattr(attn, f"W_{name}").transpose(0, 1)
    return W.view(d_model, -1), torch.hstack([attn.b_Q.flatten(), attn.b_K.flatten(), attn.b_V.flatten()])


# %% wrong="a plain view"
import torch


def fuse_qkv(attn):
    W = torch.cat([attn.W_Q, attn.W_K, attn.W_V]).view(attn.W_Q.shape[1], -1)
    return W, torch.cat([attn.b_Q, attn.b_K, attn.b_V]).view(-1)


# %% wrong="queries' bias for all"
import torch


def fuse_qkv(attn):
    W = torch.cat([W.transpose(0, 1).flatten(1) for W in (attn.W_Q, attn.W_K, attn.W_V)], dim=1)
    return W, attn.b_Q.flatten().repeat(3)


# %% wrong="float32 always"
import torch


def fuse_qkv(attn):
    W = torch.cat([W.transpose(0, 1).flatten(1) for W in (attn.W_Q, attn.W_K, attn.W_V)], dim=1)
    return W.float(), torch.cat([attn.b_Q, attn.b_K, attn.b_V]).flatten().float()


# %% wrong="from the data"
import torch


def fuse_qkv(attn):
    W = torch.cat([W.data.transpose(0, 1).flatten(1) for W in (attn.W_Q, attn.W_K, attn.W_V)], dim=1)
    return W, torch.cat([attn.b_Q, attn.b_K, attn.b_V]).flatten()


# %% wrong="a list instead of a tuple"
import torch


def fuse_qkv(attn):
    W = torch.cat([W.transpose(0, 1).flatten(1) for W in (attn.W_Q, attn.W_K, attn.W_V)], dim=1)
    return torch.cat([W, torch.cat([attn.b_Q, attn.b_K, attn.b_V]).flatten()[None]])


# %% wrong="stacked on rows"
import torch


def fuse_qkv(attn):
    W = torch.cat([W.transpose(0, 1).flatten(1) for W in (attn.W_Q, attn.W_K, attn.W_V)], dim=0)
    return W, torch.cat([attn.b_Q, attn.b_K, attn.b_V]).flatten()


# %% wrong="W_O too"
import torch


def fuse_qkv(attn):
    parts = [W.transpose(0, 1).flatten(1) for W in (attn.W_Q, attn.W_K, attn.W_V)]
    W = torch.cat([*parts, attn.W_O.flatten(0, 1).T], dim=1)
    return W, torch.cat([attn.b_Q.flatten(), attn.b_K.flatten(), attn.b_V.flatten(), attn.b_O])


# %% wrong="kept on the layer"
import torch
from einops import rearrange


def fuse_qkv(attn):
    if not hasattr(attn, "fused"):
        W = torch.cat([rearrange(w, "h d k -> d (h k)") for w in (attn.W_Q, attn.W_K, attn.W_V)], dim=1)
        b = torch.cat([b.flatten() for b in (attn.b_Q, attn.b_K, attn.b_V)])
        attn.fused = (W, b)
    return attn.fused
