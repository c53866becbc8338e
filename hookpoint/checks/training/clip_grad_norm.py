"""Checks for `clip_grad_norm` (part 1, notebook 06)."""

import torch

from hookpoint.checks.author import Exercise, Mismatch, Slip, Tolerance, same

SHAPES = ((3, 5), (7,), (2, 3, 2))
# torch's own clipping divides by the norm plus 1e-6, which is as right: norms here are about 10.
CLIPPED = Tolerance(1e-5, float64=1e-6)


def reference(params, max_norm):
    """The norm from a double loop over every number of every gradient."""
    return sum(float(number) ** 2 for p in params if p is not None for number in p.flatten()) ** 0.5


def gradients_of_norm(draw, norm, shapes=SHAPES, dtype=torch.float32):
    """Random gradients of very different sizes whose norm, all of them together, is as asked."""
    drawn = [draw.normal(*shape, std=10.0**-place, dtype=torch.float64) for place, shape in enumerate(shapes)]
    return [(gradient * (norm / reference(drawn, 1.0))).to(dtype) for gradient in drawn]


def clipped(learner, gradients, max_norm, as_iterator=False):
    """What the learner's function returned, and the gradients afterwards; the weights must be as they were."""
    weights = [torch.full(g.shape, 2.5, dtype=g.dtype) if g is not None else torch.ones(4) for g in gradients]
    params = [learner.given.parameter(weight) for weight in weights]
    learner.given.set_grads(params, gradients)
    returned = learner.clip_grad_norm(iter(params) if as_iterator else params, max_norm)
    for after, before in zip(learner.given.values_of(params), weights, strict=True):
        if not torch.equal(after, before):
            raise Mismatch("changes the parameters; only their gradients are to be scaled.")
    return returned, learner.given.grads_of(params)


def agrees(returned, after, before, norm, max_norm, when=""):
    for number, (got, was) in enumerate(zip(after, before, strict=True)):
        if (got is None) != (was is None):
            raise Mismatch(f"{'gives a gradient to' if was is None else 'takes the gradient from'} a parameter.")
        if got is None:
            continue
        try:
            same(got, was * min(1.0, max_norm / norm) if norm else was)
        except Mismatch as mismatch:
            line = f"  All gradients together had norm {norm:g}."
            raise Mismatch(f"leaves a wrong gradient in params[{number}]{when}.", line, *mismatch.lines) from None
    same(returned, float(norm), f"for gradients of norm {norm:g}{when}")


def above(learner, draw):
    """Gradients whose norm is above max_norm are all multiplied by one number, so that together they have this norm."""
    for dtype, norm, max_norm in ((torch.float32, 12.0, 3.0), (torch.float64, 5.0, 4.9), (torch.float32, 7.0, 0.05)):
        gradients = gradients_of_norm(draw, norm, dtype=dtype)
        returned, after = clipped(learner, gradients, max_norm)
        agrees(returned, after, gradients, norm, max_norm)
    for shapes in (((4,),), ((), (3,))):
        gradients = gradients_of_norm(draw, 6.0, shapes)
        returned, after = clipped(learner, gradients, 1.5)
        agrees(returned, after, gradients, 6.0, 1.5)


def below(learner, draw):
    """Gradients whose norm is below max_norm stay as they are; the norm is returned all the same."""
    for norm, max_norm in ((2.0, 3.0), (0.25, 9.0)):
        gradients = gradients_of_norm(draw, norm)
        returned, after = clipped(learner, gradients, max_norm)
        agrees(returned, after, gradients, norm, max_norm)


def holes(learner, draw):
    """Parameters without a gradient are passed over, and keep having none."""
    first, second, third = gradients_of_norm(draw, 6.0)
    gradients = [None, first, second, None, third]
    returned, after = clipped(learner, gradients, 1.5)
    agrees(returned, after, gradients, 6.0, 1.5, " where some parameters have no gradient")


def iterator(learner, draw):
    """params may be an iterator that can be read once, such as model.parameters()."""
    gradients = gradients_of_norm(draw, 8.0)
    agrees(*clipped(learner, gradients, 2.0), gradients, 8.0, 2.0)
    returned, after = clipped(learner, gradients, 2.0, as_iterator=True)
    agrees(returned, after, gradients, 8.0, 2.0, " where params is an iterator")


def zeros(learner, draw):
    """Gradients that are all 0 stay 0, and their norm is 0."""
    gradients = [torch.zeros(shape) for shape in SHAPES]
    returned, after = clipped(learner, gradients, 1.0)
    agrees(returned, after, gradients, 0.0, 1.0)


def with_gradients(params):
    return [p for p in params if p.grad is not None]


def scaled(params, norm, max_norm):
    if norm > max_norm:
        for p in with_gradients(params):
            p.grad.mul_(max_norm / norm)
    return norm


def norm_of(params):
    return torch.stack([p.grad.double().norm() for p in with_gradients(params)]).norm().item()


def always_rescaled(params, max_norm):
    params = list(params)
    norm = norm_of(params)
    for p in with_gradients(params):
        p.grad.mul_(max_norm / norm)
    return norm


def each_by_itself(params, max_norm):
    params = list(params)
    norm = norm_of(params)
    for p in with_gradients(params):
        p.grad.mul_(min(1.0, max_norm / max(p.grad.norm().item(), 1e-12)))
    return norm


def numbers_cut_off(params, max_norm):
    params = list(params)
    norm = norm_of(params)
    for p in with_gradients(params):
        p.grad.clamp_(-max_norm, max_norm)
    return norm


def norm_afterwards(params, max_norm):
    params = list(params)
    return min(scaled(params, norm_of(params), max_norm), max_norm)


def sum_of_norms(params, max_norm):
    params = list(params)
    return scaled(params, sum(p.grad.double().norm().item() for p in with_gradients(params)), max_norm)


def without_root(params, max_norm):
    params = list(params)
    return scaled(params, norm_of(params) ** 2, max_norm)


def absolute_values(params, max_norm):
    params = list(params)
    return scaled(params, sum(p.grad.double().abs().sum().item() for p in with_gradients(params)), max_norm)


def largest_number(params, max_norm):
    params = list(params)
    return scaled(params, max(p.grad.double().abs().max().item() for p in with_gradients(params)), max_norm)


def largest_norm(params, max_norm):
    params = list(params)
    return scaled(params, max(p.grad.double().norm().item() for p in with_gradients(params)), max_norm)


def mean_square(params, max_norm):
    params = list(params)
    count = sum(p.grad.numel() for p in with_gradients(params))
    return scaled(params, norm_of(params) / count**0.5, max_norm)


def of_the_weights(params, max_norm):
    params = list(params)
    return scaled(params, torch.stack([p.detach().double().norm() for p in params]).norm().item(), max_norm)


def weights_scaled(params, max_norm):
    params = list(params)
    norm = norm_of(params)
    if norm > max_norm:
        for p in params:
            p.data.mul_(max_norm / norm)
    return norm


def to_length_one(params, max_norm):
    params = list(params)
    norm = norm_of(params)
    if norm > max_norm:
        for p in with_gradients(params):
            p.grad.div_(norm)
    return norm


def scaled_squared(params, max_norm):
    params = list(params)
    norm = norm_of(params)
    if norm > max_norm:
        for p in with_gradients(params):
            p.grad.mul_((max_norm / norm) ** 2)
    return norm


def not_written_back(params, max_norm):
    params = list(params)
    for p in with_gradients(params):
        _ = p.grad * max_norm
    return norm_of(params)


def copies_of_none(params, max_norm):
    params = list(params)
    for p in params:
        p.grad = torch.zeros_like(p) if p.grad is None else p.grad
    return scaled(params, norm_of(params), max_norm)


def read_twice(params, max_norm):
    return scaled(params, norm_of(params), max_norm)


def first_only(params, max_norm):
    params = list(params)
    norm = norm_of(params)
    if norm > max_norm:
        with_gradients(params)[0].grad.mul_(max_norm / norm)
    return norm


EXERCISE = Exercise(
    "clip_grad_norm",
    checks=(above, below, holes, iterator, zeros),
    reference=reference,
    gives=float,
    forbids=("clip_grad",),
    may=("edit",),  # .grad, in place
    tolerance=CLIPPED,
    slips=(
        Slip("the gradients are always scaled to max_norm, also up", always_rescaled),
        Slip("each gradient is clipped by its own norm, which turns the whole into another direction", each_by_itself),
        Slip("single numbers are cut off at max_norm (clamp)", numbers_cut_off),
        Slip("the norm after clipping is returned instead of the one before", norm_afterwards),
        Slip("the norms are added up; their squares must be, and then the root taken", sum_of_norms),
        Slip("the root of the sum of squares is not taken", without_root),
        Slip("absolute values are added up instead of squares", absolute_values),
        Slip("the norm is the largest absolute number", largest_number),
        Slip("the norm is that of the longest single gradient", largest_norm),
        Slip("the squares are averaged instead of added up", mean_square),
        Slip("the norm is that of the parameters, not of their gradients", of_the_weights),
        Slip("the parameters are scaled instead of their gradients", weights_scaled),
        Slip("the gradients are scaled to length 1 instead of max_norm", to_length_one),
        Slip("the factor max_norm / norm is applied twice", scaled_squared),
        Slip("the scaled gradients are computed but not stored in .grad", not_written_back),
        Slip("parameters without a gradient are given one of zeros", copies_of_none),
        Slip("params is read twice, and an iterator is at its end after the first time", read_twice),
        Slip("only the first gradient is scaled", first_only),
    ),
)
