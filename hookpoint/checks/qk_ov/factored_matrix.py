"""Checks for `FactoredMatrix` (part 2, notebook 13)."""

import torch
from torch import Tensor

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Ref, Slip, same

M, R, N = 11, 3, 13


def reference(A, B):
    """Names the arguments in messages."""


def factors(draw, *batch, m=M, r=R, n=N, dtype=torch.float64):
    return draw.normal(*batch, m, r, dtype=dtype), draw.normal(*batch, r, n, dtype=dtype)


def held(learner, A, B):
    """The learner's matrix."""
    matrix = learner.FactoredMatrix(A, B)
    if not isinstance(matrix, Ref):
        raise Mismatch("does not make an object.", "  FactoredMatrix is a class.", got=matrix)
    return matrix


def dense(matrix, what):
    """`.AB` of something that must be a FactoredMatrix again."""
    if isinstance(matrix, Tensor):
        raise Mismatch(f"gives a plain tensor for {what}, expected a FactoredMatrix.")
    return matrix.AB.value


def part(matrix, method, what=""):
    """What a method without arguments gives; an attribute of the same name is taken as it is."""
    return getattr(matrix, method)()


def product(learner, draw):
    """AB is the product, in any dtype and with any batch axes."""
    for batch, dtype in (((), torch.float32), ((2,), torch.float64), ((2, 5), torch.float64)):
        A, B = factors(draw, *batch, dtype=dtype)
        matrix = held(learner, A, B)
        same(matrix.AB.value, A @ B, f"in AB, for factors {list(A.shape)} and {list(B.shape)}")
        same(matrix.A.value, A, "in the attribute A")
        same(matrix.B.value, B, "in the attribute B")


def transpose(learner, draw):
    """T is the transpose, a FactoredMatrix again; batch axes stay in front."""
    for batch in ((), (2,)):
        A, B = factors(draw, *batch)
        matrix = held(learner, A, B)
        same(dense(matrix.T.value, "T"), (A @ B).mT, f"in T.AB, for factors {list(A.shape)} and {list(B.shape)}")
        same(matrix.AB.value, A @ B, "in AB after T was asked for")


def multiplied(learner, draw):
    """@ takes a matrix or another FactoredMatrix, on either side, and gives a FactoredMatrix."""
    for batch in ((), (2,)):
        A, B = factors(draw, *batch)
        C, D = factors(draw, *batch, m=N, r=2, n=5)
        left, right = draw.normal(7, M, dtype=A.dtype), draw.normal(N, 7, dtype=A.dtype)
        matrix, other = held(learner, A, B), held(learner, C, D)
        times = learner.given.times
        same(dense(times(matrix, other), "F @ F"), A @ B @ C @ D, "in (F @ F).AB")
        same(dense(times(matrix, right), "F @ tensor"), A @ B @ right, "in (F @ tensor).AB")
        same(dense(times(left, matrix), "tensor @ F"), left @ A @ B, "in (tensor @ F).AB")
        same(matrix.AB.value, A @ B, "in AB after multiplying")


def numbers(learner, draw):
    """norm() is the Frobenius norm of the product and trace() the sum of its diagonal, one per batch entry."""
    for batch, dtype in (((), torch.float32), ((2,), torch.float64)):
        A, B = factors(draw, *batch, dtype=dtype)
        matrix = held(learner, A, B)
        same(matrix.norm(), (A @ B).square().sum(dim=(-2, -1)).sqrt(), f"in norm(), for factors {list(A.shape)}")
        A, B = factors(draw, *batch, n=M, dtype=dtype)
        want = (A @ B).diagonal(dim1=-2, dim2=-1).sum(dim=-1)
        same(held(learner, A, B).trace(), want, f"in trace(), for factors {list(A.shape)} and {list(B.shape)}")


def singular(learner, draw):
    """svd() gives U, S, V with AB = U diag(S) V.T: orthonormal columns, S the r largest singular values, descending."""
    wide, narrow = torch.float64, torch.float32
    for batch, m, n, r, dtype in (
        ((), M, N, R, wide), ((), M, N, R, wide), ((2,), N, M, R, wide), ((), M, N, 1, wide), ((), N, M, R, narrow),
    ):  # fmt: skip
        A, B = factors(draw, *batch, m=m, n=n, r=r, dtype=dtype)
        if batch:
            A[..., 0] = A[..., 1]  # a product of lower rank than its factors allow
        matrix, before = held(learner, A, B), A.clone()
        got = matrix.svd()
        same(matrix.A.value, before, "in the attribute A after svd()")
        if not isinstance(got, (tuple, list)) or len(got) != 3 or not all(isinstance(one, Tensor) for one in got):
            raise Mismatch("does not give three tensors U, S, V in svd().")
        U, S, V = got
        circumstance = f"in svd(), for factors {list(A.shape)} and {list(B.shape)}"
        for name, one, shape in (("U", U, (m, r)), ("S", S, (r,)), ("V", V, (n, r))):
            if one.shape != (*batch, *shape):
                wanted = list((*batch, *shape))
                raise Mismatch(f"gives {name} of shape {list(one.shape)} {circumstance}, expected {wanted}.")
        room = WHOLE if dtype is narrow else None
        same(S, torch.linalg.svdvals(A @ B)[..., :r], f"for S {circumstance}", room)
        for name, one in (("U", U), ("V", V)):
            same(
                one.mT @ one,
                torch.eye(r, dtype=dtype).expand(*batch, r, r),
                f"for {name}.T @ {name} {circumstance}",
                room,
            )
        same((U * S[..., None, :]) @ V.mT, A @ B, f"for U diag(S) V.T {circumstance}", room)


def stays_small(learner, draw):
    """Only AB makes the m x n product: norm, svd, T and @ work on the factors."""
    size = 41
    A, B = factors(draw, m=size, n=size)
    C, D = factors(draw, m=size, n=size)
    matrix, other = held(learner, A, B), held(learner, C, D)
    given = learner.given
    made = {
        "norm()": given.largest_made_by_method(matrix, "norm"),
        "trace()": given.largest_made_by_method(matrix, "trace"),
        "svd()": given.largest_made_by_method(matrix, "svd"),
        "T": given.largest_made_by_transpose(matrix),
        "F @ F": given.largest_made_by_product(matrix, other),
        "F @ tensor": given.largest_made_by_product(matrix, D.T.contiguous()),
        "tensor @ F": given.largest_made_by_product(D, matrix),
    }
    for name, largest in made.items():
        if largest >= size * size:
            raise Mismatch(
                f"makes a tensor of {largest} numbers in {name}, as many as AB has.",
                f"  The factors of this {size} x {size} matrix have {size * R} numbers each.",
            )


class right:
    def __init__(self, A, B):
        self.A, self.B = A, B

    AB = property(lambda self: self.A @ self.B)
    T = property(lambda self: type(self)(self.B.mT, self.A.mT))

    def __matmul__(self, other):
        if isinstance(other, right):
            return type(self)(self.A, (self.B @ other.A) @ other.B)
        return type(self)(self.A, self.B @ other)

    def __rmatmul__(self, other):
        return type(self)(other @ self.A, self.B)

    def norm(self):
        return ((self.A.mT @ self.A) * (self.B @ self.B.mT)).sum(dim=(-2, -1)).sqrt()

    def svd(self):
        Q_A, R_A = torch.linalg.qr(self.A)
        Q_B, R_B = torch.linalg.qr(self.B.mT)
        U, S, Vh = torch.linalg.svd(R_A @ R_B.mT, full_matrices=False)
        return Q_A @ U, S, Q_B @ Vh.mT

    def trace(self):
        return (self.A * self.B.mT).sum(dim=(-2, -1))


class not_swapped(right):
    T = property(lambda self: type(self)(self.A.mT, self.B.mT))


class all_axes_reversed(right):
    T = property(lambda self: type(self)(*(one.permute(*range(one.ndim)[::-1]) for one in (self.B, self.A))))


class transposed_tensor(right):
    T = property(lambda self: (self.A @ self.B).mT)


class dense_product(right):
    def __matmul__(self, other):
        return self.AB @ (other.AB if isinstance(other, right) else other)


class no_left_side(right):
    __rmatmul__ = None


class sides_confused(right):
    def __rmatmul__(self, other):
        return type(self)(self.A, self.B @ other.mT)


class inner_dropped(right):
    def __matmul__(self, other):
        return type(self)(self.A, other.B if isinstance(other, right) else self.B @ other)


class norms_multiplied(right):
    def norm(self):
        return self.A.norm(dim=(-2, -1)) * self.B.norm(dim=(-2, -1))


class norm_squared(right):
    def norm(self):
        return right.norm(self).square()


class norm_of_all(right):
    def norm(self):
        return right.norm(self).square().sum().sqrt()


class spectral(right):
    def norm(self):
        return right.svd(self)[1][..., 0]


class norm_of_dense(right):
    def norm(self):
        return (self.A @ self.B).norm(dim=(-2, -1))


class svd_of_dense(right):
    def svd(self):
        U, S, Vh = torch.linalg.svd(self.A @ self.B, full_matrices=False)
        rank = self.A.shape[-1]
        return U[..., :rank], S[..., :rank], Vh.mT[..., :rank]


class svd_of_A(right):
    def svd(self):
        U, S, Vh = torch.linalg.svd(self.A, full_matrices=False)
        return U, S, (Vh @ self.B).mT


class svds_multiplied(right):
    def svd(self):
        U, S, _ = torch.linalg.svd(self.A, full_matrices=False)
        _, S_B, Vh = torch.linalg.svd(self.B, full_matrices=False)
        return U, S * S_B, Vh.mT


class v_transposed(right):
    def svd(self):
        U, S, V = right.svd(self)
        return U, S, V.mT


class ascending(right):
    def svd(self):
        return tuple(one.flip(-1) for one in right.svd(self))


class trace_of_factors(right):
    def trace(self):
        return self.A.diagonal(dim1=-2, dim2=-1).sum(-1) * self.B.diagonal(dim1=-2, dim2=-1).sum(-1)


class trace_over_batch(right):
    def trace(self):
        return right.trace(self).sum()


class trace_by_dense(right):
    def trace(self):
        return (self.A @ self.B).diagonal(dim1=-2, dim2=-1).sum(-1)


EXERCISE = Exercise(
    "factored_matrix",
    writes="FactoredMatrix",
    checks=(product, transpose, multiplied, numbers, singular, stays_small),
    reference=reference,
    slips=(
        Slip("T transposes each factor but leaves their order", not_swapped),
        Slip("T reverses all axes, the batch's as well; .mT swaps the last two", all_axes_reversed),
        Slip("T gives a plain tensor", transposed_tensor),
        Slip("@ multiplies everything out and gives a plain tensor", dense_product),
        Slip("a tensor on the left has no method to meet: Python calls __rmatmul__ for tensor @ F", no_left_side),
        Slip("tensor @ F is computed as F @ tensor.T", sides_confused),
        Slip("F @ F drops the two factors in the middle", inner_dropped),
        Slip("norm() multiplies the norms of A and B, which is only an upper bound", norms_multiplied),
        Slip("norm() misses the square root", norm_squared),
        Slip("norm() adds up the whole batch", norm_of_all),
        Slip("norm() is the largest singular value, not the Frobenius norm", spectral),
        Slip("norm() multiplies AB out first", norm_of_dense),
        Slip("svd() multiplies AB out first", svd_of_dense),
        Slip("svd() takes the singular values of A alone", svd_of_A),
        Slip("svd() multiplies the singular values of A and B, whose directions are different ones", svds_multiplied),
        Slip("svd() gives V transposed", v_transposed),
        Slip("svd() gives the smallest singular value first", ascending),
        Slip("trace() multiplies the traces of A and B", trace_of_factors),
        Slip("trace() adds up the whole batch", trace_over_batch),
        Slip("trace() multiplies AB out first", trace_by_dense),
    ),
)
