"""Checks for `smoothed` (part 1, notebook 06b)."""

import math
import statistics

import torch

from hookpoint.checks.author import REFUSALS, Exercise, Mismatch, Slip, refuses, same

LENGTHS = (40, 100, 61, 29)
SHORT = (40, 1, 2, 7, 9, 10, 11, 19, 20)


def reference(losses):
    """The mean by the statistics module, of the places counted from the end."""
    count = max(1, math.floor(len(losses) / 10))
    tail = [losses[len(losses) - 1 - place] for place in range(count)]
    return statistics.fmean(tail) if all(map(math.isfinite, tail)) else math.inf


def falling(draw, steps):
    """Losses of a run: on the way down, and never twice the same."""
    noise = draw.normal(steps, std=0.3, dtype=torch.float64)
    return [7 * 0.98**step + 1 + amount for step, amount in enumerate(noise.abs().tolist())]


def values(learner, draw):
    """It is the mean of the last tenth of the losses, rounded down to whole steps."""
    for steps in LENGTHS:
        losses = falling(draw, steps)
        same(learner.smoothed(losses), reference(losses), f"for {steps} losses")


def short_runs(learner, draw):
    """Of a run of less than twenty steps it is the last loss: one step at least, never none."""
    for steps in SHORT:
        losses = falling(draw, steps)
        same(learner.smoothed(losses), reference(losses), f"for {steps} losses")


def by_hand(learner, draw):
    """Of twenty losses the last two count."""
    same(learner.smoothed([9.0] * 18 + [2.0, 1.0]), 1.5, "for twenty losses that end in 2.0, 1.0")


def divergence(learner, draw):
    """If NaN or infinity is among the losses that count, the run has diverged and the result is infinity."""
    whole = falling(draw, 40)
    same(learner.smoothed(whole), reference(whole), "for 40 losses")
    for place, value in ((-1, math.inf), (-1, math.nan), (-3, math.nan), (-4, math.inf)):
        losses = list(whole)
        losses[place] = value
        got = learner.smoothed(losses)
        if not (isinstance(got, float) or getattr(got, "ndim", None) == 0) or float(got) != math.inf:
            number = f"{float(got):.4f}" if isinstance(got, (int, float, torch.Tensor)) else "something else"
            line = "  NaN is not larger than any number: the smallest loss of a table could not be found any more."
            fact = f"returned {number} for losses that have {value} at place {place}, expected inf."
            raise Mismatch(fact, *([line] if got != got else []), got=got)
    same(learner.smoothed([math.nan, math.inf] + whole), reference(whole), "where only the first two are not finite")


def no_losses(learner, draw):
    """A run without any loss is an error: it must not look like the best of all."""
    losses = falling(draw, 11)
    same(learner.smoothed(losses), reference(losses), "for 11 losses")
    refuses(learner.smoothed, [], kinds=(*REFUSALS, "ArithmeticError"))  # dividing by no steps is refusing, too


def tail(losses):
    return losses[-max(1, len(losses) // 10) :]


def mean(losses):
    if not losses:
        raise ValueError
    found = sum(losses) / len(losses)
    return found if math.isfinite(found) else math.inf


def last_loss(losses):
    return mean(losses[-1:])


def all_losses(losses):
    return mean(losses)


def first_tenth(losses):
    return mean(losses[: max(1, len(losses) // 10)])


def always_ten(losses):
    return mean(losses[-10:])


def last_half(losses):
    return mean(losses[-max(1, len(losses) // 2) :])


def rounded_up(losses):
    return mean(losses[-math.ceil(len(losses) / 10) :])


def rounded_to_nearest(losses):
    return mean(losses[-max(1, round(len(losses) / 10)) :])


def none_is_all(losses):
    return mean(losses[-(len(losses) // 10) :])


def lowest(losses):
    return min(losses) if mean(losses) < math.inf else math.inf


def middle(losses):
    kept = tail(losses)
    return statistics.median(kept) if mean(kept) < math.inf else math.inf


def moving_average(losses):
    found = mean(losses[:1])
    for loss in losses:
        found = 0.9 * found + 0.1 * loss
    return found if math.isfinite(found) else math.inf


def added_up(losses):
    return mean(tail(losses)) * len(tail(losses))


def nan_kept(losses):
    return sum(tail(losses)) / len(tail(losses))


def bad_steps_skipped(losses):
    return mean([loss for loss in tail(losses) if math.isfinite(loss)] or losses[:1])


def cut_off(losses):
    return mean([min(loss, 100.0) if loss == loss else 100.0 for loss in tail(losses)])


def any_bad_step(losses):
    return mean(tail(losses)) if all(map(math.isfinite, losses)) else math.inf


def only_the_last_looked_at(losses):
    if losses and not math.isfinite(losses[-1]):
        return math.inf
    return sum(tail(losses)) / len(tail(losses))


def nothing_is_zero(losses):
    return mean(tail(losses)) if losses else 0.0


def nothing_is_infinite(losses):
    return mean(tail(losses)) if losses else math.inf


EXERCISE = Exercise(
    "smoothed",
    checks=(values, short_runs, by_hand, divergence, no_losses),
    reference=reference,
    gives=float,
    slips=(
        Slip("only the last loss counts, whatever batch it came from", last_loss),
        Slip("all losses count, the untrained model's too", all_losses),
        Slip("the first tenth counts instead of the last", first_tenth),
        Slip("the last ten losses count, however long the run", always_ten),
        Slip("the last half counts", last_half),
        Slip("a tenth is rounded up", rounded_up),
        Slip("a tenth is rounded to the nearest whole number", rounded_to_nearest),
        Slip("a tenth of a short run is 0 steps, and losses[-0:] is the whole list", none_is_all),
        Slip("the lowest loss is taken, which is the luckiest batch", lowest),
        Slip("the median is taken, not the mean", middle),
        Slip("a moving average is taken over the whole run", moving_average),
        Slip("the losses are added up and not divided by their number", added_up),
        Slip("a mean that is NaN stays NaN", nan_kept),
        Slip("losses that are not finite are left out of the mean, so a diverged run looks sound", bad_steps_skipped),
        Slip("losses that are not finite are cut off at some large number", cut_off),
        Slip("a loss that is not finite counts although it lies before the last tenth", any_bad_step),
        Slip("only the last loss is tested for being finite", only_the_last_looked_at),
        Slip("a run without losses gets 0, and wins every comparison", nothing_is_zero),
        Slip("a run without losses gets infinity instead of an error", nothing_is_infinite),
    ),
)
