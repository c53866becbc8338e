# %% right="erfc of the negative"
import math

import torch


def gelu_exact(x):
    return x * 0.5 * torch.erfc(-x / math.sqrt(2))


# %% right="special.ndtr"
import torch


def gelu_exact(x):
    return x * torch.special.ndtr(x)


# %% right="a normal distribution"
import torch


def gelu_exact(x):
    normal = torch.distributions.Normal(torch.zeros((), dtype=x.dtype), torch.ones((), dtype=x.dtype))
    return x * normal.cdf(x)


# %% right="the root as a float32 tensor"
import torch


def gelu_exact(x):
    return x * (1.0 + torch.erf(x / torch.sqrt(torch.tensor(2.0)))) / 2


# %% right="widened for half, method calls"
import torch


def gelu_exact(value):
    wide = value.to(torch.promote_types(value.dtype, torch.float32))
    return wide.mul(2**-0.5).erf().add(1).mul(wide).div(2).to(value.dtype)


# %% wrong="torch's own"
import torch


def gelu_exact(x):
    return torch.nn.functional.gelu(x)


# %% wrong="torch's own, by another name"
import torch


def gelu_exact(x):
    return torch.ops.aten.gelu(x)


# %% wrong="half of the right one"
import math

import torch


def gelu_exact(x):
    return 0.25 * x * (1 + torch.erf(x / math.sqrt(2)))


# %% wrong="root of two as 1.41"
import torch


def gelu_exact(x):
    return 0.5 * x * (1 + torch.erf(x / 1.41))


# %% wrong="absolute value inside"
import math

import torch


def gelu_exact(x):
    return 0.5 * x * (1 + torch.erf(x.abs() / math.sqrt(2)))


# %% wrong="stays half of x to the left"
import math

import torch


def gelu_exact(x):
    return 0.5 * (x + torch.erf(x / math.sqrt(2)))


# %% wrong="element by element, in Python floats"
import math

import torch


def gelu_exact(x):
    values = [0.5 * v * (1 + math.erf(v / math.sqrt(2))) for v in x.flatten().tolist()]
    return torch.tensor(values).reshape(x.shape)


# %% wrong="an average over the batch of the probability"
import math

import torch


def gelu_exact(x):
    return 0.5 * x * (1 + torch.erf((x - x.mean()) / math.sqrt(2)))


# %% wrong="divides by x"
import torch
import math


def gelu_exact(x):
    return 0.5 * x * x / x * (1 + torch.erf(x / math.sqrt(2)))


# %% wrong="squeezes"
import torch
import math


def gelu_exact(x):
    return (0.5 * x * (1 + torch.erf(x / math.sqrt(2)))).squeeze()


# %% wrong="root through the square: no gradient at 0"
import torch
import math


def gelu_exact(x):
    a = (x * x).sqrt()
    return 0.5 * x + 0.5 * a * torch.erf(a / math.sqrt(2))


# %% right="log_ndtr"
import torch


def gelu_exact(x):
    wide = x.double()
    return (wide * torch.special.log_ndtr(wide).exp()).to(x.dtype)
