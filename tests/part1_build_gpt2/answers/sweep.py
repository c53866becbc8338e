# %% right="comprehension over product"
from itertools import product


def sweep(make_run, grid, seed=0):
    names = list(grid)
    plan = [dict(zip(names, values)) for values in product(*(grid[name] for name in names))]
    return [dict(settings, loss=smoothed(make_run(seed=seed, **settings))) for settings in plan]


# %% right="recursion, in another order"
def sweep(make_run, grid, seed=0, **fixed):
    if not grid:
        return [{**fixed, "loss": smoothed(make_run(seed=seed, **fixed))}]
    rest = dict(grid)
    name, values = rest.popitem()
    rows = []
    for value in values:
        rows.extend(sweep(make_run, rest, seed, **fixed, **{name: value}))
    return rows


# %% right="growing a list of settings, sorted by loss"
import math


def sweep(make_run, grid, seed=0):
    plan = [{}]
    for name in grid:
        plan = [dict(settings, **{name: value}) for settings in plan for value in grid[name]]
    rows = []
    for settings in plan:
        loss = smoothed(make_run(seed=seed, **settings))
        rows.append(settings | {"loss": loss, "diverged": math.isinf(loss), "seed": seed})
    return sorted(rows, key=lambda row: row["loss"])


# %% right="counting in mixed radix"
def sweep(make_run, grid, seed=0):
    total = 1
    for values in grid.values():
        total *= len(values)
    table = []
    for number in range(total):
        settings, left = {}, number
        for name, values in grid.items():
            left, place = divmod(left, len(values))
            settings[name] = values[place]
        losses = make_run(**settings, seed=seed)
        table.append({"loss": smoothed(losses), **settings})
    return table


# %% right="a dict from settings to loss, no seed argument"
import itertools


def sweep(make_run, grid):
    table = {}
    for values in itertools.product(*grid.values()):
        table[values] = smoothed(make_run(seed=7, **dict(zip(grid.keys(), values))))
    return table


# %% right="columns"
import itertools


def sweep(make_run, grid, seed=0):
    columns = {name: [] for name in (*grid, "loss")}
    for values in itertools.product(*grid.values()):
        for name, value in zip(grid, values):
            columns[name].append(value)
        columns["loss"].append(smoothed(make_run(seed=seed, **dict(zip(grid, values)))))
    return columns


# %% right="nested settings"
import itertools


def sweep(make_run, grid, seed=0):
    rows = []
    for values in itertools.product(*grid.values()):
        settings = {name: value for name, value in zip(grid, values)}
        rows.append({"settings": settings, "loss": smoothed(make_run(seed=seed, **settings))})
    return rows


# %% wrong="two nested loops, whatever the grid"
def sweep(make_run, grid, seed=0):
    (a, first), (b, second) = list(grid.items())[:2]
    return [{a: x, b: y, "loss": smoothed(make_run(**{"seed": seed, a: x, b: y}))} for x in first for y in second]


# %% wrong="combinations instead of product"
import itertools


def sweep(make_run, grid, seed=0):
    values = [(name, value) for name in grid for value in grid[name]]
    return [
        {**dict(chosen), "loss": smoothed(make_run(seed=seed, **dict(chosen)))}
        for chosen in itertools.combinations(values, len(grid))
    ]


# %% wrong="a table that is kept between calls"
import itertools


def sweep(make_run, grid, seed=0, table=[]):
    for values in itertools.product(*grid.values()):
        settings = dict(zip(grid, values))
        table.append({**settings, "loss": smoothed(make_run(seed=seed, **settings))})
    return table


# %% wrong="pops the grid empty"
def sweep(make_run, grid, seed=0):
    plan = [{}]
    while grid:
        name, values = grid.popitem()
        plan = [{**settings, name: value} for settings in plan for value in values]
    return [{**settings, "loss": smoothed(make_run(seed=seed, **settings))} for settings in plan]


# %% wrong="random subset"
import itertools
import random


def sweep(make_run, grid, seed=0):
    plan = list(itertools.product(*grid.values()))
    random.Random(0).shuffle(plan)
    plan = plan[: max(1, len(plan) - 1)]
    return [{**dict(zip(grid, v)), "loss": smoothed(make_run(seed=seed, **dict(zip(grid, v))))} for v in plan]


# %% wrong="values as text"
import itertools


def sweep(make_run, grid, seed=0):
    rows = []
    for values in itertools.product(*grid.values()):
        settings = {name: str(value) for name, value in zip(grid, values)}
        rows.append({**settings, "loss": smoothed(make_run(seed=seed, **settings))})
    return rows


# %% wrong="median over seeds"
import itertools
import statistics


def sweep(make_run, grid, seed=0):
    rows = []
    for values in itertools.product(*grid.values()):
        settings = dict(zip(grid, values))
        runs = [smoothed(make_run(seed=s, **settings)) for s in (0, 1, 2)]
        rows.append({**settings, "loss": statistics.median(runs)})
    return rows


# %% wrong="losses in another order than the settings"
import itertools


def sweep(make_run, grid, seed=0):
    plan = [dict(zip(grid, values)) for values in itertools.product(*grid.values())]
    losses = [smoothed(make_run(seed=seed, **settings)) for settings in reversed(plan)]
    return [{**settings, "loss": loss} for settings, loss in zip(plan, losses)]


# %% wrong="diverged runs get the worst finite loss"
import itertools
import math


def sweep(make_run, grid, seed=0):
    rows = []
    for values in itertools.product(*grid.values()):
        settings = dict(zip(grid, values))
        rows.append({**settings, "loss": smoothed(make_run(seed=seed, **settings))})
    worst = max((row["loss"] for row in rows if math.isfinite(row["loss"])), default=0.0)
    for row in rows:
        row["loss"] = row["loss"] if math.isfinite(row["loss"]) else worst
    return rows


# %% wrong="settings missing from the rows"
import itertools


def sweep(make_run, grid, seed=0):
    rows = []
    for number, values in enumerate(itertools.product(*grid.values())):
        rows.append({"run": number, "loss": smoothed(make_run(seed=seed, **dict(zip(grid, values))))})
    return rows


# %% wrong="seed in the place of the grid's own"
import itertools


def sweep(make_run, grid, seed=0):
    rows = []
    for values in itertools.product(*grid.values()):
        settings = dict(zip(grid, values))
        rows.append({**settings, "loss": smoothed(make_run(seed=hash(values) % 1000, **settings))})
    return rows


# %% right="keys are tuples of (name, value)"
import itertools


def sweep(make_run, grid, seed=0):
    return {
        tuple(s.items()): smoothed(make_run(seed=seed, **s))
        for s in (dict(zip(grid, v)) for v in itertools.product(*grid.values()))
    }


# %% wrong="tuples in wrong order"
import itertools


def sweep(make_run, grid, seed=0):
    return {v[::-1]: smoothed(make_run(seed=seed, **dict(zip(grid, v)))) for v in itertools.product(*grid.values())}


# %% wrong="loops up to three settings"
import itertools
import math
import torch
from jaxtyping import Float
from torch import Tensor


def tail_loss(losses):
    last = losses[-max(1, len(losses) // 10) :]
    mean = sum(last) / len(last)
    return mean if math.isfinite(mean) else math.inf


def sweep(make_run, grid: dict[str, list], seed: int = 0) -> list[dict]:
    """For each combination of settings the loss that one run comes to, all from the same start."""
    table = []
    names = list(grid)[:3]
    grid = {n: grid[n] for n in names}
    for values in itertools.product(*grid.values()):
        settings = dict(zip(grid, values, strict=True))
        table.append({**settings, "loss": tail_loss(make_run(seed=seed, **settings))})
    return table


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


def sweep(make_run, grid: dict[str, list], seed: int = 0) -> list[dict]:
    """For each combination of settings the loss that one run comes to, all from the same start."""
    table = []
    for values in itertools.product(*grid.values()):
        settings = dict(zip(grid, values, strict=True))
        table.append({**settings, "loss": tail_loss(make_run(seed=seed, **settings))})
    return table
