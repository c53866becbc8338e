"""Runs whose losses are known: what a sweep is tried with, and how its table is read."""

import hashlib
import math

import torch

from hookpoint.checks.author import Mismatch

STEPS = 60
PLATEAU = 18  # steps at the end, around the level that a run has reached
NOISE = 0.6
CLOSE = 0.2  # other ways of smoothing are right, too: they come this near, and no single loss does


class Runs:
    """A `make_run` whose losses depend on seed and settings alone, and which keeps what it was asked for.

    The losses fall, then swing around a level by `NOISE`. Where `diverges(settings)` gives a number, the run ends with
    it: NaN or infinity. With `late` only its last loss is one, as in the notebook, where a run is given up.
    """

    def __init__(self, draw, diverges=lambda settings: None, late=False):
        self.label, self.diverges, self.late = str(draw.number(0, 2**40)), diverges, late
        self.asked: list[tuple[object, dict]] = []

    def __call__(self, seed=0, **settings):
        self.asked.append((seed, settings))
        return self.losses(seed, settings)

    def generator(self, seed, settings):
        text = repr((self.label, seed, sorted(settings.items())))
        number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")
        return torch.Generator().manual_seed(number)

    def level(self, seed, settings):
        """Where the losses of this run settle."""
        return 2 + 3 * torch.rand((), generator=self.generator(seed, settings), dtype=torch.float64).item()

    def losses(self, seed, settings):
        level, generator = self.level(seed, settings), self.generator(seed, settings)
        falling = [level + 3 * (1 - step / (STEPS - PLATEAU)) for step in range(STEPS - PLATEAU)]
        signs = (torch.randint(2, (PLATEAU // 2,), generator=generator) * 2 - 1).tolist()
        swinging = [level + NOISE * sign for pair in signs for sign in (pair, -pair)]
        last = self.diverges(settings)
        if last is None:
            return falling + swinging
        return [*falling, *swinging[:-1], last] if self.late else [*falling, 20.0, 400.0, *[last] * (PLATEAU - 2)]


Runs.__name__ = Runs.__call__.__qualname__ = "make_run"  # what a message calls it


def asked_once(runs, wanted):
    """Raises `Mismatch` unless every one of the wanted settings was run once, all with one seed."""
    asked, found = [seed for seed, _ in runs.asked], [settings for _, settings in runs.asked]
    for settings in wanted:
        times = sum(alike(settings, each) for each in found)
        if times != 1:
            what = "never runs" if times == 0 else f"runs {times} times"
            raise Mismatch(
                f"{what} the setting {told(settings)}, which it should run once.", *what_else(found, wanted, asked)
            )
    if len(found) > len(wanted):
        extra = next(each for each in found if not any(alike(each, settings) for settings in wanted))
        raise Mismatch(f"runs the setting {told(extra)}, which is not in the plan.")
    seeds = list(dict.fromkeys(repr(seed) for seed, _ in runs.asked))
    if len(seeds) > 1:
        line = "  A difference could then be luck: the same seed draws the same weights and batches for each."
        raise Mismatch(f"runs settings with different seeds: {', '.join(seeds[:4])}.", line)


def alike(one, other):
    return one.keys() == other.keys() and all(
        type(one[key]) is type(other[key]) and one[key] == other[key] for key in one
    )


def what_else(found, wanted, seeds):
    values = [value for settings in wanted for value in settings.values() if isinstance(value, float)]
    if {} in found and (unnamed := [seed for seed in seeds if seed in values]):
        return [f"  It passes {unnamed[0]!r} without a name, and the first argument of a run is its seed."]
    extra = [each for each in found if not any(alike(each, settings) for settings in wanted)]
    return [f"  It runs {told(extra[0])} instead."] if extra else []


def told(settings):
    return ", ".join(f"{name}={value!r}" for name, value in settings.items())[:120] or "without any"


def reported(table, runs, wanted, seed=None):
    """Raises `Mismatch` unless the table has one row for every wanted setting, with the loss that the run came to."""
    rows = rows_of(table, list(wanted[0]))
    if seed is None:
        seed = runs.asked[0][0]
    for settings in wanted:
        losses = [loss for found, loss in rows if same_settings(found, settings)]
        if len(losses) != 1:
            what = "has no row" if not losses else f"has {len(losses)} rows"
            hidden = " It diverged, and must not be left out." if diverged(runs, settings) and not losses else ""
            raise Mismatch(f"{what} for {told(settings)}, expected one.{hidden}", got=table)
        judge_loss(table, runs, settings, losses[0], seed)
    if len(rows) > len(wanted):
        raise Mismatch(f"has {len(rows)} rows, expected {len(wanted)}.", got=table)


def diverged(runs, settings):
    return runs.diverges(settings) is not None


def judge_loss(table, runs, settings, loss, seed):
    if diverged(runs, settings):
        if loss is not None and math.isfinite(loss):
            line = "  Its losses end in NaN or infinity: report infinity."
            raise Mismatch(f"reports a loss of {loss:.4f} for {told(settings)}, a run that diverged.", line, got=table)
        return
    level = runs.level(seed, settings)
    if loss is None or not abs(loss - level) <= CLOSE:
        shown = "nothing" if loss is None else f"{loss:.4f}"
        line = f"  Its last losses swing between {level - NOISE:.4f} and {level + NOISE:.4f}."
        raise Mismatch(f"reports {shown} for {told(settings)}, expected {level:.4f}.", line, got=table)


def same_settings(found, settings):
    return all(name in found and same_value(found[name], value) for name, value in settings.items())


def same_value(found, value):
    """Whether a table's value is the setting's: exactly, or rounded to float32."""
    return found == value or (
        isinstance(found, float) and isinstance(value, float) and math.isclose(found, value, rel_tol=1e-6)
    )


FORM = '  One dict per run: its settings, and its loss under "loss".'


def rows_of(table, names):
    """(settings, loss) of each row. Raises `Mismatch` where it cannot be read as a table.

    The contract's form is a list of dicts. Columns, tuples, a tensor and a dict from setting to loss say the same.
    """
    try:
        if isinstance(table, torch.Tensor):
            table = table.tolist()
        if are_columns(table, len(names) + 1):
            table = dict(zip([*names, "loss"], table, strict=True))
        if isinstance(table, dict) and all(name in table for name in names):
            lists = [table[name] for name in names] + [table.get("loss", table.get("losses"))]
            return [(dict(zip(names, row, strict=False)), number(row[-1])) for row in zip(*lists, strict=True)]
        if isinstance(table, dict):
            return [(keyed(key, names), number(value)) for key, value in table.items()]
        if isinstance(table, (list, tuple)):
            return [row_of(row, names) for row in table]
    except (TypeError, ValueError, KeyError, IndexError, AttributeError):
        pass
    raise Mismatch("returned something that cannot be read as a table.", FORM, got=table)


def are_columns(table, count):
    """Whether this is one list for each setting and one of losses, as for a plot: `lrs, losses`."""
    if not isinstance(table, (list, tuple)) or len(table) != count:
        return False
    lengths = {len(column) if isinstance(column, (list, tuple, torch.Tensor)) else -1 for column in table}
    return len(lengths) == 1 and lengths.isdisjoint({-1, count})


def row_of(row, names):
    if isinstance(row, dict):
        settings = row.get("settings", row)
        loss = math.inf if row.get("diverged") is True else number(row["loss"])
        return {name: settings[name] for name in names}, loss
    if isinstance(row[0], dict):
        return row[0], number(row[1])
    return keyed(row[: len(names)], names), number(row[len(names)])


def keyed(key, names):
    values = key if isinstance(key, (list, tuple)) else (key,)
    if all(isinstance(value, tuple) and len(value) == 2 and value[0] in names for value in values):
        return dict(values)
    return dict(zip(names, values, strict=True))


def number(value):
    if isinstance(value, dict):
        value = math.inf if value.get("diverged") is True else value["loss"]
    return None if value is None else float(value)


def smoothed(losses):
    """The mean of the last tenth of the losses, at least of one; infinity if it is no number."""
    last = losses[-max(1, len(losses) // 10) :]
    mean = sum(last) / len(last)
    return mean if math.isfinite(mean) else math.inf


def combinations(grid):
    """Every combination of a grid's values, by hand: one setting after the other."""
    found = [{}]
    for name, values in grid.items():
        found = [{**settings, name: value} for settings in found for value in values]
    return found


def swept(make_run, grid, seed=0):
    """One run for each combination, all with the same seed; the last setting changes fastest."""
    return [{**settings, "loss": smoothed(make_run(seed=seed, **settings))} for settings in combinations(grid)]
