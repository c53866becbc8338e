# %% right="the earlier function"
def ccs_normalise(Xp, Xn):
    return tuple(standardise(side, side) for side in (Xp, Xn))


# %% right="sample deviation"
import torch


def ccs_normalise(Xp, Xn):
    out = []
    for side in (Xp, Xn):
        centred = side - side.mean(0, keepdim=True)
        std = centred.std(0, keepdim=True)
        out.append(torch.where(std > 0, centred / std, torch.zeros_like(centred)))
    return out[0], out[1]


# %% right="stacked"
import torch


def ccs_normalise(Xp, Xn):
    both = torch.stack([Xp, Xn])
    var, mean = torch.var_mean(both, dim=1, keepdim=True, correction=0)
    z = torch.nan_to_num((both - mean) / var.sqrt(), nan=0.0, posinf=0.0, neginf=0.0)
    return z[0], z[1]


# %% wrong="one norm for all"
def ccs_normalise(Xp, Xn):
    Xp, Xn = Xp - Xp.mean(0), Xn - Xn.mean(0)
    return Xp / Xp.norm(dim=1, keepdim=True).mean(), Xn / Xn.norm(dim=1, keepdim=True).mean()


# %% wrong="rows of length 1"
def ccs_normalise(Xp, Xn):
    Xp, Xn = Xp - Xp.mean(0), Xn - Xn.mean(0)
    return Xp / Xp.norm(dim=1, keepdim=True), Xn / Xn.norm(dim=1, keepdim=True)


# %% wrong="mean of the other side"
def ccs_normalise(Xp, Xn):
    return standardise(Xn, Xp), standardise(Xp, Xn)


# %% wrong="epsilon of 0.1"
def ccs_normalise(Xp, Xn):
    return tuple((X - X.mean(0)) / (X.std(0, correction=0) + 0.1) for X in (Xp, Xn))


# %% wrong="difference of the sides"
def ccs_normalise(Xp, Xn):
    gap = standardise(Xp - Xn, Xp - Xn)
    return gap, -gap


# %% right="numpy in float64"
import numpy as np
import torch


def ccs_normalise(Xp, Xn):
    out = []
    for X in (Xp, Xn):
        x = X.detach().numpy().astype("float64")
        centred = x - x.mean(0)
        centred[:, x.min(0) == x.max(0)] = 0
        size = np.sqrt((centred**2).mean(0))
        size[size == 0] = 1
        out.append(torch.tensor(centred / size, dtype=X.dtype))
    return tuple(out)


# %% right="both sides stacked"
import torch


def ccs_normalise(Xp, Xn):
    both = torch.stack([Xp, Xn])
    both = both - both.mean(dim=1, keepdim=True)
    size = both.square().mean(dim=1, keepdim=True).sqrt()
    both = both / size.masked_fill(size == 0, 1.0)
    return both[0], both[1]


# %% right="features in a loop"
import math

import torch


def scaled(column):
    mean = sum(column) / len(column)
    std = math.sqrt(sum((v - mean) ** 2 for v in column) / len(column))
    return [(v - mean) / std if max(column) > min(column) else 0.0 for v in column]


def ccs_normalise(Xp, Xn):
    def table(X):
        return torch.tensor([scaled(X[:, j].tolist()) for j in range(X.shape[1])], dtype=X.dtype).t()

    return table(Xp), table(Xn)


# %% wrong="zero where either side does not vary"
import torch


def ccs_normalise(Xp, Xn):
    flat = (Xp.std(0, correction=0) == 0) | (Xn.std(0, correction=0) == 0)

    def one(X):
        mean, std = X.mean(0, keepdim=True), X.std(0, correction=0, keepdim=True)
        return torch.where(flat, torch.zeros_like(X), (X - mean) / torch.where(std == 0, torch.ones_like(std), std))

    return one(Xp), one(Xn)


# %% wrong="zero only where both sides do not vary"
import torch


def ccs_normalise(Xp, Xn):
    flat = (Xp.std(0, correction=0) == 0) & (Xn.std(0, correction=0) == 0)

    def one(X):
        mean, std = X.mean(0, keepdim=True), X.std(0, correction=0, keepdim=True)
        return torch.where(flat, torch.zeros_like(X), (X - mean + (std == 0)) / (std + 1e-3 * (std == 0)))

    return one(Xp), one(Xn)
