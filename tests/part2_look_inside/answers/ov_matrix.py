# %% right="einsum"
from einops import einsum


def ov_matrix(model, layer, head):
    attn = model.blocks[layer].attn
    return einsum(attn.W_V[head], attn.W_O[head], "read inner, inner write -> read write")


# %% right="outer products"
def ov_matrix(model, layer, head):
    W_V, W_O = (getattr(model.blocks[layer].attn, name)[head].detach() for name in ("W_V", "W_O"))
    return sum(W_V[:, i, None] * W_O[i] for i in range(model.cfg.d_head))


# %% right="every head first, then one"
import torch


def ov_matrix(model, layer, head):
    with torch.no_grad():
        attn = model.blocks[layer].attn
        return torch.bmm(attn.W_V, attn.W_O)[head]


# %% right="linear in a basis"
import torch


def ov_matrix(model, layer, head):
    attn = model.blocks[layer].attn
    basis = torch.eye(model.cfg.d_model, dtype=attn.W_V.dtype)
    return (basis @ attn.W_V[head]) @ attn.W_O[head]


# %% wrong="head counted from the end"
def ov_matrix(model, layer, head):
    attn = model.blocks[layer].attn
    return attn.W_V[-head] @ attn.W_O[-head]


# %% wrong="queries and output"
def ov_matrix(model, layer, head):
    attn = model.blocks[layer].attn
    return attn.W_Q[head] @ attn.W_O[head]


# %% wrong="values twice"
def ov_matrix(model, layer, head):
    attn = model.blocks[layer].attn
    return attn.W_V[head] @ attn.W_V[head].T


# %% wrong="next layer"
def ov_matrix(model, layer, head):
    attn = model.blocks[(layer + 1) % 3].attn
    return attn.W_V[head] @ attn.W_O[head]


# %% wrong="output of head 0"
def ov_matrix(model, layer, head):
    attn = model.blocks[layer].attn
    return attn.W_V[head] @ attn.W_O[0]


# %% wrong="single precision"
def ov_matrix(model, layer, head):
    attn = model.blocks[layer].attn
    return attn.W_V[head].float() @ attn.W_O[head].float()


# %% wrong="through the residual"
import torch


def ov_matrix(model, layer, head):
    attn = model.blocks[layer].attn
    return attn.W_V[head] @ attn.W_O[head] + torch.eye(model.cfg.d_model, dtype=attn.W_V.dtype)


# %% right="state dict, factored"
def ov_matrix(model, layer, head):
    weights = model.state_dict()
    A = weights[f"blocks.{layer}.attn.W_V"][head]
    B = weights[f"blocks.{layer}.attn.W_O"][head]
    return FactoredMatrix(A, B).AB


# %% right="numpy"
import torch


def ov_matrix(model, layer, head):
    params = dict(model.named_parameters())
    x = params[f"blocks.{layer}.attn.W_V"][head].detach().numpy()
    y = params[f"blocks.{layer}.attn.W_O"][head].detach().numpy()
    return torch.from_numpy(x.dot(y))


# %% wrong="weights scaled in place"
import torch


def ov_matrix(model, layer, head):
    a = model.blocks[layer].attn
    with torch.no_grad():
        a.W_V.mul_(2)
        a.W_Q.mul_(2)
    return (a.W_V[head] @ a.W_O[head]) / 2
