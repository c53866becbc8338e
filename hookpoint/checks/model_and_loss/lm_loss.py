"""Checks for `lm_loss` (part 1, notebook 04)."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.checks.author import OPERATION, Exercise, Slip, Tolerance, agree, same

from ._functional import loss_gradient, token_losses

BATCH, LENGTH, VOCAB = 3, 7, 13
# Target tokens that count. The first column predicts nothing, so it must not matter; rows have different counts, and
# shifted by one position (a slip) they have different ones again.
MASK = torch.tensor([[1, 1, 0, 1, 1, 1, 0], [0, 1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 1, 1]])
EMPTY_ROW = torch.tensor([[0, 1, 0, 1, 1, 1, 0], [1, 0, 0, 0, 0, 0, 0], [1, 0, 1, 0, 0, 1, 1]])
# In float64 a mean may be off by what 1e-8 in the divisor makes of it: a habit that guards against dividing by 0.
MEAN = Tolerance(1e-5, float64=1e-8)
KINDS = {"bool": torch.bool, "integer": torch.int64, "float": torch.float32}


def reference(logits, tokens, mask=None, reduction="mean"):
    """The mean of PyTorch's own losses over the targets that count."""
    losses = token_losses(logits, tokens)
    counts = torch.ones_like(losses) if mask is None else mask[:, 1:].to(losses)
    kept = torch.where(counts > 0, losses, 0)
    return kept if reduction == "none" else kept.sum() / counts.sum().clamp(min=1)


def example(draw, batch=BATCH, length=LENGTH, std=3.0):
    return draw.normal(batch, length, VOCAB, std=std), draw.ids(VOCAB, batch, length)


def values(learner, draw):
    """The logits at position t are scored on token t + 1, and the losses are averaged over all predictions."""
    agree(learner.lm_loss, reference, *example(draw))
    agree(learner.lm_loss, reference, *example(draw, 5, 2))
    logits, tokens = example(draw)
    got = learner.lm_loss(logits.double(), tokens, reduction="none")
    same(got, reference(logits.double(), tokens, reduction="none"), "in float64", OPERATION)


def masked(learner, draw):
    """A mask says which target tokens count, as bool, int or float: the mean is over these, in the whole batch."""
    logits, tokens = example(draw)
    for kind, dtype in KINDS.items():
        mask = MASK.to(dtype)
        same(learner.lm_loss(logits, tokens, mask), reference(logits, tokens, mask), f"with a mask of kind {kind}")
    mask = EMPTY_ROW.bool()
    same(learner.lm_loss(logits, tokens, mask), reference(logits, tokens, mask), "with a mask that leaves out a row")


def each_token(learner, draw):
    """With reduction="none" there is one loss per prediction, [B, T-1], and 0 where the mask leaves it out."""
    logits, tokens = example(draw)
    same(learner.lm_loss(logits, tokens, MASK), reference(logits, tokens, MASK), "with a mask of kind integer")
    same(learner.lm_loss(logits, tokens, reduction="none"), reference(logits, tokens, reduction="none"))
    for kind, dtype in KINDS.items():
        got = learner.lm_loss(logits, tokens, MASK.to(dtype), reduction="none")
        same(got, reference(logits, tokens, MASK, "none"), f"with a mask of kind {kind}")
    for batch, length in ((1, LENGTH), (BATCH, 2)):
        logits, tokens = example(draw, batch, length)
        mask = MASK[:batch, :length]
        for given in (None, mask):
            got = learner.lm_loss(logits, tokens, given, reduction="none")
            same(got, reference(logits, tokens, given, "none"), f"for {batch} rows of {length} tokens")


def nothing_counts(learner, draw):
    """If the mask leaves out every target, the mean is 0."""
    logits, tokens = example(draw)
    same(learner.lm_loss(logits, tokens, MASK), reference(logits, tokens, MASK), "with a mask of kind integer")
    for kind, dtype in KINDS.items():
        mask = torch.zeros(BATCH, LENGTH, dtype=dtype)
        mask[:, 0] = 1  # the first token is nobody's target
        got = learner.lm_loss(logits, tokens, mask)
        same(got, torch.zeros(()), f"where the mask leaves out every target, as {kind}")


def extreme_logits(learner, draw):
    """Logits of ten thousand give the right loss, without overflow."""
    logits, tokens = example(draw, std=1e4)
    tokens[0, 1] = logits[0, 0].argmax()  # one prediction that is right, and so has a loss of 0
    same(learner.lm_loss(logits, tokens, reduction="none"), reference(logits, tokens, reduction="none"))
    same(learner.lm_loss(logits, tokens, MASK.bool()), reference(logits, tokens, MASK))


def gradient(learner, draw):
    """Each prediction's gradient is its probabilities minus the target's one-hot, divided by the number counted."""
    logits, tokens = example(draw)
    off = F.softmax(logits.double(), dim=-1) - F.one_hot(tokens.roll(-1, 1), VOCAB)
    for mask in (None, MASK.bool()):
        counts = (torch.ones(BATCH, LENGTH) if mask is None else mask)[:, 1:].double()
        want = torch.zeros_like(off)
        want[:, :-1] = off[:, :-1] * (counts / counts.sum())[..., None]
        x = logits.double().requires_grad_()
        same(loss_gradient(learner.lm_loss(x, tokens, mask), x), want, "in the gradient of logits")
        x = logits.double().requires_grad_()
        each = learner.lm_loss(x, tokens, mask, reduction="none")
        same(loss_gradient(each.sum() / counts.sum(), x), want, 'in the gradient of logits with reduction="none"')


def finish(losses, mask=None, reduction="mean"):
    """The rest of a right answer, for slips that go wrong before it."""
    if mask is None:
        return losses if reduction == "none" else losses.mean()
    mask = mask[:, -losses.shape[1] :].to(losses)
    return losses * mask if reduction == "none" else (losses * mask).sum() / mask.sum().clamp(min=1)


def counted(losses, mask):
    return torch.ones_like(losses) if mask is None else mask[:, 1:].to(losses)


def chosen(scores, tokens):
    return scores[:, :-1].gather(-1, tokens[:, 1:, None]).squeeze(-1)


def not_shifted(logits, tokens, mask=None, reduction="mean"):
    return finish(F.cross_entropy(logits.mT, tokens, reduction="none"), mask, reduction)


def wrapped_round(logits, tokens, mask=None, reduction="mean"):
    return finish(F.cross_entropy(logits.mT, tokens.roll(-1, 1), reduction="none"), mask, reduction)


def shifted_backwards(logits, tokens, mask=None, reduction="mean"):
    return finish(F.cross_entropy(logits[:, 1:].mT, tokens[:, :-1], reduction="none"), mask, reduction)


def shifted_by_two(logits, tokens, mask=None, reduction="mean"):
    return finish(F.cross_entropy(logits[:, :-2].mT, tokens[:, 2:], reduction="none"), mask, reduction)


def positive(logits, tokens, mask=None, reduction="mean"):
    return -finish(token_losses(logits, tokens), mask, reduction)


def in_bits(logits, tokens, mask=None, reduction="mean"):
    return finish(token_losses(logits, tokens) / math.log(2), mask, reduction)


def minus_probability(logits, tokens, mask=None, reduction="mean"):
    return finish(-chosen(logits.softmax(-1), tokens), mask, reduction)


def minus_logit(logits, tokens, mask=None, reduction="mean"):
    return finish(-chosen(logits, tokens), mask, reduction)


def softmax_over_positions(logits, tokens, mask=None, reduction="mean"):
    return finish(-chosen(logits.log_softmax(1), tokens), mask, reduction)


def summed(logits, tokens, mask=None, reduction="mean"):
    losses = token_losses(logits, tokens)
    return finish(losses, mask, "none") if reduction == "none" else (losses * counted(losses, mask)).sum()


def divided_by_all_tokens(logits, tokens, mask=None, reduction="mean"):
    losses = token_losses(logits, tokens)
    counts = tokens.numel() if mask is None else mask.sum()
    return finish(losses, mask, "none") if reduction == "none" else (losses * counted(losses, mask)).sum() / counts


def divided_by_rows(logits, tokens, mask=None, reduction="mean"):
    losses = finish(token_losses(logits, tokens), mask, "none")
    return losses if reduction == "none" else losses.sum() / len(losses)


def mask_ignored(logits, tokens, mask=None, reduction="mean"):
    return finish(token_losses(logits, tokens), None, reduction)


def mask_of_queries(logits, tokens, mask=None, reduction="mean"):
    return finish(token_losses(logits, tokens), None if mask is None else mask[:, :-1], reduction)


def mask_inverted(logits, tokens, mask=None, reduction="mean"):
    return finish(token_losses(logits, tokens), None if mask is None else ~mask.bool(), reduction)


def mean_of_row_means(logits, tokens, mask=None, reduction="mean"):
    losses = token_losses(logits, tokens)
    counts = counted(losses, mask)
    rows = (losses * counts).sum(1) / counts.sum(1)
    return finish(losses, mask, "none") if reduction == "none" else rows.mean()


def masked_counted_as_zero(logits, tokens, mask=None, reduction="mean"):
    losses = finish(token_losses(logits, tokens), mask, "none")
    return losses if reduction == "none" else losses.mean()


def mask_as_index(logits, tokens, mask=None, reduction="mean"):
    losses = token_losses(logits, tokens)
    if mask is None or reduction == "none":
        return finish(losses, mask, reduction)
    return losses[mask[:, 1:]].mean()


def nothing_divided_by_nothing(logits, tokens, mask=None, reduction="mean"):
    losses = token_losses(logits, tokens)
    counts = counted(losses, mask)
    return finish(losses, mask, "none") if reduction == "none" else (losses * counts).sum() / counts.sum()


def reduction_ignored(logits, tokens, mask=None, reduction="mean"):
    return finish(token_losses(logits, tokens), mask)


def none_unmasked(logits, tokens, mask=None, reduction="mean"):
    losses = token_losses(logits, tokens)
    return losses if reduction == "none" else finish(losses, mask)


def none_flat(logits, tokens, mask=None, reduction="mean"):
    losses = token_losses(logits, tokens)
    return losses[counted(losses, mask).bool()] if reduction == "none" else finish(losses, mask)


def none_padded(logits, tokens, mask=None, reduction="mean"):
    losses = finish(token_losses(logits, tokens), mask, reduction)
    return F.pad(losses, (0, 1)) if reduction == "none" else losses


def log_of_softmax(logits, tokens, mask=None, reduction="mean"):
    return finish(-chosen(logits.softmax(-1), tokens).log(), mask, reduction)


def log_with_floor(logits, tokens, mask=None, reduction="mean"):
    return finish(-(chosen(logits.softmax(-1), tokens) + 1e-9).log(), mask, reduction)


def bare_exponentials(logits, tokens, mask=None, reduction="mean"):
    return finish(logits[:, :-1].exp().sum(-1).log() - chosen(logits, tokens), mask, reduction)


def quotient_of_exponentials(logits, tokens, mask=None, reduction="mean"):
    powers = logits.exp()
    return finish(-chosen(powers / powers.sum(-1, keepdim=True), tokens).log(), mask, reduction)


def detached(logits, tokens, mask=None, reduction="mean"):
    return finish(token_losses(logits, tokens).detach(), mask, reduction)


EXERCISE = Exercise(
    "lm_loss",
    tolerance=MEAN,
    checks=(values, masked, each_token, nothing_counts, extreme_logits, gradient),
    reference=reference,
    gives=Tensor,
    needs={"per_token_loss": token_losses},
    slips=(
        Slip("nothing is shifted: the logits at a position are scored on that position's own token", not_shifted),
        Slip("the last position counts too, scored on the row's first token (roll wraps round)", wrapped_round),
        Slip("the shift goes backwards: each position is scored on the token before it", shifted_backwards),
        Slip("each position is scored on the token two places on", shifted_by_two),
        Slip("the log-probabilities are averaged without the minus sign", positive),
        Slip("the logarithm is to base 2: the loss is in bits, not in nats", in_bits),
        Slip("the probability itself is averaged, without the logarithm", minus_probability),
        Slip("the target's logit is averaged, without the normaliser over the vocabulary", minus_logit),
        Slip("the softmax runs over positions instead of over the vocabulary", softmax_over_positions),
        Slip("the losses are added up and not divided by their number", summed),
        Slip("the sum is divided by the number of all tokens, the first of each row included", divided_by_all_tokens),
        Slip("the sum is divided by the number of rows", divided_by_rows),
        Slip("the mask is ignored", mask_ignored),
        Slip("the mask is read at the position that predicts (mask[:, :-1]), not at the target", mask_of_queries),
        Slip("the mask is read the other way round: 1 means 'counts'", mask_inverted),
        Slip(
            "each row is averaged first, then the rows, though they have different numbers of targets",
            mean_of_row_means,
        ),
        Slip("masked targets add 0 to the sum but still count in the number it is divided by", masked_counted_as_zero),
        Slip("the mask is used as an index, which picks rows 0 and 1 when it holds integers", mask_as_index),
        Slip("with nothing to count, 0 is divided by 0", nothing_divided_by_nothing),
        Slip("reduction is ignored", reduction_ignored),
        Slip('the mask is ignored when reduction is "none"', none_unmasked),
        Slip("the losses that count come back in one flat row, so their places are lost", none_flat),
        Slip("a column is added for the last position, which predicts nothing", none_padded),
        Slip(
            "a softmax is taken and then its logarithm: a probability rounded to 0 gives infinity",
            log_of_softmax,
        ),
        Slip("1e-9 is added to the probability under the logarithm, which caps the loss at 20.7", log_with_floor),
        Slip("the exponentials overflow: no maximum is subtracted before they are summed", bare_exponentials),
        Slip(
            "overflowing exponentials are divided by each other: no maximum is subtracted",
            quotient_of_exponentials,
        ),
        Slip("the loss is detached from the graph", detached),
    ),
)
