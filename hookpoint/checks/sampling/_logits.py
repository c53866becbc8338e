"""What the checks of sampling share: comparing logits of which some are removed, rows in any order, and chance."""

import torch
from torch import Tensor

from hookpoint.checks.author import Draw, Mismatch, same

DTYPES = {"": torch.float32, "in float64": torch.float64, "in float16": torch.float16}
# Far beyond chance: a right answer fails in one of ten thousand million runs.
IMPROBABLE = 1e-10
RARE = 20  # expected counts below this follow no normal distribution


def same_filtered(got: Tensor, want: Tensor, when: str = "") -> None:
    """Raises `Mismatch` unless `got` removes what is -inf in `want`, and nothing else, and keeps the other logits.

    Removed is -inf, or anything at most half of the dtype's smallest number: a softmax gives both exactly 0.
    """
    removed = want == -torch.inf
    if got.shape == want.shape and got.dtype == want.dtype:
        gone = got <= torch.finfo(got.dtype).min / 2
        tell_of(got, ~removed & gone, "removes logit {}, which must stay", when)
        tell_of(got, ~removed & got.isnan(), "returned nan for logit {}", when)
        tell_of(got, removed & ~gone, "keeps logit {}, which must be removed", when)
        got = torch.where(removed, want, got)
    same(got, want, when)


def tell_of(got: Tensor, wrong: Tensor, fact: str, when: str) -> None:
    if wrong.any():
        index = tuple(wrong.nonzero()[0].tolist())
        place = f"[{', '.join(map(str, index))}]"
        lines = []
        if "must be removed" in fact:
            lines = [f"  A removed logit is -inf (or at most finfo.min / 2); yours is {got[index].item():.4g}."]
        raise Mismatch(f"{fact.format(place)}{' ' + when if when else ''}.", *lines, got=got)


def shuffled(draw: Draw, rows: Tensor) -> Tensor:
    """The same numbers with each row in an order of its own."""
    return torch.stack([row[draw.order(len(row))] for row in rows])


def with_removed(logits: Tensor, *places: tuple[int, int]) -> Tensor:
    """A copy in which some logits have been removed before."""
    logits = logits.clone()
    for row, column in places:
        logits[row, column] = -torch.inf
    return logits


def chance(counts: Tensor, probabilities: Tensor) -> float:
    """How likely counts at least as far from the expected ones are: a chi-square test, rare outcomes as one."""
    expected = probabilities.double() * counts.sum()
    if (counts[expected == 0] > 0).any():
        return 0.0
    rare = expected < RARE
    found = torch.cat([counts[~rare].double(), counts[rare].sum()[None].double()])
    wanted = torch.cat([expected[~rare], expected[rare].sum()[None].clamp(min=1e-9)])
    excess = ((found - wanted).square() / wanted).sum()
    freedom = torch.tensor(max(int((~rare).sum()), 1), dtype=torch.float64)
    return float(torch.special.gammaincc(freedom / 2, excess / 2))
