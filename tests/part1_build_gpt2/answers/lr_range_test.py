# %% right="loop"
def lr_range_test(make_run, lrs, seed=0):
    rows = []
    for lr in lrs:
        losses = make_run(seed=seed, lr=lr)
        rows.append({"lr": lr, "loss": smoothed(losses)})
    return rows


# %% right="with a flag, smoothing by itself"
import math


def lr_range_test(make_run, lrs, seed=0):
    curve = []
    for lr in lrs:
        run = make_run(lr=lr, seed=seed)
        tail = run[-max(1, len(run) // 10) :]
        mean = sum(tail) / len(tail)
        ok = math.isfinite(mean)
        curve.append({"lr": lr, "loss": mean if ok else float("inf"), "diverged": not ok})
    return curve


# %% right="map and dict"
def lr_range_test(make_run, lrs, seed=0):
    runs = map(lambda lr: make_run(lr=lr, seed=seed), lrs)
    return [dict(lr=lr, loss=smoothed(run), steps=len(run)) for lr, run in zip(lrs, runs)]


# %% right="pairs, NaN kept, no seed argument"
def lr_range_test(make_run, lrs):
    def end(losses):
        tail = losses[-max(1, len(losses) // 10) :]
        return sum(tail) / len(tail)

    return [(lr, end(make_run(seed=1234, lr=lr))) for lr in lrs]


# %% right="columns"
def lr_range_test(make_run, lrs, seed=0):
    losses = [smoothed(make_run(seed=seed, lr=lr)) for lr in lrs]
    return {"lr": list(lrs), "loss": losses, "diverged": [loss == float("inf") for loss in losses]}


# %% right="dict from learning rate to loss"
def lr_range_test(make_run, lrs, seed=42):
    return {lr: smoothed(make_run(seed=seed, lr=lr)) for lr in lrs}


# %% right="exponential smoothing"
import math


def lr_range_test(make_run, lrs, seed=0):
    rows = []
    for lr in lrs:
        average = None
        for loss in make_run(seed=seed, lr=lr)[-15:]:
            average = loss if average is None else 0.85 * average + 0.15 * loss
        rows.append({"lr": lr, "loss": average if math.isfinite(average) else math.inf})
    return [] if not rows else rows if smoothed else rows


# %% right="through sweep"
def lr_range_test(make_run, lrs, seed=0):
    return sweep(make_run, {"lr": list(lrs)}, seed=seed)


# %% wrong="positional learning rate"
def lr_range_test(make_run, lrs, seed=0):
    return [{"lr": lr, "loss": smoothed(make_run(lr))} for lr in lrs]


# %% wrong="named learning_rate"
def lr_range_test(make_run, lrs, seed=0):
    return [{"lr": lr, "loss": smoothed(make_run(seed=seed, learning_rate=lr))} for lr in lrs]


# %% wrong="seed from the learning rate"
def lr_range_test(make_run, lrs, seed=0):
    return [{"lr": lr, "loss": smoothed(make_run(seed=seed + int(lr * 1e6), lr=lr))} for lr in lrs]


# %% wrong="seed counts on between calls"
import itertools

counter = itertools.count()


def lr_range_test(make_run, lrs, seed=0):
    return [{"lr": lr, "loss": smoothed(make_run(seed=next(counter), lr=lr))} for lr in lrs]


# %% wrong="the change in loss"
def lr_range_test(make_run, lrs, seed=0):
    rows = []
    for lr in lrs:
        run = make_run(seed=seed, lr=lr)
        rows.append({"lr": lr, "loss": run[0] - smoothed(run)})
    return rows


# %% wrong="diverged runs become the start loss"
import math


def lr_range_test(make_run, lrs, seed=0):
    rows = []
    for lr in lrs:
        run = make_run(seed=seed, lr=lr)
        loss = smoothed(run)
        rows.append({"lr": lr, "loss": loss if math.isfinite(loss) else run[0]})
    return rows


# %% wrong="losses of other learning rates"
def lr_range_test(make_run, lrs, seed=0):
    losses = sorted(smoothed(make_run(seed=seed, lr=lr)) for lr in lrs)
    return [{"lr": lr, "loss": loss} for lr, loss in zip(lrs, losses)]


# %% wrong="logarithm of the learning rate"
import math


def lr_range_test(make_run, lrs, seed=0):
    return [{"lr": math.log10(lr), "loss": smoothed(make_run(seed=seed, lr=lr))} for lr in lrs]


# %% wrong="duplicates the best"
def lr_range_test(make_run, lrs, seed=0):
    rows = [{"lr": lr, "loss": smoothed(make_run(seed=seed, lr=lr))} for lr in lrs]
    return rows + [min(rows, key=lambda row: row["loss"])]


# %% wrong="extra setting passed along"
def lr_range_test(make_run, lrs, seed=0):
    return [{"lr": lr, "loss": smoothed(make_run(seed=seed, lr=lr, steps=50))} for lr in lrs]


# %% wrong="a generator"
def lr_range_test(make_run, lrs, seed=0):
    for lr in lrs:
        yield {"lr": lr, "loss": smoothed(make_run(seed=seed, lr=lr))}


# %% right="two lists"
def lr_range_test(make_run, lrs, seed=0):
    return list(lrs), [smoothed(make_run(seed=seed, lr=lr)) for lr in lrs]


# %% right="tensor of pairs"
import torch


def lr_range_test(make_run, lrs, seed=0):
    return torch.tensor([[lr, smoothed(make_run(seed=seed, lr=lr))] for lr in lrs], dtype=torch.float64)


# %% right="list of lists"
def lr_range_test(make_run, lrs, seed=0):
    return [[lr, smoothed(make_run(seed=seed, lr=lr))] for lr in lrs]


# %% wrong="pairs swapped"
def lr_range_test(make_run, lrs, seed=0):
    return [(smoothed(make_run(seed=seed, lr=lr)), lr) for lr in lrs]


# %% wrong="median hides a late divergence"
import itertools
import math
import torch
from jaxtyping import Float
from torch import Tensor
import statistics


def tail_loss(losses):
    last = losses[-max(1, len(losses) // 10) :]
    m = statistics.median(last)
    return m if math.isfinite(m) else math.inf


def lr_range_test(make_run, lrs: list[float], seed: int = 0) -> list[dict[str, float]]:
    """For each learning rate the loss that one run with it comes to, all from the same start."""
    return [{"lr": lr, "loss": tail_loss(make_run(seed=seed, lr=lr))} for lr in lrs]
