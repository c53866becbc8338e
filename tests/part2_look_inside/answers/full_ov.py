# %% right="cut after the head"
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)


def full_ov(model, layer, head):
    attn = model.blocks[layer].attn
    return FactoredMatrix(model.embed.W_E @ attn.W_V[head] @ attn.W_O[head], model.unembed.W_U)


# %% right="with ov_matrix"
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)


def ov_matrix(model, layer, head):
    attn = model.blocks[layer].attn
    return attn.W_V[head] @ attn.W_O[head]


def full_ov(model, layer, head):
    return FactoredMatrix(model.embed.W_E, ov_matrix(model, layer, head) @ model.unembed.W_U)


# %% right="products of factored matrices"
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)

    def __matmul__(self, other):
        return FactoredMatrix(self.A, self.B @ other)

    def __rmatmul__(self, other):
        return FactoredMatrix(other @ self.A, self.B)


@torch.no_grad()
def full_ov(model, layer, head):
    attn = model.blocks[layer].attn
    return model.embed.W_E @ FactoredMatrix(attn.W_V[head], attn.W_O[head]) @ model.unembed.W_U


# %% right="embedding as one half"
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)


def full_ov(model, layer, head):
    values = torch.einsum("vd,dh->vh", model.embed.W_E, model.blocks[layer].attn.W_V[head])
    logits = torch.einsum("hd,dv->hv", model.blocks[layer].attn.W_O[head], model.unembed.W_U)
    return FactoredMatrix(A=values, B=logits)


# %% wrong="centred logits"
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)


def full_ov(model, layer, head):
    attn = model.blocks[layer].attn
    W_U = model.unembed.W_U - model.unembed.W_U.mean(dim=1, keepdim=True)
    return FactoredMatrix(model.embed.W_E @ attn.W_V[head], attn.W_O[head] @ W_U)


# %% wrong="final gain folded"
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)


def full_ov(model, layer, head):
    attn = model.blocks[layer].attn
    W_U = model.ln_final.w[:, None] * model.unembed.W_U
    return FactoredMatrix(model.embed.W_E @ attn.W_V[head], attn.W_O[head] @ W_U)


# %% wrong="both sides unembedded"
class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)


def full_ov(model, layer, head):
    attn = model.blocks[layer].attn
    return FactoredMatrix(model.unembed.W_U.T @ attn.W_V[head], attn.W_O[head] @ model.unembed.W_U)


# %% wrong="multiplied out and split by its svd"
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)


def full_ov(model, layer, head):
    attn = model.blocks[layer].attn
    dense = model.embed.W_E @ attn.W_V[head] @ attn.W_O[head] @ model.unembed.W_U
    U, S, Vh = torch.linalg.svd(dense.detach())
    k = model.cfg.d_head
    return FactoredMatrix(U[:, :k] * S[:k], Vh[:k])


# %% wrong="always layer 0"
class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)


def full_ov(model, layer, head):
    attn = model.blocks[0].attn
    return FactoredMatrix(model.embed.W_E @ attn.W_V[head], attn.W_O[head] @ model.unembed.W_U)


# %% wrong="a tuple of factors"
def full_ov(model, layer, head):
    attn = model.blocks[layer].attn
    return model.embed.W_E @ attn.W_V[head], attn.W_O[head] @ model.unembed.W_U


# %% right="chain of FactoredMatrix"
def full_ov(model, layer, head):
    a = model.blocks[layer].attn
    return model.embed.W_E @ FactoredMatrix(a.W_V[head], a.W_O[head]) @ model.unembed.W_U


# %% right="loop over tokens"
import torch


def full_ov(model, layer, head):
    attn = model.blocks[layer].attn
    rows = []
    for token in range(model.cfg.d_vocab):
        rows.append(model.embed.W_E[token] @ attn.W_V[head])
    columns = []
    for token in range(model.cfg.d_vocab):
        columns.append(attn.W_O[head] @ model.unembed.W_U[:, token])
    return FactoredMatrix(torch.stack(rows), torch.stack(columns, dim=1))
