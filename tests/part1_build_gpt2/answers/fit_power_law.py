# %% right="numpy polyfit"
import numpy as np


def fit_power_law(x, y):
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if (x <= 0).any() or (y <= 0).any():
        raise ValueError("only positive numbers have a logarithm")
    u, v = np.log(x), np.log(y)
    b, c = np.polyfit(u, v, 1)
    left = ((v - (b * u + c)) ** 2).sum()
    return float(np.exp(c)), float(b), float(1 - left / ((v - v.mean()) ** 2).sum())


# %% right="statistics on lists"
import math
import statistics


def fit_power_law(x, y):
    u = [math.log(value) for value in x]
    v = [math.log(value) for value in y]
    line = statistics.linear_regression(u, v)
    return math.exp(line.intercept), line.slope, statistics.correlation(u, v) ** 2


# %% right="least squares by torch, tensors returned"
import torch


def fit_power_law(x, y):
    assert x.min() > 0 and y.min() > 0, "all numbers must be positive"
    A = torch.stack([torch.ones_like(x), x.log()], dim=1)
    v = y.log()
    solution = torch.linalg.lstsq(A, v[:, None]).solution[:, 0]
    fitted = A @ solution
    r2 = 1 - (v - fitted).pow(2).sum() / (v - v.mean()).pow(2).sum()
    return solution[0].exp(), solution[1], r2


# %% right="base ten throughout"
import math

import torch


def fit_power_law(x, y):
    if torch.any(x <= 0) or torch.any(y <= 0):
        raise ValueError("a logarithm of something that is not positive")
    u, v = torch.log10(x), torch.log10(y)
    n = len(u)
    b = (n * (u * v).sum() - u.sum() * v.sum()) / (n * (u * u).sum() - u.sum() ** 2)
    c = (v.sum() - b * u.sum()) / n
    r = torch.corrcoef(torch.stack([u, v]))[0, 1]
    return 10 ** float(c), float(b), float(r**2)


# %% right="normal equations in plain Python"
import math


def fit_power_law(x, y):
    points = []
    for p, q in zip(x, y):
        if p <= 0 or q <= 0:
            raise ValueError(f"({p}, {q}) is not positive")
        points.append((math.log(p), math.log(q)))
    n = len(points)
    mu, mv = sum(u for u, _ in points) / n, sum(v for _, v in points) / n
    suu = sum((u - mu) ** 2 for u, _ in points)
    suv = sum((u - mu) * (v - mv) for u, v in points)
    svv = sum((v - mv) ** 2 for _, v in points)
    b = suv / suu
    return [math.exp(mv - b * mu), b, suv * suv / (suu * svv)]


# %% right="a named tuple, float32 inside"
from typing import NamedTuple

import torch


class Law(NamedTuple):
    a: float
    b: float
    r2: float


def fit_power_law(x, y):
    if bool((x <= 0).any() | (y <= 0).any()):
        raise ValueError("not positive")
    u, v = x.float().log(), y.float().log()
    b = torch.cov(torch.stack([u, v]))[0, 1] / u.var()
    c = v.mean() - b * u.mean()
    r2 = 1 - ((v - c - b * u) ** 2).sum() / ((v - v.mean()) ** 2).sum()
    return Law(c.exp().item(), b.item(), r2.item())


# %% wrong="quadratic fit"
import numpy as np


def fit_power_law(x, y):
    u, v = np.log(np.asarray(x)), np.log(np.asarray(y))
    if not np.isfinite(u).all() or not np.isfinite(v).all():
        raise ValueError
    c2, b, c = np.polyfit(u, v, 2) if len(u) > 2 else (0.0, *np.polyfit(u, v, 1))
    left = ((v - (c2 * u**2 + b * u + c)) ** 2).sum()
    return float(np.exp(c)), float(b), float(1 - left / ((v - v.mean()) ** 2).sum())


# %% wrong="weighted by y"
import numpy as np


def fit_power_law(x, y):
    x, y = np.asarray(x), np.asarray(y)
    if (x <= 0).any() or (y <= 0).any():
        raise ValueError
    u, v = np.log(x), np.log(y)
    b, c = np.polyfit(u, v, 1, w=y)
    left = ((v - (b * u + c)) ** 2).sum()
    return float(np.exp(c)), float(b), float(1 - left / ((v - v.mean()) ** 2).sum())


# %% wrong="mean of the slopes between neighbours"
import math


def fit_power_law(x, y):
    points = sorted((math.log(p), math.log(q)) for p, q in zip(x, y))
    slopes = [(v2 - v1) / (u2 - u1) for (u1, v1), (u2, v2) in zip(points, points[1:])]
    b = sum(slopes) / len(slopes)
    c = sum(v for _, v in points) / len(points) - b * sum(u for u, _ in points) / len(points)
    mean = sum(v for _, v in points) / len(points)
    left = sum((v - c - b * u) ** 2 for u, v in points)
    return math.exp(c), b, 1 - left / sum((v - mean) ** 2 for _, v in points)


# %% wrong="a from the first point"
import math
import statistics


def fit_power_law(x, y):
    u, v = [math.log(p) for p in x], [math.log(q) for q in y]
    b = statistics.linear_regression(u, v).slope
    return math.exp(v[0] - b * u[0]), b, statistics.correlation(u, v) ** 2


# %% wrong="refuses zero in y only"
import torch


def fit_power_law(x, y):
    if (y <= 0).any():
        raise ValueError
    u, v = x.clamp(min=1e-3).log(), y.log()
    c = u - u.mean()
    b = (c * v).sum() / c.square().sum()
    a = (v.mean() - b * u.mean()).exp()
    e = v - v.mean() - b * c
    return a.item(), b.item(), (1 - e.square().sum() / (v - v.mean()).square().sum()).item()


# %% wrong="log1p"
import torch


def fit_power_law(x, y):
    if (x <= 0).any() or (y <= 0).any():
        raise ValueError
    u, v = torch.log1p(x), torch.log1p(y)
    c = u - u.mean()
    b = (c * v).sum() / c.square().sum()
    e = v - v.mean() - b * c
    return (
        (v.mean() - b * u.mean()).exp().item(),
        b.item(),
        (1 - e.square().sum() / (v - v.mean()).square().sum()).item(),
    )


# %% wrong="r2 always one"
import math
import statistics


def fit_power_law(x, y):
    line = statistics.linear_regression([math.log(p) for p in x], [math.log(q) for q in y])
    return math.exp(line.intercept), line.slope, 1.0


# %% wrong="a dict"
import math
import statistics


def fit_power_law(x, y):
    u, v = [math.log(p) for p in x], [math.log(q) for q in y]
    line = statistics.linear_regression(u, v)
    return {"a": math.exp(line.intercept), "b": line.slope, "r2": statistics.correlation(u, v) ** 2}


# %% wrong="sorted apart from each other"
import math
import statistics


def fit_power_law(x, y):
    u, v = sorted(math.log(p) for p in x), sorted(math.log(q) for q in y)
    line = statistics.linear_regression(u, v)
    return math.exp(line.intercept), line.slope, statistics.correlation(u, v) ** 2


# %% wrong="exponent rounded"
import math
import statistics


def fit_power_law(x, y):
    u, v = [math.log(p) for p in x], [math.log(q) for q in y]
    line = statistics.linear_regression(u, v)
    return math.exp(line.intercept), round(line.slope, 2), statistics.correlation(u, v) ** 2


# %% right="one tensor of three"
import torch


def fit_power_law(x, y):
    if bool((x <= 0).any()) or bool((y <= 0).any()):
        raise ValueError("no")
    u, v = x.log(), y.log()
    A = torch.stack([torch.ones_like(u), u], dim=1)
    w = torch.linalg.pinv(A) @ v
    r2 = 1 - ((v - A @ w) ** 2).sum() / ((v - v.mean()) ** 2).sum()
    return torch.stack([w[0].exp(), w[1], r2])


# %% wrong="float32 breaks"
import itertools
import math
import torch
from jaxtyping import Float
from torch import Tensor


def fit_power_law(x: Float[Tensor, "n"], y: Float[Tensor, "n"]) -> tuple[float, float, float]:
    """a, b and r2 of y = a * x**b, by least squares on the logarithms.

    Raises:
        ValueError: A number is not positive.
    """
    if not ((x > 0).all() and (y > 0).all()):
        raise ValueError("A power law can only be fitted to positive numbers.")
    u, v = x.log(), y.log()
    u = torch.linalg.lstsq(torch.eye(len(u), dtype=torch.float64), u).solution
    centred = u - u.mean()
    b = (centred * v).sum() / centred.square().sum()
    errors = v - v.mean() - b * centred
    r2 = 1 - errors.square().sum() / (v - v.mean()).square().sum()
    return (v.mean() - b * u.mean()).exp().item(), b.item(), r2.item()


# %% wrong="equal x are joined"
import itertools
import math
import torch
from jaxtyping import Float
from torch import Tensor


def fit_power_law(x: Float[Tensor, "n"], y: Float[Tensor, "n"]) -> tuple[float, float, float]:
    """a, b and r2 of y = a * x**b, by least squares on the logarithms.

    Raises:
        ValueError: A number is not positive.
    """
    if not ((x > 0).all() and (y > 0).all()):
        raise ValueError("A power law can only be fitted to positive numbers.")
    pairs = dict(zip(x.tolist(), y.tolist()))
    x, y = torch.tensor(list(pairs), dtype=torch.float64), torch.tensor(list(pairs.values()), dtype=torch.float64)
    u, v = x.double().log(), y.double().log()
    centred = u - u.mean()
    b = (centred * v).sum() / centred.square().sum()
    errors = v - v.mean() - b * centred
    r2 = 1 - errors.square().sum() / (v - v.mean()).square().sum()
    return (v.mean() - b * u.mean()).exp().item(), b.item(), r2.item()
