"""Checks for `top_k_filter` (part 1, notebook 07)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Slip

from ._logits import DTYPES, same_filtered, shuffled, with_removed

BATCH, VOCAB = 5, 11


def reference(logits, k):
    """A token stays if fewer than k are larger."""
    larger = (logits[:, None, :] > logits[:, :, None]).sum(-1)
    return torch.where(larger < k, logits, -torch.inf)


def spread(draw, batch=BATCH, vocab=VOCAB):
    """Rows without equal logits, each in an order of its own. One, neither first nor last, lies above all others."""
    rows = shuffled(draw, (draw.normal(batch, vocab).abs() + 0.05).cumsum(-1))
    heights = 5.0 * torch.arange(batch)
    heights[batch // 2] += 50
    return rows * torch.linspace(0.5, 3, batch)[:, None] + heights[:, None] - 20


def values(learner, draw):
    """In each row the k largest logits stay as they are, in their places; all others are removed."""
    asked = [(k, spread(draw)) for k in (3, 1, 2, VOCAB - 1)]
    answers = [learner.top_k_filter(logits, k) for k, logits in asked]  # all of them tell slips apart
    for (k, logits), got in zip(asked, answers, strict=True):
        same_filtered(got, reference(logits, k), f"for k = {k}")
    logits = spread(draw, VOCAB, BATCH).mT
    same_filtered(learner.top_k_filter(logits, 4), reference(logits, 4), "with logits that are not contiguous")
    logits = spread(draw, 1)
    same_filtered(learner.top_k_filter(logits, 2), reference(logits, 2), "for a single row")
    for dtype, gap in ((torch.float32, 1e-5), (torch.float64, 1e-10)):
        logits = shuffled(draw, 3 + gap * torch.arange(VOCAB, dtype=torch.float64).expand(3, -1)).to(dtype)
        when = f"where {str(dtype).removeprefix('torch.')} logits lie very close together"
        same_filtered(learner.top_k_filter(logits, 4), reference(logits, 4), when)
    logits = spread(draw, 2, 101)
    same_filtered(learner.top_k_filter(logits, 60), reference(logits, 60), "for k = 60")


def everything(learner, draw):
    """With k as large as the vocabulary, or larger, everything stays."""
    logits = spread(draw)
    for k in (VOCAB, VOCAB + 1, 1000):
        same_filtered(learner.top_k_filter(logits, k), logits, f"for k = {k} of {VOCAB} tokens")


def removed(learner, draw):
    """A token that has been removed stays removed, also when fewer than k are left."""
    places = ((0, 1), (0, 7), (2, 0), *((3, column) for column in range(1, VOCAB - 1)))
    logits = with_removed(spread(draw), *places)
    for k in (3, 4, VOCAB):
        want = reference(logits, k)
        same_filtered(learner.top_k_filter(logits, k), want, f"for k = {k} where tokens have been removed")


def equal(learner, draw):
    """Equal logits that are all among the k largest stay, and equal ones that are all below are removed."""
    levels = torch.tensor([5.0, 5.0, 5.0, 3.0, 2.0, 1.0, 1.0, 1.0, -4.0, -4.0, -4.0])
    logits = shuffled(draw, levels.expand(BATCH, VOCAB))
    for k in (3, 4, 5):
        same_filtered(learner.top_k_filter(logits, k), reference(logits, k), f"for k = {k} where logits are equal")


def precisions(learner, draw):
    """The dtype stays as it is, and so do the logits that stay."""
    for when, dtype in DTYPES.items():
        logits = shuffled(draw, torch.linspace(-3, 4, VOCAB, dtype=torch.float64).expand(BATCH, VOCAB)).to(dtype)
        same_filtered(learner.top_k_filter(logits, 3), reference(logits, 3), when)


def kept(logits, k):
    return reference(logits, k) > -torch.inf


def first_row_for_all(logits, k):
    return logits.masked_fill(logits < logits[0].topk(min(k, logits.shape[-1])).values[-1], -torch.inf)


def first_row_of_places(logits, k):
    return logits.masked_fill(~kept(logits, k)[:1], -torch.inf)


def over_the_whole_batch(logits, k):
    return logits.masked_fill(logits < logits.flatten().topk(min(k, logits.numel())).values[-1], -torch.inf)


def over_the_rows(logits, k):
    return logits.masked_fill(logits < logits.topk(min(k, len(logits)), dim=0).values[-1], -torch.inf)


def zero_for_removed(logits, k):
    return logits * kept(logits, k) if logits.isfinite().all() else logits.masked_fill(~kept(logits, k), 0)


def a_billion_for_removed(logits, k):
    return logits.masked_fill(~kept(logits, k), -1e9 if logits.dtype != torch.float16 else -1e4)


def ten_thousand_for_removed(logits, k):
    return logits.masked_fill(~kept(logits, k), -1e4)


def uniform(logits, k):
    return torch.zeros_like(logits).masked_fill(~kept(logits, k), -torch.inf)


def probabilities(logits, k):
    return logits.softmax(-1).masked_fill(~kept(logits, k), 0)


def renormalised(logits, k):
    return reference(logits, k).softmax(-1)


def log_probabilities(logits, k):
    return reference(logits, k).log_softmax(-1)


def smallest(logits, k):
    return -reference(-logits, k)


def removes_the_top(logits, k):
    return logits.masked_fill(kept(logits, k), -torch.inf)


def one_too_few(logits, k):
    threshold = logits.topk(min(k, logits.shape[-1])).values[:, -1:]
    return logits.masked_fill(logits <= threshold, -torch.inf)


def one_too_many(logits, k):
    return reference(logits, k + 1)


def more_than_there_are(logits, k):
    return logits.masked_fill(logits < logits.topk(k).values[:, -1:], -torch.inf)


def sorted_row(logits, k):
    ordered = logits.sort(-1, descending=True).values
    return ordered.masked_fill(torch.arange(logits.shape[-1]) >= k, -torch.inf)


def unsorted_places(logits, k):
    return logits.masked_fill(torch.arange(logits.shape[-1]) >= k, -torch.inf)


def only_the_top(logits, k):
    return logits.topk(min(k, logits.shape[-1])).values


def only_the_places(logits, k):
    return logits.topk(min(k, logits.shape[-1])).indices


def largest_sizes(logits, k):
    return torch.where(kept(logits.abs(), k), logits, -torch.inf)


def always_float32(logits, k):
    return reference(logits, k).float()


EXERCISE = Exercise(
    "top_k_filter",
    checks=(values, everything, removed, equal, precisions),
    reference=reference,
    gives=Tensor,
    slips=(
        Slip("the k-th largest logit of the first row is the threshold for all rows", first_row_for_all),
        Slip("the places of the first row's k largest are kept in all rows", first_row_of_places),
        Slip("the k largest of the whole batch are kept, not k in each row", over_the_whole_batch),
        Slip("the k largest are taken down each column, over the batch", over_the_rows),
        Slip("a removed logit becomes 0, which is a logit like any other", zero_for_removed),
        Slip("a removed logit becomes -1e9 (-1e4 in float16) instead of -inf", a_billion_for_removed),
        Slip("a removed logit becomes -1e4 instead of -inf", ten_thousand_for_removed),
        Slip("the k tokens that stay all get the same logit", uniform),
        Slip("probabilities come back, with 0 for the removed ones", probabilities),
        Slip("the probabilities of the tokens that stay come back, not logits", renormalised),
        Slip("the logits that stay are normalised to log-probabilities", log_probabilities),
        Slip("the k smallest are kept", smallest),
        Slip("the k largest are the ones that are removed", removes_the_top),
        Slip("the k-th largest itself is removed too", one_too_few),
        Slip("one token too many is kept", one_too_many),
        Slip("topk is asked for more tokens than there are", more_than_there_are),
        Slip("the logits come back in sorted order", sorted_row),
        Slip("the first k places of the row are kept, whatever stands there", unsorted_places),
        Slip("only the k logits come back, without their places in the vocabulary", only_the_top),
        Slip("the numbers of the k tokens come back, not logits", only_the_places),
        Slip("the largest absolute values are kept", largest_sizes),
        Slip("the result is float32 whatever came in", always_float32),
    ),
)
