"""Checks for `lens_kl` (part 2, notebook 11)."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.checks.author import Exercise, Slip, same, same_gradients

LAYERS, BATCH, POS, VOCAB = 4, 3, 5, 11


def reference(lens_logits, final_logits):
    """torch's own, whose first argument is the approximation and whose second is the truth."""
    lens, final = F.log_softmax(lens_logits, -1), F.log_softmax(final_logits, -1)
    return F.kl_div(lens, final.expand_as(lens), reduction="none", log_target=True).sum(-1)


def drawn(draw, dtype=torch.float32):
    lens, final = draw.normal(LAYERS, BATCH, POS, VOCAB, std=2), draw.normal(BATCH, POS, VOCAB, std=2)
    return lens.to(dtype), final.to(dtype)


def values(learner, draw):
    """KL(final || lens) at each layer and position, in nats."""
    for dtype in (torch.float32, torch.float64):
        lens, final = drawn(draw, dtype)
        same(learner.lens_kl(lens, final), reference(lens, final))


def by_hand(learner, draw):
    """With probabilities 1/2, 1/2 in the model and 1/4, 3/4 in the lens it is ln(4/3) / 2."""
    final, lens = torch.zeros(1, 1, 2), torch.tensor([[[[0.25, 0.75]]]]).log()
    same(learner.lens_kl(lens, final), torch.full((1, 1, 1), math.log(4 / 3) / 2))


def nothing_lost(learner, draw):
    """A lens that gives the model's probabilities loses nothing, whatever is added to all logits of a position."""
    _, final = drawn(draw, torch.float64)
    lens = final + draw.normal(LAYERS, BATCH, POS, 1, std=3, dtype=torch.float64)
    same(learner.lens_kl(lens, final), torch.zeros(LAYERS, BATCH, POS, dtype=torch.float64), "where nothing is lost")


def certainty(learner, draw):
    """It stays a number where a probability is too small for one."""
    lens, final = drawn(draw)
    lens[:, 0, 0, 1] += 300
    final[0, :2, 2] += 400
    same(learner.lens_kl(lens, final), reference(lens, final), "where one logit is far above the others")


def gradient(learner, draw):
    """It can be differentiated, as the tuned lens needs it."""
    lens, final = drawn(draw)
    same_gradients(lambda x: learner.lens_kl(x, final.double()), lambda x: reference(x, final.double()), ["lens"], lens)


def logs(lens_logits, final_logits):
    return lens_logits.log_softmax(-1), final_logits.log_softmax(-1)


def reversed_direction(lens_logits, final_logits):
    lens, final = logs(lens_logits, final_logits)
    return (lens.exp() * (lens - final)).sum(-1)


def cross_entropy(lens_logits, final_logits):
    lens, final = logs(lens_logits, final_logits)
    return -(final.exp() * lens).sum(-1)


def in_bits(lens_logits, final_logits):
    return reference(lens_logits, final_logits) / math.log(2)


def mean_over_tokens(lens_logits, final_logits):
    return reference(lens_logits, final_logits) / final_logits.shape[-1]


def negative(lens_logits, final_logits):
    return -reference(lens_logits, final_logits)


def both_ways(lens_logits, final_logits):
    return (reference(lens_logits, final_logits) + reversed_direction(lens_logits, final_logits)) / 2


def logs_of_probabilities(lens_logits, final_logits):
    lens, final = lens_logits.softmax(-1), final_logits.softmax(-1)
    return (final * (final.log() - lens.log())).sum(-1)


def logs_with_a_little(lens_logits, final_logits):
    lens, final = lens_logits.softmax(-1), final_logits.softmax(-1)
    return (final * ((final + 1e-9).log() - (lens + 1e-9).log())).sum(-1)


def unnormalised(lens_logits, final_logits):
    return (final_logits.softmax(-1) * (final_logits - lens_logits)).sum(-1)


def over_positions(lens_logits, final_logits):
    lens, final = lens_logits.log_softmax(-2), final_logits.log_softmax(-2)
    return (final.exp() * (final - lens)).sum(-1)


def averaged(lens_logits, final_logits):
    return reference(lens_logits, final_logits).mean((1, 2))


def per_layer_sum(lens_logits, final_logits):
    return reference(lens_logits, final_logits).sum((1, 2))


def absolute(lens_logits, final_logits):
    lens, final = logs(lens_logits, final_logits)
    return (final.exp() * (final - lens).abs()).sum(-1)


EXERCISE = Exercise(
    "lens_kl",
    checks=(values, by_hand, nothing_lost, certainty, gradient),
    reference=reference,
    gives=Tensor,
    slips=(
        Slip("the direction is reversed: KL(lens || final). F.kl_div takes the lens first", reversed_direction),
        Slip("the entropy of the model is not subtracted: this is the cross-entropy", cross_entropy),
        Slip("the divergence is in bits, not in nats", in_bits),
        Slip("the mean over the vocabulary is taken; its terms are summed", mean_over_tokens),
        Slip("the sign is reversed", negative),
        Slip("both directions are averaged", both_ways),
        Slip("probabilities are made first and then their logarithms: very small ones become 0", logs_of_probabilities),
        Slip("a small number is added under the logarithm", logs_with_a_little),
        Slip("logits stand where log-probabilities belong: their normalisation is missing", unnormalised),
        Slip("the softmax runs over positions", over_positions),
        Slip("the mean over rows and positions has been taken", averaged),
        Slip("the positions of each layer have been added up", per_layer_sum),
        Slip("the terms are made positive one by one", absolute),
    ),
)
