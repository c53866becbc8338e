"""Checks for `stable_softmax` (part 1, notebook 00)."""

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.checks.author import Exercise, Mismatch, Slip, Tolerance, agree, same, same_gradients

INF = float("inf")
# In float64 a share may be off by what 1e-8 in the divisor makes of it: a habit that guards against dividing by 0.
SHARES = Tolerance(1e-5, float64=1e-8)
# Next to 10000 float32 steps by 0.001, and so does a right answer that subtracts the logsumexp.
FAR = Tolerance(2e-3, float64=1e-8)


def reference(x, dim):
    """PyTorch's own."""
    return F.softmax(x, dim)


def values(learner, draw):
    """Along the axis `dim`, whichever it is, the numbers become positive shares that add up to 1."""
    x = draw.normal(4, 4, 4, std=2)
    for dim in (0, 1, 2):
        agree(learner.stable_softmax, reference, x, dim, when=f"for dim={dim}, where all axes are 4 long")
    x = draw.normal(3, 5, 7, std=2)
    for dim in (-1, 0, 1, 2, -2, -3):
        same(learner.stable_softmax(x, dim), reference(x, dim), f"for dim={dim}")
    whole = draw.ids(3, 5, 7).float() - 1
    same(learner.stable_softmax(whole, 1), reference(whole, 1), "for numbers that are -1, 0 or 1, many of them equal")


def any_rank(learner, draw):
    """It takes tensors with any number of axes, and an axis of length 1."""
    for shape, dim in (((7,), 0), ((7,), -1), ((3, 5), 0), ((2, 3, 5, 7), 1), ((2, 3, 5, 7), -2), ((5, 1, 3), 1)):
        x = draw.normal(*shape, std=2)
        same(learner.stable_softmax(x, dim), reference(x, dim), f"for a tensor {list(shape)} and dim={dim}")


def far_offsets(learner, draw):
    """Adding ten thousand to a row, or taking it away, changes nothing: no exponential overflows."""
    x = draw.normal(3, 5, 7, dtype=torch.float64)
    for offset in (1e4, -1e4):
        got = learner.stable_softmax(x + offset, 1)
        same(got, reference(x + offset, 1), f"where {offset:+.0f} is added to every number")
    rounded = (x + 1e4).float()
    same(learner.stable_softmax(rounded, 1), reference(rounded, 1), "where +10000 is added, in float32", FAR)


def rows_apart(learner, draw):
    """Rows that lie far from each other do not disturb each other."""
    x = draw.normal(5, 7)
    for low, high in ((0, 1e4), (-1e4, 0), (-1e4, 1e4), (-200, 200)):
        apart = x + torch.linspace(low, high, 5)[:, None]
        same(learner.stable_softmax(apart, 1), reference(apart, 1), "where rows differ in size", FAR)
        same(learner.stable_softmax(apart.mT, 0), reference(apart.mT, 0), "where columns differ in size", FAR)
    wide = x * torch.tensor([1.0, 30, 100, 300, 1000])[:, None]
    same(learner.stable_softmax(wide, 1), reference(wide, 1), "where numbers in a row lie far apart", FAR)
    exact = wide.double()
    same(learner.stable_softmax(exact, 1), reference(exact, 1), "where numbers in a row lie far apart, in float64")


def removed(learner, draw):
    """An entry of -inf gets exactly 0, and the others share the 1 among them."""
    x = draw.normal(3, 5)
    x[0, 0] = x[0, 3] = x[1, 4] = -INF
    x[1] += 200
    x[2, :4] = -INF
    for dtype in (torch.float32, torch.float64):
        got, want = learner.stable_softmax(x.to(dtype), 1), reference(x.to(dtype), 1)
        same(got, want, "where some entries are -inf", FAR)
        if (got[want == 0] != 0).any():
            raise Mismatch("gives a share above 0 to an entry of -inf.", got=got)
    same_gradients(learner.stable_softmax, reference, ["x"], x, 1)


def nothing_left(learner, draw):
    """A row of nothing but -inf has no answer: NaN or zeros there, and all other rows are as they should be."""
    x = draw.normal(3, 5)
    x[0, 3] = -INF
    x[2] += 200
    same(learner.stable_softmax(x, 1), reference(x, 1), "where one entry is -inf", FAR)
    x[1] = -INF
    got, want = learner.stable_softmax(x, 1), reference(x, 1)
    if got.shape == want.shape and not (got[1].isnan().all() or (got[1] == 0).all()):
        line = f"  The row of -inf became {[round(share, 4) for share in got[1].tolist()]}."
        raise Mismatch("invents shares for a row of nothing but -inf; NaN and zeros are allowed.", line, got=got)
    if got.shape == want.shape:
        want[1] = got[1]
    same(got, want, "where one row is nothing but -inf", FAR)


def half_precision(learner, draw):
    """In float16 the shares are right to float16's own rounding, and the result is float16."""
    x = draw.normal(3, 7, std=3, dtype=torch.float16)
    same(learner.stable_softmax(x, 1), reference(x.float(), 1).half())


def gradient(learner, draw):
    """The gradient is that of the shares: pushing one up pulls the others down."""
    for dim in (0, 1):
        same_gradients(learner.stable_softmax, reference, ["x"], draw.normal(3, 5, 7), dim)


def shares(x, dim, shift):
    powers = (x - shift).exp()
    return powers / powers.sum(dim, keepdim=True)


def not_shifted(x, dim):
    return shares(x, dim, 0)


def last_axis_always(x, dim):
    return reference(x, -1)


def first_axis_always(x, dim):
    return reference(x, 0)


def largest_of_all(x, dim):
    return shares(x, dim, x.max())


def largest_of_last_axis(x, dim):
    return shares(x, dim, x.amax(-1, keepdim=True))


def mean_subtracted(x, dim):
    return shares(x, dim, x.mean(dim, keepdim=True))


def smallest_subtracted(x, dim):
    return shares(x, dim, x.amin(dim, keepdim=True))


def summed_over_all(x, dim):
    powers = (x - x.amax(dim, keepdim=True)).exp()
    return powers / powers.sum()


def not_divided(x, dim):
    return (x - x.amax(dim, keepdim=True)).exp()


def logarithms(x, dim):
    return F.log_softmax(x, dim)


def base_two(x, dim):
    powers = torch.exp2(x - x.amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)


def negated(x, dim):
    return reference(-x, dim)


def axis_lost(x, dim):
    powers = (x - x.amax(dim, keepdim=True)).exp()
    return powers / powers.sum(dim)


def largest_axis_lost(x, dim):
    powers = (x - x.amax(dim)).exp()
    return powers / powers.sum(dim, keepdim=True)


def clamped(x, dim):
    return shares(x.clamp(-80, 80), dim, 0)


def divided_by_largest(x, dim):
    return shares(x / x.abs().amax(dim, keepdim=True), dim, 0)


def infinities_replaced(x, dim):
    x = x.nan_to_num(neginf=0.0)
    return shares(x, dim, x.amax(dim, keepdim=True))


def evenly_where_empty(x, dim):
    x = x.clamp(min=torch.finfo(x.dtype).min)
    return shares(x, dim, x.amax(dim, keepdim=True))


def nan_everywhere(x, dim):
    out = reference(x, dim)
    return out * float("nan") if out.isnan().any() else out


def in_float32(x, dim):
    return reference(x.float(), dim)


def rounded_to_float32(x, dim):
    return reference(x.float(), dim).to(x.dtype)


def detached(x, dim):
    return reference(x.detach(), dim)


def in_place(x, dim):
    with torch.no_grad():
        x.sub_(x.amax(dim, keepdim=True)).exp_()
    return x / x.sum(dim, keepdim=True)


EXERCISE = Exercise(
    "stable_softmax",
    checks=(
        values,
        any_rank,
        far_offsets,
        rows_apart,
        removed,
        nothing_left,
        half_precision,
        gradient,
    ),  # fmt: skip
    reference=reference,
    gives=Tensor,
    forbids=("softmax",),
    tolerance=SHARES,
    slips=(
        Slip("nothing is subtracted before the exponential, which overflows or underflows", not_shifted),
        Slip("dim is ignored: the last axis is used", last_axis_always),
        Slip("dim is ignored: the first axis is used", first_axis_always),
        Slip("the largest number of the whole tensor is subtracted: rows far below it vanish", largest_of_all),
        Slip("the largest number is taken along the last axis, not along dim", largest_of_last_axis),
        Slip("the mean is subtracted, where only the largest number keeps the exponentials small", mean_subtracted),
        Slip("the smallest number is subtracted, which leaves large exponents", smallest_subtracted),
        Slip("the exponentials are divided by their sum over the whole tensor", summed_over_all),
        Slip("the exponentials are not divided by their sum", not_divided),
        Slip("the logarithms of the shares are returned", logarithms),
        Slip("2 is raised to the powers, not e", base_two),
        Slip("the sign is turned: the smallest number gets the largest share", negated),
        Slip("the sum loses its axis (keepdim) and meets the wrong one in the division", axis_lost),
        Slip("the largest number loses its axis (keepdim) and is subtracted from the wrong one", largest_axis_lost),
        Slip("large numbers are cut off instead of shifted", clamped),
        Slip("the numbers are divided by the largest instead of shifted by it", divided_by_largest),
        Slip("-inf is replaced by 0, which gets a share like any number", infinities_replaced),
        Slip("-inf is replaced by the lowest number there is, so an empty row is shared evenly", evenly_where_empty),
        Slip("one empty row makes the whole result NaN", nan_everywhere),
        Slip("the result is float32 whatever x is", in_float32),
        Slip("x is rounded to float32 on the way", rounded_to_float32),
        Slip("x is cut off from its gradient (detach, .data, numpy or tolist)", detached),
        Slip("x itself is changed: by a method that ends in an underscore, by x[...] = or by x -=", in_place),
    ),
)
