# %% right="nested def, keywords, a list of gradients"
def add(a, b):
    def back(g):
        return [unbroadcast(g, a.data.shape), unbroadcast(g, b.data.shape)]

    return Value(data=a.data + b.data, parents=(a, b), pull=back)


# %% right="lambda, torch's sum_to_size, parents as a list"
import torch


def add(a, b):
    return Value(torch.add(a.data, b.data), [a, b], lambda g: tuple(g.sum_to_size(v.data.shape) for v in (a, b)))


# %% right="a subclass with a method, and a class of its own"
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(eq=False)
class Value:
    data: torch.Tensor
    parents: tuple = ()
    pull: Callable | None = None
    grad: torch.Tensor | None = None


class Sum(Value):
    def __init__(self, a: Value, b: Value):
        super().__init__(a.data + b.data, (a, b), self.back)

    def back(self, grad):
        return tuple(unbroadcast(grad, parent.data.shape) for parent in self.parents)


def add(a: Value, b: Value) -> Value:
    return Sum(a, b)


# %% right="only shapes are kept, b comes first"
def add(a, b):
    shapes = b.data.shape, a.data.shape

    def pull(grad):
        return unbroadcast(grad, shapes[0]), unbroadcast(grad, shapes[1])

    return Value(a.data + b.data, (b, a), pull)


# %% right="a Value of its own for each stretched parent"
def stretched(v, shape):
    return Value(v.data.expand(shape), (v,), lambda grad: (unbroadcast(grad, v.data.shape),))


def add(a, b):
    import torch

    shape = torch.broadcast_shapes(a.data.shape, b.data.shape)
    a, b = stretched(a, shape), stretched(b, shape)
    return Value(a.data + b.data, (a, b), lambda grad: (grad, grad))


# %% right="a generator, one gradient at a time; attributes set afterwards"
def add(a, b):
    out = Value(a.data + b.data)

    def pull(grad):
        for parent in (a, b):
            yield unbroadcast(grad, parent.data.shape)

    out.parents = (a, b)
    out.pull = pull
    return out


# %% right="one parent where both are the same"
def add(a, b):
    if a is b:
        return Value(2 * a.data, (a,), lambda grad: (2 * grad,))
    return Value(a.data + b.data, (a, b), lambda g: (unbroadcast(g, a.data.shape), unbroadcast(g, b.data.shape)))


# %% right="annotated as in the notebook, and a subclass made when the cell runs"
import torch
from torch import Tensor


class Total(Value):
    @classmethod
    def of(cls, a: Value, b: Value) -> "Total":
        return cls(a.data + b.data, (a, b), lambda grad: tuple(unbroadcast(grad, v.data.shape) for v in (a, b)))


def add(a: Value, b: Value) -> Value:
    def pull(grad: Tensor) -> tuple[Tensor, Tensor]:
        return total.pull(grad)

    total = Total.of(a, b)
    return total


# %% wrong="every pull works with the parents of the newest result"
newest = None


def add(a, b):
    global newest
    newest = (a, b)

    def pull(grad):
        if newest[0] is a:
            return unbroadcast(grad, a.data.shape), unbroadcast(grad, b.data.shape)
        return grad * 0 + a.data * 0, b.data * 0

    return Value(a.data + b.data, (a, b), pull)


# %% wrong="the sum is taken in place"
def add(a, b):
    total = a.data
    if total.shape == b.data.shape:
        total += b.data
    else:
        total = a.data + b.data
    return Value(total, (a, b), lambda g: (unbroadcast(g, a.data.shape), unbroadcast(g, b.data.shape)))


# %% wrong="a set of parents, so x + x has one"
def add(a, b):
    parents = tuple({a, b})
    return Value(a.data + b.data, parents, lambda g: tuple(unbroadcast(g, p.data.shape) for p in parents))


# %% wrong="a second call gives zeros"
def add(a, b):
    called = []

    def pull(grad):
        weight = 0 if called else 1
        called.append(True)
        return unbroadcast(weight * grad, a.data.shape), unbroadcast(weight * grad, b.data.shape)

    return Value(a.data + b.data, (a, b), pull)


# %% wrong="a generator that is made once and is used up"
def add(a, b):
    out = Value(a.data + b.data, (a, b))
    parts = iter([1, 1])

    def pull(grad):
        return [unbroadcast(grad, p.data.shape) * part for p, part in zip((a, b), parts)]

    out.pull = pull
    return out


# %% wrong="gradients as Values"
def add(a, b):
    def pull(grad):
        return Value(unbroadcast(grad, a.data.shape)), Value(unbroadcast(grad, b.data.shape))

    return Value(a.data + b.data, (a, b), pull)


# %% wrong="a dict of gradients"
def add(a, b):
    def pull(grad):
        return {"a": unbroadcast(grad, a.data.shape), "b": unbroadcast(grad, b.data.shape)}

    return Value(a.data + b.data, (a, b), pull)


# %% wrong="parents hold the data"
def add(a, b):
    return Value(
        a.data + b.data, (a.data, b.data), lambda g: (unbroadcast(g, a.data.shape), unbroadcast(g, b.data.shape))
    )


# %% wrong="float32 whatever comes in"
def add(a, b):
    out = (a.data + b.data).float()
    return Value(out, (a, b), lambda g: (unbroadcast(g, a.data.shape), unbroadcast(g, b.data.shape)))


# %% wrong="the gradient of the result is taken from its grad"
def add(a, b):
    out = Value(a.data + b.data, (a, b))
    out.pull = lambda g: (unbroadcast(out.grad, a.data.shape), unbroadcast(out.grad, b.data.shape))
    return out


# %% wrong="torch's own autograd"
import torch


def add(a, b):
    x, y = a.data.clone().requires_grad_(), b.data.clone().requires_grad_()
    out = x + y
    return Value(out.detach(), (a, b), lambda g: torch.autograd.grad(out, [x, y], g, retain_graph=True))


# %% wrong="torch's own autograd, later, and the flag as an attribute"
import torch


def add(a, b):
    def pull(g):
        x, y = a.data.clone(), b.data.clone()
        x.requires_grad = y.requires_grad = True
        return torch.autograd.grad(x + y, [x, y], g)

    return Value(a.data + b.data, (a, b), pull)


# %% wrong="no Value for numbers without a batch"
def add(a, b):
    out = a.data + b.data
    if out.ndim == 0:
        return out.item()
    return Value(out, (a, b), lambda g: (unbroadcast(g, a.data.shape), unbroadcast(g, b.data.shape)))


# %% wrong="the gradient is remembered from the first call"
def add(a, b):
    kept = []

    def pull(grad):
        if not kept:
            kept.extend([unbroadcast(grad, a.data.shape), unbroadcast(grad, b.data.shape)])
        return tuple(kept)

    return Value(a.data + b.data, (a, b), pull)


# %% wrong="of several stretched axes only the first is summed"
def one_axis(grad, shape):
    while grad.ndim > len(shape):
        grad = grad.sum(0)
    for axis, size in enumerate(shape):
        if size == 1 and grad.shape[axis] != 1:
            return grad.sum(axis, keepdim=True)
    return grad


def add(a, b):
    def pull(grad):
        return one_axis(grad, a.data.shape), one_axis(grad, b.data.shape)

    return Value(a.data + b.data, (a, b), pull)


# %% wrong="of several axes in front only the first is summed"
def one_front(grad, shape):
    if not len(shape):
        return grad.sum()
    if grad.ndim > len(shape):
        grad = grad.sum(0)
    for axis, size in enumerate(shape):
        if size == 1:
            grad = grad.sum(axis, keepdim=True)
    return grad


def add(a, b):
    def pull(grad):
        return one_front(grad, a.data.shape), one_front(grad, b.data.shape)

    return Value(a.data + b.data, (a, b), pull)


# %% right="einsum over letters"
import torch


def _back(grad, shape):
    front = grad.ndim - len(shape)
    letters = "abcdefgh"[: grad.ndim]
    kept = "".join(l for l, s in zip(letters[front:], shape) if s != 1)
    summed = torch.einsum(f"{letters}->{kept}", grad) if grad.ndim else grad
    return summed.reshape(tuple(shape))


def add(a, b):
    return Value(a.data + b.data, (a, b), lambda grad: (_back(grad, a.data.shape), _back(grad, b.data.shape)))
