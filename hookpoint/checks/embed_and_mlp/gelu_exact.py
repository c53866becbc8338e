"""Checks for `gelu_exact` (part 1, notebook 02)."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.checks.author import Exercise, Slip

from . import _gelus as gelus
from ._gelu_inputs import in_the_gradient, on_a_grid, on_any_shape, on_large_numbers


def reference(x):
    """PyTorch's own."""
    return F.gelu(x)


def values(learner, draw):
    """From -6 to 6 your gelu_exact gives x times the normal distribution function, in float32 and in float64."""
    on_a_grid(learner.gelu_exact, reference)


def any_shape(learner, draw):
    """Each element is treated alone: any shape, any layout, and the dtype of x comes back."""
    on_any_shape(learner.gelu_exact, reference, draw)


def far_out(learner, draw):
    """Far from 0 it is x on the right and 0 on the left, to the last digit."""
    on_large_numbers(learner.gelu_exact, reference)


def gradient(learner, draw):
    """The gradient is that of the exact form."""
    in_the_gradient(learner.gelu_exact, reference, draw)


def tanh_form(x):
    return x * gelus.cdf_tanh(x)


def no_root_two(x):
    return 0.5 * x * (1 + torch.erf(x))


def times_root_two(x):
    return 0.5 * x * (1 + torch.erf(x * math.sqrt(2)))


def two_not_rooted(x):
    return 0.5 * x * (1 + torch.erf(x / 2))


def no_half(x):
    return x * (1 + torch.erf(x / math.sqrt(2)))


def no_one(x):
    return 0.5 * x * torch.erf(x / math.sqrt(2))


def no_x(x):
    return gelus.cdf_exact(x)


def complement(x):
    return 0.5 * x * torch.special.erfc(x / math.sqrt(2))


def density(x):
    return x * torch.exp(-x.square() / 2) / math.sqrt(2 * math.pi)


def detached(x):
    return x * gelus.cdf_exact(x).detach()


def in_float32(x):
    return reference(x.float()).to(x.dtype)


EXERCISE = Exercise(
    "gelu_exact",
    checks=(values, any_shape, far_out, gradient),
    reference=reference,
    gives=Tensor,
    forbids=("gelu",),
    slips=(
        Slip("the tanh form is used; the exact form has erf", tanh_form),
        Slip("erf is given x; it is given x / sqrt(2)", no_root_two),
        Slip("erf is given x times sqrt(2); it is given x divided by it", times_root_two),
        Slip("erf is given x / 2; it is given x / sqrt(2)", two_not_rooted),
        Slip("the factor 0.5 is missing", no_half),
        Slip("the 1 in front of erf is missing", no_one),
        Slip("the factor x in front is missing", no_x),
        Slip("erf is taken off 1; it is added", complement),
        Slip("x is weighted by the normal density; it is weighted by the distribution function", density),
        Slip("the weight of x is detached from the graph", detached),
        Slip("everything is computed in float32, which loses digits of float64", in_float32),
        Slip("x times sigmoid(1.702 x) is used, another and rougher form", gelus.sigmoid_form),
        Slip("x times sigmoid(x) is used: that is SiLU", gelus.silu),
        Slip("negative numbers become 0: that is ReLU", gelus.relu),
        Slip("x is returned as it came", gelus.identity),
    ),
)
