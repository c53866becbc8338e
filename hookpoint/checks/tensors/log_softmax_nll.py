"""Checks for `log_softmax_nll` (part 1, notebook 00)."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.checks.author import Exercise, Slip, agree, same

from .batched_gather_last import picked
from .stable_softmax import reference as shares

ROWS, VOCAB = 7, 11


def reference(logits, y):
    """PyTorch's own."""
    return F.cross_entropy(logits, y)


def example(draw, rows=ROWS, vocab=VOCAB, std=2.0):
    return draw.normal(rows, vocab, std=std), draw.ids(vocab, rows)


def values(learner, draw):
    """The mean over the rows of minus the log-probability of each row's own target."""
    agree(learner.log_softmax_nll, reference, *example(draw))
    agree(learner.log_softmax_nll, reference, *example(draw, 5, 5), when="where N and V are both 5")
    same(learner.log_softmax_nll(*(one := example(draw, 1, 3))), reference(*one), "for a single row")


def by_hand(learner, draw):
    """Four equally likely classes cost log 4 each, and a sure and right answer costs nothing."""
    level = torch.full((3, 4), draw.normal(1).item(), dtype=torch.float64)
    same(learner.log_softmax_nll(level, torch.tensor([2, 0, 3])), torch.tensor(math.log(4), dtype=torch.float64))
    sure = torch.tensor([[50.0, 0, 0], [0, 0, 50.0]])
    same(learner.log_softmax_nll(sure, torch.tensor([0, 2])), torch.tensor(0.0), "for sure and right answers")


def extreme_logits(learner, draw):
    """Logits a thousand times as large give the right loss: nothing overflows, and no loss is cut off."""
    logits, y = example(draw)
    for offset in (1e4, -1e4):
        far = logits.double() + offset
        same(learner.log_softmax_nll(far, y), reference(far, y), f"where {offset:+.0f} is added to every logit")
    gap, second = torch.tensor([[95.0, 0, 0], [0, -95, 0]]), torch.tensor([1, 1])  # exp(95) is inf in float32
    same(learner.log_softmax_nll(gap, second), reference(gap, second), "for targets 95 below the largest logit")
    for factor in (1e3, -1e3, 1e5):
        agree(learner.log_softmax_nll, reference, logits * factor, y, when=f"with logits multiplied by {factor:.0f}")


def gradient(learner, draw):
    """The gradient is (p - onehot) / N: the probabilities minus 1 at the target, for logits of any size."""
    logits, y = example(draw)
    for factor, when in ((1.0, ""), (1e3, " with logits multiplied by 1000")):
        x = (logits * factor).double().requires_grad_()
        want = (x.detach().softmax(-1) - F.one_hot(y, VOCAB)) / ROWS
        loss = learner.log_softmax_nll(x, y)
        same(loss, reference(x, y), when.strip())
        got = torch.autograd.grad(loss, x)[0] if loss.requires_grad else torch.zeros_like(x)
        same(got, want, f"in the gradient of logits{when}")


def finish(log_probabilities, y):
    return -log_probabilities.gather(-1, y[:, None]).mean()


def log_of_softmax(logits, y):
    return finish(logits.softmax(-1).log(), y)


def log_with_floor(logits, y):
    return finish((logits.softmax(-1) + 1e-9).log(), y)


def log_of_clamped(logits, y):
    return finish(logits.softmax(-1).clamp(min=1e-12).log(), y)


def exponentials_overflow(logits, y):
    return finish(logits - logits.exp().sum(-1, keepdim=True).log(), y)


def mean_over_everything(logits, y):
    return -(logits.log_softmax(-1) * F.one_hot(y, logits.shape[-1])).mean()


def most_likely(logits, y):
    return finish(logits.log_softmax(-1), logits.argmax(-1))


def summed(logits, y):
    return finish(logits.log_softmax(-1), y) * len(y)


def positive(logits, y):
    return -finish(logits.log_softmax(-1), y)


def over_rows(logits, y):
    return finish(logits.log_softmax(0), y)


def over_all(logits, y):
    return finish(logits.flatten().log_softmax(0).reshape(logits.shape), y)


def minus_probability(logits, y):
    return finish(logits.softmax(-1), y)


def minus_logit(logits, y):
    return finish(logits, y)


def every_pair(logits, y):
    return -logits.log_softmax(-1)[:, y].mean()


def all_classes(logits, y):
    return -logits.log_softmax(-1).mean()


def logarithm_twice(logits, y):
    return finish(logits.log_softmax(-1).log_softmax(-1).exp().log_softmax(-1), y)


def in_bits(logits, y):
    return finish(logits.log_softmax(-1), y) / math.log(2)


def one_each(logits, y):
    return -logits.log_softmax(-1).gather(-1, y[:, None]).squeeze(-1)


def in_a_row(logits, y):
    return finish(logits.log_softmax(-1), y).reshape(1)


def log_of_mean(logits, y):
    return -logits.softmax(-1).gather(-1, y[:, None]).mean().log()


def shift_taken_twice(logits, y):
    shifted = logits - logits.amax(-1, keepdim=True)
    return (logits.logsumexp(-1) - shifted.gather(-1, y[:, None]).squeeze(-1)).mean()


def detached(logits, y):
    return finish(logits.detach().log_softmax(-1), y)


def in_float32(logits, y):
    return finish(logits.float().log_softmax(-1), y)


EXERCISE = Exercise(
    "log_softmax_nll",
    checks=(values, by_hand, extreme_logits, gradient),
    reference=reference,
    gives=Tensor,
    needs={"stable_softmax": shares, "batched_gather_last": picked},
    forbids=("cross_entropy",),
    slips=(
        Slip("the softmax is taken and then its logarithm: a probability rounded to 0 has none", log_of_softmax),
        Slip("1e-9 is added to the probability under the logarithm, which caps a loss at 20.7", log_with_floor),
        Slip("probabilities are kept above 1e-12, which caps a loss at 27.6", log_of_clamped),
        Slip("exponentials are summed without subtracting the largest logit, and overflow", exponentials_overflow),
        Slip("the mean runs over all N*V entries, where one in each row counts", mean_over_everything),
        Slip("the most likely class is scored instead of the target", most_likely),
        Slip("the losses are added up and not divided by N", summed),
        Slip("the minus sign is missing", positive),
        Slip("the softmax runs over the rows instead of over the classes", over_rows),
        Slip("one softmax runs over the whole tensor", over_all),
        Slip("the probability is averaged, without its logarithm", minus_probability),
        Slip("the logit is averaged, without the normaliser", minus_logit),
        Slip("each row is scored on the targets of all rows: log_probabilities[:, y] makes [N, N]", every_pair),
        Slip("all classes are averaged and the targets ignored", all_classes),
        Slip("a softmax is taken of probabilities", logarithm_twice),
        Slip("the logarithm is to base 2", in_bits),
        Slip("the losses come back one by one, not as their mean", one_each),
        Slip("the result has an axis of length 1, where a scalar has none", in_a_row),
        Slip("the probabilities are averaged before the logarithm is taken", log_of_mean),
        Slip("the largest logit is subtracted from the target but not from the normaliser", shift_taken_twice),
        Slip("logits is cut off from its gradient (detach, .data, numpy or tolist)", detached),
        Slip("the result is float32 whatever logits is", in_float32),
    ),
)
