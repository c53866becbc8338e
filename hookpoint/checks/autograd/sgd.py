"""Checks for `sgd` (part 1, notebook 00b)."""

import torch

from hookpoint.checks.author import Exercise, Mismatch, Slip

from ._graphs import emptied, left_as

LR = 0.1
SHAPES = ((3, 2), (5,), (3, 2))


def drawn(draw, dtype):
    return [draw.normal(*shape, std=30, dtype=dtype) for shape in SHAPES]


def torchs(starts, rounds, **options):
    """The numbers that torch's own SGD gives after each round of gradients."""
    parameters = [torch.nn.Parameter(start.clone()) for start in starts]
    optimizer = torch.optim.SGD(parameters, LR, **options)
    history = []
    for grads in rounds:
        for parameter, grad in zip(parameters, grads, strict=True):
            parameter.grad = None if grad is None else grad.clone()
        optimizer.step()
        history.append([parameter.detach().clone() for parameter in parameters])
    return history


def follows(learner, starts, rounds, when="", gone_through=list, **options):
    """Raises `Mismatch` unless the learner's optimiser walks where torch's does, and leaves the gradients alone."""
    params = learner.given.leaf_values(starts)
    optimizer = learner.SGD(gone_through(params), LR, **options)
    learner.given.set_value_grads(params, rounds[0])
    for step, want in enumerate(torchs(starts, rounds, **options)):
        optimizer.step()
        contents = learner.given.set_value_grads(params, [*rounds, rounds[-1]][step + 1])
        arrived(contents, want, f"at step {step + 1} {when}".rstrip())
        kept(contents, rounds[step])


def kept(contents, grads):
    for (_, grad), given in zip(contents, grads, strict=True):
        if (grad is None) != (given is None) or (given is not None and not torch.equal(grad, given)):
            raise Mismatch("changes the gradients.", "  Who called backward may still want to look at them.")


def arrived(contents, want, when):
    for number, ((data, _), expected) in enumerate(zip(contents, want, strict=True), start=1):
        left_as(data, expected, f"in parameter {number} {when}")


def plain(learner, draw):
    """step() moves every parameter by lr against its gradient, in the dtype of its data."""
    for dtype in (torch.float64, torch.float32):
        starts, *rounds = (drawn(draw, dtype) for _ in range(3))
        follows(learner, starts, rounds, f"in {dtype}".replace("torch.", ""))


def with_momentum(learner, draw):
    """With momentum the step follows a buffer: the first gradient, then momentum times the buffer plus the gradient."""
    for momentum, steps in ((0.9, 4), (0.5, 2)):
        rounds = [drawn(draw, torch.float64) for _ in range(steps)]
        rounds[-1][0] *= 0  # a gradient of 0 is a gradient: the buffer carries on
        follows(learner, drawn(draw, torch.float64), rounds, f"with {momentum=}", momentum=momentum)


def same_gradients(learner, draw):
    """Gradients that nobody has replaced count again in the next step; step() leaves them as they are."""
    starts, grads = drawn(draw, torch.float64), drawn(draw, torch.float64)
    params = learner.given.leaf_values(starts)
    optimizer = learner.SGD(params, LR, momentum=0.9)
    learner.given.set_value_grads(params, grads)
    optimizer.step()
    optimizer.step()
    kept(contents := learner.given.value_contents(params), grads)
    arrived(contents, torchs(starts, [grads, grads], momentum=0.9)[-1], "at step 2, with the gradients of step 1")


def without_gradient(learner, draw):
    """A parameter whose grad is None stays where it is, and so does its buffer."""
    rounds = [drawn(draw, torch.float64) for _ in range(4)]
    rounds[0][1] = rounds[1][0] = rounds[2][0] = rounds[2][1] = None
    for momentum, steps in ((0.0, 2), (0.9, 4)):
        when = f"where some gradients are None, with {momentum=}"
        follows(learner, drawn(draw, torch.float64), rounds[:steps], when, momentum=momentum)


def any_iterable(learner, draw):
    """params may be anything that can be gone through, also a generator that can be gone through only once."""
    starts, *rounds = (drawn(draw, torch.float64) for _ in range(3))
    follows(learner, starts, rounds, "where params is a generator", gone_through=iter)


def two_of_them(learner, draw):
    """Two optimisers have nothing in common."""
    starts, *rounds = (drawn(draw, torch.float64) for _ in range(3))
    follows(learner, starts, rounds[:1], momentum=0.9)
    follows(learner, starts, rounds[::-1], "of a second optimiser", momentum=0.9)
    params = learner.given.leaf_values(starts)
    for which in ("first", "second"):
        learner.given.set_value_grads(params, rounds[0])
        learner.SGD(params, LR, momentum=0.9).step()
        starts = torchs(starts, rounds[:1], momentum=0.9)[0]
        arrived(learner.given.value_contents(params), starts, f"at the only step of the {which} of two optimisers")


def zeroed(learner, draw):
    """zero_grad() leaves None or zeros in every grad, and the data and the buffers as they are."""
    starts, rounds = drawn(draw, torch.float64), [drawn(draw, torch.float64) for _ in range(3)]
    rounds[0][1] = None  # so that its first buffer is made at step 2, before the first zero_grad()
    params = learner.given.leaf_values(starts)
    optimizer = learner.SGD(params, LR, momentum=0.9)
    optimizer.zero_grad()
    emptied(learner.given.set_value_grads(params, rounds[0]))
    for step, want in enumerate(torchs(starts, rounds, momentum=0.9)):
        optimizer.step()
        if step > 0:
            optimizer.zero_grad()
        contents = learner.given.set_value_grads(params, [*rounds, rounds[-1]][step + 1])
        emptied(contents if step > 0 else ())
        arrived(contents, want, f"at step {step + 1}" + ", with zero_grad() after step 2" * (step > 1))


class Right:
    """torch's rule, with places for mistakes."""

    def __init__(self, params, lr, momentum=0.0):
        self.params, self.lr, self.momentum = list(params), lr, momentum
        self.buffers = [None] * len(self.params)

    def zero_grad(self):
        for p in self.params:
            p.grad = None

    def step(self):
        for at, p in enumerate(self.params):
            if p.grad is not None:
                self.buffers[at] = self.buffer(self.buffers[at], p.grad)
                p.data = p.data - self.lr * self.buffers[at]

    def buffer(self, old, grad):
        return grad if old is None else self.momentum * old + grad


class uphill(Right):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, -lr, momentum)


class momentum_ignored(Right):
    def buffer(self, old, grad):
        return grad


class damped(Right):
    def buffer(self, old, grad):
        return grad if old is None else self.momentum * old + (1 - self.momentum) * grad


class damped_from_zero(Right):
    def buffer(self, old, grad):
        return self.momentum * (0 if old is None else old) + (1 - self.momentum) * grad


class nesterov(Right):
    def step(self):
        for at, p in enumerate(self.params):
            if p.grad is not None:
                self.buffers[at] = self.buffer(self.buffers[at], p.grad)
                p.data = p.data - self.lr * (p.grad + self.momentum * self.buffers[at])


class one_buffer_for_all(Right):
    def step(self):
        for p in self.params:
            if p.grad is not None:
                old = self.buffers[0]
                fits = old is not None and old.shape == p.grad.shape
                self.buffers[0] = self.momentum * old + p.grad if fits else p.grad
                p.data = p.data - self.lr * self.buffers[0]


class buffers_by_shape(Right):
    def step(self):
        self.by_shape = getattr(self, "by_shape", {})
        for p in self.params:
            if p.grad is not None:
                old = self.by_shape.get(p.grad.shape)
                self.by_shape[p.grad.shape] = p.grad if old is None else self.momentum * old + p.grad
                p.data = p.data - self.lr * self.by_shape[p.grad.shape]


class buffer_decays_without_gradient(Right):
    def step(self):
        for at, p in enumerate(self.params):
            if p.grad is None and self.buffers[at] is None:
                continue
            grad = torch.zeros_like(p.data) if p.grad is None else p.grad
            self.buffers[at] = self.buffer(self.buffers[at], grad)
            if p.grad is not None:
                p.data = p.data - self.lr * self.buffers[at]


class coasts_without_gradient(Right):
    def step(self):
        for at, p in enumerate(self.params):
            if p.grad is None and self.buffers[at] is None:
                continue
            grad = torch.zeros_like(p.data) if p.grad is None else p.grad
            self.buffers[at] = self.buffer(self.buffers[at], grad)
            p.data = p.data - self.lr * self.buffers[at]


class stops_at_none(Right):
    def step(self):
        for at, p in enumerate(self.params):
            if p.grad is None:
                return
            self.buffers[at] = self.buffer(self.buffers[at], p.grad)
            p.data = p.data - self.lr * self.buffers[at]


class none_not_expected(Right):
    def step(self):
        for at, p in enumerate(self.params):
            self.buffers[at] = self.momentum * self.buffers[at] + p.grad if self.buffers[at] is not None else p.grad * 1
            p.data = p.data - self.lr * self.buffers[at]


class writes_buffer_into_grad(Right):
    def step(self):
        for at, p in enumerate(self.params):
            if p.grad is not None:
                p.grad = self.buffers[at] = self.buffer(self.buffers[at], p.grad)
                p.data = p.data - self.lr * self.buffers[at]


class first_buffer_is_grad(Right):
    def buffer(self, old, grad):
        return grad if old is None else old.mul_(self.momentum).add_(grad)


class same_tensor_as_grad(Right):
    def zero_grad(self):
        for p in self.params:
            if p.grad is not None:
                p.grad.zero_()


class params_used_up(Right):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__([], lr, momentum)
        self.params = params

    def step(self):
        for at, p in enumerate(self.params):
            self.buffers += [None] * (at + 1 - len(self.buffers))
            if p.grad is not None:
                self.buffers[at] = self.buffer(self.buffers[at], p.grad)
                p.data = p.data - self.lr * self.buffers[at]


class zero_grad_does_nothing(Right):
    def zero_grad(self):
        pass


class zero_grad_forgets_buffers(Right):
    def zero_grad(self):
        super().zero_grad()
        self.buffers = [None] * len(self.params)


EXERCISE = Exercise(
    "sgd",
    writes="SGD",
    checks=(plain, with_momentum, same_gradients, without_gradient, any_iterable, two_of_them, zeroed),
    forbids=("autograd", "optim"),
    needs={"Value": "Value"},
    slips=(
        Slip("the parameters move up the gradient, not down", uphill),
        Slip("momentum is ignored", momentum_ignored),
        Slip("the gradient is damped by 1 - momentum before it enters the buffer (a moving average)", damped),
        Slip("the buffer is a moving average that starts at 0", damped_from_zero),
        Slip("the step looks one step ahead: gradient plus momentum times buffer (Nesterov's form)", nesterov),
        Slip("all parameters share one buffer", one_buffer_for_all),
        Slip("the buffers are filed by shape, so parameters of the same shape share one", buffers_by_shape),
        Slip("a buffer is multiplied by momentum although there was no gradient", buffer_decays_without_gradient),
        Slip("a parameter without a gradient moves on along its buffer", coasts_without_gradient),
        Slip("the step ends at the first parameter without a gradient (return instead of continue)", stops_at_none),
        Slip("a grad of None is not expected", none_not_expected),
        Slip("the buffer is written into grad", writes_buffer_into_grad),
        Slip("the first buffer is the grad itself, which the next step then edits in place", first_buffer_is_grad),
        Slip("the first buffer is the grad itself, which zero_grad() then fills with zeros", same_tensor_as_grad),
        Slip("a generator of parameters is used up by the first step (keep a list)", params_used_up),
        Slip("zero_grad() leaves the gradients where they are", zero_grad_does_nothing),
        Slip("zero_grad() empties the buffers too", zero_grad_forgets_buffers),
    ),
)
