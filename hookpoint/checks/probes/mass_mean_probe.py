"""Checks for `mass_mean_probe` (part 2, notebook 14)."""

import torch

from hookpoint.checks.author import Exercise, Slip, Tolerance, same
from hookpoint.interp import probes

from ._rows import read, two_classes

LOOSE = Tolerance(1e-3)  # the covariance is solved against in float32


def means(X, y):
    """The two class means by loops over rows."""
    sums, counts = torch.zeros(2, X.shape[1], dtype=torch.float64), [0, 0]
    for row, label in zip(X.double(), y.long().tolist(), strict=True):
        sums[label] += row
        counts[label] += 1
    return sums[0] / counts[0], sums[1] / counts[1]


def reference(X, y, whiten=False):
    """The difference of the means; with `whiten`, solved against the covariance inside the classes."""
    zero, one = means(X, y)
    w = one - zero
    if whiten:
        spread = torch.zeros(X.shape[1], X.shape[1], dtype=torch.float64)
        for row, label in zip(X.double(), y.long().tolist(), strict=True):
            off = row - (one if label else zero)
            spread += torch.outer(off, off)
        w = torch.linalg.pinv(spread / len(X)) @ w
    return w, -(w @ (zero + one)) / 2


def plain(learner, draw):
    """w points from the mean of class 0 to that of class 1, and the border lies half-way."""
    X, y = two_classes(draw)
    for rows, labels, when in (
        (X, y, ""), (X, y.bool(), "with labels of kind bool"), (X.double(), y, "in float64"),
        (X.mT.contiguous().mT, y, "with rows that are not contiguous"),
    ):  # fmt: skip
        w, b = read(learner.mass_mean_probe(rows, labels), rows)
        want_w, want_b = reference(rows, labels)
        same(w.float(), want_w.float(), f"for w {when}".rstrip())
        same(b.float(), want_b.float(), f"for b {when}".rstrip())
        if rows.dtype == torch.float64:
            same(w, want_w, f"for w {when}", Tolerance(1e-5, float64=1e-9))


def corrected(learner, draw):
    """With whiten=True the direction is corrected by the covariance inside the classes; its length is free."""
    X, y = two_classes(draw, n=97, share=4)
    X = X @ (torch.linalg.qr(draw.normal(5, 5)).Q * torch.tensor([0.6, 0.8, 1.0, 1.5, 2.0]))
    X = X @ torch.linalg.qr(draw.normal(5, 5)).Q
    for rows, labels in ((X, y), (X.double(), y), (X, y.bool())):
        w, b = read(learner.mass_mean_probe(rows, labels, whiten=True), rows)
        want_w, want_b = reference(rows, y, whiten=True)
        same((w / w.norm()).float(), (want_w / want_w.norm()).float(), "for w / ||w|| with whiten", LOOSE)
        same((b / w.norm()).float(), (want_b / want_w.norm()).float(), "for b / ||w|| with whiten", LOOSE)


def made(X, y):
    y = y.bool()
    return X[~y].mean(0), X[y].mean(0), y


def with_midpoint(w, zero, one):
    return w, -w @ (zero + one) / 2


def sign_reversed(X, y, whiten=False):
    w, b = probes.mass_mean_probe(X, y, whiten)
    return -w, -b


def mean_over_features(X, y, whiten=False):
    zero, one, _ = made(X, y)
    return with_midpoint(torch.full_like(zero, (one - zero).mean()), zero, one)


def border_at_the_mean(X, y, whiten=False):
    w, _ = probes.mass_mean_probe(X, y, whiten)
    return w, -w @ X.mean(0)


def border_not_halved(X, y, whiten=False):
    w, b = probes.mass_mean_probe(X, y, whiten)
    return w, 2 * b


def border_sign(X, y, whiten=False):
    w, b = probes.mass_mean_probe(X, y, whiten)
    return w, -b


def no_border(X, y, whiten=False):
    w, b = probes.mass_mean_probe(X, y, whiten)
    return w, 0 * b


def unit_length(X, y, whiten=False):
    w, b = probes.mass_mean_probe(X, y, whiten)
    return (w, b) if whiten else (w / w.norm(), b / w.norm())


def never_whitened(X, y, whiten=False):
    return probes.mass_mean_probe(X, y)


def features_by_themselves(X, y, whiten=False):
    zero, one, y = made(X, y)
    off = X - torch.where(y[:, None], one, zero)
    return with_midpoint((one - zero) / off.var(0) if whiten else one - zero, zero, one)


def square_root(X, y, whiten=False):
    zero, one, y = made(X, y)
    off = X - torch.where(y[:, None], one, zero)
    values, vectors = torch.linalg.eigh(off.T @ off / len(X))
    w = one - zero
    return with_midpoint(vectors @ (vectors.T @ w / values.sqrt()) if whiten else w, zero, one)


def not_inverted(X, y, whiten=False):
    zero, one, y = made(X, y)
    off = X - torch.where(y[:, None], one, zero)
    return with_midpoint(off.T @ off / len(X) @ (one - zero) if whiten else one - zero, zero, one)


def not_centred(X, y, whiten=False):
    zero, one, _ = made(X, y)
    w = torch.linalg.solve(X.T @ X / len(X), one - zero) if whiten else one - zero
    return with_midpoint(w, zero, one)


def classes_weighted_alike(X, y, whiten=False):
    zero, one, y = made(X, y)
    spread = (X[y].T.cov(correction=0) + X[~y].T.cov(correction=0)) / 2
    return with_midpoint(torch.linalg.solve(spread, one - zero) if whiten else one - zero, zero, one)


def border_before_whitening(X, y, whiten=False):
    w, _ = probes.mass_mean_probe(X, y, whiten)
    return w, probes.mass_mean_probe(X, y)[1]


EXERCISE = Exercise(
    "mass_mean_probe",
    checks=(plain, corrected),
    reference=reference,
    gives=tuple,
    slips=(
        Slip("w points from class 1 to class 0", sign_reversed),
        Slip("the means are taken over the features too", mean_over_features),
        Slip("the border goes through the mean of all rows, not half-way between the class means", border_at_the_mean),
        Slip("b is not halved: the border is twice as far out", border_not_halved),
        Slip("b has the wrong sign", border_sign),
        Slip("b is 0", no_border),
        Slip("w is scaled to length 1 without whiten", unit_length),
        Slip("whiten is ignored", never_whitened),
        Slip("with whiten, each feature is divided by its own variance alone", features_by_themselves),
        Slip("the covariance's square root is taken out of w, not the covariance", square_root),
        Slip("w is multiplied by the covariance instead of by its inverse", not_inverted),
        Slip("the covariance is taken about 0 instead of about the class means", not_centred),
        Slip("the two classes' covariances are averaged as if both had as many rows", classes_weighted_alike),
        Slip("b was computed with the direction before whitening", border_before_whitening),
    ),
)
