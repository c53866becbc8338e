"""Checks for `greedy` (part 1, notebook 07)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Slip, same

from ._logits import DTYPES


def reference(logits):
    """A loop that only a larger logit impresses."""
    chosen = []
    for row in logits.tolist():
        best = 0
        for token, logit in enumerate(row):
            best = token if logit > row[best] else best
        chosen.append(best)
    return torch.tensor(chosen)


def values(learner, draw):
    """Each row gives the number of its largest logit, as int64."""
    logits = draw.normal(5, 7, mean=-3, std=4)
    same(learner.greedy(logits), reference(logits))
    for when, dtype in DTYPES.items():
        logits = draw.normal(3, 11, std=4).to(dtype)
        same(learner.greedy(logits), reference(logits), when)
    logits = 30 - 0.001 * torch.tensor([draw.order(7) for _ in range(5)])
    same(learner.greedy(logits), reference(logits), "where logits lie close together")
    for when, dtype, gap in (("", torch.float32, 1e-5), ("in float64", torch.float64, 1e-10)):
        logits = (1 + gap * torch.tensor([draw.order(7) for _ in range(5)], dtype=torch.float64)).to(dtype)
        same(learner.greedy(logits), reference(logits), f"{when} where logits lie very close together".strip())
    logits = draw.normal(11, 3).mT
    same(learner.greedy(logits), reference(logits), "with logits that are not contiguous")
    logits = draw.normal(1, 7)
    same(learner.greedy(logits), reference(logits), "for a single row")


def ties(learner, draw):
    """Of equal logits the one with the lowest number wins."""
    logits = draw.normal(4, 13, std=2).clamp(max=3)
    for row, places in enumerate(((5, 2), (12, 7, 9), (0, 12), range(13))):
        logits[row, list(places)] = 4.0
    same(learner.greedy(logits), torch.tensor([2, 7, 0, 0]), "where logits are equal")
    wide = torch.full((3, 1009), -1.0)
    first = [draw.number(1, 500) for _ in wide]
    for row, at in enumerate(first):
        wide[row, [at, at + 3, at + 400]] = 0.0
    same(learner.greedy(wide), torch.tensor(first), "where logits are equal")


def removed(learner, draw):
    """Removed tokens never win, however small the other logits are."""
    logits = draw.normal(3, 7, mean=-20, std=4)
    same(learner.greedy(logits), reference(logits), "where all logits are negative")
    logits = draw.normal(3, 7, mean=-1e4, std=100)
    logits[0, :3], logits[1, 4:], logits[2, [0, 1, 2, 4, 5, 6]] = -torch.inf, -torch.inf, -torch.inf
    same(learner.greedy(logits), reference(logits), "where tokens have been removed")
    lowest = torch.finfo(torch.float32).min
    same(learner.greedy(logits.clamp(min=lowest)), reference(logits), "where tokens have been removed")


def over_the_batch(logits):
    return logits.argmax(0)


def of_everything(logits):
    return logits.argmax()


def last_of_ties(logits):
    return logits.shape[-1] - 1 - logits.flip(-1).argmax(-1)


def random_tie(logits):
    generator = torch.Generator().manual_seed(1)
    return torch.multinomial((logits == logits.amax(-1, keepdim=True)).float(), 1, generator=generator).squeeze(-1)


def kept_axis(logits):
    return logits.argmax(-1, keepdim=True)


def largest_value(logits):
    return logits.amax(-1)


def smallest(logits):
    return logits.argmin(-1)


def largest_size(logits):
    return logits.abs().argmax(-1)


def squeezed(logits):
    return logits.argmax(-1).squeeze()


def first_row_for_all(logits):
    return logits[0].argmax().expand(len(logits)).clone()


def from_zero(logits):
    chosen = []
    for row in logits.tolist():
        best, at = 0.0, 0
        for token, logit in enumerate(row):
            if logit > best:
                best, at = logit, token
        chosen.append(at)
    return torch.tensor(chosen)


def one_hot(logits):
    return torch.nn.functional.one_hot(logits.argmax(-1), logits.shape[-1])


def infinity_as_zero(logits):
    return torch.nan_to_num(logits, neginf=0.0).argmax(-1)


EXERCISE = Exercise(
    "greedy",
    checks=(values, ties, removed),
    reference=reference,
    gives=Tensor,
    slips=(
        Slip("the maximum is taken over the rows of the batch", over_the_batch),
        Slip("the maximum is taken over the whole batch at once", of_everything),
        Slip("of equal logits the last one wins", last_of_ties),
        Slip("one of the equal logits is drawn at random", random_tie),
        Slip("the axis that was reduced is kept: the shape is [batch, 1]", kept_axis),
        Slip("the largest logits come back, not their numbers", largest_value),
        Slip("the smallest logit wins", smallest),
        Slip("the largest absolute value wins", largest_size),
        Slip("squeeze() without an axis also removes the batch axis when there is one row", squeezed),
        Slip("the first row decides for all", first_row_for_all),
        Slip("the search for the maximum starts at 0, so negative logits never win", from_zero),
        Slip("the choice comes back as a one-hot row, not as a number", one_hot),
        Slip("the -inf of removed tokens becomes 0 before the comparison", infinity_as_zero),
    ),
)
