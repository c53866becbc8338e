"""Checks for `fit_logistic` (part 2, notebook 14)."""

import torch
from torch.nn import functional as F

from hookpoint.checks.author import Exercise, Mismatch, Slip
from hookpoint.interp import probes

from ._rows import read, two_classes

LEFT = 2e-4  # how much slope may remain; promised is half of it


def reference(X, y, l2=1e-2):
    """Names the arguments in messages."""


def at_the_bottom(learner, X, y, when, **l2):
    """Raises `Mismatch` unless the gradient of the loss, taken by autograd, is zero at what was fitted."""
    got = learner.fit_logistic(X, y, **l2)
    w, b = read(got, X)
    if not (w.isfinite().all() and b.isfinite()):
        raise Mismatch(f"returned numbers that are not finite{when}.", got=got)
    w, b = w.requires_grad_(), b.requires_grad_()
    loss = F.binary_cross_entropy_with_logits(X.double() @ w + b, y.double())
    loss = loss + l2.get("l2", 1e-2) / 2 * w.square().sum()
    slope_w, slope_b = torch.autograd.grad(loss, [w, b])
    for name, slope in (("w", slope_w.abs().max()), ("b", slope_b.abs())):
        if slope > LEFT:
            raise Mismatch(
                f"is not at the minimum{when}: the gradient of the loss with respect to {name} is not zero.",
                f"  Its largest entry is {slope:.2g}; at most {LEFT / 2:.0e} is asked for.",
                got=got,
            )


def minimum(learner, draw):
    """At (w, b) the gradient of the mean loss plus l2/2 ||w||^2 is zero, with labels as int, bool or float."""
    X, y = two_classes(draw)
    at_the_bottom(learner, X, y, "")
    at_the_bottom(learner, X, y.bool(), " with labels of kind bool")
    at_the_bottom(learner, X, y.float(), " with labels of kind float")
    at_the_bottom(learner, X.double(), y, " in float64")
    at_the_bottom(learner, X[:, :1], y, " for rows of one feature")


def penalty(learner, draw):
    """l2 shrinks w, and not b; with l2 = 0 it is the plain fit."""
    X, y = two_classes(draw, share=7)
    for l2 in (1.0, 0.1, 0.0):
        at_the_bottom(learner, X, y, f" with l2={l2}", l2=l2)


def separable(learner, draw):
    """Where the classes do not overlap, w stays finite, also with more features than rows."""
    X, y = two_classes(draw, n=40, d=3, apart=9.0)
    at_the_bottom(learner, X, y, " for classes that do not overlap")
    X, y = two_classes(draw, n=13, d=19)
    at_the_bottom(learner, X, y, " for 13 rows of 19 features", l2=0.1)


def no_intercept(X, y, l2=1e-2):
    v = torch.zeros(X.shape[1], dtype=torch.float64)
    rows, target = X.double(), y.double()
    for _ in range(60):
        p = (rows @ v).sigmoid()
        slope = rows.T @ (p - target) / len(rows) + l2 * v
        curvature = (rows.T * (p * (1 - p))) @ rows / len(rows) + (l2 + 1e-9) * torch.eye(len(v), dtype=v.dtype)
        v = v - torch.linalg.solve(curvature, slope)
    return v.to(X.dtype), torch.zeros((), dtype=X.dtype)


def intercept_shrunk(X, y, l2=1e-2):
    w, _ = no_intercept(torch.cat([X, torch.ones_like(X[:, :1])], dim=1), y, l2)
    return w[:-1], w[-1]


def labels_exchanged(X, y, l2=1e-2):
    return probes.fit_logistic(X, 1 - y.long(), l2)


def twice_the_penalty(X, y, l2=1e-2):
    return probes.fit_logistic(X, y, 2 * l2)


def sum_of_losses(X, y, l2=1e-2):
    return probes.fit_logistic(X, y, l2 / len(X))


def penalty_per_row(X, y, l2=1e-2):
    return probes.fit_logistic(X, y, l2 * len(X))


def no_penalty(X, y, l2=1e-2):
    return probes.fit_logistic(X, y, 1e-7)


def least_squares(X, y, l2=1e-2):
    rows = torch.cat([X, torch.ones_like(X[:, :1])], dim=1).double()
    v = torch.linalg.pinv(rows) @ (2 * y.double() - 1)
    return v[:-1].to(X.dtype), v[-1].to(X.dtype)


def unit_direction(X, y, l2=1e-2):
    w, b = probes.fit_logistic(X, y, l2)
    return w / w.norm(), b


def of_standardised(X, y, l2=1e-2):
    return probes.fit_logistic(probes.standardise(X, X), y, l2)


def few_steps(X, y, l2=1e-2):
    w, b = torch.zeros(X.shape[1], dtype=torch.float64), 0.0
    for _ in range(100):
        off = (X.double() @ w + b).sigmoid() - y.double()
        w, b = w - 0.1 * (X.double().T @ off / len(X) + l2 * w), b - 0.1 * off.mean()
    return w.to(X.dtype), b.to(X.dtype)


def penalty_fixed(X, y, l2=1e-2):
    return probes.fit_logistic(X, y)


def w_as_column(X, y, l2=1e-2):
    w, b = probes.fit_logistic(X, y, l2)
    return w[:, None], b


EXERCISE = Exercise(
    "fit_logistic",
    checks=(minimum, penalty, separable),
    reference=reference,
    gives=tuple,
    may=("dice",),  # a layer of torch.nn draws its first weights there, and the minimum does not depend on them
    limit=30.0,
    slips=(
        Slip("there is no intercept: b stays 0", no_intercept),
        Slip("the penalty shrinks b as well", intercept_shrunk),
        Slip("class 0 and class 1 are exchanged", labels_exchanged),
        Slip("the penalty is l2 ||w||^2, twice as much as asked for", twice_the_penalty),
        Slip("the losses are summed over the rows, while the penalty is counted once", sum_of_losses),
        Slip("the penalty is counted once for each row", penalty_per_row),
        Slip("there is no penalty", no_penalty),
        Slip("a straight line is fitted to labels of -1 and 1 (least squares)", least_squares),
        Slip("w is scaled to length 1 while b is not", unit_direction),
        Slip("(w, b) belong to standardised rows, not to the ones given", of_standardised),
        Slip("gradient descent stops after 100 steps of 0.1", few_steps),
        Slip("l2 is ignored in favour of 0.01", penalty_fixed),
        Slip("w is a column [D, 1]", w_as_column),
    ),
)
