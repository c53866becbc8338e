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


# %% wrong="detached"
import torch


def normalised_metric(ld, ld_clean, ld_corrupt):
    gap = torch.as_tensor(ld_clean - ld_corrupt)
    if (gap == 0).any():
        raise ValueError("no gap")
    return ((ld - ld_corrupt) / gap).detach() if isinstance(ld, torch.Tensor) else (ld - ld_corrupt) / float(gap)


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
