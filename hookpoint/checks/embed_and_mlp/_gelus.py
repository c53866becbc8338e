"""What the slips of both GELU exercises are made of."""

import math

import torch

__all__ = ["cdf_exact", "cdf_tanh", "inner"]

ROOT = math.sqrt(2 / math.pi)


def inner(x, root=ROOT, cubic=0.044715, power=3):
    """What stands inside the tanh."""
    return root * (x + cubic * x**power)


def cdf_tanh(x):
    """The tanh form's stand-in for the normal distribution function."""
    return 0.5 * (1 + torch.tanh(inner(x)))


def cdf_exact(x):
    """The normal distribution function."""
    return 0.5 * (1 + torch.erf(x / math.sqrt(2)))


# Wrong in both exercises alike.
def relu(x):
    return x.clamp(min=0)


def sigmoid_form(x):
    return x * torch.sigmoid(1.702 * x)


def silu(x):
    return x * torch.sigmoid(x)


def identity(x):
    return x
