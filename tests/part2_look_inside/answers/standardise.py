# %% right="var_mean and nan_to_num"
import torch


def standardise(fit, apply):
    var, mean = torch.var_mean(fit, dim=0, unbiased=False)
    out = (apply - mean) / var.sqrt()
    return out.masked_fill(var == 0, 0)


# %% right="float64 inside"
import torch


def standardise(fit, apply):
    f = fit.double()
    centred = f - f.mean(0, keepdim=True)
    std = (centred**2).mean(0, keepdim=True) ** 0.5
    scale = torch.where(std > 0, 1 / std.clamp_min(1e-30), torch.zeros_like(std))
    return ((apply.double() - f.mean(0, keepdim=True)) * scale).to(apply.dtype)


# %% right="column by column"
import torch


def standardise(fit, apply):
    out = torch.zeros_like(apply)
    for j in range(fit.shape[1]):
        s = fit[:, j].std(correction=0)
        if s > 0:
            out[:, j] = (apply[:, j] - fit[:, j].mean()) / s
    return out


# %% right="tiny epsilon"
def standardise(fit, apply):
    std = fit.std(0, unbiased=False)
    return (apply - fit.mean(0)) / (std + 1e-12) * (std > 0)


# %% wrong="median instead of mean"
import torch


def standardise(fit, apply):
    std = fit.std(0, correction=0)
    return torch.where(std > 0, (apply - fit.median(0).values) / std, 0)


# %% wrong="min and max"
import torch


def standardise(fit, apply):
    low, high = fit.min(0).values, fit.max(0).values
    return torch.where(high > low, (apply - low) / (high - low), 0)


# %% wrong="epsilon 1e-3"
def standardise(fit, apply):
    std = fit.std(0, unbiased=False)
    return (apply - fit.mean(0)) / (std + 1e-3) * (std > 0)


# %% wrong="scales are clamped at 1"
import torch


def standardise(fit, apply):
    std = fit.std(0, unbiased=False)
    return torch.where(std > 0, (apply - fit.mean(0)) / std.clamp(min=1.0), 0)


# %% wrong="constant by apply"
import torch


def standardise(fit, apply):
    varies = apply.std(0, correction=0) > 0
    std = fit.std(0, correction=0)
    return torch.where(varies, (apply - fit.mean(0)) / torch.where(std > 0, std, 1), 0)


# %% wrong="float32 for everything"
import torch


def standardise(fit, apply):
    fit, apply = fit.float(), apply.float()
    std = fit.std(0, correction=0)
    return torch.where(std > 0, (apply - fit.mean(0)) / std, 0)


# %% right="numpy in float64"
import numpy as np
import torch


def standardise(fit, apply):
    f, a = fit.detach().numpy().astype(np.float64), apply.detach().numpy().astype(np.float64)
    varies = f.max(axis=0) > f.min(axis=0)
    out = np.zeros_like(a)
    out[:, varies] = (a[:, varies] - f[:, varies].mean(axis=0)) / f[:, varies].std(axis=0)
    return torch.from_numpy(out).to(apply.dtype)


# %% right="a scaler as in scikit-learn"
import torch


class Scaler:
    def fit(self, table):
        table = table.double()
        self.mean = table.mean(dim=0)
        self.std = ((table - self.mean) ** 2).mean(dim=0).sqrt()
        self.flat = (table == table[0]).all(dim=0)
        return self

    def transform(self, table):
        out = (table.double() - self.mean) / self.std
        out[:, self.flat] = 0
        return out.to(table.dtype)


def standardise(fit, apply):
    return Scaler().fit(fit).transform(apply)


# %% wrong="a small deviation counts as none"
import torch


def standardise(fit, apply):
    mean, std = fit.mean(0), fit.std(0, correction=0)
    return torch.where(
        std > 1e-2, (apply - mean) / torch.where(std > 1e-2, std, torch.ones_like(std)), torch.zeros_like(apply)
    )


# %% wrong="zero where apply does not vary"
import torch


def standardise(fit, apply):
    mean, std = fit.mean(0), fit.std(0, correction=0)
    return torch.where(
        apply.std(0, correction=0) > 0,
        (apply - mean) / torch.where(std > 0, std, torch.ones_like(std)),
        torch.zeros_like(apply),
    )
