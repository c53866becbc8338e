"""Checks for `standardise` (part 2, notebook 14)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Slip, Tolerance, agree, same


def reference(fit, apply):
    """Feature by feature, with sums."""
    columns = []
    for seen, asked in zip(fit.T, apply.T, strict=True):
        mean = seen.sum() / len(seen)
        variance = (seen - mean).square().sum() / len(seen)
        columns.append((asked - mean) / variance.sqrt() if variance > 0 else torch.zeros_like(asked))
    return torch.stack(columns, dim=1)


def rows(draw, *shape):
    """Features of different means and scales."""
    scale = torch.tensor([0.05, 0.5, 1.0, 3.0, 20.0])
    return draw.normal(*shape) * scale + torch.tensor([0.1, -1.0, 2.0, 5.0, -30.0])


def by_train(learner, draw):
    """Mean and standard deviation (population) come from `fit` alone, feature by feature."""
    fit, apply = rows(draw, 7, 5), rows(draw, 3, 5) * 2 + 1
    apply[:, 2] = 4.0  # does not vary here, and does in `fit`
    agree(learner.standardise, reference, fit, apply)
    fit = fit * torch.tensor([0.1, 1.0, 1.0, 1.0, 1.0])
    same(learner.standardise(fit, apply), reference(fit, apply), "for a feature with a deviation of 0.005")


def itself(learner, draw):
    """Rows standardised by themselves have mean 0 and variance 1."""
    fit = rows(draw, 11, 5)
    same(learner.standardise(fit, fit), reference(fit, fit))
    one = rows(draw, 1, 5)
    same(learner.standardise(fit, one), reference(fit, one), "for a single row")


def constant(learner, draw):
    """A feature that is the same in all rows of `fit` becomes 0, even where `apply` has other values."""
    fit, apply = rows(draw, 8, 5), rows(draw, 3, 5)
    fit[:, 1], fit[:, 3] = 0.0, 2.5
    same(learner.standardise(fit, apply), reference(fit, apply))
    same(learner.standardise(fit[:, 1:2], apply[:, 1:2]), torch.zeros(3, 1), "where no feature varies")


def safe(part):
    return torch.where(part > 0, part, 1)


def zeroed(out, fit):
    return torch.where(fit.std(0, correction=0) > 0, out, 0)


def by_apply(fit, apply):
    return zeroed((apply - apply.mean(0)) / safe(apply.std(0, correction=0)), apply)


def by_both(fit, apply):
    both = torch.cat([fit, apply])
    return zeroed((apply - both.mean(0)) / safe(both.std(0, correction=0)), fit)


def by_variance(fit, apply):
    return zeroed((apply - fit.mean(0)) / safe(fit.var(0, correction=0)), fit)


def sample_deviation(fit, apply):
    return zeroed((apply - fit.mean(0)) / safe(fit.std(0)), fit)


def by_row(fit, apply):
    return (apply - apply.mean(1, keepdim=True)) / safe(apply.std(1, correction=0, keepdim=True))


def one_scale(fit, apply):
    return zeroed((apply - fit.mean(0)) / fit.std(correction=0), fit)


def not_centred(fit, apply):
    return zeroed(apply / safe(fit.std(0, correction=0)), fit)


def not_scaled(fit, apply):
    return zeroed(apply - fit.mean(0), fit)


def own_mean(fit, apply):
    return zeroed((apply - apply.mean(0)) / safe(fit.std(0, correction=0)), fit)


def fit_returned(fit, apply):
    return zeroed((fit - fit.mean(0)) / safe(fit.std(0, correction=0)), fit)


def not_a_number(fit, apply):
    return (apply - fit.mean(0)) / fit.std(0, correction=0)


def constant_kept(fit, apply):
    return (apply - fit.mean(0)) / safe(fit.std(0, correction=0))


def large_epsilon(fit, apply):
    return zeroed((apply - fit.mean(0)) / (fit.var(0, correction=0) + 1e-5).sqrt(), fit)


EXERCISE = Exercise(
    "standardise",
    checks=(by_train, itself, constant),
    reference=reference,
    gives=Tensor,
    tolerance=Tolerance(1e-5, float64=1e-6),
    slips=(
        Slip("mean and scale come from `apply` instead of `fit`", by_apply),
        Slip("mean and scale come from both tables together", by_both),
        Slip("the variance divides, not its root", by_variance),
        Slip("the sum of squares is divided by N - 1", sample_deviation),
        Slip("each row is standardised over its features, as a LayerNorm does", by_row),
        Slip("one scale serves all features", one_scale),
        Slip("the mean is not removed", not_centred),
        Slip("the scale is not removed", not_scaled),
        Slip("the mean is that of `apply`, the scale that of `fit`", own_mean),
        Slip("`fit` comes back standardised instead of `apply`", fit_returned),
        Slip("a feature without variance is divided by 0", not_a_number),
        Slip("a feature without variance is centred, not set to 0", constant_kept),
        Slip("1e-5 is added to the variance", large_epsilon),
    ),
)
