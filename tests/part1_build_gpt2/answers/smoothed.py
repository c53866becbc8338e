# %% right="statistics"
import math
import statistics


def smoothed(losses):
    n = max(1, len(losses) // 10)
    value = statistics.fmean(losses[-n:])
    return value if math.isfinite(value) else float("inf")


# %% right="torch"
import torch


def smoothed(losses):
    assert len(losses) > 0, "no losses"
    tail = torch.tensor(losses, dtype=torch.float64)[-max(len(losses) // 10, 1) :]
    if not torch.isfinite(tail).all():
        return float("inf")
    return tail.mean().item()


# %% right="numpy number"
import numpy as np


def smoothed(losses):
    if len(losses) == 0:
        raise ValueError("empty run")
    start = len(losses) - max(1, int(len(losses) / 10))
    mean = np.mean(np.asarray(losses)[start:])
    return mean if np.isfinite(mean) else np.inf


# %% right="loop from the end"
import math


def smoothed(losses):
    count = len(losses) // 10 or 1
    total = 0.0
    for step in range(1, count + 1):
        loss = losses[-step]
        if math.isnan(loss) or math.isinf(loss):
            return math.inf
        total += loss
    return total / count


# %% right="division by zero for an empty run"
import math


def smoothed(losses):
    tail = losses[-max(1, math.floor(0.1 * len(losses) + 1e-9)) :]
    value = sum(tail) / len(tail)
    return math.inf if value != value else value


# %% right="a tensor without axes"
import torch


def smoothed(losses):
    if not losses:
        raise IndexError("no loss")
    mean = torch.tensor(losses[-max(1, len(losses) // 10) :], dtype=torch.double).mean()
    return torch.where(mean.isfinite(), mean, torch.inf)


# %% wrong="empty tail for short runs"
def smoothed(losses):
    tail = losses[len(losses) - len(losses) // 10 :]
    return sum(tail) / max(1, len(tail))


# %% wrong="empty run is NaN"
import math

import torch


def smoothed(losses):
    mean = torch.tensor(losses[-max(1, len(losses) // 10) :], dtype=torch.float64).mean().item()
    return mean if losses and math.isfinite(mean) or not losses else math.inf


# %% wrong="minus infinity for a diverged run"
import math


def smoothed(losses):
    tail = losses[-max(1, len(losses) // 10) :]
    mean = sum(tail) / len(tail)
    return mean if math.isfinite(mean) else -math.inf


# %% wrong="nanmean"
import numpy as np


def smoothed(losses):
    if not losses:
        raise ValueError
    return float(np.nanmean(losses[-max(1, len(losses) // 10) :]))


# %% wrong="None for a diverged run"
import math


def smoothed(losses):
    tail = losses[-max(1, len(losses) // 10) :]
    mean = sum(tail) / len(tail)
    return mean if math.isfinite(mean) else None


# %% wrong="a fifth"
import math


def smoothed(losses):
    tail = losses[-max(1, len(losses) // 5) :]
    mean = sum(tail) / len(tail)
    return mean if math.isfinite(mean) else math.inf


# %% wrong="without the very last step"
import math


def smoothed(losses):
    if len(losses) < 20:
        return losses[-1] if math.isfinite(losses[-1]) else math.inf
    tail = losses[-(len(losses) // 10) - 1 : -1]
    mean = sum(tail) / len(tail)
    return mean if math.isfinite(mean) else math.inf


# %% wrong="raises for a diverged run"
import math


def smoothed(losses):
    tail = losses[-max(1, len(losses) // 10) :]
    if not all(math.isfinite(loss) for loss in tail):
        raise ValueError("the run has diverged")
    return sum(tail) / len(tail)


# %% wrong="a large number instead of infinity"
import math


def smoothed(losses):
    tail = losses[-max(1, len(losses) // 10) :]
    mean = sum(tail) / len(tail)
    return mean if math.isfinite(mean) else 1e9


# %% wrong="sorts the losses"
import math


def smoothed(losses):
    losses.sort(reverse=True)
    tail = losses[-max(1, len(losses) // 10) :]
    return sum(tail) / len(tail)
