"""Checks for `apply_mask` (part 1, notebook 03).

The value that hides a score is free: -inf, or anything near the lowest number of the dtype. So a result is judged by
what it does to the scores that are seen, and by the probability that a softmax then gives to the hidden ones.
"""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Mismatch, Slip, each, same_gradients, shaped

from .causal_mask import reference as causal_mask


def reference(scores):
    return scores.masked_fill(~causal_mask(*scores.shape[-2:]), -torch.inf)


def tempting(draw, *shape, dtype=torch.float32):
    """Scores whose future is 50 higher than the rest: a mask that leaves any of it lets the future win."""
    scores = draw.normal(*shape, std=2, dtype=torch.float64)
    return (scores + 50 * ~causal_mask(*shape[-2:])).to(dtype)


def hides(got, scores):
    """Raises `Mismatch` unless `got` is `scores` with its future, and nothing else, out of a softmax's reach."""
    shaped(got, *scores.shape, dtype=scores.dtype)
    seen = causal_mask(*scores.shape[-2:]).expand(scores.shape)
    if got.isnan().any():
        raise Mismatch(f"returned NaN, first at {first(got.isnan())}.", got=got)
    lowest = torch.finfo(scores.dtype).min
    if (wrong := seen & (got <= lowest / 2)).any():
        raise Mismatch(
            f"hides a score that the query may see, first at {first(wrong)} (batch, head, query, key).", got=got
        )
    if (wrong := seen & (got != scores)).any():
        raise Mismatch(
            f"changes a score that the query may see, first at {first(wrong)} (batch, head, query, key).",
            "  What is not hidden must come back exactly as it was.",
            got=got,
        )
    if (wrong := ~seen & (got.float().softmax(dim=-1) != 0)).any():
        raise Mismatch(
            f"leaves part of the future visible, first at {first(wrong)} (batch, head, query, key).",
            "  A softmax over the keys must give it a probability of exactly 0, however high its score was.",
            got=got,
        )
    if (wrong := ~seen & (got > lowest / 2)).any():
        raise Mismatch(
            f"{fill_of(got[~seen])}, first at {first(wrong)} (batch, head, query, key).",
            f"  Expected -inf or the lowest number of the dtype ({lowest:.3g} in {str(scores.dtype)[6:]}).",
            got=got,
        )


def fill_of(hidden):
    """What stands in the future: the learner's own number where it is one number, so that no input is shown."""
    if hidden.unique().numel() == 1:
        return f"fills the future with {hidden[0].item():.3g}, which is not low enough"
    return "puts numbers in the future that are not low enough"


def first(wrong):
    return tuple(wrong.nonzero()[0].tolist())


def tempting_future(learner, draw):
    """The future's scores are hidden even where they are the highest, and the others stay exactly as they are."""
    sizes = (5, torch.float32), (1, torch.float32), (7, torch.float64)
    cases = [[tempting(draw, 2, 3, length, length, dtype=dtype)] for length, dtype in sizes]
    for (scores,), got in each(learner.apply_mask, cases):
        hides(got, scores)


def rectangular(learner, draw):
    """With fewer queries than keys, the queries are the last positions."""
    cases = [[tempting(draw, 2, 3, n_queries, n_keys)] for n_queries, n_keys in ((3, 7), (1, 6), (4, 5))]
    scattered = tempting(draw, 2, 3, 5, 7).permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0)  # in memory
    for (scores,), got in each(learner.apply_mask, [*cases, [scattered]]):
        hides(got, scores)
    with torch.no_grad():
        scores = tempting(draw, 1, 3, 4, 4)
        hides(learner.apply_mask(scores), scores)


def half_precision(learner, draw):
    """Scores in float16 come back in float16, with the future hidden by a number that float16 has."""
    scores = tempting(draw, 2, 3, 3, 7, dtype=torch.float16)
    hides(learner.apply_mask(scores), scores)


def gradient(learner, draw):
    """Through a softmax, the gradient reaches the scores that are seen and no others."""
    scores = draw.normal(2, 3, 4, 5)

    def pattern(mask):
        return lambda scores: mask(scores).softmax(dim=-1)

    same_gradients(pattern(learner.apply_mask), pattern(reference), ["scores"], scores)


def allowed(scores):
    return causal_mask(*scores.shape[-2:])


def zeroed(scores):
    return scores.masked_fill(~allowed(scores), 0)


def table(n_queries, n_keys):
    return torch.ones(n_queries, n_keys, dtype=torch.bool)


# What is hidden, as a table of queries and keys, where it is not the future.
WRONG_PLACES = {
    "inverted": (
        "the mask is used the wrong way round: what may be seen is hidden",
        lambda n_queries, n_keys: table(n_queries, n_keys).tril(n_keys - n_queries),
    ),
    "transposed": (
        "queries and keys are swapped, so the past is hidden instead of the future",
        lambda n_queries, n_keys: table(n_queries, n_keys).tril(n_keys - n_queries - 1),
    ),
    "strict": (
        "each position is hidden from itself",
        lambda n_queries, n_keys: table(n_queries, n_keys).triu(n_keys - n_queries),
    ),
    "one_ahead": (
        "each position still sees the next one",
        lambda n_queries, n_keys: table(n_queries, n_keys).triu(n_keys - n_queries + 2),
    ),
    "top_left": (
        "the triangle starts at the top left, as if the queries were the first positions",
        lambda n_queries, n_keys: table(n_queries, n_keys).triu(1),
    ),
}


def misplaced():
    """Each wrong place hidden by -inf and by the lowest number: a slip is recognised by its exact numbers."""
    for name, (says, hidden) in WRONG_PLACES.items():
        yield Slip(says, filling(name, hidden, lambda dtype: -torch.inf))
        yield Slip(
            f"{says}, by the lowest number", filling(f"{name}_by_lowest", hidden, lambda dtype: torch.finfo(dtype).min)
        )


def filling(name, hidden, fill):
    def wrong(scores):
        return scores.masked_fill(hidden(*scores.shape[-2:]), fill(scores.dtype))

    wrong.__name__ = name
    return wrong


def minus_a_billion(scores):
    return scores.masked_fill(~allowed(scores), -1e9)


def times_infinity(scores):
    return scores * allowed(scores) + ~allowed(scores) * -torch.inf


def softmax_too(scores):
    return reference(scores).softmax(dim=-1)


def masked_pattern(scores):
    return scores.softmax(dim=-1) * allowed(scores)


def unmasked(scores):
    return scores.clone()


EXERCISE = Exercise(
    "apply_mask",
    checks=(tempting_future, rectangular, half_precision, gradient),
    reference=reference,
    gives=Tensor,
    needs={"causal_mask": "hookpoint.model.attention:causal_mask"},
    forbids=("attention",),
    slips=(
        Slip("hidden scores become 0, which a softmax turns into exp(0) = 1 and not into nothing", zeroed),
        *misplaced(),
        Slip("hidden scores become -1e9, or are lowered by it, whatever the dtype can hold", minus_a_billion),
        Slip("the mask is multiplied by -inf, and 0 * -inf is NaN", times_infinity),
        Slip("a softmax is already taken here, after the mask", softmax_too),
        Slip(
            "a softmax is taken first and its result is multiplied by the mask, so its rows no longer sum to 1",
            masked_pattern,
        ),
        Slip("the scores come back unchanged", unmasked),
    ),
)
