"""Checks for `frequency_penalty` (part 1, notebook 07)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.checks.author import Exercise, Slip, agree, same

from ._logits import same_filtered, with_removed

VOCAB = 11
# Exact in binary, so that f * count in float32 is exact too.
STRENGTHS = (0.5, 1.25, 0.0, -0.75)


def reference(ids, logits, f):
    """One-hot rows, added up."""
    return logits - f * F.one_hot(ids, len(logits)).sum(0).to(logits.dtype)


def text(draw):
    """Some tokens once, one twice, one four times, and some, the last of the vocabulary among them, never.

    Their order tells what looks alike apart: runs, their last one, and what comes first or last.
    """
    a, b, c, d = (draw.order(VOCAB - 1))[:4]
    return torch.tensor([a, c, b, c, b, c, c, d])


def values(learner, draw):
    """Each logit is lowered by f for every time that its token occurs; a negative f raises it."""
    ids, logits = text(draw), draw.normal(VOCAB, mean=0.5, std=3)
    for f in STRENGTHS:
        agree(learner.frequency_penalty, reference, ids, logits, f, when=f"for f = {f}")
    logits = draw.normal(VOCAB, std=3, dtype=torch.float64)
    same(learner.frequency_penalty(ids, logits, 0.5), reference(ids, logits, 0.5), "for f = 0.5 in float64")


def lengths(learner, draw):
    """A text of one token counts, and one that is longer than the vocabulary; so do the first and last token."""
    for length in (1, 2, 40):
        ids, logits = draw.ids(VOCAB, length), draw.normal(VOCAB, std=3)
        same(learner.frequency_penalty(ids, logits, 0.5), reference(ids, logits, 0.5), f"for {length} ids")
    ids = torch.cat([torch.full((280,), draw.number(0, VOCAB)), draw.ids(VOCAB, 70)])
    logits = draw.normal(VOCAB, std=3)
    same(learner.frequency_penalty(ids, logits, 0.5), reference(ids, logits, 0.5), "for a token that occurs 280 times")
    ids, logits = torch.tensor([VOCAB - 1, 0, VOCAB - 1]), draw.normal(VOCAB, std=3)
    same(learner.frequency_penalty(ids, logits, 1.5), reference(ids, logits, 1.5), "for the ends of the vocabulary")


def removed(learner, draw):
    """A token that has been removed stays removed, whether it occurs or not."""
    ids = text(draw)
    logits = with_removed(draw.normal(1, VOCAB, std=3), (0, int(ids[0])), (0, VOCAB - 1))[0]
    for f in (0.5, -0.5):
        got = learner.frequency_penalty(ids, logits, f)
        same_filtered(got, reference(ids, logits, f), f"for f = {f} where tokens have been removed")


def counts_of(ids, logits):
    return torch.bincount(ids, minlength=len(logits)).to(logits.dtype)


def presence_only(ids, logits, f):
    return logits - f * (counts_of(ids, logits) > 0)


def added(ids, logits, f):
    return logits + f * counts_of(ids, logits)


def by_position(ids, logits, f):
    lowered = logits.clone()
    lowered[: len(ids)] -= f * counts_of(ids, logits)[ids][: len(logits)]
    return lowered


def everything_lowered(ids, logits, f):
    return logits - f * len(ids)


def share_of_text(ids, logits, f):
    return logits - f * counts_of(ids, logits) / len(ids)


def divided(ids, logits, f):
    return torch.where(counts_of(ids, logits) > 0, logits / (f or 1.0), logits)


def multiplied(ids, logits, f):
    return logits * (1 - f * counts_of(ids, logits))


def only_the_last(ids, logits, f):
    lowered = logits.clone()
    lowered[ids[-1]] -= f
    return lowered


def once_too_few(ids, logits, f):
    return logits - f * (counts_of(ids, logits) - 1).clamp(min=0)


def last_not_counted(ids, logits, f):
    return logits - f * counts_of(ids[:-1], logits)


def first_not_counted(ids, logits, f):
    return logits - f * counts_of(ids[1:], logits)


def squared_counts(ids, logits, f):
    return logits - f * counts_of(ids, logits).square()


def logarithm_of_counts(ids, logits, f):
    return logits - f * counts_of(ids, logits).log1p()


def power_of_counts(ids, logits, f):
    counts = counts_of(ids, logits)
    return torch.where(counts > 0, logits - f**counts, logits) if f > 0 else logits - f * counts


def negative_ignored(ids, logits, f):
    return logits - max(f, 0.0) * counts_of(ids, logits)


def no_minlength(ids, logits, f):
    return logits - f * torch.bincount(ids)


def on_probabilities(ids, logits, f):
    return logits.softmax(-1) - f * counts_of(ids, logits)


def normalised(ids, logits, f):
    return (logits - f * counts_of(ids, logits)).log_softmax(-1)


EXERCISE = Exercise(
    "frequency_penalty",
    checks=(values, lengths, removed),
    reference=reference,
    gives=Tensor,
    slips=(
        Slip(
            "a token is penalised once, however often it occurs (indexing with ids subtracts only once per token)",
            presence_only,
        ),
        Slip("the penalty is added", added),
        Slip("the penalty goes to the places 0 .. T-1 of the vocabulary, not to the tokens in ids", by_position),
        Slip("every logit is lowered by f times the length of the text", everything_lowered),
        Slip("the counts are divided by the length of the text", share_of_text),
        Slip("the logits of tokens that occur are divided by f", divided),
        Slip("the logits are multiplied by 1 - f * count", multiplied),
        Slip("only the last token of the text is penalised", only_the_last),
        Slip("the first occurrence of a token is free", once_too_few),
        Slip("the last token of the text is not counted", last_not_counted),
        Slip("the first token of the text is not counted", first_not_counted),
        Slip("the counts are squared", squared_counts),
        Slip("the logarithm of 1 + count is used", logarithm_of_counts),
        Slip("f is raised to the power of the count", power_of_counts),
        Slip("a negative f is treated as 0", negative_ignored),
        Slip("bincount ends at the largest id in the text instead of at the end of the vocabulary", no_minlength),
        Slip("the logits have been turned into probabilities first", on_probabilities),
        Slip("the result is normalised to log-probabilities", normalised),
    ),
)
