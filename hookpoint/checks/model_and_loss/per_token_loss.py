"""Checks for `per_token_loss` (part 1, notebook 04)."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.checks.author import Exercise, Slip, agree, same

from ._functional import loss_gradient, token_losses
from .lm_loss import reference as mean_loss

BATCH, LENGTH, VOCAB = 3, 7, 13


def reference(logits, tokens):
    """One distribution at a time, each asked for one token."""
    batch, length, _ = logits.shape
    rows = [[-F.log_softmax(logits[b, t], -1)[tokens[b, t + 1]] for t in range(length - 1)] for b in range(batch)]
    return torch.stack([torch.stack(row) for row in rows])


def example(draw, batch=BATCH, length=LENGTH, std=3.0):
    return draw.normal(batch, length, VOCAB, std=std), draw.ids(VOCAB, batch, length)


def values(learner, draw):
    """Entry (b, t) is minus the log-probability, in nats, of token t + 1 of row b given the tokens up to t."""
    agree(learner.per_token_loss, reference, *example(draw))
    for batch, length in ((5, 2), (1, LENGTH)):
        logits, tokens = example(draw, batch, length)
        same(learner.per_token_loss(logits, tokens), reference(logits, tokens))


def by_hand(learner, draw):
    """If all tokens are equally likely, every loss is the logarithm of their number."""
    tokens = draw.ids(VOCAB, 2, 5)
    same(learner.per_token_loss(torch.full((2, 5, VOCAB), 2.5), tokens), torch.full((2, 4), math.log(VOCAB)))


def extreme_logits(learner, draw):
    """Logits of ten thousand give the right loss, without overflow."""
    logits, tokens = example(draw, std=1e4)
    tokens[0, 1] = logits[0, 0].argmax()  # one prediction that is right, and so has a loss of 0
    same(learner.per_token_loss(logits, tokens), token_losses(logits, tokens))


def gradient(learner, draw):
    """The gradient of each loss is the probabilities minus the target's one-hot, and 0 at every other position."""
    logits, tokens = example(draw, 2, 5)
    x = logits.double().requires_grad_()
    row, position = draw.number(0, 2), draw.number(0, 4)
    want = torch.zeros_like(x)
    target = F.one_hot(tokens[row, position + 1], VOCAB)
    want[row, position] = F.softmax(x.detach()[row, position], -1) - target
    same(loss_gradient(learner.per_token_loss(x, tokens)[row, position], x), want, "in the gradient of one loss")


def not_shifted(logits, tokens):
    return F.cross_entropy(logits.mT, tokens, reduction="none")[:, 1:]


def own_token(logits, tokens):
    return F.cross_entropy(logits.mT, tokens, reduction="none")[:, :-1]


def all_positions(logits, tokens):
    return F.cross_entropy(logits.mT, tokens, reduction="none")


def wrapped_round(logits, tokens):
    return F.cross_entropy(logits.mT, tokens.roll(-1, 1), reduction="none")


def padded_at_the_end(logits, tokens):
    return F.pad(token_losses(logits, tokens), (0, 1))


def padded_in_front(logits, tokens):
    return F.pad(token_losses(logits, tokens), (1, 0))


def shifted_backwards(logits, tokens):
    return F.cross_entropy(logits[:, 1:].mT, tokens[:, :-1], reduction="none")


def in_bits(logits, tokens):
    return token_losses(logits, tokens) / math.log(2)


def positive(logits, tokens):
    return -token_losses(logits, tokens)


def probability(logits, tokens):
    return (-token_losses(logits, tokens)).exp()


def perplexity(logits, tokens):
    return token_losses(logits, tokens).exp()


def minus_logit(logits, tokens):
    return -logits[:, :-1].gather(-1, tokens[:, 1:, None]).squeeze(-1)


def softmax_over_positions(logits, tokens):
    return -logits.log_softmax(1)[:, :-1].gather(-1, tokens[:, 1:, None]).squeeze(-1)


def last_axis_kept(logits, tokens):
    return token_losses(logits, tokens).unsqueeze(-1)


def flat(logits, tokens):
    return token_losses(logits, tokens).flatten()


def mean(logits, tokens):
    return token_losses(logits, tokens).mean()


def mean_of_each_row(logits, tokens):
    return token_losses(logits, tokens).mean(1)


def log_of_softmax(logits, tokens):
    return -logits.softmax(-1)[:, :-1].gather(-1, tokens[:, 1:, None]).squeeze(-1).log()


def log_with_floor(logits, tokens):
    return -(logits.softmax(-1)[:, :-1].gather(-1, tokens[:, 1:, None]).squeeze(-1) + 1e-9).log()


def bare_exponentials(logits, tokens):
    return logits[:, :-1].exp().sum(-1).log() + minus_logit(logits, tokens)


def detached(logits, tokens):
    return token_losses(logits, tokens).detach()


EXERCISE = Exercise(
    "per_token_loss",
    checks=(values, by_hand, extreme_logits, gradient),
    reference=reference,
    gives=Tensor,
    needs={"lm_loss": mean_loss},
    slips=(
        Slip("each position is scored on its own token and the first column dropped", not_shifted),
        Slip("each position is scored on its own token and the last column dropped", own_token),
        Slip("each position is scored on its own token, without a shift", all_positions),
        Slip("the last position counts too, scored on the row's first token (roll wraps round)", wrapped_round),
        Slip("a column of zeros is added at the end", padded_at_the_end),
        Slip("a column of zeros is added in front", padded_in_front),
        Slip("the shift goes backwards: each position is scored on the token before it", shifted_backwards),
        Slip("the logarithm is to base 2: these are bits, not nats", in_bits),
        Slip("these are log-probabilities, without the minus sign", positive),
        Slip("these are the probabilities of the targets, not their losses", probability),
        Slip("these are perplexities, the exponentials of the losses", perplexity),
        Slip("this is minus the target's logit, without the normaliser over the vocabulary", minus_logit),
        Slip("the softmax runs over positions instead of over the vocabulary", softmax_over_positions),
        Slip("the axis that gather works on is still there", last_axis_kept),
        Slip("rows and positions are one flat axis", flat),
        Slip("the mean is taken over everything", mean),
        Slip("the mean of each row is taken", mean_of_each_row),
        Slip(
            "a softmax is taken and then its logarithm: a probability rounded to 0 gives infinity",
            log_of_softmax,
        ),
        Slip("1e-9 is added to the probability under the logarithm, which caps the loss at 20.7", log_with_floor),
        Slip("the exponentials overflow: no maximum is subtracted before they are summed", bare_exponentials),
        Slip("the losses are detached from the graph", detached),
    ),
)
