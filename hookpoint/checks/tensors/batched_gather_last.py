"""Checks for `batched_gather_last` (part 1, notebook 00)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.checks.author import Exercise, Mismatch, Slip, agree, refuses, same, same_gradients

BATCH, POS, VOCAB = 3, 5, 7


def reference(logits, idx):
    """One place at a time."""
    batch, pos = idx.shape
    return torch.stack([torch.stack([logits[b, t, int(idx[b, t])] for t in range(pos)]) for b in range(batch)])


def example(draw, batch=BATCH, pos=POS, vocab=VOCAB):
    return draw.normal(batch, pos, vocab), draw.ids(vocab, batch, pos)


def values(learner, draw):
    """Entry (b, t) is the number that idx[b, t] points at among the last axis of logits[b, t]."""
    agree(learner.batched_gather_last, reference, *example(draw))
    agree(learner.batched_gather_last, reference, *example(draw, 5, 2, 11))
    agree(learner.batched_gather_last, reference, *example(draw, 4, 4, 4), when="where B, T and V are all 4")


def single(learner, draw):
    """It works for one row, for one position, for a vocabulary of one, and for an idx that lies anyhow in memory."""
    for batch, pos, vocab in ((1, 1, 7), (3, 1, 7), (1, 5, 7), (3, 5, 1)):
        logits, idx = example(draw, batch, pos, vocab)
        same(learner.batched_gather_last(logits, idx), reference(logits, idx), f"for B={batch}, T={pos}, V={vocab}")
    logits, idx = example(draw)
    scattered = idx.mT.contiguous().mT
    same(learner.batched_gather_last(logits, scattered), reference(logits, idx), "with an idx that is not contiguous")


def both_ends(learner, draw):
    """The first and the last entry of the vocabulary can be picked like any other."""
    logits, idx = example(draw)
    idx[0], idx[-1] = 0, VOCAB - 1
    same(learner.batched_gather_last(logits, idx), reference(logits, idx))


def out_of_range(learner, draw):
    """An index below 0, or at V and beyond, is an error: it must not pick some other number."""
    logits, idx = example(draw)
    same(learner.batched_gather_last(logits, idx), reference(logits, idx))
    for wrong in (VOCAB, VOCAB + POS, -1, -VOCAB, -VOCAB - 1):
        is_refused(learner, logits, idx, (draw.number(0, BATCH - 1), draw.number(0, POS)), wrong)
    for place in ((0, 0), (0, POS - 1), (BATCH - 1, 0), (BATCH - 1, POS - 1)):
        for wrong in (VOCAB, -1):
            is_refused(learner, logits, idx, place, wrong)


def is_refused(learner, logits, idx, place, wrong):
    broken = idx.clone()
    broken[place] = wrong
    try:
        refuses(learner.batched_gather_last, logits, broken)
    except Mismatch as mismatch:
        what = "below 0" if wrong < 0 else "beyond the vocabulary"
        raise Mismatch(
            f"returned a result although an index is {what}; it should raise an error.",
            f"  Index {place} is {wrong}; the last axis has {VOCAB} entries.",
        ) from mismatch


def gradient(learner, draw):
    """The gradient goes to the numbers that were picked, and to no others."""
    same_gradients(learner.batched_gather_last, reference, ["logits"], *example(draw))


def picked(logits, idx):
    return logits.gather(-1, idx.unsqueeze(-1)).squeeze(-1)


def index_from_the_end(logits, idx):
    batch, pos = idx.shape
    return logits[torch.arange(batch)[:, None], torch.arange(pos), idx]


def wrapped_round(logits, idx):
    return picked(logits, idx % logits.shape[-1])


def clamped(logits, idx):
    return picked(logits, idx.clamp(0, logits.shape[-1] - 1))


def nothing_picked(logits, idx):
    chosen = torch.arange(logits.shape[-1]) == idx.unsqueeze(-1)
    return torch.where(chosen, logits, 0.0).sum(-1)


def flat_index(logits, idx):
    steps = torch.arange(idx.numel()).reshape(idx.shape) * logits.shape[-1]
    return logits.flatten()[steps + idx]


def along_positions(logits, idx):
    return logits.mT.gather(-1, (idx % logits.shape[1]).unsqueeze(1).expand(-1, logits.shape[2], -1))[:, 0]


def rows_of_the_batch(logits, idx):
    return logits.index_select(0, idx.flatten() % len(logits))


def all_pairs(logits, idx):
    return logits[..., idx]


def axis_kept(logits, idx):
    return logits.gather(-1, idx.unsqueeze(-1))


def axis_missing(logits, idx):
    return logits.gather(-1, idx)


def same_for_all_rows(logits, idx):
    return picked(logits, idx[:1].expand_as(idx))


def same_for_all_positions(logits, idx):
    return picked(logits, idx[:, :1].expand_as(idx))


def first_row_of_logits(logits, idx):
    return picked(logits[:1].expand_as(logits), idx)


def first_position_of_logits(logits, idx):
    return picked(logits[:, :1].expand_as(logits), idx)


def largest(logits, idx):
    return logits.amax(-1)


def normalised(logits, idx):
    return picked(logits.log_softmax(-1), idx)


def next_one(logits, idx):
    return picked(logits, idx.roll(-1, 1))


def one_based(logits, idx):
    return picked(logits, (idx - 1) % logits.shape[-1])


def vocabulary_averaged(logits, idx):
    return (logits * F.one_hot(idx, logits.shape[-1]).to(logits)).mean(-1)


def squeezed(logits, idx):
    return logits.gather(-1, idx.unsqueeze(-1)).squeeze()


def flattened(logits, idx):
    return picked(logits, idx).flatten()


def detached(logits, idx):
    return picked(logits.detach(), idx)


def in_float32(logits, idx):
    return picked(logits.float(), idx)


EXERCISE = Exercise(
    "batched_gather_last",
    checks=(values, single, both_ends, out_of_range, gradient),
    reference=reference,
    gives=Tensor,
    slips=(
        Slip("an index below 0 counts from the end, as square brackets do", index_from_the_end),
        Slip("an index that is out of range is taken modulo V, as take_along_dim does it", wrapped_round),
        Slip("an index that is out of range is moved to the nearest end", clamped),
        Slip("an index that is out of range picks nothing and gives 0", nothing_picked),
        Slip("the tensor is flattened, so a wrong index lands in another position", flat_index),
        Slip("the indices are looked up along the positions instead of along the last axis", along_positions),
        Slip("whole rows of the batch are picked (index_select on axis 0)", rows_of_the_batch),
        Slip("every position is asked for every index: the two are not paired", all_pairs),
        Slip("the last axis is still there, with length 1", axis_kept),
        Slip("the index has no last axis yet when it is given to gather", axis_missing),
        Slip("all rows use the indices of the first row", same_for_all_rows),
        Slip("all positions use the index of the first position", same_for_all_positions),
        Slip("all rows read the logits of the first row", first_row_of_logits),
        Slip("all positions read the logits of the first position", first_position_of_logits),
        Slip("the largest number is taken, whatever the index says", largest),
        Slip("the logits are turned into log-probabilities first", normalised),
        Slip("each position uses the index of the position after it", next_one),
        Slip("the indices are counted from 1", one_based),
        Slip("the picked number is averaged with the zeros around it", vocabulary_averaged),
        Slip("squeeze, without the number of an axis, takes off every axis of length 1", squeezed),
        Slip("the result is one flat row", flattened),
        Slip("logits is cut off from its gradient (detach, .data, numpy or tolist)", detached),
        Slip("the result is float32 whatever logits is", in_float32),
    ),
)
