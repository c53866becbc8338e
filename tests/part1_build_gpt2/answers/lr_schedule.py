# %% right="half a sine, by pieces"
from math import pi, sin


def lr_schedule(step, max_lr, min_lr, warmup, total):
    if step + 1 <= warmup:
        return max_lr / warmup * (step + 1)
    if step >= total - 1:
        return min_lr
    begin = warmup - 1 if warmup else 0
    x = (step - begin) / (total - 1 - begin)
    return max_lr - (max_lr - min_lr) * sin(pi * x / 2) ** 2


# %% right="torch scalars"
import torch


def lr_schedule(step, max_lr, min_lr, warmup, total):
    first = max(warmup - 1, 0)
    t = torch.tensor((step - first) / (total - 1 - first), dtype=torch.float64).clamp(0, 1)
    falling = min_lr + 0.5 * (max_lr - min_lr) * (1 + torch.cos(torch.pi * t))
    rising = max_lr * (step + 1) / max(warmup, 1)
    return torch.where(torch.tensor(step < warmup), torch.tensor(rising, dtype=torch.float64), falling)


# %% right="a table of all rates"
import numpy as np


def lr_schedule(step, max_lr, min_lr, warmup, total):
    up = np.linspace(max_lr / warmup, max_lr, warmup) if warmup else np.array([max_lr])
    n = total - len(up)
    down = min_lr + (max_lr - min_lr) * 0.5 * (1 + np.cos(np.pi * np.arange(1, n + 1) / n))
    table = np.concatenate([up, down])
    return float(table[step]) if step < total else min_lr


# %% right="the smaller of two"
import math


def lr_schedule(step, max_lr, min_lr, warmup, total):
    if warmup == 0:
        warmup = 1
    ramp = max_lr * (step + 1) / warmup
    done = min(max(step - (warmup - 1), 0), total - warmup)
    cosine = (max_lr + min_lr + (max_lr - min_lr) * math.cos(done * math.pi / (total - warmup))) / 2
    return ramp if step < warmup else cosine


# %% wrong="degrees"
import math


def lr_schedule(step, max_lr, min_lr, warmup, total):
    if step < warmup:
        return max_lr * (step + 1) / warmup
    top = max(warmup - 1, 0)
    x = min(1, (step - top) / (total - 1 - top))
    return min_lr + (max_lr - min_lr) * (1 + math.cos(180 * x)) / 2


# %% wrong="warm-up of 0 divides by it"
import math


def lr_schedule(step, max_lr, min_lr, warmup, total):
    ramp = max_lr * (step + 1) / warmup
    top = warmup - 1
    x = min(max(step - top, 0) / (total - 1 - top), 1)
    return min(ramp, min_lr + (max_lr - min_lr) * (1 + math.cos(math.pi * x)) / 2)


# %% wrong="without a warm-up the cosine begins one step before the start"
import math


def lr_schedule(step, max_lr, min_lr, warmup, total):
    if step < warmup:
        return max_lr * (step + 1) / warmup
    x = min((step - (warmup - 1)) / (total - warmup), 1)
    return min_lr + (max_lr - min_lr) * (1 + math.cos(math.pi * x)) / 2


# %% wrong="exponential fall"
def lr_schedule(step, max_lr, min_lr, warmup, total):
    if step < warmup:
        return max_lr * (step + 1) / warmup
    top = max(warmup - 1, 0)
    x = min(1, (step - top) / (total - 1 - top))
    return max_lr * (max(min_lr, 1e-12) / max_lr) ** x


# %% wrong="an error after the end"
import math


def lr_schedule(step, max_lr, min_lr, warmup, total):
    if step >= total:
        raise ValueError("the schedule has ended")
    if step < warmup:
        return max_lr * (step + 1) / warmup
    top = max(warmup - 1, 0)
    return min_lr + (max_lr - min_lr) * (1 + math.cos(math.pi * (step - top) / (total - 1 - top))) / 2


# %% wrong="remembers the last call"
import math

last = [0]


def lr_schedule(step, max_lr, min_lr, warmup, total):
    last[0] += 1
    step = last[0] - 1
    if step < warmup:
        return max_lr * (step + 1) / warmup
    top = max(warmup - 1, 0)
    x = min(1, (step - top) / (total - 1 - top))
    return min_lr + (max_lr - min_lr) * (1 + math.cos(math.pi * x)) / 2


# %% wrong="a multiple of max_lr, for a scheduler of torch"
import math


def lr_schedule(step, max_lr, min_lr, warmup, total):
    if step < warmup:
        return (step + 1) / warmup
    top = max(warmup - 1, 0)
    x = min(1, (step - top) / (total - 1 - top))
    return (min_lr + (max_lr - min_lr) * (1 + math.cos(math.pi * x)) / 2) / max_lr


# %% wrong="one step of decay is lost when it is the only one"
import math


def lr_schedule(step, max_lr, min_lr, warmup, total):
    if step < warmup:
        return max_lr * (step + 1) / warmup
    top = max(warmup - 1, 0)
    if step >= total - 1 and total - warmup > 1:
        return min_lr
    progress = (step - top) / max(total - 1 - top, 2)
    return min_lr + 0.5 * (max_lr - min_lr) * (1 + math.cos(math.pi * progress))
