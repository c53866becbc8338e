# %% right="traces"
import torch


def composition_score(W_A, W_B):
    top = torch.trace(W_B.T @ W_A.T @ W_A @ W_B)
    return float((top / (torch.trace(W_A.T @ W_A) * torch.trace(W_B.T @ W_B))).clamp(min=0).sqrt())


# %% right="singular values, a tensor back"
import torch


def composition_score(W_A, W_B):
    def norm(M):
        return torch.linalg.svdvals(M).square().sum().sqrt()

    return norm(W_A @ W_B) / (norm(W_A) * norm(W_B))


# %% right="normalised first"
import torch


def composition_score(W_A, W_B):
    W_A = W_A / torch.linalg.matrix_norm(W_A)
    W_B = W_B / torch.linalg.matrix_norm(W_B)
    return torch.linalg.matrix_norm(W_A @ W_B, ord="fro").item()


# %% right="numpy"
import numpy as np


def composition_score(W_A, W_B):
    A, B = np.asarray(W_A.detach()), np.asarray(W_B.detach())
    return float(np.linalg.norm(A @ B) / np.linalg.norm(A) / np.linalg.norm(B))


# %% wrong="mean norm"
def composition_score(W_A, W_B):
    return ((W_A @ W_B).norm() / (W_A.norm() * W_B.norm()).sqrt()).item()


# %% wrong="row norms"
def composition_score(W_A, W_B):
    return ((W_A @ W_B).norm(dim=1).mean() / (W_A.norm(dim=1).mean() * W_B.norm(dim=1).mean())).item()


# %% wrong="largest entry"
def composition_score(W_A, W_B):
    return ((W_A @ W_B).abs().max() / (W_A.abs().max() * W_B.abs().max())).item()


# %% wrong="sum of the product"
def composition_score(W_A, W_B):
    return ((W_A @ W_B).sum() / (W_A.norm() * W_B.norm())).item()


# %% wrong="rounded"
def composition_score(W_A, W_B):
    return round(((W_A @ W_B).norm() / (W_A.norm() * W_B.norm())).item(), 2)


# %% wrong="first transposed"
def composition_score(W_A, W_B):
    W_A = W_A.T if W_A.shape[0] == W_B.shape[0] else W_A
    return ((W_A @ W_B).norm() / (W_A.norm() * W_B.norm())).item()


# %% wrong="one norm over rows"
import torch


def composition_score(W_A, W_B):
    def norm(M):
        return torch.linalg.matrix_norm(M, ord=1)

    return (norm(W_A @ W_B) / (norm(W_A) * norm(W_B))).item()


# %% right="FactoredMatrix norm"
def composition_score(W_A, W_B):
    return float(FactoredMatrix(W_A, W_B).norm() / (W_A.square().sum() * W_B.square().sum()).sqrt())


# %% right="python loops"
import math


def composition_score(W_A, W_B):
    a, b = W_A.tolist(), W_B.tolist()
    product = [[sum(x * y for x, y in zip(row, column)) for column in zip(*b)] for row in a]

    def length(m):
        return math.sqrt(math.fsum(x * x for row in m for x in row))

    return length(product) / (length(a) * length(b))


# %% wrong="small epsilon below"
def composition_score(W_A, W_B):
    return ((W_A @ W_B).norm() / (W_A.norm() * W_B.norm() + 1e-8)).item()


# %% wrong="a tensor of one number"
import torch


def composition_score(W_A, W_B):
    return ((W_A @ W_B).norm() / (W_A.norm() * W_B.norm()))[None]
