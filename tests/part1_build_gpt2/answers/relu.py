# %% right="torch.relu and where"
import torch


def relu(a):
    def pull(grad):
        return (torch.where(a.data > 0, grad, torch.zeros_like(grad)),)

    return Value(torch.relu(a.data), (a,), pull)


# %% right="the mask once, for both ways"
def relu(a):
    mask = (a.data > 0).to(a.data.dtype)
    return Value(a.data * mask, (a,), lambda grad: [grad * mask])


# %% right="a copy of the gradient with zeros written into it"
def relu(a):
    result = a.data.clone()
    result[result < 0] = 0

    def pull(grad):
        grad = grad.clone()
        grad[~(result > 0)] = 0
        return (grad,)

    return Value(data=result, parents=[a], pull=pull)


# %% right="as a product with a constant Value"
def times(a, b):
    return Value(a.data * b.data, (a, b), lambda grad: (grad * b.data, grad * a.data))


def relu(a):
    return times(a, Value((a.data > 0).to(a.data.dtype)))


# %% right="maximum; a constant among the parents gets no gradient"
import torch


def relu(a):
    zero = Value(torch.zeros_like(a.data))
    return Value(torch.maximum(a.data, zero.data), (a, zero), lambda grad: (grad * (a.data > 0), None))


# %% right="sign of the result"
def relu(a):
    out = Value(a.data.clamp_min(0), (a,))
    out.pull = lambda grad: (grad * out.data.sign(),)
    return out


# %% right="numpy"
import numpy as np
import torch


def relu(a):
    x = a.data.numpy()
    return Value(torch.as_tensor(np.maximum(x, 0)), (a,), lambda grad: (torch.as_tensor(grad.numpy() * (x > 0)),))


# %% wrong="clamps the caller's data"
def relu(a):
    positive = a.data > 0
    return Value(a.data.clamp_(min=0), (a,), lambda grad: (grad * positive,))


# %% wrong="a threshold that is not 0"
def relu(a):
    return Value(a.data * (a.data > 1e-4), (a,), lambda grad: (grad * (a.data > 1e-4),))


# %% wrong="the gradient is the mask, as bool"
def relu(a):
    return Value(a.data.clamp(min=0), (a,), lambda grad: (a.data > 0,))


# %% wrong="softplus, which is smooth"
import torch


def relu(a):
    return Value(torch.nn.functional.softplus(a.data, beta=20), (a,), lambda grad: (grad * torch.sigmoid(20 * a.data),))


# %% wrong="clips at 6 as well"
def relu(a):
    return Value(a.data.clamp(0, 6), (a,), lambda grad: (grad * ((a.data > 0) & (a.data < 6)),))


# %% wrong="the mask in float32"
def relu(a):
    mask = (a.data > 0).float()
    return Value(a.data * mask, (a,), lambda grad: ((grad * mask).float(),))


# %% wrong="only what is positive comes back"
def relu(a):
    return Value(a.data.clamp(min=0), (a,), lambda grad: (grad[a.data > 0],))


# %% wrong="averages the two slopes: as if the gradient at 0 were half, by sign"
def relu(a):
    return Value(a.data.clamp(min=0), (a,), lambda grad: (grad * (a.data.sign() + 1) / 2,))


# %% wrong="max over the whole tensor"
def relu(a):
    return Value(max(a.data.max(), a.data.new_zeros(())) + 0 * a.data, (a,), lambda grad: (grad * (a.data > 0),))


# %% wrong="torch's own autograd"
import torch


def relu(a):
    x = a.data.clone().requires_grad_()
    out = torch.relu(x)

    def pull(grad):
        out.backward(grad, retain_graph=True)
        return (x.grad,)

    return Value(out.detach(), (a,), pull)


# %% wrong="the tuple of a single number is a number"
def relu(a):
    return Value(a.data.clamp(min=0), (a), lambda grad: grad * (a.data > 0))
