"""Checks for `ccs_normalise` (part 2, notebook 14)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Mismatch, Slip, Tolerance, same
from hookpoint.checks.compare import alike
from hookpoint.interp.probes import standardise


def one_side(X):
    """Each feature of a side by itself, with sums."""
    columns = []
    for column in X.T:
        off = column - column.sum() / len(column)
        scale = (off.square().sum() / len(column)).sqrt()
        columns.append(off / scale if scale > 0 else off * 0)
    return torch.stack(columns, dim=1)


def reference(Xp, Xn):
    return one_side(Xp), one_side(Xn)


def sides(draw, n=11):
    """Two sides that a shift and a scale tell apart."""
    truth = draw.normal(n, 1)
    Xp = draw.normal(n, 5) + 2 * truth + 3 * draw.normal(5)
    Xn = 3 * draw.normal(n, 5) - 2 * truth + 3 * draw.normal(5)
    return Xp, Xn


def agrees(learner, Xp, Xn, when):
    """Population or sample standard deviation: a factor common to all, which the probe's length takes up."""
    got, want = learner.ccs_normalise(Xp, Xn), reference(Xp, Xn)
    factor = (1 - 1 / len(Xp)) ** 0.5
    if alike(got, tuple(factor * each for each in want), EXERCISE.tolerance):
        return
    for name, one, other in zip(("positive", "negative"), got, want, strict=True):
        try:
            same(one, other, f"for the {name} side {when}".rstrip())
        except Mismatch as mismatch:
            mismatch.got = got
            raise


def each_side(learner, draw):
    """Each side loses its own mean and its own scale, feature by feature."""
    Xp, Xn = sides(draw)
    agrees(learner, Xp, Xn, "")
    agrees(learner, Xp.double(), Xn.double(), "in float64")
    agrees(learner, Xp.mT.contiguous().mT, Xn.mT.contiguous().mT, "with inputs that are not contiguous")


def nothing_tells_them_apart(learner, draw):
    """A feature that does not vary on a side becomes 0 there: one that only says which side it is, on both."""
    Xp, Xn = sides(draw)
    Xp[:, 2], Xn[:, 2] = 1.0, -1.0
    agrees(learner, Xp, Xn, "where a feature only names the side")
    Xp, Xn = sides(draw)
    Xp[:, 1], Xn[:, 3] = 1.0, -2.0
    agrees(learner, Xp, Xn, "where a feature varies on one side only")


def joint_mean(Xp, Xn):
    both = torch.cat([Xp, Xn])
    return standardise(both, Xp), standardise(both, Xn)


def joint_scale(Xp, Xn):
    both = torch.cat([Xp - Xp.mean(0), Xn - Xn.mean(0)])
    return standardise(both, Xp - Xp.mean(0)), standardise(both, Xn - Xn.mean(0))


def by_positive(Xp, Xn):
    return standardise(Xp, Xp), standardise(Xp, Xn)


def mean_alone(Xp, Xn):
    return Xp - Xp.mean(0), Xn - Xn.mean(0)


def scale_alone(Xp, Xn):
    return Xp / (Xp.std(0, correction=0) + 1e-9), Xn / (Xn.std(0, correction=0) + 1e-9)


def by_variance(Xp, Xn):
    return tuple((X - X.mean(0)) / X.var(0, correction=0).clamp(min=1e-12) for X in (Xp, Xn))


def by_row(Xp, Xn):
    return tuple((X - X.mean(1, keepdim=True)) / X.std(1, correction=0, keepdim=True) for X in (Xp, Xn))


def exchanged(Xp, Xn):
    return standardise(Xn, Xn), standardise(Xp, Xp)


def pair_mean(Xp, Xn):
    middle = (Xp + Xn) / 2
    return Xp - middle, Xn - middle


def positive_alone(Xp, Xn):
    return standardise(Xp, Xp), Xn.clone()


def divides_by_zero(Xp, Xn):
    return tuple((X - X.mean(0)) / X.std(0, correction=0) for X in (Xp, Xn))


def one_scale_per_side(Xp, Xn):
    return tuple((X - X.mean(0)) / X.std(correction=0) for X in (Xp, Xn))


EXERCISE = Exercise(
    "ccs_normalise",
    checks=(each_side, nothing_tells_them_apart),
    reference=reference,
    gives=(Tensor, Tensor),
    needs={"standardise": standardise},
    tolerance=Tolerance(1e-5, float64=1e-6),
    slips=(
        Slip("both sides lose their joint mean and scale: what names the side is left in", joint_mean),
        Slip("each side loses its own mean, but the scale is that of both together", joint_scale),
        Slip("both sides are standardised by the positive one", by_positive),
        Slip("the means are removed and the scales are not", mean_alone),
        Slip("the scales are removed and the means are not", scale_alone),
        Slip("the variance divides, not its root", by_variance),
        Slip("each row is standardised over its features", by_row),
        Slip("the sides come back in the wrong order", exchanged),
        Slip("the mean of each pair is removed", pair_mean),
        Slip("only the positive side is changed", positive_alone),
        Slip("a feature without variance is divided by 0", divides_by_zero),
        Slip("one scale serves all features of a side", one_scale_per_side),
    ),
)
