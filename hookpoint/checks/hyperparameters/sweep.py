"""Checks for `sweep` (part 1, notebook 06b)."""

import itertools
import math

from hookpoint.checks.author import Exercise, Mismatch, Raised, Slip

from ._runs import Runs, asked_once, combinations, reported, smoothed
from ._runs import swept as reference
from .lr_range_test import reference as range_test

GRIDS = (
    {"lr": [0.01, 0.1, 0.03], "batch": [8, 2]},
    {"width": [16, 4]},
    {"lr": [0.3, 0.1], "warmup": [0, 10, 5], "schedule": ["flat", "cosine"]},
    {"lr": [0.2, 0.02], "width": [8], "steps": [40, 20], "weight_decay": [0.0, 0.5]},
)
GRID = GRIDS[0]


def every_combination(learner, draw):
    """Every combination of the grid's values is run once, and every run with the same seed."""
    for grid in GRIDS:
        runs = Runs(draw)
        table = learner.sweep(runs, grid)
        asked_once(runs, combinations(grid))
        reported(table, runs, combinations(grid))


def divergence(learner, draw):
    """A run that diverges stays in the table with the loss infinity, and the others are as they would be without it."""
    for value, late in ((math.nan, False), (math.inf, False), (math.inf, True)):
        runs = Runs(draw, lambda asked, value=value: value if asked["lr"] == 0.1 else None, late)
        table = learner.sweep(runs, GRID)
        asked_once(runs, combinations(GRID))
        reported(table, runs, combinations(GRID))


def seeded(learner, draw):
    """The seed that it is given is the seed of every run."""
    seed = draw.number(100, 1000)
    runs = Runs(draw)
    try:
        learner.sweep(runs, GRID, seed=seed)
    except Raised as error:
        if "TypeError" in error.kinds and not runs.asked:
            return  # the curriculum's signature has no seed
        raise
    for found, _ in runs.asked:
        if found != seed:
            raise Mismatch(f"was asked for seed {seed} and runs with seed {found!r:.20}.")


def table_of(make_run, plan, seed, loss=smoothed):
    return [{**settings, "loss": loss(make_run(seed=seed, **settings))} for settings in plan]


def new_seed_each(make_run, grid, seed=0):
    return [
        {**settings, "loss": smoothed(make_run(seed=seed + place, **settings))}
        for place, settings in enumerate(combinations(grid))
    ]


def seed_ignored(make_run, grid, seed=0):
    return reference(make_run, grid)


def side_by_side(make_run, grid, seed=0):
    plan = [dict(zip(grid, values, strict=False)) for values in zip(*grid.values(), strict=False)]
    return table_of(make_run, plan, seed)


def one_at_a_time(make_run, grid, seed=0):
    first = {name: values[0] for name, values in grid.items()}
    plan = [first] + [{**first, name: value} for name, values in grid.items() for value in values[1:]]
    return table_of(make_run, plan, seed)


def each_alone(make_run, grid, seed=0):
    return table_of(make_run, [{name: value} for name, values in grid.items() for value in values], seed)


def two_settings_only(make_run, grid, seed=0):
    return table_of(make_run, combinations(dict(list(grid.items())[:2])), seed)


def last_value_left_out(make_run, grid, seed=0):
    return table_of(make_run, combinations({name: values[:-1] for name, values in grid.items()}), seed)


def numbers_become_floats(make_run, grid, seed=0):
    plan = [
        {name: value if isinstance(value, str) else float(value) for name, value in settings.items()}
        for settings in combinations(grid)
    ]
    return table_of(make_run, plan, seed)


def best_then_next(make_run, grid, seed=0):
    chosen, rows = {name: values[0] for name, values in grid.items()}, []
    for name, values in grid.items():
        tried = table_of(make_run, [{**chosen, name: value} for value in values], seed)
        chosen = {**chosen, name: min(tried, key=lambda row: row["loss"])[name]}
        rows += tried
    return rows


def one_dict_for_all(make_run, grid, seed=0):
    row, rows = {}, []
    for settings in combinations(grid):
        row.update(settings, loss=smoothed(make_run(seed=seed, **settings)))
        rows.append(row)
    return rows


def last_loss(make_run, grid, seed=0):
    return table_of(make_run, combinations(grid), seed, lambda losses: losses[-1])


def lowest_loss(make_run, grid, seed=0):
    return table_of(make_run, combinations(grid), seed, min)


def whole_run(make_run, grid, seed=0):
    return table_of(make_run, combinations(grid), seed, lambda losses: sum(losses) / len(losses))


def dropped(make_run, grid, seed=0):
    return [row for row in reference(make_run, grid, seed) if math.isfinite(row["loss"])]


def stops_there(make_run, grid, seed=0):
    rows = []
    for settings in combinations(grid):
        rows += table_of(make_run, [settings], seed)
        if not math.isfinite(rows[-1]["loss"]):
            break
    return rows


def cut_off(make_run, grid, seed=0):
    return [{**row, "loss": min(row["loss"], 100.0)} for row in reference(make_run, grid, seed)]


def bad_steps_skipped(make_run, grid, seed=0):
    return table_of(
        make_run, combinations(grid), seed, lambda losses: smoothed([loss for loss in losses if math.isfinite(loss)])
    )


def zero_for_bad(make_run, grid, seed=0):
    rows = reference(make_run, grid, seed)
    return [{**row, "loss": row["loss"] if math.isfinite(row["loss"]) else 0.0} for row in rows]


def only_the_best(make_run, grid, seed=0):
    return [min(reference(make_run, grid, seed), key=lambda row: row["loss"])]


def losses_only(make_run, grid, seed=0):
    return [row["loss"] for row in reference(make_run, grid, seed)]


def run_twice(make_run, grid, seed=0):
    reference(make_run, grid, seed)
    return reference(make_run, grid, seed)


def averaged_over_seeds(make_run, grid, seed=0):
    tables = [reference(make_run, grid, seed + more) for more in range(3)]
    return [{**rows[0], "loss": sum(row["loss"] for row in rows) / 3} for rows in zip(*tables, strict=True)]


def not_by_name(make_run, grid, seed=0):
    return [
        {**dict(zip(grid, values, strict=True)), "loss": smoothed(make_run(seed=seed, settings=list(values)))}
        for values in itertools.product(*grid.values())
    ]


EXERCISE = Exercise(
    "sweep",
    checks=(every_combination, divergence, seeded),
    reference=reference,
    needs={"smoothed": smoothed, "lr_range_test": range_test},
    slips=(
        Slip("every setting gets a new seed, so luck is mixed with the setting", new_seed_each),
        Slip("the seed that is given is not passed on", seed_ignored),
        Slip("the lists are walked side by side (zip) instead of combined", side_by_side),
        Slip("one setting at a time is changed and the others keep their first value", one_at_a_time),
        Slip("each setting is run alone, without the others", each_alone),
        Slip("two settings are combined, however many there are", two_settings_only),
        Slip("the last value of each list is left out", last_value_left_out),
        Slip("whole numbers are turned into floats on the way", numbers_become_floats),
        Slip("the best value of one setting is kept while the next is tried", best_then_next),
        Slip("all rows are one and the same dict, so each shows the last setting", one_dict_for_all),
        Slip("the last loss is reported, whatever batch it came from", last_loss),
        Slip("the lowest loss is reported, which is the luckiest batch", lowest_loss),
        Slip("the mean over the whole run is reported", whole_run),
        Slip("runs that diverged are dropped", dropped),
        Slip("the sweep ends with the first run that diverges", stops_there),
        Slip("the loss of a run that diverged is cut off at some large number", cut_off),
        Slip("losses that are not finite are skipped, so a diverged run looks sound", bad_steps_skipped),
        Slip("a run that diverged gets a loss of 0", zero_for_bad),
        Slip("only the best setting comes back", only_the_best),
        Slip("the losses come back without their settings", losses_only),
        Slip("everything is run twice", run_twice),
        Slip("every setting is run with several seeds", averaged_over_seeds),
        Slip("the values are passed as one list, not by their names", not_by_name),
    ),
)
