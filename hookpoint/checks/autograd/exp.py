"""Checks for `exp` (part 1, notebook 00b)."""

import torch

from hookpoint.checks.author import Exercise, Slip
from hookpoint.checks.protocol.given.autograd import Value

from ._operations import case, like_torch, repeatable

NAMES = ("a",)


def reference(a):
    """torch's own."""
    return torch.exp(a)


def values(learner, draw):
    """exp gives e to the power of each entry; its gradient is the result once more, times what comes in."""
    cases = (
        case(draw.normal(3, 5)),
        case(draw.normal(2, 3, 7, mean=-3, std=4), when="from tiny to large"),
        case(torch.tensor(-0.5), when="for a single number"),
        case(torch.tensor([40.0, 39.0]), when="for large numbers"),
    )
    like_torch(learner, learner.exp, reference, NAMES, *cases)


def own_pull(learner, draw):
    """Every result keeps a pull of its own, which can be called again."""
    repeatable(learner, learner.exp, reference, NAMES, [(draw.normal(2, 3),), (draw.normal(2, 3),)])


def kept(a, share):
    return Value(a.data.exp(), (a,), lambda grad: (share(grad),))


def result_alone(a):
    return kept(a, lambda grad: a.data.exp() + 0 * grad)


def handed_on(a):
    return kept(a, lambda grad: grad)


def times_input(a):
    return kept(a, lambda grad: grad * a.data)


def power_rule(a):
    return kept(a, lambda grad: grad * a.data * (a.data - 1).exp())


def exp_of_the_gradient(a):
    return kept(a, lambda grad: grad.exp())


def exp_of_the_result(a):
    return kept(a, lambda grad: grad * a.data.exp().exp())


def divided(a):
    return kept(a, lambda grad: grad / a.data.exp())


def of_two(a):
    return Value(2**a.data, (a,), lambda grad: (grad * 2**a.data,))


def less_one(a):
    return Value(a.data.expm1(), (a,), lambda grad: (grad * a.data.expm1(),))


def bare_gradient(a):
    return Value(a.data.exp(), (a,), lambda grad: grad * a.data.exp())


EXERCISE = Exercise(
    "exp",
    checks=(values, own_pull),
    reference=reference,
    forbids=("autograd",),
    needs={"Value": "Value"},
    slips=(
        Slip("the result alone is the gradient: the one that comes in is not used", result_alone),
        Slip("the gradient is handed on as it is", handed_on),
        Slip("the gradient is multiplied by a, not by e to the power of a", times_input),
        Slip("the rule for powers is used (a times e to the power of a - 1), but here a is the exponent", power_rule),
        Slip("exp is applied to the gradient that comes in", exp_of_the_gradient),
        Slip("exp is applied twice in the pull: once more to the result", exp_of_the_result),
        Slip("the gradient is divided by the result instead of multiplied", divided),
        Slip("2 is raised to the power of a, not e", of_two),
        Slip("1 is subtracted from the result (expm1)", less_one),
        Slip("the one gradient is returned bare: a tuple of one needs a comma", bare_gradient),
    ),
)
