# %% right="torch's own"
def unbroadcast(grad, shape):
    return grad.sum_to_size(*shape) if len(shape) else grad.sum()


# %% right="one axis at a time"
def unbroadcast(grad, shape):
    while grad.ndim > len(shape):
        grad = grad.sum(0)
    for axis, size in enumerate(shape):
        if size != grad.shape[axis]:
            grad = grad.sum(axis, keepdim=True)
    return grad


# %% right="pad the shape with ones, sum, reshape"
def unbroadcast(grad, shape):
    padded = [1] * (grad.ndim - len(shape)) + list(shape)
    axes = [axis for axis, (p, g) in enumerate(zip(padded, grad.shape)) if p == 1 and g > 1]
    if axes:
        grad = grad.sum(dim=axes, keepdim=True)
    return grad.reshape(tuple(shape))


# %% right="einops"
from einops import reduce


def unbroadcast(grad, shape):
    names = [f"a{i}" for i in range(grad.ndim)]
    extra = grad.ndim - len(shape)
    kept = ["1" if size == 1 else name for name, size in zip(names[extra:], shape)]
    if not names:
        return grad
    return reduce(grad, f"{' '.join(names)} -> {' '.join(kept)}", "sum")


# %% right="index_add over the places that the entries came from"
import math

import torch


def unbroadcast(grad, shape):
    count = math.prod(shape)
    source = torch.arange(count).reshape(tuple(shape)).broadcast_to(grad.shape)
    out = torch.zeros(count, dtype=grad.dtype)
    out.index_add_(0, source.reshape(-1), grad.reshape(-1))
    return out.reshape(tuple(shape))


# %% right="recursion"
def unbroadcast(grad, shape):
    if tuple(grad.shape) == tuple(shape):
        return grad
    if grad.ndim > len(shape):
        return unbroadcast(grad.sum(dim=0), shape)
    axis = next(i for i in range(grad.ndim) if grad.shape[i] != shape[i])
    return unbroadcast(grad.sum(dim=axis, keepdim=True), shape)


# %% wrong="reshapes the sum of everything"
def unbroadcast(grad, shape):
    if grad.shape == tuple(shape):
        return grad
    return grad.reshape(-1, *shape).sum(0)


# %% wrong="compares the shapes from the left"
def unbroadcast(grad, shape):
    axes = [i for i in range(grad.ndim) if i >= len(shape) or shape[i] != grad.shape[i]]
    return (grad.sum(axes) if axes else grad).reshape(tuple(shape))


# %% wrong="only handles equal numbers of axes or a bias"
def unbroadcast(grad, shape):
    if tuple(grad.shape) == tuple(shape):
        return grad
    if len(shape) == 1:
        return grad.reshape(-1, shape[0]).sum(0)
    return grad.sum(dim=[i for i, s in enumerate(shape) if s == 1], keepdim=True)


# %% wrong="cuts off instead of summing"
def unbroadcast(grad, shape):
    while grad.ndim > len(shape):
        grad = grad[-1]
    return grad[tuple(slice(size) for size in shape)]


# %% wrong="expects a torch.Size"
def unbroadcast(grad, shape):
    for _ in range(grad.ndim - len(shape)):
        grad = grad.sum(0)
    for axis in range(grad.ndim):
        if grad.shape != shape and shape[axis] == 1:
            grad = grad.sum(axis, keepdim=True)
    assert grad.shape == shape
    return grad + 0 if isinstance(shape, tuple) else grad.reshape(shape.numel())


# %% wrong="sums the axes whose lengths differ, indices taken after the first sum"
def unbroadcast(grad, shape):
    extra = grad.ndim - len(shape)
    for axis in range(extra):
        grad = grad.sum(axis)
    for axis, size in enumerate(shape):
        if size == 1:
            grad = grad.sum(axis, keepdim=True)
    return grad


# %% wrong="scalars come back with one axis"
def unbroadcast(grad, shape):
    extra = grad.ndim - len(shape)
    grad = grad.sum(tuple(range(extra))) if extra else grad
    for axis, size in enumerate(shape):
        if size == 1:
            grad = grad.sum(axis, keepdim=True)
    return grad.reshape(1) if len(shape) == 0 else grad


# %% wrong="an in-place sum that edits the gradient"
def unbroadcast(grad, shape):
    extra = grad.ndim - len(shape)
    for _ in range(extra):
        for row in grad[1:]:
            grad[0] += row
        grad = grad[0]
    for axis, size in enumerate(shape):
        if size == 1:
            grad = grad.sum(axis, keepdim=True)
    return grad.clone()


# %% wrong="same number of entries means nothing to do"
def unbroadcast(grad, shape):
    count = 1
    for n in shape:
        count *= n
    if grad.numel() == count:
        return grad
    while grad.ndim > len(shape):
        grad = grad.sum(0)
    for i, n in enumerate(shape):
        if n == 1:
            grad = grad.sum(i, keepdim=True)
    return grad


# %% wrong="torch's gradient"
import torch


def unbroadcast(grad, shape):
    x = torch.zeros(tuple(shape), dtype=grad.dtype, requires_grad=True)
    return torch.autograd.grad(x.expand(grad.shape), x, grad)[0]
