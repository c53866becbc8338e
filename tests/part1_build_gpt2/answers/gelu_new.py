# %% right="a sigmoid of twice the inner sum"
import math

import torch


def gelu_new(x):
    return x * torch.sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))


# %% right="constants as float32 tensors"
import torch


def gelu_new(x):
    return 0.5 * x * (1.0 + torch.tanh(torch.sqrt(torch.tensor(2.0 / torch.pi)) * (x + 0.044715 * torch.pow(x, 3.0))))


# %% right="NumPy's root, another parameter name"
import numpy as np
import torch


def gelu_new(input):
    inner = np.sqrt(2.0 / np.pi) * (input + 0.044715 * input * input * input)
    return input * 0.5 * (1 + inner.tanh())


# %% right="widened for half, exponentials"
import math

import torch


def gelu_new(x: torch.Tensor) -> torch.Tensor:
    y = x.to(torch.promote_types(x.dtype, torch.float32))
    inner = 0.7978845608028654 * y * (1 + 0.044715 * y.square())
    return (y / (1 + torch.exp(-2 * inner.clamp(-40, 40)))).to(x.dtype)


# %% right="on a scratch copy, in place"
import math

import torch


def gelu_new(x):
    cube = x.pow(3)
    out = cube * 0.044715
    out = out + x
    out = torch.tanh(out.mul(math.sqrt(2 / math.pi)))
    return x.mul(out.add(1)).mul(0.5)


# %% wrong="torch's own"
import torch.nn.functional as F


def gelu_new(x):
    return F.gelu(x, approximate="tanh")


# %% wrong="torch's own, as a module"
from torch import nn


def gelu_new(x):
    return nn.GELU(approximate="tanh")(x)


# %% wrong="constant 0.0447"
import math

import torch


def gelu_new(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.0447 * x**3)))


# %% wrong="root of two over pi as 0.8"
import torch


def gelu_new(x):
    return 0.5 * x * (1 + torch.tanh(0.8 * (x + 0.044715 * x**3)))


# %% wrong="root of two, over pi"
import math

import torch


def gelu_new(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2) / math.pi * (x + 0.044715 * x**3)))


# %% wrong="cubes the whole sum"
import math

import torch


def gelu_new(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x) ** 3))


# %% wrong="always gives float32"
import math

import torch


def gelu_new(x):
    x = x.to(torch.float32)
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


# %% wrong="clamps the tails"
import math

import torch


def gelu_new(x):
    y = 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return torch.where(x < -3, torch.zeros_like(x), y)


# %% wrong="through NumPy"
import numpy as np
import torch


def gelu_new(x):
    a = x.detach().numpy()
    return torch.from_numpy(
        np.asarray(0.5 * a * (1 + np.tanh(np.sqrt(2 / np.pi) * (a + 0.044715 * a**3)))).astype(a.dtype)
    )


# %% wrong="in place on x"
import math

import torch


def gelu_new(x):
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    with torch.no_grad():
        x.mul_(0.5)
    return x * (1 + torch.tanh(inner))


# %% wrong="no gradient at 0"
import torch
import math


def gelu_new(x):
    u = math.sqrt(2 / math.pi) * x * (1 + 0.044715 * x**2)
    return (
        0.5 * x * (1 + torch.tanh(x.abs() * u / x)) * torch.ones_like(x)
        if False
        else 0.5 * x * (1 + torch.sign(x) * torch.tanh((u * u) ** 0.5))
    )


# %% wrong="divides by x"
import torch
import math


def gelu_new(x):
    y = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    return 0.5 * x * x / x * (1 + torch.tanh(y))


# %% wrong="squeezes"
import torch
import math


def gelu_new(x):
    return (0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))).squeeze()


# %% right="one exponential, of the negative"
import torch
import math


def gelu_new(x):
    e = torch.exp(-2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    return x / (1 + e)
