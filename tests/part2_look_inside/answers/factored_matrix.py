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


# %% right="svd of both factors, einsum trace"
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B
        assert A.shape[-1] == B.shape[-2]
        self.ldim, self.mdim, self.rdim = A.shape[-2], A.shape[-1], B.shape[-1]

    @property
    def AB(self):
        return self.A @ self.B

    @property
    def T(self):
        return FactoredMatrix(self.B.transpose(-2, -1), self.A.transpose(-2, -1))

    def __matmul__(self, other):
        if isinstance(other, FactoredMatrix):
            return (self @ other.A) @ other.B
        if other.ndim < 2:
            raise ValueError("matrix please")
        assert other.size(-2) == self.rdim
        return FactoredMatrix(self.A, self.B @ other)

    def __rmatmul__(self, other):
        if isinstance(other, FactoredMatrix):
            return other.A @ (other.B @ self)
        return FactoredMatrix(other @ self.A, self.B)

    def svd(self):
        Ua, Sa, Vha = torch.linalg.svd(self.A, full_matrices=False)
        Ub, Sb, Vhb = torch.linalg.svd(self.B, full_matrices=False)
        middle = Sa[..., :, None] * (Vha @ Ub) * Sb[..., None, :]
        Um, Sm, Vhm = torch.linalg.svd(middle, full_matrices=False)
        return Ua @ Um, Sm, Vhb.mT @ Vhm.mT

    def norm(self):
        return self.svd()[1].pow(2).sum(-1).sqrt()

    def trace(self):
        return torch.einsum("...ab,...ba->...", self.A, self.B)


# %% right="loops over the batch, float64 inside, qr norm"
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A = A
        self.B = B
        self.batch = tuple(A.shape[:-2])

    @property
    def AB(self):
        return torch.matmul(self.A, self.B)

    @property
    def T(self):
        return FactoredMatrix(self.B.swapaxes(-1, -2), self.A.swapaxes(-1, -2))

    def __matmul__(self, other):
        if isinstance(other, FactoredMatrix):
            return FactoredMatrix(self.A @ (self.B @ other.A), other.B)
        return FactoredMatrix(self.A, torch.matmul(self.B, other))

    def __rmatmul__(self, other):
        return FactoredMatrix(torch.matmul(other, self.A), self.B)

    def _pairs(self):
        m, r = self.A.shape[-2:]
        n = self.B.shape[-1]
        return zip(self.A.reshape(-1, m, r), self.B.reshape(-1, r, n))

    def norm(self):
        out = []
        for a, b in self._pairs():
            _, ra = torch.linalg.qr(a.double())
            _, rb = torch.linalg.qr(b.double().T)
            out.append((ra @ rb.T).norm())
        return torch.stack(out).reshape(self.batch).to(self.A.dtype)

    def trace(self):
        out = []
        for a, b in self._pairs():
            total = 0.0
            for i in range(a.shape[0]):
                total = total + a[i].double() @ b[:, i].double()
            out.append(total)
        return torch.stack(out).reshape(self.batch).to(self.A.dtype)

    def svd(self):
        us, ss, vs = [], [], []
        for a, b in self._pairs():
            qa, ra = torch.linalg.qr(a.double())
            qb, rb = torch.linalg.qr(b.double().T)
            u, s, vh = torch.linalg.svd(ra @ rb.T)
            us.append(qa @ u)
            ss.append(s)
            vs.append(qb @ vh.T)
        u, s, v = (torch.stack(x).to(self.A.dtype) for x in (us, ss, vs))
        return (
            u.reshape(self.batch + u.shape[1:]),
            s.reshape(self.batch + s.shape[1:]),
            v.reshape(self.batch + v.shape[1:]),
        )


# %% right="numpy inside"
import numpy as np
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    @property
    def AB(self):
        return self.A @ self.B

    @property
    def T(self):
        return FactoredMatrix(torch.transpose(self.B, -1, -2), torch.transpose(self.A, -1, -2))

    def __matmul__(self, other):
        if isinstance(other, FactoredMatrix):
            return FactoredMatrix(self.A @ (self.B @ other.A), other.B)
        return FactoredMatrix(self.A, self.B @ other)

    def __rmatmul__(self, other):
        return FactoredMatrix(other @ self.A, self.B)

    def _np(self):
        return self.A.detach().cpu().numpy(), self.B.detach().cpu().numpy()

    def norm(self):
        a, b = self._np()
        g = np.swapaxes(a, -1, -2) @ a
        h = b @ np.swapaxes(b, -1, -2)
        return torch.as_tensor(np.sqrt((g * h).sum((-1, -2))), dtype=self.A.dtype)

    def trace(self):
        a, b = self._np()
        return torch.as_tensor(np.einsum("...ij,...ji->...", a, b), dtype=self.A.dtype)

    def svd(self):
        a, b = self._np()
        qa, ra = np.linalg.qr(a)
        qb, rb = np.linalg.qr(np.swapaxes(b, -1, -2))
        u, s, vt = np.linalg.svd(ra @ np.swapaxes(rb, -1, -2))
        return (
            torch.from_numpy(np.ascontiguousarray(qa @ u)),
            torch.from_numpy(s),
            torch.from_numpy(np.ascontiguousarray(qb @ np.swapaxes(vt, -1, -2))),
        )


# %% right="properties and a kept product"
from functools import cached_property
import torch


class FactoredMatrix:
    __array_priority__ = 1000

    def __init__(self, left, right):
        if left.shape[-1] != right.shape[-2]:
            raise ValueError(f"inner sizes differ: {tuple(left.shape)} and {tuple(right.shape)}")
        self._left, self._right = left.contiguous(), right.contiguous()

    A = property(lambda self: self._left)
    B = property(lambda self: self._right)

    @cached_property
    def AB(self):
        return self._left.matmul(self._right)

    @property
    def T(self):
        return FactoredMatrix(self._right.mT, self._left.mT)

    @property
    def shape(self):
        return (*self._left.shape[:-1], self._right.shape[-1])

    def __matmul__(self, other):
        match other:
            case FactoredMatrix():
                small = self._right @ other.A
                return FactoredMatrix(self._left @ small, other.B)
            case torch.Tensor():
                return FactoredMatrix(self._left, self._right @ other)
        return NotImplemented

    def __rmatmul__(self, other):
        if not isinstance(other, torch.Tensor):
            return NotImplemented
        return FactoredMatrix(other @ self._left, self._right)

    def norm(self):
        return torch.linalg.vector_norm(self.svd()[1], dim=-1)

    def trace(self):
        return (self._left.mT * self._right).sum(-1).sum(-1)

    def svd(self):
        Q, Rr = torch.linalg.qr(self._right.mT)
        U, S, Vh = torch.linalg.svd(self._left @ Rr.mT, full_matrices=False)
        return U, S, Q @ Vh.mH


# %% wrong="svd by eigh of grams"
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A = A
        self.B = B

    @property
    def AB(self):
        return self.A @ self.B

    @property
    def T(self):
        return FactoredMatrix(self.B.mT, self.A.mT)

    def __matmul__(self, other):
        if isinstance(other, FactoredMatrix):
            return FactoredMatrix(self.A, (self.B @ other.A) @ other.B)
        return FactoredMatrix(self.A, self.B @ other)

    def __rmatmul__(self, other):
        return FactoredMatrix(other @ self.A, self.B)

    def norm(self):
        return ((self.A.mT @ self.A) * (self.B @ self.B.mT)).sum(dim=(-2, -1)).sqrt()

    def svd(self):
        QA, RA = torch.linalg.qr(self.A)
        M = RA @ self.B
        vals, vecs = torch.linalg.eigh(M @ M.mT)
        S = vals.flip(-1).clamp(min=0).sqrt()
        U = vecs.flip(-1)
        return QA @ U, S, (M.mT @ U) / S[..., None, :]

    def trace(self):
        return (self.A * self.B.mT).sum(dim=(-2, -1))


# %% wrong="svd cached by class"
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A = A
        self.B = B

    @property
    def AB(self):
        return self.A @ self.B

    @property
    def T(self):
        return FactoredMatrix(self.B.mT, self.A.mT)

    def __matmul__(self, other):
        if isinstance(other, FactoredMatrix):
            return FactoredMatrix(self.A, (self.B @ other.A) @ other.B)
        return FactoredMatrix(self.A, self.B @ other)

    def __rmatmul__(self, other):
        return FactoredMatrix(other @ self.A, self.B)

    def norm(self):
        return ((self.A.mT @ self.A) * (self.B @ self.B.mT)).sum(dim=(-2, -1)).sqrt()

    _memo = {}

    def svd(self):
        key = (self.A.shape, self.B.shape)
        if key not in self._memo:
            self._memo[key] = self._svd()
        return self._memo[key]

    def _svd(self):
        QA, RA = torch.linalg.qr(self.A)
        QB, RB = torch.linalg.qr(self.B.mT)
        U, S, Vh = torch.linalg.svd(RA @ RB.mT)
        return QA @ U, S, QB @ Vh.mT

    def trace(self):
        return (self.A * self.B.mT).sum(dim=(-2, -1))


# %% wrong="svd normalises A in place"
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A = A
        self.B = B

    @property
    def AB(self):
        return self.A @ self.B

    @property
    def T(self):
        return FactoredMatrix(self.B.mT, self.A.mT)

    def __matmul__(self, other):
        if isinstance(other, FactoredMatrix):
            return FactoredMatrix(self.A, (self.B @ other.A) @ other.B)
        return FactoredMatrix(self.A, self.B @ other)

    def __rmatmul__(self, other):
        return FactoredMatrix(other @ self.A, self.B)

    def norm(self):
        return ((self.A.mT @ self.A) * (self.B @ self.B.mT)).sum(dim=(-2, -1)).sqrt()

    def svd(self):
        scale = self.A.norm(dim=(-2, -1), keepdim=True)
        self.A /= scale
        self.B *= scale
        QA, RA = torch.linalg.qr(self.A)
        QB, RB = torch.linalg.qr(self.B.mT)
        U, S, Vh = torch.linalg.svd(RA @ RB.mT)
        return QA @ U, S, QB @ Vh.mT

    def trace(self):
        return (self.A * self.B.mT).sum(dim=(-2, -1))


# %% wrong="squeezes rank one"
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A = A
        self.B = B

    @property
    def AB(self):
        return self.A @ self.B

    @property
    def T(self):
        return FactoredMatrix(self.B.mT, self.A.mT)

    def __matmul__(self, other):
        if isinstance(other, FactoredMatrix):
            return FactoredMatrix(self.A, (self.B @ other.A) @ other.B)
        return FactoredMatrix(self.A, self.B @ other)

    def __rmatmul__(self, other):
        return FactoredMatrix(other @ self.A, self.B)

    def norm(self):
        return ((self.A.mT @ self.A) * (self.B @ self.B.mT)).sum(dim=(-2, -1)).sqrt()

    def svd(self):
        QA, RA = torch.linalg.qr(self.A)
        QB, RB = torch.linalg.qr(self.B.mT)
        U, S, Vh = torch.linalg.svd(RA @ RB.mT)
        return (QA @ U).squeeze(-1), S.squeeze(-1), (QB @ Vh.mT).squeeze(-1)

    def trace(self):
        return (self.A * self.B.mT).sum(dim=(-2, -1))


# %% wrong="svd always in float64"
import torch


class FactoredMatrix:
    def __init__(self, A, B):
        self.A, self.B = A, B

    @property
    def AB(self):
        return self.A @ self.B

    @property
    def T(self):
        return FactoredMatrix(self.B.mT, self.A.mT)

    def __matmul__(self, other):
        if isinstance(other, FactoredMatrix):
            return FactoredMatrix(self.A, (self.B @ other.A) @ other.B)
        return FactoredMatrix(self.A, self.B @ other)

    def __rmatmul__(self, other):
        return FactoredMatrix(other @ self.A, self.B)

    def norm(self):
        return ((self.A.mT @ self.A) * (self.B @ self.B.mT)).sum((-2, -1)).sqrt()

    def svd(self):
        QA, RA = torch.linalg.qr(self.A.double())
        QB, RB = torch.linalg.qr(self.B.mT.double())
        U, S, Vh = torch.linalg.svd(RA @ RB.mT)
        return QA @ U, S, QB @ Vh.mT

    def trace(self):
        return (self.A * self.B.mT).sum((-2, -1))
