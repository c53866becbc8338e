# %% right="weights as a matrix product, N - 2"
import torch


def mass_mean_probe(X, y, whiten=False):
    t = y.to(X.dtype)
    mu1 = (t @ X) / t.sum()
    mu0 = ((1 - t) @ X) / (1 - t).sum()
    theta = mu1 - mu0
    if whiten:
        R = X - torch.outer(t, mu1) - torch.outer(1 - t, mu0)
        theta = torch.linalg.inv(R.T @ R / (len(X) - 2)) @ theta
    return theta, -0.5 * (theta @ mu1 + theta @ mu0)


# %% right="pseudo-inverse, b as a float"
import torch


def mass_mean_probe(X, y, whiten=False):
    y = y == 1
    a, c = X[y].mean(0), X[~y].mean(0)
    w = a - c
    if whiten:
        z = torch.cat([X[y] - a, X[~y] - c])
        w = torch.linalg.pinv(torch.cov(z.T)) @ w
    return w, -float(w @ (a + c)) / 2


# %% right="about the common mean: the same direction"
import torch


def mass_mean_probe(X, y, whiten=False):
    y = y.bool()
    pos, neg = X[y].mean(0), X[~y].mean(0)
    w = pos - neg
    if whiten:
        w = torch.linalg.solve(torch.cov(X.T), w)
    return w, (-(w * (pos + neg)).sum() / 2)


# %% wrong="medians"
def mass_mean_probe(X, y, whiten=False):
    y = y.bool()
    a, c = X[y].median(0).values, X[~y].median(0).values
    w = a - c
    return w, -w @ (a + c) / 2


# %% wrong="sums instead of means"
def mass_mean_probe(X, y, whiten=False):
    y = y.bool()
    a, c = X[y].sum(0), X[~y].sum(0)
    w = a - c
    return w, -w @ (a + c) / 2


# %% wrong="mean of class 1 alone"
def mass_mean_probe(X, y, whiten=False):
    y = y.bool()
    w = X[y].mean(0)
    return w, -w @ (X[y].mean(0) + X[~y].mean(0)) / 2


# %% wrong="rows whitened by class 1 alone"
import torch


def mass_mean_probe(X, y, whiten=False):
    y = y.bool()
    a, c = X[y].mean(0), X[~y].mean(0)
    w = a - c
    if whiten:
        w = torch.linalg.solve(torch.cov(X[y].T), w)
    return w, -w @ (a + c) / 2


# %% wrong="a large ridge"
import torch


def mass_mean_probe(X, y, whiten=False):
    y = y.bool()
    a, c = X[y].mean(0), X[~y].mean(0)
    w = a - c
    if whiten:
        z = torch.cat([X[y] - a, X[~y] - c])
        w = torch.linalg.solve(torch.cov(z.T) + torch.eye(len(w), dtype=w.dtype), w)
    return w, -w @ (a + c) / 2
