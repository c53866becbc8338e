"""Checks for `apply_temperature` (part 1, notebook 07)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Slip, agree, refuses

from ._logits import DTYPES, same_filtered, with_removed

REFUSALS = ("ValueError", "IndexError", "RuntimeError", "AssertionError", "ZeroDivisionError")
# Exact in binary, so that a temperature kept in float32 costs a float64 result nothing.
TEMPERATURES = (0.5, 2.0, 0.25, 1.5, 1, 8.0, 0.03125, 256.0, 2**-10)


def reference(logits, t):
    """Division as multiplication, in float64."""
    return (logits.double() * (1 / t)).to(logits.dtype)


def values(learner, draw):
    """Each logit is divided by the temperature, whatever the temperature and the shape."""
    logits = draw.normal(3, 7, mean=1, std=4)
    for t in TEMPERATURES:
        agree(learner.apply_temperature, reference, logits, t, when=f"for t = {t}")
    agree(learner.apply_temperature, reference, draw.normal(5, std=4), 0.5, when="for one row")
    agree(learner.apply_temperature, reference, draw.normal(2, 3, 5, std=4), 2.0, when="for two axes before d_vocab")


def removed(learner, draw):
    """A token that has been removed stays removed, and the dtype stays as it is."""
    for when, dtype in DTYPES.items():
        logits = with_removed(draw.normal(3, 7, std=2), (0, 2), (1, 0), (1, 6), (2, 3)).to(dtype)
        for t in (0.5, 2.0):
            same_filtered(learner.apply_temperature(logits, t), reference(logits, t), f"{when} for t = {t}".strip())


def zero(learner, draw):
    """A temperature of 0 is an error."""
    logits = draw.normal(3, 7)
    same_filtered(learner.apply_temperature(logits, 0.5), reference(logits, 0.5), "for t = 0.5")
    for t in (0.0, 0):
        refuses(learner.apply_temperature, logits, t, kinds=REFUSALS)


def multiplied(logits, t):
    return logits * t if t != 0 else refused()


def refused():
    raise ValueError


def zero_divides(logits, t):
    return logits / t


def zero_is_greedy(logits, t):
    if t == 0:
        return torch.zeros_like(logits).scatter(-1, logits.argmax(-1, keepdim=True), 1.0)
    return logits / t


def zero_leaves_the_largest(logits, t):
    if t == 0:
        return logits.masked_fill(logits < logits.amax(-1, keepdim=True), -torch.inf)
    return logits / t


def zero_changes_nothing(logits, t):
    return logits if t == 0 else logits / t


def probabilities(logits, t):
    return (logits / t).softmax(-1) if t != 0 else refused()


def log_probabilities(logits, t):
    return (logits / t).log_softmax(-1) if t != 0 else refused()


def powers(logits, t):
    return logits.softmax(-1) ** (1 / t) if t != 0 else refused()


def added_epsilon(logits, t):
    return logits / (t + 1e-5)


def floor_of_small(logits, t):
    return logits / max(t, 1e-5)


def never_sharper(logits, t):
    return logits / max(t, 1.0)


def never_flatter(logits, t):
    return logits / min(t, 1.0) if t != 0 else refused()


def squared(logits, t):
    return logits / t**2 if t != 0 else refused()


def root(logits, t):
    return logits / t**0.5 if t != 0 else refused()


def clamped(logits, t):
    return (logits / t).clamp(-50, 50) if t != 0 else refused()


def removed_becomes_zero(logits, t):
    return torch.nan_to_num(logits / t, neginf=0.0) if t != 0 else refused()


def removed_becomes_finite(logits, t):
    return logits.clamp(min=-1e4) / t if t != 0 else refused()


def always_float32(logits, t):
    return logits.float() / t if t != 0 else refused()


EXERCISE = Exercise(
    "apply_temperature",
    checks=(values, removed, zero),
    reference=reference,
    gives=Tensor,
    slips=(
        Slip("the logits are multiplied by the temperature", multiplied),
        Slip("a temperature of 0 divides by 0 and gives infinities or nan instead of an error", zero_divides),
        Slip("a temperature of 0 gives 1 for the likeliest token and 0 for the others", zero_is_greedy),
        Slip("a temperature of 0 leaves only the likeliest token, which here is an error", zero_leaves_the_largest),
        Slip("a temperature of 0 changes nothing", zero_changes_nothing),
        Slip("the softmax is taken as well: these are probabilities, not logits", probabilities),
        Slip("the result is normalised to log-probabilities", log_probabilities),
        Slip("the probabilities are raised to the power 1/t and come back in place of logits", powers),
        Slip("a small number is added to the temperature before dividing", added_epsilon),
        Slip("a temperature below 1e-5 is replaced by 1e-5, so that 0 is no error", floor_of_small),
        Slip("a temperature below 1 counts as 1", never_sharper),
        Slip("a temperature above 1 counts as 1", never_flatter),
        Slip("the logits are divided by the square of the temperature", squared),
        Slip("the logits are divided by the root of the temperature", root),
        Slip("the result is clamped to a range", clamped),
        Slip("the logit of a removed token becomes 0", removed_becomes_zero),
        Slip(
            "the logit of a removed token becomes an ordinary number, -1e4 over the temperature", removed_becomes_finite
        ),
        Slip("the result is float32 whatever came in", always_float32),
    ),
)
