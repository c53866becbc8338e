"""Checks for `fit_power_law` (part 1, notebook 06b)."""

import math
import statistics

import torch

from hookpoint.checks.author import Exercise, Mismatch, Slip, refuses

NAMES = ("a", "b", "r2")
TOLERANCE = 1e-4  # logarithms in float32 are allowed


def reference(x, y):
    """Python's own linear regression, on the logarithms."""
    u, v = logarithms(x), logarithms(y)
    slope, intercept = statistics.linear_regression(u, v)
    return math.exp(intercept), slope, statistics.correlation(u, v) ** 2


def logarithms(values):
    return [math.log(value) for value in values]


def judge(got, want, when):
    """Raises `Mismatch` unless three numbers came back, and each is what it should be."""
    if isinstance(got, torch.Tensor) and got.shape == (3,):
        got = got.tolist()
    if not isinstance(got, (tuple, list)) or len(got) != 3:
        raise Mismatch("returned something else than three numbers (a, b, r2).", got=got)
    numbers = [value.item() if isinstance(value, torch.Tensor) and value.numel() == 1 else value for value in got]
    for name, number, wanted in zip(NAMES, numbers, want, strict=True):
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise Mismatch(f"returned something else than a number as {name}.", got=got)
        if not math.isclose(number, wanted, rel_tol=TOLERANCE, abs_tol=TOLERANCE * 0.1):
            line = f"  All three: expected {shown(want)}, yours {shown(numbers)}."
            raise Mismatch(f"gives {name} = {number:.6g}, expected {wanted:.6g} {when}.", line, got=got)


def shown(numbers):
    return ", ".join(f"{number:.6g}" if isinstance(number, (int, float)) else "?" for number in numbers)


def points(draw, count, low=1e2, high=1e6):
    """Places spread over some decades, in no order."""
    at = torch.rand(count, generator=draw.source, dtype=torch.float64)
    return low * (high / low) ** at


def exact(learner, draw):
    """Points that lie on y = a * x**b give back a and b, and r2 = 1."""
    for a, b in ((17.3, -0.31), (0.05, 0.8), (2.5, 1.7), (0.04, -0.9)):
        x = points(draw, 7)
        judge(learner.fit_power_law(x, a * x**b), (a, b, 1.0), f"for points on {a} * x**{b}")


def scattered(learner, draw):
    """For points that lie off the line it is the line of least squares on logarithmic axes, and the r2 of that line."""
    for count, spread in ((9, 0.2), (5, 0.7), (23, 1.2)):
        x = points(draw, count, 2.0, 500.0)
        y = 3.0 * x**-0.4 * torch.exp(draw.normal(count, std=spread, dtype=torch.float64))
        x[1] = x[0]  # two measurements at one place are two
        judge(learner.fit_power_law(x, y), reference(x.tolist(), y.tolist()), f"for {count} scattered points")
    x = torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0])
    y = torch.tensor([9.0, 7.0, 5.0, 4.5, 3.0])
    judge(learner.fit_power_law(x, y), reference(x.tolist(), y.tolist()), "for points in float32")


def two_points(learner, draw):
    """Through two points the line is exact."""
    x, y = torch.tensor([10.0, 1000.0], dtype=torch.float64), torch.tensor([8.0, 2.0], dtype=torch.float64)
    judge(learner.fit_power_law(x, y), (16.0, math.log10(0.5), 1.0), "for the points (10, 8) and (1000, 2)")


def not_positive(learner, draw):
    """Zero and negative numbers have no logarithm: they are an error, in x and in y."""
    x = points(draw, 6, 2.0, 500.0)
    y = 3.0 * x**-0.4
    judge(learner.fit_power_law(x, y), (3.0, -0.4, 1.0), "for points on 3 * x**-0.4")
    for name, values in (("x", x), ("y", y)):
        for wrong in (0.0, -2.5):
            broken = values.clone()
            broken[draw.number(0, len(broken))] = wrong
            try:
                refuses(learner.fit_power_law, *((broken, y) if name == "x" else (x, broken)))
            except Mismatch as mismatch:
                line = "  On logarithmic axes there is no place for it; left out in silence, it changes the claim."
                raise Mismatch(
                    f"returned a result although {name} holds {wrong}; it should raise an error.", line
                ) from mismatch


def line(u, v):
    """Slope and intercept of least squares, and r2."""
    slope, intercept = statistics.linear_regression(u, v)
    return slope, intercept, statistics.correlation(u, v) ** 2


def wrongly(x, y, change):
    """A right fit with `change(a, b, r2, u, v)` applied to it, which refuses what has no logarithm."""
    u, v = logarithms(x.tolist()), logarithms(y.tolist())
    slope, intercept, r2 = line(u, v)
    return change(math.exp(intercept), slope, r2, u, v)


def linear_axes(x, y):
    slope, intercept, r2 = line(x.tolist(), y.tolist())
    return intercept, slope, r2


def only_y_logarithmic(x, y):
    slope, intercept, r2 = line(x.tolist(), logarithms(y.tolist()))
    return math.exp(intercept), slope, r2


def only_x_logarithmic(x, y):
    slope, intercept, r2 = line(logarithms(x.tolist()), y.tolist())
    return intercept, slope, r2


def logarithm_of_a(x, y):
    return wrongly(x, y, lambda a, b, r2, u, v: (math.log(a), b, r2))


def wrong_base(x, y):
    return wrongly(x, y, lambda a, b, r2, u, v: (math.exp(math.log10(a)), b, r2))


def sign_turned(x, y):
    return wrongly(x, y, lambda a, b, r2, u, v: (a, -b, r2))


def exchanged(x, y):
    return wrongly(x, y, lambda a, b, r2, u, v: (b, a, r2))


def correlation(x, y):
    return wrongly(x, y, lambda a, b, r2, u, v: (a, b, statistics.correlation(u, v)))


def linear_r2(x, y):
    def change(a, b, r2, u, v):
        mean = y.mean()
        left = (y - a * x**b).square().sum() / (y - mean).square().sum()
        return a, b, 1 - left.item()

    return wrongly(x, y, change)


def unexplained(x, y):
    return wrongly(x, y, lambda a, b, r2, u, v: (a, b, 1 - r2))


def x_from_y(x, y):
    def change(a, b, r2, u, v):
        slope, intercept, _ = line(v, u)
        return math.exp(-intercept / slope), 1 / slope, r2

    return wrongly(x, y, change)


def axes_exchanged(x, y):
    return wrongly(y, x, lambda a, b, r2, u, v: (a, b, r2))


def through_the_origin(x, y):
    def change(a, b, r2, u, v):
        slope = sum(p * q for p, q in zip(u, v, strict=True)) / sum(p * p for p in u)
        return 1.0, slope, r2

    return wrongly(x, y, change)


def first_and_last(x, y):
    def change(a, b, r2, u, v):
        slope = (v[-1] - v[0]) / (u[-1] - u[0])
        return math.exp(v[0] - slope * u[0]), slope, r2

    return wrongly(x, y, change)


def adjusted(x, y):
    def change(a, b, r2, u, v):
        return a, b, 1 - (1 - r2) * (len(u) - 1) / max(1, len(u) - 2)

    return wrongly(x, y, change)


def left_out(x, y):
    kept = (x > 0) & (y > 0)
    return wrongly(x[kept], y[kept], lambda a, b, r2, u, v: (a, b, r2))


def moved_up(x, y):
    tiny = 1e-9
    return wrongly(x.clamp(min=tiny), y.clamp(min=tiny), lambda a, b, r2, u, v: (a, b, r2))


def sizes_taken(x, y):
    return wrongly(x.abs() + 1e-12, y.abs() + 1e-12, lambda a, b, r2, u, v: (a, b, r2))


def nan_returned(x, y):
    if (x <= 0).any() or (y <= 0).any():
        return math.nan, math.nan, math.nan
    return wrongly(x, y, lambda a, b, r2, u, v: (a, b, r2))


EXERCISE = Exercise(
    "fit_power_law",
    checks=(exact, scattered, two_points, not_positive),
    reference=reference,
    slips=(
        Slip("a straight line is fitted to the numbers themselves, on linear axes", linear_axes),
        Slip("only y is put on a logarithmic axis, which fits an exponential", only_y_logarithmic),
        Slip("only x is put on a logarithmic axis", only_x_logarithmic),
        Slip("the intercept is returned as it is: a is its exponential", logarithm_of_a),
        Slip("two bases are mixed: the logarithm is to base 10 and the exponential to base e", wrong_base),
        Slip("the sign of b is turned: y = a * x**b, and b is negative where y falls", sign_turned),
        Slip("a and b are exchanged", exchanged),
        Slip("the correlation itself is returned, not its square", correlation),
        Slip("r2 is computed on linear axes, where the fit was not made", linear_r2),
        Slip("the share of the variance that is left is returned, not the share that is explained", unexplained),
        Slip("the errors of x are minimised instead of those of y", x_from_y),
        Slip("x and y are exchanged", axes_exchanged),
        Slip("the line is forced through the origin of the logarithmic axes, so a is 1", through_the_origin),
        Slip("the line goes through the first and the last point, and the others do not count", first_and_last),
        Slip("r2 is adjusted for the number of points", adjusted),
        Slip("points without a logarithm are left out in silence", left_out),
        Slip("numbers that are not positive are replaced by a tiny one", moved_up),
        Slip("the sizes of the numbers are taken, without their signs", sizes_taken),
        Slip("NaN is returned for numbers without a logarithm", nan_returned),
    ),
)
