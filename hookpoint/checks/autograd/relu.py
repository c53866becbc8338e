"""Checks for `relu` (part 1, notebook 00b)."""

import torch

from hookpoint.checks.author import Exercise, Slip
from hookpoint.checks.protocol.given.autograd import Value

from ._operations import case, like_torch, repeatable

NAMES = ("a",)


def reference(a):
    """torch's own, whose gradient at 0 is 0."""
    return torch.relu(a)


def values(learner, draw):
    """relu keeps what is positive and gives 0 for the rest; the gradient passes where a is positive."""
    cases = (
        case(draw.normal(3, 5)),
        case(draw.normal(2, 3, 7, std=100), when="for large numbers"),
        case(draw.normal(3, 5, std=1e-6), when="for numbers close to 0"),
        case(torch.tensor(1.5), when="for a single number"),
    )
    like_torch(learner, learner.relu, reference, NAMES, *cases)


def at_zero(learner, draw):
    """Where a is 0, the gradient is 0."""
    a = draw.normal(3, 5)
    a[0], a[1, ::2], a[2] = 0, -0.0, -a[2].abs()
    like_torch(learner, learner.relu, reference, NAMES, case(a, when="where a holds zeros"))


def own_pull(learner, draw):
    """Every result keeps a pull of its own, which can be called again and leaves its gradient as it is."""
    repeatable(learner, learner.relu, reference, NAMES, [(draw.normal(2, 3),), (draw.normal(2, 3),)])


def kept(a, share):
    return Value(a.data.clamp(min=0), (a,), lambda grad: (share(grad),))


def one_at_zero(a):
    return kept(a, lambda grad: grad * (a.data >= 0))


def half_at_zero(a):
    return kept(a, lambda grad: grad * torch.heaviside(a.data, torch.tensor(0.5, dtype=a.data.dtype)))


def gradient_clipped(a):
    return kept(a, lambda grad: grad.clamp(min=0))


def mask_of_the_gradient(a):
    return kept(a, lambda grad: grad * (grad > 0) * (a.data > 0))


def mask_alone(a):
    return kept(a, lambda grad: (a.data > 0).to(grad) + 0 * grad)


def handed_on(a):
    return kept(a, lambda grad: grad)


def times_input(a):
    return kept(a, lambda grad: grad * a.data.clamp(min=0))


def leaky(a):
    return Value(
        torch.where(a.data > 0, a.data, 0.01 * a.data), (a,), lambda grad: (grad * torch.where(a.data > 0, 1.0, 0.01),)
    )


def leaky_in_the_pull(a):
    return kept(a, lambda grad: torch.where(a.data > 0, grad, 0.01 * grad))


def absolute(a):
    return Value(a.data.abs(), (a,), lambda grad: (grad * a.data.sign(),))


def upside_down(a):
    return kept(a, lambda grad: grad * (a.data < 0))


def bare_gradient(a):
    return Value(a.data.clamp(min=0), (a,), lambda grad: grad * (a.data > 0))


def edits_the_gradient(a):
    def pull(grad):
        grad[a.data <= 0] = 0
        return (grad,)

    return Value(a.data.clamp(min=0), (a,), pull)


EXERCISE = Exercise(
    "relu",
    checks=(values, at_zero, own_pull),
    reference=reference,
    forbids=("autograd",),
    needs={"Value": "Value"},
    slips=(
        Slip("the gradient at 0 is 1 (>= instead of >)", one_at_zero),
        Slip("the gradient at 0 is one half", half_at_zero),
        Slip("relu is applied to the gradient: its sign decides, not the sign of a", gradient_clipped),
        Slip("the gradient passes only where it is positive itself, besides a", mask_of_the_gradient),
        Slip("the mask alone is the gradient: the one that comes in is not used", mask_alone),
        Slip("the gradient is handed on everywhere, also where a is negative", handed_on),
        Slip("the gradient is multiplied by the result instead of by 0 or 1", times_input),
        Slip("negative numbers leak through (leaky relu)", leaky),
        Slip("the gradient leaks through where a is negative, as of a leaky relu", leaky_in_the_pull),
        Slip("the absolute value is taken", absolute),
        Slip("the gradient passes where a is negative", upside_down),
        Slip("the one gradient is returned bare: a tuple of one needs a comma", bare_gradient),
        Slip("the pull writes zeros into the gradient that it was given", edits_the_gradient),
    ),
)
