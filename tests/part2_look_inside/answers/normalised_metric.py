# %% right="allclose to zero is not asked: equality"
import torch


def normalised_metric(ld, ld_clean, ld_corrupt):
    clean, corrupt = torch.as_tensor(ld_clean), torch.as_tensor(ld_corrupt)
    assert not torch.any(clean == corrupt), "no gap"
    return (ld - corrupt) / (clean - corrupt)


# %% right="one minus the share that is missing"
import torch


def normalised_metric(ld, ld_clean, ld_corrupt):
    gap = ld_corrupt - ld_clean
    if not torch.as_tensor(gap).all():
        raise ValueError("clean equals corrupt")
    return 1 - (ld - ld_clean) / gap


# %% right="torch.where and division by torch"
import torch


def normalised_metric(ld, ld_clean, ld_corrupt):
    ld, ld_clean, ld_corrupt = (
        x if isinstance(x, torch.Tensor) else torch.tensor(x) for x in (ld, ld_clean, ld_corrupt)
    )
    if bool((ld_clean == ld_corrupt).sum()):
        raise RuntimeError("there is nothing between clean and corrupt")
    return torch.div(torch.sub(ld, ld_corrupt), torch.sub(ld_clean, ld_corrupt))


# %% wrong="error only if all are equal"
import torch


def normalised_metric(ld, ld_clean, ld_corrupt):
    gap = torch.as_tensor(ld_clean - ld_corrupt)
    if (gap == 0).all():
        raise ValueError("no gap")
    return (ld - ld_corrupt) / gap


# %% wrong="a small gap is refused"
import torch


def normalised_metric(ld, ld_clean, ld_corrupt):
    gap = torch.as_tensor(ld_clean - ld_corrupt)
    if (gap.abs() < 1e-2).any():
        raise ValueError("no gap")
    return (ld - ld_corrupt) / gap


# %% wrong="min and max for clean and corrupt"
import torch


def normalised_metric(ld, ld_clean, ld_corrupt):
    clean, corrupt = torch.as_tensor(ld_clean), torch.as_tensor(ld_corrupt)
    high, low = torch.maximum(clean, corrupt), torch.minimum(clean, corrupt)
    if (high == low).any():
        raise ValueError("no gap")
    return (ld - low) / (high - low)


# %% wrong="in place on ld"
import torch


def normalised_metric(ld, ld_clean, ld_corrupt):
    gap = torch.as_tensor(ld_clean - ld_corrupt)
    if (gap == 0).any():
        raise ValueError("no gap")
    if isinstance(ld, torch.Tensor):
        ld -= ld_corrupt
        return ld / gap
    return (ld - ld_corrupt) / gap


# %% wrong="error where either is zero"
import torch


def normalised_metric(ld, ld_clean, ld_corrupt):
    clean, corrupt = torch.as_tensor(ld_clean), torch.as_tensor(ld_corrupt)
    if (clean == 0).any() or (corrupt == 0).any() or (clean == corrupt).any():
        raise ValueError("zero")
    return (ld - corrupt) / (clean - corrupt)


# %% right="ZeroDivisionError for plain numbers"
import torch


def normalised_metric(ld, ld_clean, ld_corrupt):
    gap = ld_clean - ld_corrupt
    if torch.is_tensor(gap) and (gap == 0).any():
        raise ZeroDivisionError("clean equals corrupt somewhere")
    return (ld - ld_corrupt) / gap


# %% right="numpy any for all kinds"
import numpy as np


def normalised_metric(ld, ld_clean, ld_corrupt):
    if np.any(np.asarray(ld_clean) == np.asarray(ld_corrupt)):
        raise ValueError("clean equals corrupt")
    return (ld - ld_corrupt) / (ld_clean - ld_corrupt)


# %% right="two cases by type"
from torch import Tensor


def normalised_metric(ld, ld_clean, ld_corrupt):
    gap = ld_clean - ld_corrupt
    if isinstance(gap, Tensor):
        if bool((gap == 0).any()):
            raise ValueError("gap of 0")
    elif gap == 0:
        raise ValueError("gap of 0")
    return (ld - ld_corrupt) / gap


# %% right="linear map slope and shift"
import torch


def normalised_metric(ld, ld_clean, ld_corrupt):
    gap = torch.as_tensor(ld_clean) - torch.as_tensor(ld_corrupt)
    if torch.any(gap == 0).item():
        raise ValueError("no gap")
    slope = 1 / gap
    return slope * (ld - ld_corrupt)


# %% wrong="gap below 1e-6 is an error"
import torch


def normalised_metric(ld, ld_clean, ld_corrupt):
    gap = ld_clean - ld_corrupt
    if (torch.as_tensor(gap).abs() < 1e-6).any():
        raise ValueError("clean and corrupt are equal: there is no scale")
    return (ld - ld_corrupt) / gap


# %% wrong="isclose as the question"
import torch


def normalised_metric(ld, ld_clean, ld_corrupt):
    gap = ld_clean - ld_corrupt
    if torch.isclose(torch.as_tensor(ld_clean), torch.as_tensor(ld_corrupt)).any():
        raise ValueError("clean and corrupt are equal: there is no scale")
    return (ld - ld_corrupt) / gap


# %% wrong="gap 0 only asked where ld differs"
import torch


def normalised_metric(ld, ld_clean, ld_corrupt):
    gap = ld_clean - ld_corrupt
    if torch.isinf(torch.as_tensor((ld - ld_corrupt) / torch.as_tensor(gap))).any():
        raise ValueError("clean and corrupt are equal: there is no scale")
    return (ld - ld_corrupt) / gap


# %% wrong="either three plain numbers or three tensors"
import torch


def normalised_metric(ld, ld_clean, ld_corrupt):
    if isinstance(ld, torch.Tensor):
        if (ld_clean - ld_corrupt).eq(0).any():
            raise ValueError("equal")
    elif ld_clean == ld_corrupt:
        raise ValueError("equal")
    return (ld - ld_corrupt) / (ld_clean - ld_corrupt)


# %% wrong="result in the shape of ld"
import torch


def normalised_metric(ld, ld_clean, ld_corrupt):
    gap = torch.as_tensor(ld_clean) - torch.as_tensor(ld_corrupt)
    if (gap == 0).any():
        raise ValueError("equal")
    if not isinstance(ld, torch.Tensor):
        return float((ld - ld_corrupt) / gap)
    out = torch.empty_like(ld)
    out[...] = (ld - ld_corrupt) / gap
    return out


# %% wrong="the product of the gaps is asked"
import torch


def normalised_metric(ld, ld_clean, ld_corrupt):
    gap = ld_clean - ld_corrupt
    if torch.as_tensor(gap).prod() == 0:
        raise ValueError("no scale")
    return (ld - ld_corrupt) / gap


# %% wrong="gaps that cancel are an error"
import torch


def normalised_metric(ld, ld_clean, ld_corrupt):
    gap = ld_clean - ld_corrupt
    if (torch.as_tensor(gap) == 0).any() or torch.as_tensor(gap).sum() == 0:
        raise ValueError("no scale")
    return (ld - ld_corrupt) / gap


# %% wrong="whole numbers divided as whole numbers"
import torch


def normalised_metric(ld, ld_clean, ld_corrupt):
    gap = ld_clean - ld_corrupt
    if (torch.as_tensor(gap) == 0).any():
        raise ValueError("no scale")
    return (ld - ld_corrupt) // gap if isinstance(ld, int) else (ld - ld_corrupt) / gap
