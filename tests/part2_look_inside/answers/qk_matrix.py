# %% right="einsum"
from einops import einsum


def qk_matrix(model, layer, head):
    attn = model.blocks[layer].attn
    return einsum(attn.W_Q[head], attn.W_K[head], "query inner, key inner -> query key")


# %% right="transposed twice"
def qk_matrix(model, layer, head):
    attn = model.blocks[layer].attn
    return (attn.W_K[head] @ attn.W_Q[head].mT).mT


# %% right="all heads at once"
import torch


@torch.no_grad()
def qk_matrix(model, layer, head):
    attn = model.blocks[layer].attn
    return (attn.W_Q @ attn.W_K.transpose(1, 2))[head].clone()


# %% right="row by row"
import torch


def qk_matrix(model, layer, head):
    W_Q, W_K = model.blocks[layer].attn.W_Q[head], model.blocks[layer].attn.W_K[head]
    return torch.stack([(row * W_K).sum(-1) for row in W_Q])


# %% wrong="keys and values"
def qk_matrix(model, layer, head):
    attn = model.blocks[layer].attn
    return attn.W_K[head] @ attn.W_V[head].T


# %% wrong="symmetric"
def qk_matrix(model, layer, head):
    attn = model.blocks[layer].attn
    M = attn.W_Q[head] @ attn.W_K[head].T
    return (M + M.T) / 2


# %% wrong="multiplied by the scale"
def qk_matrix(model, layer, head):
    attn = model.blocks[layer].attn
    return attn.W_Q[head] @ attn.W_K[head].T * model.cfg.d_head**0.5


# %% wrong="softmax"
def qk_matrix(model, layer, head):
    attn = model.blocks[layer].attn
    return (attn.W_Q[head] @ attn.W_K[head].T).softmax(-1)


# %% wrong="query bias alone"
def qk_matrix(model, layer, head):
    attn = model.blocks[layer].attn
    return (attn.W_Q[head] + attn.b_Q[head]) @ attn.W_K[head].T


# %% wrong="layer 0"
def qk_matrix(model, layer, head):
    attn = model.blocks[0].attn
    return attn.W_Q[head] @ attn.W_K[head].T


# %% wrong="reshaped instead of transposed"
def qk_matrix(model, layer, head):
    attn = model.blocks[layer].attn
    return attn.W_Q[head] @ attn.W_K[head].reshape(model.cfg.d_head, model.cfg.d_model)


# %% right="state dict, factored"
def qk_matrix(model, layer, head):
    weights = model.state_dict()
    A = weights[f"blocks.{layer}.attn.W_Q"][head]
    B = weights[f"blocks.{layer}.attn.W_K"][head]
    return FactoredMatrix(A, B.mT).AB


# %% right="numpy"
import torch


def qk_matrix(model, layer, head):
    params = dict(model.named_parameters())
    x = params[f"blocks.{layer}.attn.W_Q"][head].detach().numpy()
    y = params[f"blocks.{layer}.attn.W_K"][head].detach().numpy()
    return torch.from_numpy(x.dot(y.T))


# %% wrong="weights scaled in place"
import torch


def qk_matrix(model, layer, head):
    a = model.blocks[layer].attn
    with torch.no_grad():
        a.W_V.mul_(2)
        a.W_Q.mul_(2)
    return (a.W_Q[head] @ a.W_K[head].T) / 2
