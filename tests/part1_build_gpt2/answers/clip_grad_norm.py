# %% right="torch's way: one epsilon, a factor cut off at 1"
import torch


def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None]
    total = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in grads]))
    factor = torch.clamp(max_norm / (total + 1e-6), max=1.0)
    for g in grads:
        g.detach().mul_(factor)
    return total


# %% right="one long vector"
import torch


def clip_grad_norm(params, max_norm):
    params = [p for p in params if p.grad is not None]
    long = torch.cat([p.grad.reshape(-1) for p in params])
    norm = long.pow(2).sum().sqrt()
    if norm.item() > max_norm:
        for p in params:
            p.grad = p.grad / norm * max_norm
    return norm.item()


# %% right="float64 and new gradients"
def clip_grad_norm(params, max_norm):
    params = list(params)
    squares = 0.0
    for p in params:
        if p.grad is not None:
            squares += float((p.grad.double() ** 2).sum())
    norm = squares**0.5
    scale = 1.0 if norm <= max_norm else max_norm / norm
    for p in params:
        if p.grad is not None:
            p.grad.data = p.grad.data * scale
    return norm


# %% right="einsum and foreach"
import torch
from torch import einsum


def clip_grad_norm(params, max_norm):
    grads = [g for g in (p.grad for p in params) if g is not None]
    norm = sum(einsum("i,i->", g.flatten(), g.flatten()) for g in grads).sqrt()
    torch._foreach_mul_(grads, float((max_norm / norm.clamp(min=1e-30)).clamp(max=1.0)))
    return norm


# %% wrong="torch's own"
import torch


def clip_grad_norm(params, max_norm):
    return torch.nn.utils.clip_grad_norm_(params, max_norm)


# %% wrong="torch's own, imported by name"
from torch.nn.utils import clip_grad_norm_


def clip_grad_norm(params, max_norm):
    return clip_grad_norm_(list(params), max_norm)


# %% wrong="an epsilon that is felt"
import torch


def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None]
    norm = torch.stack([g.norm() for g in grads]).norm()
    for g in grads:
        g.mul_(min(1.0, max_norm / (norm.item() + 1e-2)))
    return norm


# %% wrong="an epsilon in the norm that is returned"
import torch


def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None]
    norm = torch.stack([g.norm() for g in grads]).norm() + 1e-3
    if norm > max_norm:
        for g in grads:
            g.mul_(max_norm / norm)
    return norm


# %% wrong="a parameter without a gradient is an error"
import torch


def clip_grad_norm(params, max_norm):
    params = list(params)
    norm = torch.stack([p.grad.norm() for p in params]).norm()
    if norm > max_norm:
        for p in params:
            p.grad.mul_(max_norm / norm)
    return norm


# %% wrong="gradients of 0 become NaN"
import torch


def clip_grad_norm(params, max_norm):
    params = [p for p in params if p.grad is not None]
    norm = torch.stack([p.grad.norm() for p in params]).norm()
    for p in params:
        unit = p.grad / norm
        p.grad.copy_(unit * torch.minimum(norm, torch.tensor(max_norm, dtype=norm.dtype)))
    return norm


# %% wrong="the last parameter's norm"
def clip_grad_norm(params, max_norm):
    params = [p for p in params if p.grad is not None]
    for p in params:
        norm = p.grad.norm()
    if norm > max_norm:
        for p in params:
            p.grad.mul_(max_norm / norm)
    return norm


# %% wrong="returns nothing"
import torch


def clip_grad_norm(params, max_norm):
    params = [p for p in params if p.grad is not None]
    norm = torch.stack([p.grad.norm() for p in params]).norm()
    if norm > max_norm:
        for p in params:
            p.grad.mul_(max_norm / norm)


# %% wrong="the gradients are replaced in a list of its own"
import torch


def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None]
    norm = torch.stack([g.norm() for g in grads]).norm()
    if norm > max_norm:
        grads = [g * max_norm / norm for g in grads]
    return norm


# %% wrong="biases are left out"
import torch


def clip_grad_norm(params, max_norm):
    params = [p for p in params if p.grad is not None and p.ndim > 1]
    norm = torch.stack([p.grad.norm() for p in params]).norm()
    if norm > max_norm:
        for p in params:
            p.grad.mul_(max_norm / norm)
    return norm


# %% wrong="the norm is measured again while the gradients shrink"
import torch


def clip_grad_norm(params, max_norm):
    params = [p for p in params if p.grad is not None]
    norm = torch.stack([p.grad.norm() for p in params]).norm()
    if norm > max_norm:
        for p in params:
            p.grad.mul_(max_norm / torch.stack([q.grad.norm() for q in params]).norm())
    return norm


# %% wrong="requires more than one parameter"
import math
from jaxtyping import Float
from torch import Tensor


def clip_grad_norm(params, max_norm: float) -> float | Float[Tensor, ""]:
    """Scales gradients down to a common length, and gives the length that they had."""
    gradients = [p.grad for p in params if p.grad is not None]
    norm = math.sqrt(sum(gradient.square().sum().item() for gradient in gradients))
    if norm > max_norm and len(gradients) > 1:
        for gradient in gradients:
            gradient.mul_(max_norm / norm)
    return norm


# %% wrong="just above is tolerated"
import math
from jaxtyping import Float
from torch import Tensor


def clip_grad_norm(params, max_norm: float) -> float | Float[Tensor, ""]:
    """Scales gradients down to a common length, and gives the length that they had."""
    gradients = [p.grad for p in params if p.grad is not None]
    norm = math.sqrt(sum(gradient.square().sum().item() for gradient in gradients))
    if norm > 1.1 * max_norm:
        for gradient in gradients:
            gradient.mul_(max_norm / norm)
    return norm
