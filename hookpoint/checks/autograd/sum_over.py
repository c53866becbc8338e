"""Checks for `sum_over` (part 1, notebook 00b)."""

from hookpoint.checks.author import Exercise, Slip
from hookpoint.checks.protocol.given.autograd import Value

from ._operations import case, like_torch, repeatable

NAMES = ("a",)


def reference(a, dim=None, keepdim=False):
    """torch's own."""
    return a.sum(dim=dim, keepdim=keepdim)


def everything(learner, draw):
    """Without dim, all entries are added up to a single number, and each of them gets that number's gradient."""
    cases = (
        case(draw.normal(3, 5)),
        case(draw.normal(2, 3, 5), when="of three axes"),
        case(draw.normal(), when="of a single number"),
    )
    like_torch(learner, learner.sum_over, reference, NAMES, *cases)


def along(learner, draw):
    """With dim, that axis is summed away; dim counts from the end where it is negative."""
    cases = [case(draw.normal(2, 3, 5), when=f"with {dim=}", dim=dim) for dim in (1, 0, 2, -1, -3, -2)]
    thin = case(draw.normal(3, 1, 5), when="with dim=0, where another axis has length 1", dim=0)
    like_torch(learner, learner.sum_over, reference, NAMES, *cases, thin)


def square(learner, draw):
    """The gradient goes back along the axis that was summed, also where another axis is as long."""
    cases = [case(draw.normal(3, 3), when=f"for a square with {dim=}", dim=dim) for dim in (1, 0)]
    like_torch(learner, learner.sum_over, reference, NAMES, *cases)


def kept_axes(learner, draw):
    """With keepdim=True, what was summed stays as an axis of length 1."""
    cases = [
        case(draw.normal(2, 3, 5), when=f"with {dim=} and keepdim=True", dim=dim, keepdim=True)
        for dim in (0, 1, -1, None, -2)
    ]
    like_torch(learner, learner.sum_over, reference, NAMES, *cases)


def own_pull(learner, draw):
    """Every result keeps a pull of its own, which can be called again."""
    repeatable(learner, learner.sum_over, reference, NAMES, [(draw.normal(2, 3),), (draw.normal(5),)])


def spread(a, grad, dim, keepdim):
    """The right way back, for slips that go wrong elsewhere."""
    grad = grad if keepdim or dim is None else grad.unsqueeze(dim)
    return grad.expand(a.data.shape)


def result(a, dim, keepdim):
    return a.data.sum(dim=dim, keepdim=keepdim)


def not_spread(a, dim=None, keepdim=False):
    return Value(result(a, dim, keepdim), (a,), lambda grad: (grad,))


def along_the_wrong_axis(a, dim=None, keepdim=False):
    return Value(result(a, dim, keepdim), (a,), lambda grad: (grad.expand(a.data.shape),))


def ones(a, dim=None, keepdim=False):
    return Value(result(a, dim, keepdim), (a,), lambda grad: (a.data * 0 + 1,))


def shared_out(a, dim=None, keepdim=False):
    def pull(grad):
        return (spread(a, grad, dim, keepdim) * (grad.numel() / a.data.numel()),)

    return Value(result(a, dim, keepdim), (a,), pull)


def times_input(a, dim=None, keepdim=False):
    return Value(result(a, dim, keepdim), (a,), lambda grad: (spread(a, grad, dim, keepdim) * a.data,))


def mean(a, dim=None, keepdim=False):
    out = a.data.mean(dim=dim, keepdim=keepdim)
    return Value(out, (a,), lambda grad: (spread(a, grad, dim, keepdim) * (grad.numel() / a.data.numel()),))


def dim_ignored(a, dim=None, keepdim=False):
    return Value(a.data.sum(), (a,), lambda grad: (grad.expand(a.data.shape),))


def keepdim_ignored(a, dim=None, keepdim=False):
    return Value(result(a, dim, False), (a,), lambda grad: (spread(a, grad, dim, False),))


def keepdim_ignored_for_all(a, dim=None, keepdim=False):
    if dim is None:
        return Value(a.data.sum(), (a,), lambda grad: (grad.expand(a.data.shape),))
    return Value(result(a, dim, keepdim), (a,), lambda grad: (spread(a, grad, dim, keepdim),))


def unsqueezed_with_keepdim(a, dim=None, keepdim=False):
    return Value(result(a, dim, keepdim), (a,), lambda grad: (spread(a, grad, dim, False),))


def unsqueezed_at_zero(a, dim=None, keepdim=False):
    def pull(grad):
        return (spread(a, grad, 0 if dim is not None else None, keepdim),)

    return Value(result(a, dim, keepdim), (a,), pull)


def first_axis_is_none(a, dim=None, keepdim=False):
    if not dim:
        return Value(a.data.sum(), (a,), lambda grad: (grad.expand(a.data.shape),))
    return Value(result(a, dim, keepdim), (a,), lambda grad: (spread(a, grad, dim, keepdim),))


def single_gradient(a, dim=None, keepdim=False):
    return Value(result(a, dim, keepdim), (a,), lambda grad: (grad.sum().expand(a.data.shape),))


def bare_gradient(a, dim=None, keepdim=False):
    return Value(result(a, dim, keepdim), (a,), lambda grad: spread(a, grad, dim, keepdim))


EXERCISE = Exercise(
    "sum_over",
    checks=(everything, along, square, kept_axes, own_pull),
    reference=reference,
    forbids=("autograd",),
    needs={"Value": "Value"},
    slips=(
        Slip("the gradient comes back in the result's shape, not spread over the entries of a", not_spread),
        Slip("the summed axis is not put back before the gradient is spread", along_the_wrong_axis),
        Slip("the gradient is 1 for every entry: the one that comes in is not used", ones),
        Slip("the gradient is shared out among the entries, as for a mean", shared_out),
        Slip("the gradient is multiplied by a", times_input),
        Slip("the mean is computed, not the sum", mean),
        Slip("dim is ignored: everything is added up", dim_ignored),
        Slip("keepdim is ignored", keepdim_ignored),
        Slip("keepdim is ignored when everything is added up", keepdim_ignored_for_all),
        Slip("the summed axis is put back once more although keepdim has kept it", unsqueezed_with_keepdim),
        Slip("the summed axis is put back in front, whichever it was", unsqueezed_at_zero),
        Slip("dim=0 is taken for 'no dim' (not dim, instead of dim is None)", first_axis_is_none),
        Slip("the gradients of all sums are added up before they are spread", single_gradient),
        Slip("the one gradient is returned bare: a tuple of one needs a comma", bare_gradient),
    ),
)
