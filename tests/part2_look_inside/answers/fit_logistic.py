# %% right="LBFGS with a line search"
import torch
import torch.nn.functional as F


def fit_logistic(X, y, l2=1e-2):
    w = torch.zeros(X.shape[1], dtype=torch.float64, requires_grad=True)
    b = torch.zeros((), dtype=torch.float64, requires_grad=True)
    x, t = X.double(), y.double()
    opt = torch.optim.LBFGS(
        [w, b], max_iter=500, tolerance_grad=1e-9, tolerance_change=1e-14, line_search_fn="strong_wolfe"
    )

    def closure():
        opt.zero_grad()
        loss = F.binary_cross_entropy_with_logits(x @ w + b, t) + l2 / 2 * w.pow(2).sum()
        loss.backward()
        return loss

    opt.step(closure)
    return w.detach().to(X.dtype), b.detach().to(X.dtype)


# %% right="iteratively reweighted least squares, b as a float"
import torch


def fit_logistic(X, y, l2=1e-2):
    n, d = X.shape
    A = torch.cat([torch.ones(n, 1, dtype=torch.float64), X.double()], 1)
    t = y.double()
    R = l2 * torch.eye(d + 1, dtype=torch.float64)
    R[0, 0] = 0
    beta = torch.zeros(d + 1, dtype=torch.float64)
    for _ in range(200):
        p = torch.sigmoid(A @ beta)
        g = A.T @ (p - t) / n + R @ beta
        H = A.T @ torch.diag(p * (1 - p) + 1e-9) @ A / n + R
        step = torch.linalg.solve(H, g)
        beta = beta - step * min(1.0, 5.0 / float(step.norm() + 1e-12))
    return beta[1:].to(X.dtype), float(beta[0])


# %% right="softplus written out, LBFGS in rounds"
import torch


def fit_logistic(X, y, l2=1e-2):
    sign = (2 * y.double() - 1)[:, None]
    feats = torch.cat([X.double(), torch.ones(len(X), 1, dtype=torch.float64)], 1)
    theta = torch.zeros(feats.shape[1], 1, dtype=torch.float64).requires_grad_()
    opt = torch.optim.LBFGS(
        [theta],
        lr=1,
        max_iter=100,
        history_size=20,
        line_search_fn="strong_wolfe",
        tolerance_grad=1e-10,
        tolerance_change=1e-15,
    )

    def f():
        opt.zero_grad()
        margin = sign * (feats @ theta)
        loss = torch.nn.functional.softplus(-margin).mean() + 0.5 * l2 * (theta[:-1] ** 2).sum()
        loss.backward()
        return loss

    for _ in range(10):
        opt.step(f)
    theta = theta.detach().to(X.dtype)
    return theta[:-1, 0], theta[-1, 0]


# %% wrong="l2 without a half"
import torch
import torch.nn.functional as F


def fit_logistic(X, y, l2=1e-2):
    w = torch.zeros(X.shape[1], dtype=X.dtype, requires_grad=True)
    b = torch.zeros((), dtype=X.dtype, requires_grad=True)
    opt = torch.optim.LBFGS([w, b], max_iter=500, line_search_fn="strong_wolfe")

    def closure():
        opt.zero_grad()
        loss = F.binary_cross_entropy_with_logits(X @ w + b, y.to(X.dtype)) + l2 * (w @ w)
        loss.backward()
        return loss

    opt.step(closure)
    return w.detach(), b.detach()


# %% wrong="norm instead of its square"
import torch
import torch.nn.functional as F


def fit_logistic(X, y, l2=1e-2):
    w = torch.full((X.shape[1],), 0.01, dtype=X.dtype, requires_grad=True)
    b = torch.zeros((), dtype=X.dtype, requires_grad=True)
    opt = torch.optim.LBFGS([w, b], max_iter=500, line_search_fn="strong_wolfe")

    def closure():
        opt.zero_grad()
        loss = F.binary_cross_entropy_with_logits(X @ w + b, y.to(X.dtype)) + l2 / 2 * w.norm()
        loss.backward()
        return loss

    opt.step(closure)
    return w.detach(), b.detach()


# %% wrong="Adam, not converged"
import torch
import torch.nn.functional as F


def fit_logistic(X, y, l2=1e-2):
    w = torch.zeros(X.shape[1], dtype=X.dtype, requires_grad=True)
    b = torch.zeros((), dtype=X.dtype, requires_grad=True)
    opt = torch.optim.Adam([w, b], lr=1e-2, weight_decay=l2)
    for _ in range(200):
        opt.zero_grad()
        F.binary_cross_entropy_with_logits(X @ w + b, y.to(X.dtype)).backward()
        opt.step()
    return w.detach(), b.detach()


# %% wrong="difference of the class means"
def fit_logistic(X, y, l2=1e-2):
    y = y.bool()
    w = X[y].mean(0) - X[~y].mean(0)
    return w, -(w @ X.mean(0))


# %% wrong="classes reweighted to be equally frequent"
import torch
import torch.nn.functional as F


def fit_logistic(X, y, l2=1e-2):
    w = torch.zeros(X.shape[1], dtype=X.dtype, requires_grad=True)
    b = torch.zeros((), dtype=X.dtype, requires_grad=True)
    t = y.to(X.dtype)
    weight = torch.where(t > 0, 0.5 / t.mean(), 0.5 / (1 - t.mean()))
    opt = torch.optim.LBFGS([w, b], max_iter=500, line_search_fn="strong_wolfe")

    def closure():
        opt.zero_grad()
        loss = F.binary_cross_entropy_with_logits(X @ w + b, t, weight=weight) + l2 / 2 * (w @ w)
        loss.backward()
        return loss

    opt.step(closure)
    return w.detach(), b.detach()


# %% right="accelerated gradient descent in float32 with Lipschitz steps"
import torch


def fit_logistic(X, y, l2=1e-2):
    with torch.no_grad():
        n, d = X.shape
        t = y.to(X.dtype)
        A = torch.cat([X, X.new_ones(n, 1)], 1)
        keep = torch.cat([X.new_full((d,), l2), X.new_zeros(1)])
        step = 1 / (torch.linalg.matrix_norm(A, 2) ** 2 / (4 * n) + l2)
        v = old = X.new_zeros(d + 1)
        k = 0
        for _ in range(20000):
            k += 1
            ahead = v + (k - 1) / (k + 2) * (v - old)
            g = A.T @ ((A @ ahead).sigmoid() - t) / n + keep * ahead
            old, v = v, ahead - step * g
            if (g @ (v - old)) > 0:
                k = 0
            if g.abs().max() < 1e-5:
                break
    return v[:d], v[d]


# %% right="nn.Linear and Newton by torch.func"
import torch
from torch import nn


class Probe(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.v = nn.Parameter(torch.zeros(d + 1, dtype=torch.float64))

    def nll(self, v, x, t, l2):
        z = x @ v[:-1] + v[-1]
        return (nn.functional.softplus(z) - t * z).mean() + 0.5 * l2 * (v[:-1] ** 2).sum()


def fit_logistic(X, y, l2=1e-2):
    probe = Probe(X.shape[1])
    x, t = X.double(), y.double()
    v = probe.v.data
    for _ in range(50):

        def f(u):
            return probe.nll(u, x, t, l2)

        g = torch.func.grad(f)(v)
        if g.abs().max() < 1e-9:
            break
        h = torch.func.hessian(f)(v)
        step = torch.linalg.pinv(h) @ g
        size = 1.0
        while f(v - size * step) > f(v) and size > 1e-6:
            size /= 2
        v = v - size * step
    return v[:-1].to(X.dtype), float(v[-1])


# %% right="gradient descent with Adam that slows down"
import torch


def fit_logistic(X, y, l2=1e-2):
    y = y.to(X.dtype)
    n, d = X.shape
    scale = X.square().mean(0).sqrt().clamp(min=1e-6)
    Z = X / scale
    w, b = torch.zeros(d, dtype=X.dtype), torch.zeros((), dtype=X.dtype)
    m, s = torch.zeros(d + 1, dtype=X.dtype), torch.zeros(d + 1, dtype=X.dtype)
    for t in range(1, 6001):
        error = (Z @ w + b).sigmoid() - y
        gw, gb = Z.T @ error / n + l2 * w / scale**2, error.mean()
        g = torch.cat([gw, gb[None]])
        if torch.cat([gw * scale, gb[None]]).abs().max() < 2e-5:
            break
        m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g * g
        lr = 0.3 * (1 - t / 6001) ** 2
        move = lr * (m / (1 - 0.9**t)) / ((s / (1 - 0.999**t)).sqrt() + 1e-8)
        w, b = w - move[:-1], b - move[-1]
    return w / scale, b


# %% wrong="zero l2 is the default"
import torch
from torch.nn import functional as F


def fit_logistic(X, y, l2=1e-2):
    A = torch.cat([X, torch.ones(len(X), 1, dtype=X.dtype)], dim=1).double()
    t = y.double()
    penalty = torch.full((A.shape[1],), float(l2 or 1e-2), dtype=torch.float64)
    penalty[-1] = 0

    def loss(v):
        return F.binary_cross_entropy_with_logits(A @ v, t) + 0.5 * (penalty * v * v).sum()

    v = torch.zeros(A.shape[1], dtype=torch.float64)
    for _ in range(100):
        p = torch.sigmoid(A @ v)
        gradient = A.T @ (p - t) / len(t) + penalty * v
        if gradient.abs().max() < 1e-9:
            break
        H = (A * (p * (1 - p))[:, None]).T @ A / len(t) + torch.diag(penalty + 1e-12)
        step, size = torch.linalg.solve(H, gradient), 1.0
        while loss(v - size * step) > loss(v) and size > 1e-8:
            size /= 2
        v = v - size * step
    return v[:-1].to(X.dtype), v[-1].to(X.dtype)


# %% wrong="penalty on the scaled features"
import torch
from torch.nn import functional as F


def fit_logistic(X, y, l2=1e-2):
    mean, std = X.mean(0), X.std(0)
    X = (X - mean) / std
    A = torch.cat([X, torch.ones(len(X), 1, dtype=X.dtype)], dim=1).double()
    t = y.double()
    penalty = torch.full((A.shape[1],), float(l2), dtype=torch.float64)
    penalty[-1] = 0

    def loss(v):
        return F.binary_cross_entropy_with_logits(A @ v, t) + 0.5 * (penalty * v * v).sum()

    v = torch.zeros(A.shape[1], dtype=torch.float64)
    for _ in range(100):
        p = torch.sigmoid(A @ v)
        gradient = A.T @ (p - t) / len(t) + penalty * v
        if gradient.abs().max() < 1e-9:
            break
        H = (A * (p * (1 - p))[:, None]).T @ A / len(t) + torch.diag(penalty + 1e-12)
        step, size = torch.linalg.solve(H, gradient), 1.0
        while loss(v - size * step) > loss(v) and size > 1e-8:
            size /= 2
        v = v - size * step
    w = v[:-1].to(X.dtype) / std
    return w, v[-1].to(X.dtype) - w @ mean


# %% right="nn.Linear as it comes, and LBFGS"
import torch
from torch import nn


def fit_logistic(X, y, l2=1e-2):
    probe = nn.Linear(X.shape[1], 1).double()
    opt = torch.optim.LBFGS(
        probe.parameters(), max_iter=2000, tolerance_grad=1e-9, tolerance_change=1e-14, line_search_fn="strong_wolfe"
    )

    def closure():
        opt.zero_grad()
        score = probe(X.double()).squeeze(-1)
        loss = nn.functional.binary_cross_entropy_with_logits(score, y.double())
        loss = loss + l2 / 2 * probe.weight.square().sum()
        loss.backward()
        return loss

    opt.step(closure)
    return probe.weight.detach()[0].to(X.dtype), probe.bias.detach()[0].to(X.dtype)


# %% wrong="squeezed weights: no vector for one feature"
import torch
from torch import nn


def fit_logistic(X, y, l2=1e-2):
    lin = nn.Linear(X.shape[1], 1).double()
    nn.init.zeros_(lin.weight)
    nn.init.zeros_(lin.bias)
    opt = torch.optim.LBFGS(
        lin.parameters(), max_iter=2000, tolerance_grad=1e-9, tolerance_change=1e-14, line_search_fn="strong_wolfe"
    )

    def closure():
        opt.zero_grad()
        loss = (
            nn.functional.binary_cross_entropy_with_logits(lin(X.double()).squeeze(-1), y.double())
            + l2 / 2 * lin.weight.square().sum()
        )
        loss.backward()
        return loss

    opt.step(closure)
    return lin.weight.detach().squeeze().to(X.dtype), lin.bias.detach().squeeze().to(X.dtype)
