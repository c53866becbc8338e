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


# %% right="difference by weights, pinv of the scatter matrix"
import torch


def mass_mean_probe(X, y, whiten=False):
    labels = (y == 1).to(X.dtype)
    n1 = labels.sum()
    n0 = len(X) - n1
    m1 = torch.einsum("n,nd->d", labels, X) / n1
    m0 = torch.einsum("n,nd->d", 1 - labels, X) / n0
    w = m1 - m0
    if whiten:
        scatter = torch.einsum("nd,ne->de", X, X) - n1 * torch.outer(m1, m1) - n0 * torch.outer(m0, m0)
        w = torch.linalg.solve(scatter.double() / len(X), w.double()).to(X.dtype)
    b = float(-(w * (m0 + m1) / 2).sum())
    return w, b


# %% right="whitened by the eigenvectors"
import torch


def mass_mean_probe(X, y, whiten=False):
    t = y.long()
    mean = {k: X[t == k].mean(dim=0) for k in (0, 1)}
    w = mean[1] - mean[0]
    if whiten:
        rest = X - torch.stack([mean[int(k)] for k in t])
        values, vectors = torch.linalg.eigh((rest.T @ rest / len(rest)).double())
        w = (vectors @ ((vectors.T @ w.double()) / values)).to(X.dtype)
    border = (mean[0] @ w + mean[1] @ w) / 2
    return w, -border


# %% right="loops over rows"
import torch


def average(rows):
    total = torch.zeros_like(rows[0])
    for row in rows:
        total = total + row
    return total / len(rows)


def mass_mean_probe(X, y, whiten=False):
    ones = [x for x, label in zip(X, y.tolist()) if label == 1]
    zeros = [x for x, label in zip(X, y.tolist()) if label == 0]
    top, bottom = average(ones), average(zeros)
    direction = top - bottom
    if whiten:
        covariance = torch.zeros(X.shape[1], X.shape[1], dtype=X.dtype)
        for rows, centre in ((ones, top), (zeros, bottom)):
            for x in rows:
                covariance += torch.outer(x - centre, x - centre) / len(X)
        direction = torch.inverse(covariance) @ direction
    middle = (top + bottom) / 2
    return direction, -(direction * middle).sum()


# %% wrong="covariance of class 0 alone"
import torch


def mass_mean_probe(X, y, whiten=False):
    y = y.bool()
    one, zero = X[y].mean(0), X[~y].mean(0)
    w = one - zero
    if whiten:
        w = torch.linalg.solve(torch.cov(X[~y].T, correction=0), w)
    return w, -(w @ (one + zero)) / 2


# %% wrong="whitening indexes the means by y: breaks for bool"
import torch


def mass_mean_probe(X, y, whiten=False):
    m1, m0 = X[y == 1].mean(0), X[y == 0].mean(0)
    w = m1 - m0
    if whiten:
        c = X - torch.stack([m0, m1])[y]
        w = torch.linalg.solve(c.T @ c / len(X), w)
    return w, -(w @ (m0 + m1)) / 2


# %% wrong="float32 inside"
import torch


def mass_mean_probe(X, y, whiten=False):
    Z, y = X.float(), y.bool()
    m1, m0 = Z[y].mean(0), Z[~y].mean(0)
    w = m1 - m0
    if whiten:
        c = Z - torch.where(y[:, None], m1, m0)
        w = torch.linalg.solve(c.T @ c / len(Z), w)
    return w.to(X.dtype), (-(w @ (m0 + m1)) / 2).to(X.dtype)
