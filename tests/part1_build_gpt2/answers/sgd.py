# %% right="dict by identity, in place"
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params, self.lr, self.momentum, self.state = list(params), lr, momentum, {}

    def step(self):
        for p in self.params:
            if p.grad is not None:
                if p in self.state:
                    self.state[p].mul_(self.momentum).add_(p.grad)
                else:
                    self.state[p] = p.grad.clone()
                p.data.sub_(self.lr * self.state[p])

    def zero_grad(self):
        for p in self.params:
            if p.grad is not None:
                p.grad.zero_()


# %% right="no buffer without momentum; zeros for all"
import torch


class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params = [*params]
        self.lr = lr
        self.mu = momentum
        self.velocity = None

    def zero_grad(self):
        for p in self.params:
            p.grad = torch.zeros_like(p.data)

    def step(self):
        if self.velocity is None:
            self.velocity = [torch.zeros_like(p.data) for p in self.params]
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            if self.mu == 0:
                p.data -= self.lr * p.grad
            else:
                self.velocity[i] = self.mu * self.velocity[i] + p.grad
                p.data -= self.lr * self.velocity[i]


# %% right="the step itself is kept: v = mu v - lr g"
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.pairs = [[param, 0.0] for param in params]
        self.lr, self.momentum = lr, momentum

    def step(self):
        for pair in self.pairs:
            param, last = pair
            if param.grad is not None:
                pair[1] = self.momentum * last - self.lr * param.grad
                param.data = param.data + pair[1]

    def zero_grad(self):
        for param, _ in self.pairs:
            param.grad = None


# %% right="a dataclass with a tuple of parameters"
from dataclasses import dataclass, field
from typing import Any


@dataclass
class SGD:
    params: Any
    lr: float
    momentum: float = 0.0
    buffers: dict = field(default_factory=dict)

    def __post_init__(self):
        self.params = tuple(self.params)

    def step(self):
        for i, p in enumerate(self.params):
            if (g := p.grad) is None:
                continue
            b = self.buffers[i] = g if i not in self.buffers else g + self.momentum * self.buffers[i]
            p.data = p.data.sub(b, alpha=self.lr)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% right="closures"
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        def mover(p):
            old = None

            def move():
                nonlocal old
                if p.grad is not None:
                    old = p.grad * 1 if old is None else old * momentum + p.grad
                    p.data = p.data - old * lr

            return move

        params = list(params)
        self.movers = [mover(p) for p in params]
        self.forget = lambda: [setattr(p, "grad", None) for p in params]

    def step(self):
        for move in self.movers:
            move()

    def zero_grad(self):
        self.forget()


# %% right="annotated as in the notebook; momentum by name"
from collections.abc import Iterable

from torch import Tensor


class SGD:
    def __init__(self, params: Iterable[Value], lr: float, momentum: float = 0.0) -> None:
        self.rule: dict[Value, Tensor | None] = {param: None for param in params}
        self.lr, self.momentum = lr, momentum

    def step(self) -> None:
        for param, buffer in self.rule.items():
            if param.grad is None:
                continue
            if self.momentum and buffer is not None:
                self.rule[param] = buffer * self.momentum + param.grad
            else:
                self.rule[param] = param.grad.clone()
            param.data = param.data - self.lr * self.rule[param]

    def zero_grad(self) -> None:
        for param in self.rule:
            param.grad = None


# %% wrong="one list of buffers for all optimisers"
class SGD:
    buffers = {}

    def __init__(self, params, lr, momentum=0.0):
        self.params, self.lr, self.momentum = list(params), lr, momentum

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is not None:
                old = self.buffers.get(i)
                self.buffers[i] = p.grad if old is None or old.dtype != p.grad.dtype else self.momentum * old + p.grad
                p.data = p.data - self.lr * self.buffers[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% wrong="the first step is damped by lr twice"
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params, self.lr, self.momentum = list(params), lr, momentum
        self.buffers = [None] * len(self.params)

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is not None:
                old = self.buffers[i]
                self.buffers[i] = self.lr * p.grad if old is None else self.momentum * old + self.lr * p.grad
                p.data = p.data - self.lr * self.buffers[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% wrong="moves before the buffer is updated"
import torch


class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params, self.lr, self.momentum = list(params), lr, momentum
        self.buffers = [torch.zeros_like(p.data) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is not None:
                p.data = p.data - self.lr * self.buffers[i]
                self.buffers[i] = self.momentum * self.buffers[i] + p.grad

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% wrong="normalises the gradient"
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params, self.lr = list(params), lr

    def step(self):
        for p in self.params:
            if p.grad is not None:
                p.data = p.data - self.lr * p.grad / p.grad.norm()

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% wrong="weight decay besides"
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params, self.lr, self.momentum = list(params), lr, momentum
        self.buffers = [0] * len(self.params)

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is not None:
                self.buffers[i] = self.momentum * self.buffers[i] + p.grad + 1e-3 * p.data
                p.data = p.data - self.lr * self.buffers[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% wrong="the new data is stored in the optimiser only"
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params, self.lr, self.momentum = list(params), lr, momentum
        self.data = [p.data for p in self.params]

    def step(self):
        self.data = [d if p.grad is None else d - self.lr * p.grad for d, p in zip(self.data, self.params)]

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% wrong="step forgets the gradients"
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params, self.lr, self.momentum = list(params), lr, momentum
        self.buffers = [0] * len(self.params)

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is not None:
                self.buffers[i] = self.momentum * self.buffers[i] + p.grad
                p.data = p.data - self.lr * self.buffers[i]
                p.grad = None

    def zero_grad(self):
        pass


# %% wrong="zero_grad skips the last parameter"
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params, self.lr, self.momentum = list(params), lr, momentum
        self.buffers = [0] * len(self.params)

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is not None:
                self.buffers[i] = self.momentum * self.buffers[i] + p.grad
                p.data = p.data - self.lr * self.buffers[i]

    def zero_grad(self):
        for i in range(len(self.params) - 1):
            self.params[i].grad = None


# %% wrong="torch.optim"
import torch


class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params = list(params)
        self.shadows = [torch.nn.Parameter(p.data.clone()) for p in self.params]
        self.inner = torch.optim.SGD(self.shadows, lr=lr, momentum=momentum)

    def step(self):
        for p, shadow in zip(self.params, self.shadows):
            shadow.grad = None if p.grad is None else p.grad.clone()
        self.inner.step()
        for p, shadow in zip(self.params, self.shadows):
            p.data = shadow.data.clone()

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% wrong="the data becomes float64"
import numpy as np
import torch


class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params, self.lr, self.momentum = list(params), torch.tensor([lr], dtype=torch.float64), momentum
        self.buffers = [0] * len(self.params)

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is not None:
                self.buffers[i] = self.momentum * self.buffers[i] + p.grad
                p.data = p.data - self.lr * self.buffers[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% wrong="a gradient of 0 counts as none"
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params, self.lr, self.momentum = list(params), lr, momentum
        self.buffers = [0] * len(self.params)

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is not None and p.grad.any():
                self.buffers[i] = self.momentum * self.buffers[i] + p.grad
                p.data = p.data - self.lr * self.buffers[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% wrong="buffer is the gradient, momentum in place"
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params, self.lr, self.momentum, self.b = list(params), lr, momentum, {}

    def step(self):
        for p in self.params:
            if p.grad is not None:
                if p in self.b:
                    self.b[p].mul_(self.momentum).add_(p.grad)
                else:
                    self.b[p] = p.grad
                p.data = p.data - self.lr * self.b[p]

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% right="zero in place, own buffers"
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params = tuple(params)
        self.lr = lr
        self.momentum = momentum
        self.b = {}

    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            if self.momentum:
                if id(p) in self.b:
                    self.b[id(p)].mul_(self.momentum).add_(p.grad)
                else:
                    self.b[id(p)] = p.grad.clone()
                g = self.b[id(p)]
            else:
                g = p.grad
            p.data.add_(g, alpha=-self.lr)

    def zero_grad(self):
        for p in self.params:
            if p.grad is not None:
                p.grad.zero_()


# %% wrong="buffers on the Value, shared between optimisers"
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params, self.lr, self.momentum = list(params), lr, momentum

    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            p.buffer = self.momentum * getattr(p, "buffer", 0) + p.grad
            p.data = p.data - self.lr * p.buffer

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% wrong="zero_grad leaves the number 0 where None was"
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params, self.lr, self.momentum = list(params), lr, momentum
        self.b = [None] * len(self.params)

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            self.b[i] = p.grad.clone() if self.b[i] is None else self.momentum * self.b[i] + p.grad
            p.data = p.data - self.lr * self.b[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = p.grad * 0 if p.grad is not None else 0.0


# %% wrong="gradients clipped to 3"
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params, self.lr, self.momentum = list(params), lr, momentum
        self.b = [None] * len(self.params)

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            g = p.grad.clamp(-3, 3)
            self.b[i] = g if self.b[i] is None else self.momentum * self.b[i] + g
            p.data = p.data - self.lr * self.b[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% right="a generator for each parameter"
class SGD:
    def __init__(self, params, lr, momentum=0.0, *, nesterov=False):
        self.movers = []
        self.params = tuple(params)
        for p in self.params:
            mover = self._mover(p, lr, momentum)
            next(mover)
            self.movers.append(mover)

    @staticmethod
    def _mover(p, lr, momentum):
        yield
        while p.grad is None:
            yield
        b = p.grad.clone()
        while True:
            p.data = p.data - lr * b
            yield
            while p.grad is None:
                yield
            b = momentum * b + p.grad

    def step(self):
        for m in self.movers:
            next(m)

    def zero_grad(self):
        for p in self.params:
            p.grad = None
