# %% right="ones times the gradient"
import torch


def sum_over(a, dim=None, keepdim=False):
    def pull(grad):
        if dim is not None and not keepdim:
            grad = grad.unsqueeze(dim)
        return (grad * torch.ones_like(a.data),)

    return Value(torch.sum(a.data, dim=dim, keepdim=keepdim), (a,), pull)


# %% right="the sum with kept axes first, reshaped"
def sum_over(a, dim=None, keepdim=False):
    axes = tuple(range(a.data.ndim)) if dim is None else (dim % a.data.ndim,)
    kept = a.data.sum(axes, keepdim=True) if axes else a.data.clone()
    out = kept if keepdim else kept.reshape([size for axis, size in enumerate(a.data.shape) if axis not in axes])
    return Value(out, (a,), lambda grad: [grad.reshape(kept.shape).expand_as(a.data)])


# %% right="repeat"
def sum_over(a, dim=None, keepdim=False):
    shape = a.data.shape
    if dim is None:
        out = a.data.sum()
        return Value(
            out.reshape([1] * len(shape)) if keepdim else out,
            (a,),
            lambda grad: (grad.reshape(()).expand(shape).clone(),),
        )
    dim = dim + len(shape) if dim < 0 else dim

    def pull(grad):
        wide = grad if keepdim else grad.unsqueeze(dim)
        return (wide.repeat_interleave(shape[dim], dim),)

    return Value(a.data.sum(dim, keepdim), (a,), pull)


# %% right="einops, keywords"
import torch
from einops import repeat


def sum_over(a, dim=None, keepdim=False):
    def pull(grad):
        if dim is None:
            return (torch.full_like(a.data, grad.item()),)
        at = dim % a.data.ndim
        names = [f"n{i}" for i in range(a.data.ndim)]
        short = [*names[:at], *names[at + 1 :]]
        grad = grad.squeeze(at) if keepdim else grad
        return (repeat(grad, f"{' '.join(short)} -> {' '.join(names)}", **{f"n{at}": a.data.shape[at]}),)

    data = a.data.sum() if dim is None and not keepdim else a.data.sum(dim=dim, keepdim=keepdim)
    return Value(data=data, parents=(a,), pull=pull)


# %% right="moves the axis to the front and stacks"
import torch


def sum_over(a, dim=None, keepdim=False):
    if dim is None:
        out = a.data.sum()
        for _ in range(a.data.ndim if keepdim else 0):
            out = out.unsqueeze(0)
        return Value(out, (a,), lambda grad: (torch.zeros_like(a.data) + grad,))
    rows = a.data.movedim(dim, 0)
    out = sum(rows[1:], start=rows[0].clone())

    def pull(grad):
        grad = grad.movedim(dim, 0)[0] if keepdim else grad
        return (torch.stack([grad] * len(rows), dim=dim),)

    return Value(out.unsqueeze(dim) if keepdim else out, (a,), pull)


# %% wrong="a number for the whole sum"
def sum_over(a, dim=None, keepdim=False):
    data = a.data.sum().item() if dim is None else a.data.sum(dim, keepdim)
    return Value(data, (a,), lambda g: ((g if dim is None or keepdim else g.unsqueeze(dim)).expand(a.data.shape),))


# %% wrong="keepdim always"
def sum_over(a, dim=None, keepdim=False):
    return Value(a.data.sum(dim=dim, keepdim=True), (a,), lambda g: (g.expand(a.data.shape),))


# %% wrong="negative axes are put back one too far in front"
def sum_over(a, dim=None, keepdim=False):
    def pull(g):
        if dim is not None and not keepdim:
            shape = list(g.shape)
            shape.insert(dim, 1)
            g = g.reshape(shape)
        return (g.expand(a.data.shape),)

    return Value(a.data.sum(dim=dim, keepdim=keepdim), (a,), pull)


# %% wrong="dim counts from the other end"
def sum_over(a, dim=None, keepdim=False):
    if dim is not None:
        dim = a.data.ndim - 1 - dim if dim >= 0 else -a.data.ndim - 1 - dim

    def pull(g):
        g = g if dim is None or keepdim else g.unsqueeze(dim)
        return (g.expand(a.data.shape),)

    return Value(a.data.sum(dim=dim, keepdim=keepdim), (a,), pull)


# %% wrong="the gradient of one copy only"
import torch


def sum_over(a, dim=None, keepdim=False):
    def pull(g):
        wide = torch.zeros_like(a.data)
        if dim is None:
            wide.view(-1)[0] = g.sum()
        else:
            wide.select(dim, 0).copy_(g.squeeze(dim) if keepdim else g)
        return (wide,)

    return Value(a.data.sum(dim=dim, keepdim=keepdim), (a,), pull)


# %% wrong="reshape in place of expand, right for equal numbers"
def sum_over(a, dim=None, keepdim=False):
    def pull(g):
        count = a.data.numel() // g.numel()
        return (g.reshape(-1, 1).repeat(1, count).reshape(a.data.shape),)

    return Value(a.data.sum(dim=dim, keepdim=keepdim), (a,), pull)


# %% wrong="the mean of the gradient"
def sum_over(a, dim=None, keepdim=False):
    return Value(a.data.sum(dim=dim, keepdim=keepdim), (a,), lambda g: (g.mean().expand(a.data.shape),))


# %% wrong="keepdim unknown to the pull when everything is summed of a matrix"
def sum_over(a, dim=None, keepdim=False):
    if dim is None:
        return Value(a.data.sum(), (a,), lambda g: (g + a.data * 0,))
    return Value(a.data.sum(dim, keepdim), (a,), lambda g: ((g if keepdim else g.unsqueeze(dim)) + a.data * 0,))


# %% wrong="cumulative"
def sum_over(a, dim=None, keepdim=False):
    if dim is None:
        return Value(a.data.sum(dim=None, keepdim=keepdim), (a,), lambda g: (g.expand(a.data.shape),))
    out = a.data.cumsum(dim).select(dim, 0)
    out = out.unsqueeze(dim) if keepdim else out
    return Value(out, (a,), lambda g: ((g if keepdim else g.unsqueeze(dim)).expand(a.data.shape),))


# %% wrong="squeezes other axes of length 1"
def sum_over(a, dim=None, keepdim=False):
    kept = a.data.sum(dim=dim, keepdim=True)
    out = kept if keepdim else kept.squeeze()
    return Value(out, (a,), lambda grad: (grad.reshape(kept.shape).expand(a.data.shape),))


# %% wrong="dim=-2 counts wrongly"
def sum_over(a, dim=None, keepdim=False):
    out = a.data.sum() if dim is None else a.data.sum(dim, keepdim=keepdim)
    if dim is None and keepdim:
        out = out.reshape([1] * a.data.ndim)

    def pull(grad):
        if dim is not None and not keepdim:
            at = dim if dim >= 0 else {-1: a.data.ndim - 1, -3: 0}.get(dim, 0)
            grad = grad.unsqueeze(at)
        return (grad.expand(a.data.shape),)

    return Value(out, (a,), pull)


# %% wrong="dim=-2 with keepdim is put back again"
def sum_over(a, dim=None, keepdim=False):
    def pull(grad):
        if dim is not None and (not keepdim or dim == -2):
            grad = grad.unsqueeze(dim)
        return (grad.expand(a.data.shape) if grad.ndim <= a.data.ndim else grad.sum(0).expand(a.data.shape),)

    return Value(a.data.sum(dim=dim, keepdim=keepdim), (a,), pull)


# %% right="sum_to_size and broadcast_to"
import torch


def sum_over(a, dim=None, keepdim=False):
    axes = range(a.data.ndim)
    kept = [1 if dim is None or at == dim % a.data.ndim else a.data.shape[at] for at in axes]
    out = a.data.sum_to_size(kept)
    shape = a.data.sum(dim=dim, keepdim=keepdim).shape

    def pull(grad):
        return [torch.broadcast_to(grad.reshape(kept), a.data.shape).clone()]

    return Value(out.reshape(shape), [a], pull)
