"""Checks for `numerical_gradient` (part 1, notebook 00b)."""

import math

import torch
from torch import Tensor

from hookpoint.checks.author import OPERATION, Exercise, Mismatch, Slip, Tolerance, same

# Differences of rounded numbers: at eps 1e-6 about ten digits are left of float64's precision.
ROUNDED = Tolerance(1e-5, float64=1e-7)


def reference(f, x, eps=1e-6):
    """Names the arguments; what is expected of each function below is worked out on paper."""


def watched(f, shape):
    """`f` for the learner to call; it looks at what it is fed."""

    def look(x):
        if not isinstance(x, Tensor) or x.shape != torch.Size(shape):
            raise Mismatch(f"calls f with something else than a tensor of x's shape {list(shape)}.")
        if x.dtype != torch.float64:
            raise Mismatch(
                "calls f in a lower precision than float64.", "  A step of 1e-6 would drown in the rounding."
            )
        return f(x)

    return look


def slopes(learner, f, x, want, when="", *eps, tolerance=ROUNDED):
    got = learner.numerical_gradient(watched(f, x.shape), x, *eps)
    try:
        same(got, want, when, tolerance)
    except Mismatch as mismatch:
        if eps and got.shape == want.shape and torch.allclose(got.double(), want, rtol=1e-6, atol=1e-6):
            mismatch.lines += ("  As exact as float32: is a step or a slope kept in torch's default dtype on the way?",)
        raise


def weighted_cubes(draw, *shape):
    weights = draw.normal(*shape, dtype=torch.float64)
    return weights, lambda x: (weights * x**3).sum()


def values(learner, draw):
    """Each entry of x is moved a little up and a little down, all others stay: the slope of f along this entry."""
    weights, f = weighted_cubes(draw, 2, 5)
    x = draw.normal(2, 5, dtype=torch.float64)
    slopes(learner, f, x, 3 * weights * x**2)
    mixed = draw.normal(2, 3, dtype=torch.float64)
    slopes(
        learner, lambda x: x.prod() + x[0, 0].exp(), mixed, mixed.prod() / mixed + at_first(mixed[0, 0].exp(), mixed)
    )


def at_first(value, like):
    out = torch.zeros_like(like)
    out[(0,) * like.ndim] = value
    return out


def central(learner, draw):
    """The quotient is (f(x + eps) - f(x - eps)) / (2 eps), whatever eps is; 1e-6 if nobody says."""
    weights, cubes = weighted_cubes(draw, 2, 3)
    x = draw.normal(2, 3, dtype=torch.float64)
    x[1, 1] = 2.5  # where the step must not grow with the entry
    for eps in (0.1, 0.5):
        want = weights * (3 * x**2 + eps**2) + 2 * x.sum()  # of a cube the quotient is off by eps**2, of a square by 0
        slopes(learner, lambda x: cubes(x) + x.sum() ** 2, x, want, f"with {eps=}", eps, tolerance=OPERATION)
    x = draw.normal(3, dtype=torch.float64)
    quick_sine(learner, x, "of a quick sine, without eps")


def quick_sine(learner, x, when):
    want = (1000 * x.double()).cos() * math.sin(1000 * 1e-6) / 1e-6  # so many waves that any other step shows
    slopes(learner, lambda x: (1000 * x).sin().sum(), x, want, when)


def any_shape(learner, draw):
    """x may have any shape, and need not lie contiguously in memory."""
    for shape in ((5,), (), (1, 3), (2, 1, 2)):
        weights, f = weighted_cubes(draw, *shape)
        x = draw.normal(*shape, dtype=torch.float64)
        slopes(learner, f, x, 3 * weights * x**2, f"for x of shape {list(shape)}")
    weights, f = weighted_cubes(draw, 3, 2)
    x = draw.normal(2, 3, dtype=torch.float64).T
    slopes(learner, f, x, 3 * weights * x**2, "for an x that is not contiguous")


def precise(learner, draw):
    """The work is done in float64, also where x is float32."""
    weights, f = weighted_cubes(draw, 3, 2)
    x = draw.normal(3, 2, mean=100, std=30)
    slopes(learner, f, x, 3 * weights * x.double() ** 2, "for an x in float32")
    quick_sine(learner, draw.normal(3), "of a quick sine, for an x in float32")


def quotients(f, x, up, down, over):
    """The slope in each entry from f at two places; what the slips below have in common."""
    grad = torch.zeros(x.shape, dtype=torch.float64)
    for index in torch.cartesian_prod(*map(torch.arange, x.shape)).reshape(-1, x.ndim).tolist() if x.ndim else [()]:
        places = []
        for by in (up, down):
            places.append(x.double().clone())
            places[-1][tuple(index)] += by
        grad[tuple(index)] = (f(places[0]) - f(places[1])) / over
    return grad


def forward_only(f, x, eps=1e-6):
    return quotients(f, x, eps, 0.0, eps)


def backward_only(f, x, eps=1e-6):
    return quotients(f, x, 0.0, -eps, eps)


def one_eps_below(f, x, eps=1e-6):
    return quotients(f, x, eps, -eps, eps)


def half_steps(f, x, eps=1e-6):
    return quotients(f, x, eps / 2, -eps / 2, eps)


def not_divided(f, x, eps=1e-6):
    return quotients(f, x, eps, -eps, 1.0)


def negative(f, x, eps=1e-6):
    return quotients(f, x, -eps, eps, 2 * eps)


def eps_ignored(f, x, eps=1e-6):
    return quotients(f, x, 1e-6, -1e-6, 2e-6)


def all_at_once(f, x, eps=1e-6):
    slope = (f(x.double() + eps) - f(x.double() - eps)) / (2 * eps)
    return torch.zeros(x.shape, dtype=torch.float64) + slope


def not_put_back(f, x, eps=1e-6):
    moved, grad = x.double().clone(), torch.zeros(x.shape, dtype=torch.float64)
    for index in torch.cartesian_prod(*map(torch.arange, x.shape)).reshape(-1, x.ndim).tolist() if x.ndim else [()]:
        moved[tuple(index)] += eps
        up = f(moved)
        moved[tuple(index)] -= 2 * eps
        grad[tuple(index)] = (up - f(moved)) / (2 * eps)
    return grad


def copies_not_moved(f, x, eps=1e-6):
    moved, grad = x.double().clone(), torch.zeros(x.numel(), dtype=torch.float64)
    for at in range(x.numel()):
        moved.flatten().clone()[at] += eps
        grad[at] = (f(moved) - f(moved)) / (2 * eps)
    return grad.reshape(x.shape)


def in_the_dtype_of_x(f, x, eps=1e-6):
    grad = torch.zeros_like(x)
    for index in torch.cartesian_prod(*map(torch.arange, x.shape)).reshape(-1, x.ndim).tolist() if x.ndim else [()]:
        up, down = x.clone(), x.clone()
        up[tuple(index)] += eps
        down[tuple(index)] -= eps
        grad[tuple(index)] = (f(up) - f(down)) / (2 * eps)
    return grad


def stepped_in_the_dtype_of_x(f, x, eps=1e-6):
    return in_the_dtype_of_x(lambda place: f(place.double()), x, eps)


def flat(f, x, eps=1e-6):
    return quotients(f, x, eps, -eps, 2 * eps).flatten()


def relative_steps(f, x, eps=1e-6):
    steps = eps * x.double().abs()
    grad = torch.zeros(x.shape, dtype=torch.float64)
    for index in torch.cartesian_prod(*map(torch.arange, x.shape)).reshape(-1, x.ndim).tolist() if x.ndim else [()]:
        at = tuple(index)
        up, down = x.double().clone(), x.double().clone()
        up[at] += steps[at]
        down[at] -= steps[at]
        grad[at] = (f(up) - f(down)) / (2 * steps[at])
    return grad


def exact(f, x, eps=1e-6):
    place = x.double().clone().requires_grad_()
    return torch.autograd.grad(f(place), place)[0]


EXERCISE = Exercise(
    "numerical_gradient",
    tolerance=ROUNDED,
    checks=(values, central, any_shape, precise),
    reference=reference,
    gives=Tensor,
    slips=(
        Slip(
            "f is asked at x + eps and at x only (a forward difference, with an error that grows with eps)",
            forward_only,
        ),
        Slip(
            "f is asked at x and at x - eps only (a backward difference, with an error that grows with eps)",
            backward_only,
        ),
        Slip("the difference is divided by eps, but the two places are 2 eps apart", one_eps_below),
        Slip("x is moved by eps / 2 each way, but the quotient is to be taken at x + eps and x - eps", half_steps),
        Slip("the difference is not divided by anything", not_divided),
        Slip("the two values of f are subtracted the wrong way round", negative),
        Slip("the derivative itself is computed (by torch's autograd), which is not measured at all", exact),
        Slip("eps is ignored: 1e-6 is used whatever is asked", eps_ignored),
        Slip("all entries of x are moved at the same time", all_at_once),
        Slip("an entry that was moved is not put back before the next is moved", not_put_back),
        Slip("a copy is moved, and f is asked at the place that was not: the difference is 0", copies_not_moved),
        Slip("f is asked in the dtype of x, where float32 rounds away a step of 1e-6", in_the_dtype_of_x),
        Slip("the step is made in the dtype of x before the change to float64", stepped_in_the_dtype_of_x),
        Slip("the gradient comes back flat, not in the shape of x", flat),
        Slip("the step is eps times the entry, not eps", relative_steps),
    ),
)
