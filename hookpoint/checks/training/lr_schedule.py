"""Checks for `lr_schedule` (part 1, notebook 06)."""

import math

from hookpoint.checks.author import Exercise, Slip, same

# Rates of very different size, so that neither can stand for the other.
RUNS = {
    "with a warm-up": (3.0, 0.25, 4, 13),
    "without a warm-up": (2.0, 0.5, 0, 9),
    "with a warm-up of one step": (5.0, 0.125, 1, 8),
    "with min_lr 0": (0.5, 0.0, 7, 20),
    "with one step after the warm-up": (4.0, 0.75, 3, 4),
}


def reference(step, max_lr, min_lr, warmup, total):
    """The line and the cosine, each written from its two end points."""
    if step < warmup:
        return max_lr / warmup + (max_lr - max_lr / warmup) * (step / (warmup - 1) if warmup > 1 else 0)
    first, last = max(warmup - 1, 0), total - 1
    if step >= last:
        return min_lr
    return (max_lr + min_lr) / 2 + (max_lr - min_lr) / 2 * math.cos(math.pi * (step - first) / (last - first))


def agrees(learner, run, steps):
    """All calls first: two slips that are alike at one step are told apart by the others."""
    found = [(step, learner.lr_schedule(step, *RUNS[run])) for step in steps]
    for step, got in found:
        same(got, float(reference(step, *RUNS[run])), f"at step {step}, {run}")


def warm_up(learner, draw):
    """The rate climbs in equal steps, from max_lr / warmup at step 0 to max_lr at step warmup - 1."""
    agrees(learner, "with a warm-up", range(4))
    agrees(learner, "with a warm-up of one step", range(1))
    agrees(learner, "without a warm-up", range(1))


def cosine(learner, draw):
    """From there it follows half a cosine down to min_lr at step total - 1, also where min_lr is 0."""
    agrees(learner, "with a warm-up", range(4, 13))
    agrees(learner, "without a warm-up", range(1, 9))
    agrees(learner, "with a warm-up of one step", range(1, 8))
    agrees(learner, "with min_lr 0", range(6, 20))
    agrees(learner, "with one step after the warm-up", range(2, 4))


def after_the_end(learner, draw):
    """After the last step of the schedule the rate stays at min_lr."""
    for run, (_, _, _, total) in RUNS.items():
        agrees(learner, run, (total, total + 1, total + 5, 2 * total, 10 * total))


def falling(progress, max_lr, min_lr):
    return min_lr + (max_lr - min_lr) * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0))) / 2


def progress_of(step, warmup, total):
    top = max(warmup - 1, 0)
    return (step - top) / (total - 1 - top)


def from_zero(step, max_lr, min_lr, warmup, total):
    return max_lr * step / warmup if step < warmup else falling(progress_of(step, warmup, total), max_lr, min_lr)


def never_at_the_top(step, max_lr, min_lr, warmup, total):
    top = max_lr * (step + 1) / (warmup + 1)
    return top if step < warmup else falling(progress_of(step, warmup, total), max_lr, min_lr)


def from_min(step, max_lr, min_lr, warmup, total):
    if step < warmup:
        return min_lr + (max_lr - min_lr) * (step + 1) / warmup
    return falling(progress_of(step, warmup, total), max_lr, min_lr)


def no_warm_up(step, max_lr, min_lr, warmup, total):
    return falling(step / (total - 1), max_lr, min_lr)


def cosine_over_everything(step, max_lr, min_lr, warmup, total):
    return falling(step / (total - 1), max_lr, min_lr) * min(1.0, (step + 1) / max(warmup, 1))


def twice_at_the_top(step, max_lr, min_lr, warmup, total):
    if step < warmup:
        return max_lr * (step + 1) / warmup
    return falling((step - warmup) / (total - 1 - warmup), max_lr, min_lr)


def ends_at_total(step, max_lr, min_lr, warmup, total):
    if step < warmup:
        return max_lr * (step + 1) / warmup
    top = max(warmup - 1, 0)
    return falling((step - top) / (total - top), max_lr, min_lr)


def late_at_both_ends(step, max_lr, min_lr, warmup, total):
    if step < warmup:
        return max_lr * (step + 1) / warmup
    return falling((step - warmup) / (total - warmup), max_lr, min_lr)


def rises_again(step, max_lr, min_lr, warmup, total):
    if step < warmup:
        return max_lr * (step + 1) / warmup
    return min_lr + (max_lr - min_lr) * (1 + math.cos(math.pi * progress_of(step, warmup, total))) / 2


def zero_afterwards(step, max_lr, min_lr, warmup, total):
    return 0.0 if step >= total else reference(step, max_lr, min_lr, warmup, total)


def restarts(step, max_lr, min_lr, warmup, total):
    return reference(step % total, max_lr, min_lr, warmup, total)


def straight_down(step, max_lr, min_lr, warmup, total):
    if step < warmup:
        return max_lr * (step + 1) / warmup
    return max_lr + (min_lr - max_lr) * min(progress_of(step, warmup, total), 1.0)


def min_as_floor(step, max_lr, min_lr, warmup, total):
    if step < warmup:
        return max_lr * (step + 1) / warmup
    return max(min_lr, falling(progress_of(step, warmup, total), max_lr, 0.0))


def added_to_min(step, max_lr, min_lr, warmup, total):
    if step < warmup:
        return max_lr * (step + 1) / warmup
    return falling(progress_of(step, warmup, total), max_lr + min_lr, min_lr)


def quarter_of_a_cosine(step, max_lr, min_lr, warmup, total):
    if step < warmup:
        return max_lr * (step + 1) / warmup
    return min_lr + (max_lr - min_lr) * math.cos(math.pi / 2 * min(progress_of(step, warmup, total), 1.0))


def not_halved(step, max_lr, min_lr, warmup, total):
    if step < warmup:
        return max_lr * (step + 1) / warmup
    return min_lr + (max_lr - min_lr) * (1 + math.cos(math.pi * min(progress_of(step, warmup, total), 1.0)))


def constant_after_warm_up(step, max_lr, min_lr, warmup, total):
    return max_lr * min(1.0, (step + 1) / max(warmup, 1))


def whole_division(step, max_lr, min_lr, warmup, total):
    return max_lr * ((step + 1) // warmup) if step < warmup else reference(step, max_lr, min_lr, warmup, total)


EXERCISE = Exercise(
    "lr_schedule",
    checks=(warm_up, cosine, after_the_end),
    reference=reference,
    gives=float,
    slips=(
        Slip("the warm-up starts at 0, so the first step changes nothing", from_zero),
        Slip("the warm-up divides by warmup + 1 and never gets to max_lr", never_at_the_top),
        Slip("the warm-up starts at min_lr, not at 0", from_min),
        Slip("there is no warm-up", no_warm_up),
        Slip("the cosine starts at step 0 and the warm-up only multiplies it", cosine_over_everything),
        Slip("the cosine starts at step warmup, so two steps have max_lr", twice_at_the_top),
        Slip("the cosine reaches min_lr at step total, one after the last", ends_at_total),
        Slip("the cosine runs from step warmup to step total, one late at both ends", late_at_both_ends),
        Slip("the cosine goes on after the end, and the rate rises again", rises_again),
        Slip("the rate is 0 after the end instead of min_lr", zero_afterwards),
        Slip("the schedule starts again after its end", restarts),
        Slip("the rate falls along a straight line", straight_down),
        Slip("the cosine goes down to 0 and is cut off at min_lr", min_as_floor),
        Slip("the cosine falls by max_lr instead of by max_lr - min_lr", added_to_min),
        Slip("only a quarter of the cosine is used, from 0 to pi / 2", quarter_of_a_cosine),
        Slip("1 + cos is not divided by 2", not_halved),
        Slip("the rate stays at max_lr after the warm-up", constant_after_warm_up),
        Slip("the warm-up divides with //, which drops the fraction", whole_division),
    ),
)
