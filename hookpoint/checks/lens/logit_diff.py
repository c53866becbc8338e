"""Checks for `logit_diff` (part 2, notebook 11)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Slip, gradients, same

BATCH, POS, VOCAB = 5, 7, 11


def reference(logits, ans, wrong, last=None, per_prompt=False):
    """One row at a time."""
    found = []
    for row in range(len(logits)):
        end = logits.shape[1] - 1 if last is None else int(last[row])
        found.append(logits[row, end, int(ans[row])] - logits[row, end, int(wrong[row])])
    return torch.stack(found) if per_prompt else torch.stack(found).mean()


def drawn(draw, dtype=torch.float32, batch=BATCH):
    logits, ans = draw.normal(batch, POS, VOCAB, mean=1, std=3, dtype=dtype), draw.ids(VOCAB, batch)
    wrong = (ans + 1 + draw.ids(VOCAB - 1, batch)) % VOCAB
    last = torch.tensor([0, 5, 3, 2, 4])[:batch]  # all different, 0 is one of them and the last position is not
    return logits, ans, wrong, last


def mean(learner, draw):
    """Without more it is the mean over the rows, at the last position."""
    for dtype in (torch.float32, torch.float64):
        logits, ans, wrong, _ = drawn(draw, dtype)
        same(learner.logit_diff(logits, ans, wrong), reference(logits, ans, wrong))


def for_each(learner, draw):
    """With per_prompt it is one number for each row."""
    logits, ans, wrong, _ = drawn(draw)
    same(learner.logit_diff(logits, ans, wrong, per_prompt=True), reference(logits, ans, wrong, None, True))


def padded(learner, draw):
    """With `last` each row is read at its own last real token; what stands in the padding does not matter."""
    logits, ans, wrong, last = drawn(draw)
    for row, end in enumerate(last.tolist()):
        logits[row, end + 1 :] *= 20
    learner.logit_diff(logits, ans, wrong)  # tells a slip in both cases from one in this case only
    for per_prompt in (True, False):
        got = learner.logit_diff(logits, ans, wrong, last=last, per_prompt=per_prompt)
        same(got, reference(logits, ans, wrong, last, per_prompt), "with right padding")


def one_row(learner, draw):
    """One row will do."""
    learner.logit_diff(*drawn(draw), per_prompt=True)  # tells a slip in both cases from one in this case only
    logits, ans, wrong, last = drawn(draw, batch=1)
    for end, when in ((last, "for one row"), (torch.tensor([POS - 1]), "for one row, without padding")):
        same(learner.logit_diff(logits, ans, wrong, end, True), reference(logits, ans, wrong, end, True), when)


def gradient(learner, draw):
    """It can be differentiated, so that it can be a metric."""
    logits, ans, wrong, last = drawn(draw)
    for each in (False, True):
        (got,) = gradients(lambda x, each=each: learner.logit_diff(x, ans, wrong, last, each), logits)
        (want,) = gradients(lambda x, each=each: reference(x, ans, wrong, last, each), logits)
        same(got, want, "in the gradient of logits" + ", with per_prompt" * each)


def picked(logits, ids, at):
    return logits[torch.arange(len(logits)), at, ids]


def ends(logits, last):
    return torch.full((len(logits),), logits.shape[1] - 1) if last is None else last


def told(values, per_prompt):
    return values if per_prompt else values.mean()


def always_the_end(logits, ans, wrong, last=None, per_prompt=False):
    return reference(logits, ans, wrong, None, per_prompt)


def first_position(logits, ans, wrong, last=None, per_prompt=False):
    return reference(logits, ans, wrong, torch.zeros_like(ans), per_prompt)


def one_early(logits, ans, wrong, last=None, per_prompt=False):
    return reference(logits, ans, wrong, ends(logits, last) - 1, per_prompt)


def early_when_padded(logits, ans, wrong, last=None, per_prompt=False):
    return reference(logits, ans, wrong, None if last is None else last - 1, per_prompt)


def late_when_padded(logits, ans, wrong, last=None, per_prompt=False):
    return reference(logits, ans, wrong, None if last is None else last + 1, per_prompt)


def first_rows_end(logits, ans, wrong, last=None, per_prompt=False):
    return reference(logits, ans, wrong, None if last is None else last[:1].expand_as(last), per_prompt)


def furthest_end(logits, ans, wrong, last=None, per_prompt=False):
    return reference(logits, ans, wrong, None if last is None else last.max().expand_as(last), per_prompt)


def swapped(logits, ans, wrong, last=None, per_prompt=False):
    return -reference(logits, ans, wrong, last, per_prompt)


def absolute(logits, ans, wrong, last=None, per_prompt=False):
    return told(reference(logits, ans, wrong, last, True).abs(), per_prompt)


def summed(logits, ans, wrong, last=None, per_prompt=False):
    values = reference(logits, ans, wrong, last, True)
    return values if per_prompt else values.sum()


def probabilities(logits, ans, wrong, last=None, per_prompt=False):
    return reference(logits.softmax(-1), ans, wrong, last, per_prompt)


def answer_alone(logits, ans, wrong, last=None, per_prompt=False):
    return told(picked(logits, ans, ends(logits, last)), per_prompt)


def never_per_prompt(logits, ans, wrong, last=None, per_prompt=False):
    return reference(logits, ans, wrong, last)


def always_per_prompt(logits, ans, wrong, last=None, per_prompt=False):
    return reference(logits, ans, wrong, last, True)


def all_positions(logits, ans, wrong, last=None, per_prompt=False):
    rows = torch.arange(len(logits))
    return told((logits[rows, :, ans] - logits[rows, :, wrong]).mean(1), per_prompt)


def against_the_mean(logits, ans, wrong, last=None, per_prompt=False):
    at = ends(logits, last)
    return told(picked(logits, ans, at) - logits[torch.arange(len(ans)), at].mean(-1), per_prompt)


def share_of_wins(logits, ans, wrong, last=None, per_prompt=False):
    return told((reference(logits, ans, wrong, last, True) > 0).to(logits.dtype), per_prompt)


def a_number(logits, ans, wrong, last=None, per_prompt=False):
    return reference(logits, ans, wrong, last, per_prompt).detach()


EXERCISE = Exercise(
    "logit_diff",
    checks=(mean, for_each, padded, one_row, gradient),
    reference=reference,
    gives=Tensor,
    slips=(
        Slip("`last` is ignored: a padded row is read in its padding", always_the_end),
        Slip("the first position is read", first_position),
        Slip("the position before the last token is read", one_early),
        Slip("with `last` the position before it is read; `last` is an index already", early_when_padded),
        Slip("with `last` the position after it is read: `last` is an index, not a length", late_when_padded),
        Slip("every row is read where the first one ends", first_rows_end),
        Slip("every row is read where the longest one ends", furthest_end),
        Slip("the answer's logit is subtracted from the wrong one's", swapped),
        Slip("absolute values are taken: a row that prefers the wrong token counts as right", absolute),
        Slip("the rows are added up; their mean is asked for", summed),
        Slip("probabilities are subtracted, not logits", probabilities),
        Slip("the wrong token's logit is not subtracted", answer_alone),
        Slip("per_prompt is ignored: the mean is returned in any case", never_per_prompt),
        Slip("per_prompt is ignored: one number for each row is returned in any case", always_per_prompt),
        Slip("the mean over all positions is taken", all_positions),
        Slip("the mean of all logits is subtracted in the place of the wrong token's", against_the_mean),
        Slip("it is the share of rows where the answer wins", share_of_wins),
        Slip("the result is detached", a_number),
    ),
)
