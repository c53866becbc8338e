# %% right="svd of both factors"
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A = A
        self.B = B

    @property
    def AB(self):
        return torch.matmul(self.A, self.B)

    @property
    def T(self):
        return FactoredMatrix(self.B.transpose(-1, -2), self.A.transpose(-1, -2))

    def __matmul__(self, other):
        if isinstance(other, FactoredMatrix):
            inner = self.B @ other.A
            return FactoredMatrix(self.A @ inner, other.B)
        return FactoredMatrix(self.A, self.B @ other)

    def __rmatmul__(self, other):
        return FactoredMatrix(other @ self.A, self.B)

    def svd(self):
        Ua, Sa, Vha = torch.linalg.svd(self.A, full_matrices=False)
        Ub, Sb, Vhb = torch.linalg.svd(self.B, full_matrices=False)
        middle = (Sa[..., :, None] * Vha) @ (Ub * Sb[..., None, :])
        Um, Sm, Vhm = torch.linalg.svd(middle, full_matrices=False)
        return Ua @ Um, Sm, (Vhm @ Vhb).mT

    def norm(self):
        return self.svd()[1].pow(2).sum(-1).sqrt()

    def trace(self):
        return torch.diagonal(self.B @ self.A, dim1=-2, dim2=-1).sum(-1)


# %% right="einsum, private names"
import torch
from einops import einsum


class FactoredMatrix:
    def __init__(self, A, B):
        self._left, self._right = A, B
        self.A, self.B = A, B

    AB = property(lambda self: einsum(self._left, self._right, "... m r, ... r n -> ... m n"))

    @property
    def T(self):
        return type(self)(self._right.mT, self._left.mT)

    def __matmul__(self, other):
        if not isinstance(other, torch.Tensor):
            return (self @ other._left) @ other._right
        return type(self)(self._left, self._right @ other)

    def __rmatmul__(self, other):
        return (self.T @ other.mT).T

    def norm(self):
        return torch.linalg.matrix_norm(torch.linalg.qr(self._left).R @ self._right)

    def trace(self):
        return einsum(self._left, self._right, "... i r, ... r i -> ...")

    def svd(self):
        Q, R = torch.linalg.qr(self._left)
        U, S, V = torch.svd(R @ self._right)
        return Q @ U, S, V


# %% right="module of two buffers"
import torch
from torch import nn


class FactoredMatrix(nn.Module):
    def __init__(self, A, B):
        super().__init__()
        self.register_buffer("A", A)
        self.register_buffer("B", B)

    @property
    def AB(self):
        return self.A @ self.B

    @property
    def T(self):
        return FactoredMatrix(self.B.swapaxes(-1, -2), self.A.swapaxes(-1, -2))

    def __matmul__(self, other):
        if isinstance(other, FactoredMatrix):
            return FactoredMatrix(self.A @ (self.B @ other.A), other.B)
        return FactoredMatrix(self.A, self.B @ other)

    def __rmatmul__(self, other):
        return FactoredMatrix(other @ self.A, self.B)

    def norm(self):
        M = self.A.mT @ self.A @ self.B @ self.B.mT
        return M.diagonal(dim1=-2, dim2=-1).sum(-1).sqrt()

    def trace(self):
        return (self.A.mT * self.B).flatten(-2).sum(-1)

    def svd(self):
        Qa, Ra = torch.linalg.qr(self.A)
        Qb, Rb = torch.linalg.qr(self.B.mT)
        U, S, Vh = torch.linalg.svd(Ra @ Rb.mT)
        return [Qa @ U, S, (Vh @ Qb.mT).mT]


# %% right="dataclass"
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class FactoredMatrix:
    A: Tensor
    B: Tensor

    @property
    def AB(self):
        return self.A @ self.B

    @property
    def T(self):
        return FactoredMatrix(A=self.B.mT, B=self.A.mT)

    def __matmul__(self, other):
        match other:
            case FactoredMatrix(A, B):
                return FactoredMatrix(self.A @ (self.B @ A), B)
            case _:
                return FactoredMatrix(self.A, self.B @ other)

    def __rmatmul__(self, other):
        return FactoredMatrix(other @ self.A, self.B)

    def svd(self):
        Qa, Ra = torch.linalg.qr(self.A)
        Qb, Rb = torch.linalg.qr(self.B.mT)
        U, S, Vh = torch.linalg.svd(Ra @ Rb.mT)
        return Qa @ U, S, Qb @ Vh.mT

    def norm(self):
        return torch.einsum("...ij,...ij->...", self.A.mT @ self.A, self.B @ self.B.mT).sqrt()

    def trace(self):
        return torch.einsum("...ij,...ji->...", self.A, self.B)


# %% wrong="only two axes"
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)
    T = property(lambda self: FactoredMatrix(self.B.mT, self.A.mT))

    def __matmul__(self, other):
        if isinstance(other, FactoredMatrix):
            return FactoredMatrix(self.A, self.B @ other.A @ other.B)
        return FactoredMatrix(self.A, self.B @ other)

    def __rmatmul__(self, other):
        return FactoredMatrix(other @ self.A, self.B)

    def norm(self):
        return torch.trace(self.A.T @ self.A @ self.B @ self.B.T).sqrt()

    def trace(self):
        return torch.trace(self.B @ self.A)

    def svd(self):
        Qa, Ra = torch.linalg.qr(self.A)
        Qb, Rb = torch.linalg.qr(self.B.mT)
        U, S, Vh = torch.linalg.svd(Ra @ Rb.mT)
        return Qa @ U, S, Qb @ Vh.mT


# %% wrong="Gram matrix transposed in the norm"
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)
    T = property(lambda self: FactoredMatrix(self.B.mT, self.A.mT))

    def __matmul__(self, other):
        if isinstance(other, FactoredMatrix):
            return FactoredMatrix(self.A, self.B @ other.A @ other.B)
        return FactoredMatrix(self.A, self.B @ other)

    def __rmatmul__(self, other):
        return FactoredMatrix(other @ self.A, self.B)

    def norm(self):
        return (self.A.mT @ self.A @ self.B @ self.B.mT).norm(dim=(-2, -1)).sqrt()

    def trace(self):
        return (self.A * self.B.mT).sum((-2, -1))

    def svd(self):
        Qa, Ra = torch.linalg.qr(self.A)
        Qb, Rb = torch.linalg.qr(self.B.mT)
        U, S, Vh = torch.linalg.svd(Ra @ Rb.mT)
        return Qa @ U, S, Qb @ Vh.mT


# %% wrong="methods as properties"
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    def AB(self):
        return self.A @ self.B

    def T(self):
        return FactoredMatrix(self.B.mT, self.A.mT)


# %% wrong="V not multiplied back"
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)
    T = property(lambda self: FactoredMatrix(self.B.mT, self.A.mT))

    def __matmul__(self, other):
        if isinstance(other, FactoredMatrix):
            return FactoredMatrix(self.A, self.B @ other.A @ other.B)
        return FactoredMatrix(self.A, self.B @ other)

    def __rmatmul__(self, other):
        return FactoredMatrix(other @ self.A, self.B)

    def norm(self):
        return ((self.A.mT @ self.A) * (self.B @ self.B.mT)).sum((-2, -1)).sqrt()

    def trace(self):
        return (self.A * self.B.mT).sum((-2, -1))

    def svd(self):
        Qa, Ra = torch.linalg.qr(self.A)
        Qb, Rb = torch.linalg.qr(self.B.mT)
        U, S, Vh = torch.linalg.svd(Ra @ Rb.mT)
        return Qa @ U, S, Qb @ Vh


# %% wrong="float32 by default"
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A.float(), B.float()

    AB = property(lambda self: self.A @ self.B)
    T = property(lambda self: FactoredMatrix(self.B.mT, self.A.mT))

    def __matmul__(self, other):
        if isinstance(other, FactoredMatrix):
            return FactoredMatrix(self.A, self.B @ other.A @ other.B)
        return FactoredMatrix(self.A, self.B @ other.float())

    def __rmatmul__(self, other):
        return FactoredMatrix(other.float() @ self.A, self.B)

    def norm(self):
        return ((self.A.mT @ self.A) * (self.B @ self.B.mT)).sum((-2, -1)).sqrt()

    def trace(self):
        return (self.A * self.B.mT).sum((-2, -1))

    def svd(self):
        Qa, Ra = torch.linalg.qr(self.A)
        Qb, Rb = torch.linalg.qr(self.B.mT)
        U, S, Vh = torch.linalg.svd(Ra @ Rb.mT)
        return Qa @ U, S, Qb @ Vh.mT


# %% wrong="matmul changes itself"
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)
    T = property(lambda self: FactoredMatrix(self.B.mT, self.A.mT))

    def __matmul__(self, other):
        self.B = self.B @ other.A @ other.B if isinstance(other, FactoredMatrix) else self.B @ other
        return self

    def __rmatmul__(self, other):
        return FactoredMatrix(other @ self.A, self.B)

    def norm(self):
        return ((self.A.mT @ self.A) * (self.B @ self.B.mT)).sum((-2, -1)).sqrt()

    def trace(self):
        return (self.A * self.B.mT).sum((-2, -1))

    def svd(self):
        Qa, Ra = torch.linalg.qr(self.A)
        Qb, Rb = torch.linalg.qr(self.B.mT)
        U, S, Vh = torch.linalg.svd(Ra @ Rb.mT)
        return Qa @ U, S, Qb @ Vh.mT


# %% wrong="eigenvalues for singular values"
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)
    T = property(lambda self: FactoredMatrix(self.B.mT, self.A.mT))

    def __matmul__(self, other):
        if isinstance(other, FactoredMatrix):
            return FactoredMatrix(self.A, self.B @ other.A @ other.B)
        return FactoredMatrix(self.A, self.B @ other)

    def __rmatmul__(self, other):
        return FactoredMatrix(other @ self.A, self.B)

    def norm(self):
        return ((self.A.mT @ self.A) * (self.B @ self.B.mT)).sum((-2, -1)).sqrt()

    def trace(self):
        return (self.A * self.B.mT).sum((-2, -1))

    def svd(self):
        S = torch.linalg.eigvals(self.B @ self.A).abs().sort(descending=True).values
        return torch.linalg.qr(self.A).Q, S, torch.linalg.qr(self.B.mT).Q
