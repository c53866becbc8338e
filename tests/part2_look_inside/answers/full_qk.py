# %% right="with qk_matrix"
class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)


def qk_matrix(model, layer, head):
    attn = model.blocks[layer].attn
    return attn.W_Q[head] @ attn.W_K[head].T


def full_qk(model, layer, head):
    W_E = model.embed.W_E
    return FactoredMatrix(W_E, qk_matrix(model, layer, head) @ W_E.T)


# %% right="einsum"
from einops import einsum


class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)


def full_qk(model, layer, head):
    attn = model.blocks[layer].attn
    q = einsum(model.embed.W_E, attn.W_Q[head], "v d, d h -> v h")
    k = einsum(model.embed.W_E, attn.W_K[head], "v d, d h -> h v")
    return FactoredMatrix(q, k)


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
def full_qk(model, layer, head):
    attn, W_E = model.blocks[layer].attn, model.embed.W_E
    return W_E @ FactoredMatrix(attn.W_Q[head], attn.W_K[head].mT) @ W_E.mT


# %% right="transpose of keys by queries"
class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)

    @property
    def T(self):
        return FactoredMatrix(self.B.mT, self.A.mT)


def full_qk(model, layer, head):
    attn, W_E = model.blocks[layer].attn, model.embed.W_E
    return FactoredMatrix(W_E @ attn.W_K[head], (W_E @ attn.W_Q[head]).mT).T


# %% wrong="scale in one factor"
class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)


def full_qk(model, layer, head):
    attn, W_E = model.blocks[layer].attn, model.embed.W_E
    return FactoredMatrix(W_E @ attn.W_Q[head], (W_E @ attn.W_K[head]).T / model.cfg.d_head)


# %% wrong="queries on both sides"
class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)


def full_qk(model, layer, head):
    attn, W_E = model.blocks[layer].attn, model.embed.W_E
    return FactoredMatrix(W_E @ attn.W_Q[head], (W_E @ attn.W_Q[head]).T)


# %% wrong="query from the unembedding"
class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)


def full_qk(model, layer, head):
    attn = model.blocks[layer].attn
    return FactoredMatrix(model.unembed.W_U.T @ attn.W_Q[head], (model.embed.W_E @ attn.W_K[head]).T)


# %% wrong="gain folded"
class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)


def full_qk(model, layer, head):
    attn = model.blocks[layer].attn
    W_E = model.embed.W_E * model.blocks[layer].ln1.w
    return FactoredMatrix(W_E @ attn.W_Q[head], (W_E @ attn.W_K[head]).T)


# %% wrong="layer 0"
class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)


def full_qk(model, layer, head):
    attn, W_E = model.blocks[0].attn, model.embed.W_E
    return FactoredMatrix(W_E @ attn.W_Q[head], (W_E @ attn.W_K[head]).T)


# %% wrong="keys not transposed"
class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)


def full_qk(model, layer, head):
    attn, W_E = model.blocks[layer].attn, model.embed.W_E
    return FactoredMatrix(W_E @ attn.W_Q[head], W_E @ attn.W_K[head])


# %% right="queries times transposed keys as two factored"
import torch


def full_qk(model, layer, head):
    E = model.embed.W_E
    eye = torch.eye(model.cfg.d_head, dtype=E.dtype)
    queries = FactoredMatrix(E @ model.blocks[layer].attn.W_Q[head], eye)
    keys = FactoredMatrix(E @ model.blocks[layer].attn.W_K[head], eye)
    return queries @ keys.T


# %% right="numpy"
import torch


def full_qk(model, layer, head):
    E = model.embed.W_E.detach().numpy()
    q = E @ model.blocks[layer].attn.W_Q[head].detach().numpy()
    k = E @ model.blocks[layer].attn.W_K[head].detach().numpy()
    return FactoredMatrix(torch.from_numpy(q), torch.from_numpy(k).T)
