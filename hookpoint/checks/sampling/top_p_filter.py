"""Checks for `top_p_filter` (part 1, notebook 07)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise

from ._logits import DTYPES, same_filtered, shuffled, with_removed
from ._top_p_slips import SLIPS

# Rows by their probabilities, likeliest first. At every p below, each running sum is at least 0.02 away from p: more
# than any precision or order of adding can err. Each p keeps different numbers of tokens in different rows.
ROWS = torch.tensor(
    [
        [0.40, 0.25, 0.15, 0.09, 0.06, 0.03, 0.02],
        [0.81, 0.09, 0.04, 0.025, 0.015, 0.012, 0.008],
        [0.22, 0.19, 0.17, 0.15, 0.13, 0.09, 0.05],
        [0.53, 0.36, 0.05, 0.025, 0.018, 0.01, 0.007],
    ],
    dtype=torch.float64,
)
KEPT = {0.6: (2, 1, 4, 2), 0.15: (1, 1, 1, 1), 0.35: (1, 1, 2, 1), 0.75: (3, 1, 5, 2)}
# Probabilities 1/2, 1/4, 1/8, and four of 1/32. The exponentials of these logits are exact in any precision and their
# sums in any order, so a running sum that should equal p does.
HALVES = torch.tensor([0, -1, -2, -4, -4, -4, -4], dtype=torch.float64)
# p, and how many tokens of such a row it keeps.
BORDERS = {0.5: 1, 0.75: 2}


def reference(logits, p, min_keep=1):
    """A loop in float64 that takes the likeliest token left until enough is together."""
    filtered = torch.full_like(logits, -torch.inf)
    for row, into in zip(logits, filtered, strict=True):
        total, taken = 0.0, 0
        probabilities = row.double().softmax(-1)
        for token in row.double().argsort(descending=True).tolist():
            if total >= p and taken >= min_keep:
                break
            into[token] = row[token]
            total, taken = total + float(probabilities[token]), taken + 1
    return filtered


def by_hand(logits, rows, kept):
    """The logits without those below the probability of the last token that is kept, row by row."""
    ordered = rows.sort(-1, descending=True).values
    least = ordered.gather(-1, torch.tensor(kept)[:, None] - 1)
    return torch.where(rows >= least, logits, -torch.inf)


def example(draw, dtype=torch.float32, rows=ROWS):
    """Logits with these probabilities, each row in its own order and at its own height, and the probabilities."""
    rows = shuffled(draw, rows)
    return (rows.log() + torch.linspace(-4, 5, len(rows))[:, None]).to(dtype), rows


def halves(draw, batch=3, dtype=torch.float32):
    exponents = shuffled(draw, HALVES.expand(batch, -1))
    return exponents.to(dtype) * torch.tensor(2.0, dtype=dtype).log(), exponents.exp2()


def values(learner, draw):
    """In each row the fewest tokens that together reach p stay as they are, in their places; the rest is removed."""
    learner.top_p_filter(halves(draw)[0], 0.75)  # is judged in `border`; here it only tells slips apart
    logits, rows = example(draw)
    for p, kept in KEPT.items():
        same_filtered(learner.top_p_filter(logits, p), by_hand(logits, rows, kept), f"for p = {p}")
    logits, rows = example(draw, rows=ROWS[2:3])
    same_filtered(learner.top_p_filter(logits, 0.6), by_hand(logits, rows, (4,)), "for a single row")
    # Of 301 tokens between 1/451.5 and 2/451.5, the likeliest 203 have 0.7479 together, and 204 have 0.7508.
    logits, rows = example(draw, rows=torch.linspace(1, 2, 301, dtype=torch.float64).expand(2, -1) / 451.5)
    same_filtered(learner.top_p_filter(logits, 0.7493), by_hand(logits, rows, (204, 204)), "for 301 tokens")
    logits, rows = example(draw, torch.float64)
    turned = logits.mT.contiguous().mT
    want = by_hand(logits, rows, KEPT[0.75])
    same_filtered(learner.top_p_filter(turned, 0.75), want, "with logits that are not contiguous")


def border(learner, draw):
    """Tokens that together have exactly the probability p are enough."""
    logits, rows = example(draw)
    same_filtered(learner.top_p_filter(logits, 0.75), by_hand(logits, rows, KEPT[0.75]), "for p = 0.75")
    for p, kept in {0.6505: (3, 1, 4, 2), 0.6495: (2, 1, 4, 2)}.items():
        want = by_hand(logits, rows, kept)
        same_filtered(learner.top_p_filter(logits, p), want, f"for p = {p} where a sum is 0.65")
    for dtype in (torch.float32, torch.float64):
        logits, rows = halves(draw, dtype=dtype)
        for p, kept in BORDERS.items():
            want = by_hand(logits, rows, (kept,) * len(rows))
            same_filtered(learner.top_p_filter(logits, p), want, f"for p = {p}, which a sum equals")


def ends(learner, draw):
    """With p = 1 everything stays; with p = 0, or one smaller than any probability, the likeliest token stays."""
    logits, rows = example(draw)
    same_filtered(learner.top_p_filter(logits, 1.0), logits, "for p = 1")
    thin, _ = example(draw, rows=torch.tensor([[0.5, 0.3, 0.1, 0.05, 0.03, 0.01998, 0.00002]], dtype=torch.float64))
    same_filtered(learner.top_p_filter(thin, 1.0), thin, "for p = 1 with a token of probability 0.00002")
    for p in (1e-6, 0.0):
        same_filtered(learner.top_p_filter(logits, p), by_hand(logits, rows, (1, 1, 1, 1)), f"for p = {p:g}")


def at_least(learner, draw):
    """At least min_keep tokens stay: the likeliest ones, and no more than p asks for beyond them."""
    logits, rows = example(draw)
    for p, min_keep in ((0.15, 3), (0.6, 2), (0.6, 3), (0.0, 2), (0.75, 1), (0.9999, 4), (0.5, 7)):
        needed = [int((row.sort(descending=True).values.cumsum(-1) < p).sum()) + 1 for row in rows]
        kept = tuple(max(min_keep, count) for count in needed)
        got = learner.top_p_filter(logits, p, min_keep=min_keep)
        same_filtered(got, by_hand(logits, rows, kept), f"for p = {p}, min_keep = {min_keep}")


def removed(learner, draw):
    """A token that has been removed stays removed and counts nothing; the others share its probability."""
    logits, rows = example(draw)
    likeliest = rows.argmax(-1).tolist()
    logits = with_removed(logits, *enumerate(likeliest))
    left = rows.scatter(1, torch.tensor(likeliest)[:, None], 0)
    for p, kept in {0.6: (2, 2, 3, 1), 1.0: (6, 6, 6, 6)}.items():
        want = by_hand(logits, left, kept)
        same_filtered(learner.top_p_filter(logits, p), want, f"for p = {p} where tokens have been removed")


def precisions(learner, draw):
    """The dtype stays as it is, and so do the logits that stay."""
    wide_apart = ROWS[[0, 1, 3]]
    for when, dtype in DTYPES.items():
        rows = shuffled(draw, wide_apart)
        logits = rows.log().to(dtype)
        same_filtered(learner.top_p_filter(logits, 0.58), by_hand(logits, rows, (2, 1, 2)), when)


EXERCISE = Exercise(
    "top_p_filter",
    checks=(values, border, ends, at_least, removed, precisions),
    reference=reference,
    gives=Tensor,
    slips=SLIPS,
)
