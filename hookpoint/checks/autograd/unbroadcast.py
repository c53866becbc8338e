"""Checks for `unbroadcast` (part 1, notebook 00b)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Slip, agree, same

CASES = {  # shape that was stretched -> shape it was stretched to
    (3, 5): (3, 5),
    (5,): (3, 5),
    (3, 1): (3, 5),
    (): (3, 5),
    (1,): (3, 2),
    (1, 5): (3, 5),
    (3, 1, 2): (7, 3, 5, 2),
    (1, 1): (2, 3),
    (1, 3): (7, 1, 3),
    (3,): (1, 3),
}


def reference(grad, shape):
    """Every entry of the gradient is added to the entry that it was copied from."""
    source = torch.arange(max(1, int(torch.tensor(shape).prod()))).reshape(shape).expand(grad.shape)
    out = torch.zeros(source.max() + 1, dtype=grad.dtype)
    return out.index_add(0, source.flatten(), grad.flatten()).reshape(shape)


def leading(learner, draw):
    """Axes that broadcasting put in front are summed away."""
    agree(learner.unbroadcast, reference, draw.normal(3, 5), (5,))
    agree(learner.unbroadcast, reference, draw.normal(2, 7, 3, 5), (3, 5))
    agree(learner.unbroadcast, reference, draw.normal(5, 5, 5), (5,))


def stretched(learner, draw):
    """Axes of length 1 that were stretched are summed, and keep their place with length 1."""
    agree(learner.unbroadcast, reference, draw.normal(3, 5), (3, 1))
    agree(learner.unbroadcast, reference, draw.normal(3, 5), (1, 5))
    agree(learner.unbroadcast, reference, draw.normal(3, 5, 2), (1, 5, 1))


def every_case(learner, draw):
    """Both at once, neither, and the shape of a single number."""
    for shape, stretched_to in CASES.items():
        grad = draw.normal(*stretched_to)
        same(
            learner.unbroadcast(grad, shape), reference(grad, shape), f"for {list(stretched_to)} back to {list(shape)}"
        )


def torch_size(learner, draw):
    """The shape may be a list as well as a tuple or a torch.Size."""
    grad = draw.normal(2, 3, 5, dtype=torch.float64)
    same(learner.unbroadcast(grad, [3, 1]), reference(grad, [3, 1]), "with the shape as a list")


def leading_only(grad, shape):
    return grad.sum(tuple(range(grad.ndim - len(shape)))) if grad.ndim > len(shape) else grad


def stretched_only(grad, shape):
    axes = (
        [axis for axis, size in enumerate(shape) if size == 1 and grad.shape[axis] != 1]
        if grad.ndim == len(shape)
        else []
    )
    return grad.sum(axes, keepdim=True) if axes else grad


def axes_dropped(grad, shape):
    grad = grad.sum(tuple(range(grad.ndim - len(shape)))) if grad.ndim > len(shape) else grad
    axes = [axis for axis, size in enumerate(shape) if size == 1 and grad.shape[axis] != 1]
    return grad.sum(axes) if axes else grad


def leading_kept(grad, shape):
    extra = grad.ndim - len(shape)
    axes = [*range(extra), *(extra + axis for axis, size in enumerate(shape) if size == 1)]
    return grad.sum(axes, keepdim=True) if axes else grad


def trailing_summed(grad, shape):
    grad = grad.sum(tuple(range(len(shape), grad.ndim))) if grad.ndim > len(shape) else grad
    axes = [axis for axis, size in enumerate(shape) if size == 1]
    return grad.sum(axes, keepdim=True) if axes else grad


def averaged(grad, shape):
    return reference(grad, shape) * (max(1, int(torch.tensor(shape).prod())) / grad.numel())


def first_copy(grad, shape):
    while grad.ndim > len(shape):
        grad = grad[0]
    for axis, size in enumerate(shape):
        grad = grad.narrow(axis, 0, 1) if size == 1 else grad
    return grad


def summed_by_nothing(grad, shape):
    extra = grad.ndim - len(shape)
    grad = grad.sum(tuple(range(extra)))
    axes = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return grad.sum(axes, keepdim=True)


def in_float32(grad, shape):
    return reference(grad.float(), shape)


def one_leading_axis(grad, shape):
    grad = grad.sum(0) if grad.ndim > len(shape) else grad
    axes = [axis for axis, size in enumerate(shape) if size == 1]
    return grad.sum(axes, keepdim=True) if axes else grad


def one_stretched_axis(grad, shape):
    grad = leading_only(grad, shape)
    axis = next((axis for axis, size in enumerate(shape) if size == 1), None)
    return grad if axis is None else grad.sum(axis, keepdim=True)


EXERCISE = Exercise(
    "unbroadcast",
    checks=(leading, stretched, every_case, torch_size),
    reference=reference,
    gives=Tensor,
    forbids=("autograd",),
    slips=(
        Slip("axes of length 1 that were stretched are left stretched", leading_only),
        Slip("axes that broadcasting put in front are left there", stretched_only),
        Slip("the stretched axes are summed away instead of kept with length 1 (keepdim)", axes_dropped),
        Slip("the axes in front are kept with length 1 instead of being summed away", leading_kept),
        Slip(
            "the shapes are lined up at their first axis, but broadcasting lines them up at the last", trailing_summed
        ),
        Slip("the copies are averaged instead of summed", averaged),
        Slip("one of the copies is taken and the others are dropped", first_copy),
        Slip("with no axis to sum, sum(dim=()) is called, which in torch adds up everything", summed_by_nothing),
        Slip("the sum is taken in float32 whatever the gradient's dtype", in_float32),
        Slip("only one of the axes in front is summed", one_leading_axis),
        Slip("only the first of the stretched axes is summed", one_stretched_axis),
    ),
)
