"""Checks for `lr_range_test` (part 1, notebook 06b)."""

import math

from hookpoint.checks.author import Exercise, Mismatch, Raised, Slip

from ._runs import Runs, asked_once, reported, rows_of, same_value, smoothed, swept

LRS = [1e-3, 3e-2, 1e-4, 0.5]  # not in order, so that nobody can rely on it


def reference(make_run, lrs, seed=0):
    """One run for each learning rate, all with the same seed."""
    return [{"lr": lr, "loss": smoothed(make_run(seed=seed, lr=lr))} for lr in lrs]


def settings(lrs):
    return [{"lr": lr} for lr in lrs]


def one_run_each(learner, draw):
    """Every learning rate is run once, under the name lr, and every run with the same seed."""
    for lrs in (LRS, [0.02], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]):
        runs = Runs(draw)
        curve = learner.lr_range_test(runs, list(lrs))
        asked_once(runs, settings(lrs))
        reported(curve, runs, settings(lrs))


def divergence(learner, draw):
    """A run that diverges stays in the curve with the loss infinity, and the others are as they would be without it."""
    for value, late in ((math.nan, False), (math.inf, False), (math.inf, True)):
        runs = Runs(draw, lambda asked, value=value: value if asked["lr"] in (3e-2, 0.5) else None, late)
        curve = learner.lr_range_test(runs, LRS)
        asked_once(runs, settings(LRS))
        reported(curve, runs, settings(LRS))


def seeded(learner, draw):
    """The seed that it is given is the seed of every run."""
    seed = draw.number(100, 1000)
    runs = Runs(draw)
    try:
        learner.lr_range_test(runs, LRS, seed=seed)
    except Raised as error:
        if "TypeError" in error.kinds and not runs.asked:
            return  # the curriculum's signature has no seed
        raise
    for found, _ in runs.asked:
        if found != seed:
            raise Mismatch(f"was asked for seed {seed} and runs with seed {found!r:.20}.")


def order(learner, draw):
    """The rows come in the order of the learning rates."""
    runs = Runs(draw)
    curve = learner.lr_range_test(runs, LRS)
    if isinstance(curve, list) and not all(map(same_value, [row["lr"] for row, _ in rows_of(curve, ["lr"])], LRS)):
        raise Mismatch("has its rows in another order than the learning rates it was given.", got=curve)


def with_loss(make_run, lrs, seed, loss):
    return [{"lr": lr, "loss": loss(make_run(seed=seed, lr=lr))} for lr in lrs]


def new_seed_each(make_run, lrs, seed=0):
    return [{"lr": lr, "loss": smoothed(make_run(seed=seed + place, lr=lr))} for place, lr in enumerate(lrs)]


def seed_ignored(make_run, lrs, seed=0):
    return reference(make_run, lrs)


def last_loss(make_run, lrs, seed=0):
    return with_loss(make_run, lrs, seed, lambda losses: losses[-1])


def lowest_loss(make_run, lrs, seed=0):
    return with_loss(make_run, lrs, seed, min)


def first_loss(make_run, lrs, seed=0):
    return with_loss(make_run, lrs, seed, lambda losses: losses[0])


def whole_run(make_run, lrs, seed=0):
    return with_loss(make_run, lrs, seed, lambda losses: sum(losses) / len(losses))


def loss_lists(make_run, lrs, seed=0):
    return with_loss(make_run, lrs, seed, list)


def dropped(make_run, lrs, seed=0):
    return [row for row in reference(make_run, lrs, seed) if math.isfinite(row["loss"])]


def stops_there(make_run, lrs, seed=0):
    rows = []
    for lr in lrs:
        rows += reference(make_run, [lr], seed)
        if not math.isfinite(rows[-1]["loss"]):
            break
    return rows


def cut_off(make_run, lrs, seed=0):
    return [{**row, "loss": min(row["loss"], 100.0)} for row in reference(make_run, lrs, seed)]


def bad_steps_skipped(make_run, lrs, seed=0):
    def finite(losses):
        kept = [loss for loss in losses if math.isfinite(loss)]
        return smoothed(kept)

    return with_loss(make_run, lrs, seed, finite)


def zero_for_bad(make_run, lrs, seed=0):
    return [
        {**row, "loss": row["loss"] if math.isfinite(row["loss"]) else 0.0} for row in reference(make_run, lrs, seed)
    ]


def one_dict_for_all(make_run, lrs, seed=0):
    row, rows = {}, []
    for lr in lrs:
        row.update(lr=lr, loss=smoothed(make_run(seed=seed, lr=lr)))
        rows.append(row)
    return rows


def only_the_best(make_run, lrs, seed=0):
    return [min(reference(make_run, lrs, seed), key=lambda row: row["loss"])]


def best_first(make_run, lrs, seed=0):
    return sorted(reference(make_run, lrs, seed), key=lambda row: row["loss"])


def sorted_rates(make_run, lrs, seed=0):
    return reference(make_run, sorted(lrs), seed)


def last_left_out(make_run, lrs, seed=0):
    return reference(make_run, lrs[:-1], seed)


def run_twice(make_run, lrs, seed=0):
    reference(make_run, lrs, seed)
    return reference(make_run, lrs, seed)


def averaged_over_seeds(make_run, lrs, seed=0):
    return [{"lr": lr, "loss": sum(smoothed(make_run(seed=seed + more, lr=lr)) for more in range(3)) / 3} for lr in lrs]


EXERCISE = Exercise(
    "lr_range_test",
    checks=(one_run_each, divergence, order, seeded),
    reference=reference,
    needs={"smoothed": smoothed, "sweep": swept},
    slips=(
        Slip("every learning rate gets a new seed, so luck is mixed with the learning rate", new_seed_each),
        Slip("the seed that is given is not passed on", seed_ignored),
        Slip("the last loss is reported, whatever batch it came from", last_loss),
        Slip("the lowest loss is reported, which is the luckiest batch", lowest_loss),
        Slip("the loss before training is reported", first_loss),
        Slip("the mean over the whole run is reported", whole_run),
        Slip("all losses of a run are put where one number belongs", loss_lists),
        Slip("runs that diverged are dropped", dropped),
        Slip("the test ends with the first run that diverges", stops_there),
        Slip("the loss of a run that diverged is cut off at some large number", cut_off),
        Slip("losses that are not finite are skipped, so a diverged run looks sound", bad_steps_skipped),
        Slip("a run that diverged gets a loss of 0", zero_for_bad),
        Slip("all rows are one and the same dict, so each shows the last learning rate", one_dict_for_all),
        Slip("only the best learning rate comes back", only_the_best),
        Slip("the rows are sorted by loss", best_first),
        Slip("the learning rates are sorted", sorted_rates),
        Slip("the last learning rate is left out", last_left_out),
        Slip("everything is run twice", run_twice),
        Slip("every learning rate is run with several seeds", averaged_over_seeds),
    ),
)
