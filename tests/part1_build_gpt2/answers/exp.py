# %% right="torch.exp again on the way back"
import torch


def exp(a):
    return Value(torch.exp(a.data), (a,), lambda grad: (grad * torch.exp(a.data),))


# %% right="reads the result from the Value itself"
def exp(a):
    out = Value(a.data.exp(), (a,))

    def pull(grad):
        return [out.data * grad]

    out.pull = pull
    return out


# %% right="a power of e"
import math

import torch


def exp(a):
    result = torch.pow(torch.full_like(a.data, math.e), a.data)
    return Value(result, [a], lambda grad: (grad.mul(result),))


# %% right="numpy"
import numpy as np
import torch


def exp(a):
    result = torch.from_numpy(np.asarray(np.exp(a.data.numpy()))).to(a.data.dtype)
    return Value(data=result, parents=(a,), pull=lambda grad: (result * grad,))


# %% right="a generator"
def exp(a):
    result = a.data.exp()

    def pull(grad):
        yield grad * result

    return Value(result, (a,), pull)


# %% right="in two halves, each a Value"
def half(a):
    return Value(a.data / 2, (a,), lambda grad: (grad / 2,))


def plain(a):
    result = a.data.exp()
    return Value(result, (a,), lambda grad: (grad * result,))


def exp(a):
    root = plain(half(a))
    return Value(root.data.square(), (root,), lambda grad: (2 * grad * root.data,))


# %% wrong="in place"
def exp(a):
    result = a.data.exp_()
    return Value(result, (a,), lambda grad: (grad * result,))


# %% wrong="a constant for e"
def exp(a):
    result = 2.718**a.data
    return Value(result, (a,), lambda grad: (grad * result,))


# %% wrong="clamped so that it cannot overflow"
def exp(a):
    result = a.data.clamp(max=3).exp()
    return Value(result, (a,), lambda grad: (grad * result,))


# %% wrong="normalised like a softmax"
def exp(a):
    result = (a.data - a.data.max()).exp()
    return Value(result, (a,), lambda grad: (grad * result,))


# %% wrong="the gradient is multiplied in place"
def exp(a):
    result = a.data.exp()

    def pull(grad):
        grad *= result
        return (grad,)

    return Value(result, (a,), pull)


# %% wrong="the chain is added, not multiplied"
def exp(a):
    result = a.data.exp()
    return Value(result, (a,), lambda grad: (grad + result,))


# %% wrong="float64 always"
def exp(a):
    result = a.data.double().exp()
    return Value(result, (a,), lambda grad: (grad * result,))


# %% wrong="the result overwritten by the pull"
def exp(a):
    result = a.data.exp()
    return Value(result.clone(), (a,), lambda grad: (result.mul_(grad),))


# %% wrong="a Taylor series that is too short"
def exp(a):
    result = sum(a.data**k / f for k, f in enumerate((1, 1, 2, 6, 24, 120, 720)))
    return Value(result, (a,), lambda grad: (grad * result,))


# %% wrong="no parents"
def exp(a):
    result = a.data.exp()
    return Value(result, pull=lambda grad: (grad * result,))


# %% wrong="clamped at 5"
def exp(a):
    out = a.data.clamp(max=5).exp()
    return Value(out, (a,), lambda grad: (grad * out,))
