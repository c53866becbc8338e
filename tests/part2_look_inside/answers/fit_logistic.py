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
