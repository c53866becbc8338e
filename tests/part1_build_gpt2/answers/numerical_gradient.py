# %% right="every index from itertools"
import itertools

import torch


def numerical_gradient(f, x, eps=1e-6):
    x = x.detach().to(torch.float64)
    grad = torch.empty_like(x)
    for index in itertools.product(*(range(size) for size in x.shape)):
        up, down = x.clone(), x.clone()
        up[index] += eps
        down[index] -= eps
        grad[index] = (f(up) - f(down)) / (2 * eps)
    return grad


# %% right="one flat copy, moved and put back by assignment"
import torch


def numerical_gradient(f, x, eps=1e-6):
    flat = x.double().reshape(-1).clone()
    grad = torch.zeros(flat.numel(), dtype=torch.float64)
    for i in range(flat.numel()):
        old = flat[i].item()
        flat[i] = old + eps
        up = f(flat.reshape(x.shape)).item()
        flat[i] = old - eps
        down = f(flat.reshape(x.shape)).item()
        flat[i] = old
        grad[i] = (up - down) / (2 * eps)
    return grad.reshape(x.shape)


# %% right="numpy inside, the caller's tensor moved and restored exactly"
import numpy as np
import torch


def numerical_gradient(f, x, eps=1e-6):
    array = x.numpy().astype(np.float64)
    grad = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        step = np.zeros_like(array)
        step[index] = eps
        grad[index] = (f(torch.tensor(array + step)) - f(torch.tensor(array - step))) / (2 * eps)
    return torch.tensor(grad, dtype=torch.float64)


# %% wrong="cast back to the dtype of x at the very end"
import torch


def numerical_gradient(f, x, eps=1e-6):
    slopes = []
    for i in range(x.numel()):
        step = torch.zeros(x.numel(), dtype=torch.float64)
        step[i] = eps
        step = step.view(x.shape)
        slopes.append(float(f(x.double() + step) - f(x.double() - step)) / (2 * eps))
    return torch.tensor(slopes, dtype=torch.float64).view(x.shape).to(x.dtype)


# %% right="recursion over the axes"
import torch


def numerical_gradient(f, x, eps=1e-6):
    x = x.double()
    if x.ndim == 0:
        return torch.as_tensor((f(x + eps) - f(x - eps)) / (2 * eps), dtype=torch.float64)
    parts = []
    for i in range(x.shape[0]):

        def g(row, i=i):
            return f(torch.stack([row if j == i else x[j] for j in range(x.shape[0])]))

        parts.append(numerical_gradient(g, x[i], eps))
    return torch.stack(parts)


# %% wrong="works on a view that is a copy when x is not contiguous"
import torch


def numerical_gradient(f, x, eps=1e-6):
    x = x.double().clone()
    flat = x.reshape(-1)
    grad = torch.zeros(x.numel(), dtype=torch.float64)
    for i in range(x.numel()):
        old = flat[i].item()
        flat[i] = old + eps
        up = f(x)
        flat[i] = old - eps
        down = f(x)
        flat[i] = old
        grad[i] = (up - down) / (2 * eps)
    return grad.reshape(x.shape)


# %% wrong="moves the caller's tensor and back by adding"
import torch


def numerical_gradient(f, x, eps=1e-6):
    grad = torch.zeros(x.shape, dtype=torch.float64)
    for index in (
        torch.cartesian_prod(*[torch.arange(n) for n in x.shape]).reshape(-1, x.ndim).tolist() if x.ndim else [[]]
    ):
        index = tuple(index)
        x[index] += eps
        up = f(x.double())
        x[index] -= 2 * eps
        down = f(x.double())
        x[index] += eps
        grad[index] = (up - down) / (2 * eps)
    return grad


# %% wrong="only matrices"
import torch


def numerical_gradient(f, x, eps=1e-6):
    x = x.double()
    grad = torch.zeros_like(x)
    rows, columns = x.shape
    for i in range(rows):
        for j in range(columns):
            up, down = x.clone(), x.clone()
            up[i, j] += eps
            down[i, j] -= eps
            grad[i, j] = (f(up) - f(down)) / (2 * eps)
    return grad


# %% wrong="a second-order one-sided formula"
import torch


def numerical_gradient(f, x, eps=1e-6):
    x = x.double()
    slopes = []
    for step in torch.eye(x.numel(), dtype=torch.float64).reshape(-1, *x.shape) * eps:
        slopes.append((-3 * f(x) + 4 * f(x + step) - f(x + 2 * step)) / (2 * eps))
    return torch.stack(slopes).reshape(x.shape)


# %% wrong="rounds the slopes"
import torch


def numerical_gradient(f, x, eps=1e-6):
    x = x.double()
    steps = torch.eye(x.numel(), dtype=torch.float64).reshape(-1, *x.shape) * eps
    slopes = [round(float(f(x + step) - f(x - step)) / (2 * eps), 4) for step in steps]
    return torch.tensor(slopes, dtype=torch.float64).reshape(x.shape)


# %% wrong="the shape is transposed"
import torch


def numerical_gradient(f, x, eps=1e-6):
    x = x.double()
    steps = torch.eye(x.numel(), dtype=torch.float64).reshape(-1, *x.shape) * eps
    slopes = torch.stack([(f(x + step) - f(x - step)) / (2 * eps) for step in steps])
    return slopes.reshape(x.shape[::-1]).permute(*range(x.ndim - 1, -1, -1))


# %% wrong="torch's own autograd"
import torch


def numerical_gradient(f, x, eps=1e-6):
    x = x.double().clone().requires_grad_()
    f(x).backward()
    return x.grad


# %% wrong="a step from torch's default dtype is lost in float32"
import torch


def numerical_gradient(f, x, eps=1e-6):
    grad = torch.zeros_like(x, dtype=torch.float64)
    for i in range(x.numel()):
        step = torch.zeros(x.numel())
        step[i] = eps
        step = step.reshape(x.shape)
        grad.view(-1)[i] = (f((x + step).double()) - f((x - step).double())) / (2 * eps)
    return grad


# %% wrong="another eps when nobody says"
import torch


def numerical_gradient(f, x, eps=1e-4):
    x = x.double()
    steps = torch.eye(x.numel(), dtype=torch.float64).reshape(-1, *x.shape) * eps
    return torch.stack([(f(x + step) - f(x - step)) / (2 * eps) for step in steps]).reshape(x.shape)


# %% wrong="the step is float32"
import torch


def numerical_gradient(f, x, eps=1e-6):
    x = x.double()
    steps = eps * torch.eye(x.numel())
    return torch.stack([(f(x + s.view(x.shape)) - f(x - s.view(x.shape))) / (2 * eps) for s in steps]).view(x.shape)


# %% wrong="the collected slopes are float32"
import torch


def numerical_gradient(f, x, eps=1e-6):
    x = x.double()
    out = torch.zeros(x.numel())
    for i in range(x.numel()):
        p, m = x.clone().reshape(-1), x.clone().reshape(-1)
        p[i] += eps
        m[i] -= eps
        out[i] = (f(p.view(x.shape)) - f(m.view(x.shape))) / (2 * eps)
    return out.view(x.shape).double()


# %% right="divides by the step that was really taken"
import torch


def numerical_gradient(f, x, eps=1e-6):
    x = x.double()
    flat = x.reshape(-1)
    grad = torch.zeros_like(flat)
    for i in range(len(flat)):
        a, b = flat.clone(), flat.clone()
        a[i], b[i] = flat[i] + eps, flat[i] - eps
        grad[i] = (f(a.view(x.shape)) - f(b.view(x.shape))) / (a[i] - b[i])
    return grad.view(x.shape)


# %% wrong="eps is never below 1e-3 for float32 input"
import torch


def numerical_gradient(f, x, eps=1e-6):
    if x.dtype == torch.float32:
        eps = max(eps, 1e-3)
    x = x.double()
    steps = eps * torch.eye(x.numel(), dtype=torch.float64).reshape(-1, *x.shape)
    return torch.stack([(f(x + s) - f(x - s)) / (2 * eps) for s in steps]).reshape(x.shape)


# %% wrong="the step grows with the entry"
import torch


def numerical_gradient(f, x, eps=1e-6):
    x = x.double()
    out = torch.zeros_like(x)
    for i in range(x.numel()):
        h = eps * max(1.0, abs(x.reshape(-1)[i].item()))
        step = torch.zeros(x.numel(), dtype=torch.float64)
        step[i] = h
        step = step.reshape(x.shape)
        out.view(-1)[i] if out.is_contiguous() else None
        out = out.contiguous()
        out.view(-1)[i] = (f(x + step) - f(x - step)) / (2 * h)
    return out
