# %% right="einsum"
import torch


def matmul(a, b):
    def pull(grad):
        grad_a = torch.einsum("...nm,...km->...nk", grad, b.data)
        grad_b = torch.einsum("...nk,...nm->...km", a.data, grad)
        return unbroadcast(grad_a, a.data.shape), unbroadcast(grad_b, b.data.shape)

    return Value(torch.einsum("...nk,...km->...nm", a.data, b.data), (a, b), pull)


# %% right="transpose(-2, -1) and matmul, a list"
import torch


def matmul(a, b):
    out = torch.matmul(a.data, b.data)

    def back(g):
        swapped = a.data.transpose(-2, -1), b.data.transpose(-2, -1)
        return [unbroadcast(g @ swapped[1], a.data.shape), unbroadcast(swapped[0] @ g, b.data.shape)]

    return Value(out, parents=(a, b), pull=back)


# %% right="products and sums, without a matrix product"
def matmul(a, b):
    left, right = a.data, b.data

    def pull(grad):
        grad_a = (grad.unsqueeze(-2) * right.unsqueeze(-3)).sum(-1)
        grad_b = (left.unsqueeze(-1) * grad.unsqueeze(-2)).sum(-3)
        return unbroadcast(grad_a, left.shape), unbroadcast(grad_b, right.shape)

    return Value((left.unsqueeze(-1) * right.unsqueeze(-3)).sum(-2), (a, b), pull)


# %% right="transpose of the transposed product for b"
def matmul(a, b):
    def pull(grad):
        grad_b = (grad.mT @ a.data).mT
        return unbroadcast(grad @ b.data.mT, a.data.shape), unbroadcast(grad_b, b.data.shape)

    return Value(a.data @ b.data, (a, b), pull)


# %% right="sums the batch axes by hand"
def fold(x, shape):
    while x.ndim > len(shape):
        x = x.sum(0)
    for axis in range(len(shape) - 2):
        if shape[axis] == 1:
            x = x.sum(axis, keepdim=True)
    return x


def matmul(a, b):
    def pull(grad):
        return fold(grad @ b.data.mT, a.data.shape), fold(a.data.mT @ grad, b.data.shape)

    return Value(a.data @ b.data, (a, b), pull)


# %% wrong=".T, which is right for matrices only"
def matmul(a, b):
    def pull(grad):
        return grad @ b.data.T, a.data.T @ grad

    return Value(a.data @ b.data, (a, b), pull)


# %% wrong="flattens the batch, so b must be one matrix"
def matmul(a, b):
    def pull(grad):
        k, m = a.data.shape[-1], grad.shape[-1]
        return grad @ b.data.mT, a.data.reshape(-1, k).mT @ grad.reshape(-1, m)

    return Value(a.data @ b.data, (a, b), pull)


# %% wrong="sums the first axis alone"
def matmul(a, b):
    def pull(grad):
        grad_a, grad_b = grad @ b.data.mT, a.data.mT @ grad
        grad_a = grad_a.sum(0) if grad_a.ndim > a.data.ndim else grad_a
        grad_b = grad_b.sum(0) if grad_b.ndim > b.data.ndim else grad_b
        return grad_a, grad_b

    return Value(a.data @ b.data, (a, b), pull)


# %% wrong="bmm"
import torch


def matmul(a, b):
    out = torch.bmm(a.data, b.data) if a.data.ndim == 3 else torch.mm(a.data, b.data)
    return Value(out, (a, b), lambda g: (g @ b.data.mT, a.data.mT @ g))


# %% wrong="uses the result in place of the gradient"
def matmul(a, b):
    out = a.data @ b.data
    return Value(
        out, (a, b), lambda g: (unbroadcast(out @ b.data.mT, a.data.shape), unbroadcast(a.data.mT @ out, b.data.shape))
    )


# %% wrong="gradient reshaped to the parent's shape"
def matmul(a, b):
    def pull(g):
        return unbroadcast(g @ b.data.mT, a.data.shape), unbroadcast(g.mT @ a.data, b.data.mT.shape).reshape(
            b.data.shape
        )

    return Value(a.data @ b.data, (a, b), pull)


# %% wrong="conjugates the wrong way: the inverse"
import torch


def matmul(a, b):
    def pull(g):
        return unbroadcast(g @ torch.linalg.pinv(b.data), a.data.shape), unbroadcast(
            torch.linalg.pinv(a.data) @ g, b.data.shape
        )

    return Value(a.data @ b.data, (a, b), pull)


# %% wrong="a view of the gradient that must be contiguous"
def matmul(a, b):
    def pull(g):
        rows = g.view(-1, g.shape[-1])
        if b.data.ndim == 2 and a.data.ndim > 2:
            return (rows @ b.data.mT).view(a.data.shape), a.data.reshape(-1, a.data.shape[-1]).mT @ rows
        return unbroadcast(g @ b.data.mT, a.data.shape), unbroadcast(a.data.mT @ g, b.data.shape)

    return Value(a.data @ b.data, (a, b), pull)


# %% wrong="bmm where both are stacks"
import torch


def matmul(a, b):
    if a.data.ndim == b.data.ndim == 3:
        return Value(torch.bmm(a.data, b.data), (a, b), lambda g: (g @ b.data.mT, a.data.mT @ g))
    return Value(
        a.data @ b.data,
        (a, b),
        lambda g: (unbroadcast(g @ b.data.mT, a.data.shape), unbroadcast(a.data.mT @ g, b.data.shape)),
    )
