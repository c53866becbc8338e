"""Checks for `gelu_new` (part 1, notebook 02)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.checks.author import Exercise, Slip

from . import _gelus as gelus
from ._gelu_inputs import in_the_gradient, on_a_grid, on_any_shape, on_large_numbers
from ._gelus import ROOT, inner


def reference(x):
    """PyTorch's own."""
    return F.gelu(x, approximate="tanh")


def values(learner, draw):
    """From -6 to 6 your gelu_new gives the tanh form, in float32 and in float64."""
    on_a_grid(learner.gelu_new, reference)


def any_shape(learner, draw):
    """Each element is treated alone: any shape, any layout, and the dtype of x comes back."""
    on_any_shape(learner.gelu_new, reference, draw)


def far_out(learner, draw):
    """Far from 0 it is x on the right and 0 on the left, to the last digit."""
    on_large_numbers(learner.gelu_new, reference)


def gradient(learner, draw):
    """The gradient is that of the tanh form."""
    in_the_gradient(learner.gelu_new, reference, draw)


def exact_form(x):
    return x * gelus.cdf_exact(x)


def ten_times_the_constant(x):
    return 0.5 * x * (1 + torch.tanh(inner(x, cubic=0.44715)))


def tenth_of_the_constant(x):
    return 0.5 * x * (1 + torch.tanh(inner(x, cubic=0.0044715)))


def no_half(x):
    return x * (1 + torch.tanh(inner(x)))


def squared(x):
    return 0.5 * x * (1 + torch.tanh(inner(x, power=2)))


def no_cubic(x):
    return 0.5 * x * (1 + torch.tanh(inner(x, cubic=0)))


def no_root(x):
    return 0.5 * x * (1 + torch.tanh(inner(x, root=1)))


def no_square_root(x):
    return 0.5 * x * (1 + torch.tanh(inner(x, root=ROOT**2)))


def root_upside_down(x):
    return 0.5 * x * (1 + torch.tanh(inner(x, root=1 / ROOT)))


def root_on_x_alone(x):
    return 0.5 * x * (1 + torch.tanh(ROOT * x + 0.044715 * x**3))


def no_one(x):
    return 0.5 * x * torch.tanh(inner(x))


def no_x(x):
    return gelus.cdf_tanh(x)


def one_minus(x):
    return 0.5 * x * (1 - torch.tanh(inner(x)))


def sigmoid_of_inner(x):
    return x * torch.sigmoid(inner(x))


def detached(x):
    return x * gelus.cdf_tanh(x).detach()


def in_float32(x):
    return reference(x.float()).to(x.dtype)


EXERCISE = Exercise(
    "gelu_new",
    checks=(values, any_shape, far_out, gradient),
    reference=reference,
    gives=Tensor,
    forbids=("gelu",),
    slips=(
        Slip("the exact form is used, with erf; GPT-2 was trained with the tanh form", exact_form),
        Slip("the constant is 0.44715; it is 0.044715", ten_times_the_constant),
        Slip("the constant is 0.0044715; it is 0.044715", tenth_of_the_constant),
        Slip("the factor 0.5 is missing", no_half),
        Slip("x is squared inside the tanh; it is cubed", squared),
        Slip("the cubic term inside the tanh is missing", no_cubic),
        Slip("the factor sqrt(2 / pi) is missing", no_root),
        Slip("the factor is 2 / pi; it is the root of that", no_square_root),
        Slip("the factor is sqrt(pi / 2); it is sqrt(2 / pi)", root_upside_down),
        Slip("sqrt(2 / pi) multiplies x alone; it multiplies the whole sum", root_on_x_alone),
        Slip("the 1 in front of the tanh is missing", no_one),
        Slip("the factor x in front is missing", no_x),
        Slip("the tanh is taken off 1; it is added", one_minus),
        Slip("a sigmoid of the sum takes the place of (1 + tanh) / 2; that needs twice the sum", sigmoid_of_inner),
        Slip("the weight of x is detached from the graph", detached),
        Slip("everything is computed in float32, which loses digits of float64", in_float32),
        Slip("x times sigmoid(1.702 x) is used, another and rougher form", gelus.sigmoid_form),
        Slip("x times sigmoid(x) is used: that is SiLU", gelus.silu),
        Slip("negative numbers become 0: that is ReLU", gelus.relu),
        Slip("x is returned as it came", gelus.identity),
    ),
)
