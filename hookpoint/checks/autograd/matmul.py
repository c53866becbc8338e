"""Checks for `matmul` (part 1, notebook 00b)."""

from hookpoint.checks.author import Exercise, Slip
from hookpoint.checks.protocol.given.autograd import Value

from ._operations import case, like_torch, of_itself, repeatable
from .unbroadcast import reference as unbroadcast

NAMES = ("a", "b")


def reference(a, b):
    """The matrix product, of which torch's own autograd then gives the gradients."""
    return a @ b


def matrices(learner, draw):
    """matmul gives the matrix product, and the gradient of each matrix has that matrix's shape."""
    cases = (
        case(draw.normal(3, 5), draw.normal(5, 2)),
        case(draw.normal(1, 5), draw.normal(5, 1), when="of row and column"),
        case(draw.normal(3, 3), draw.normal(3, 3), when="for square matrices"),
    )
    like_torch(learner, learner.matmul, reference, NAMES, *cases)


def stacks(learner, draw):
    """A stack of matrices is multiplied matrix by matrix."""
    stack = case(draw.normal(7, 3, 5), draw.normal(7, 5, 2))
    grid = case(draw.normal(2, 3, 5, 2), draw.normal(2, 3, 2, 7), when="for a grid of matrices")
    like_torch(learner, learner.matmul, reference, NAMES, stack, grid)


def one_for_all(learner, draw):
    """Where one matrix serves a whole stack, its gradient is the sum over the stack."""
    wide = "where one matrix serves a stack"
    cases = (
        case(draw.normal(2, 7, 5), draw.normal(5, 3), when=wide),
        case(draw.normal(3, 5), draw.normal(7, 5, 2), when=wide),
        case(draw.normal(2, 1, 3, 5), draw.normal(7, 5, 2), when=wide),
        case(draw.normal(7, 3, 5), draw.normal(1, 5, 2), when="where a stack of one serves a stack"),
    )
    like_torch(learner, learner.matmul, reference, NAMES, *cases)


def itself(learner, draw):
    """x @ x gets a gradient from both places."""
    of_itself(learner, learner.matmul, reference, draw.normal(3, 3))


def own_pull(learner, draw):
    """Every result keeps a pull of its own, which can be called again."""
    pairs = [(draw.normal(2, 3), draw.normal(3, 5)), (draw.normal(2, 3), draw.normal(3, 5))]
    repeatable(learner, learner.matmul, reference, NAMES, pairs)


def kept(a, b, part_a, part_b):
    """A product with these shares of the gradient, each summed back to its Value's shape."""

    def pull(grad):
        return unbroadcast(part_a(grad), a.data.shape), unbroadcast(part_b(grad), b.data.shape)

    return Value(a.data @ b.data, (a, b), pull)


def not_summed_back(a, b):
    return Value(a.data @ b.data, (a, b), lambda grad: (grad @ b.data.mT, a.data.mT @ grad))


def not_transposed(a, b):
    return kept(a, b, lambda grad: grad @ b.data, lambda grad: a.data @ grad)


def order_of_b_wrong(a, b):
    return kept(a, b, lambda grad: grad @ b.data.mT, lambda grad: grad @ a.data.mT)


def order_of_a_wrong(a, b):
    return kept(a, b, lambda grad: b.data.mT @ grad, lambda grad: a.data.mT @ grad)


def b_transposed(a, b):
    return kept(a, b, lambda grad: grad @ b.data.mT, lambda grad: grad.mT @ a.data)


def all_axes_reversed(a, b):
    def turned(x):
        return x.permute(*range(x.ndim - 1, -1, -1))

    return kept(a, b, lambda grad: grad @ turned(b.data), lambda grad: turned(a.data) @ grad)


def first_two_axes(a, b):
    return kept(a, b, lambda grad: grad @ b.data.transpose(0, 1), lambda grad: a.data.transpose(0, 1) @ grad)


def averaged_over_the_stack(a, b):
    def pull(grad):
        parts = grad @ b.data.mT, a.data.mT @ grad
        return tuple(
            unbroadcast(part, p.data.shape) * (p.data.numel() / part.numel())
            for part, p in zip(parts, (a, b), strict=True)
        )

    return Value(a.data @ b.data, (a, b), pull)


def swapped(a, b):
    def pull(grad):
        return unbroadcast(a.data.mT @ grad, b.data.shape), unbroadcast(grad @ b.data.mT, a.data.shape)

    return Value(a.data @ b.data, (a, b), pull)


def ones(a, b):
    return kept(a, b, lambda grad: (0 * grad + 1) @ b.data.mT, lambda grad: a.data.mT @ (0 * grad + 1))


def only_a_counts(a, b):
    return kept(a, b, lambda grad: grad @ b.data.mT, lambda grad: a.data.mT @ grad * 0)


EXERCISE = Exercise(
    "matmul",
    checks=(matrices, stacks, one_for_all, itself, own_pull),
    reference=reference,
    forbids=("autograd",),
    needs={"Value": "Value", "unbroadcast": unbroadcast},
    slips=(
        Slip("the gradient of a matrix that serves a whole stack is not summed over the stack", not_summed_back),
        Slip("nothing is transposed in the pull", not_transposed),
        Slip("the gradient of b is (gradient) @ (a transposed): the two stand the wrong way round", order_of_b_wrong),
        Slip("the gradient of a is (b transposed) @ (gradient): the two stand the wrong way round", order_of_a_wrong),
        Slip("the gradient of b comes out transposed", b_transposed),
        Slip("all axes are reversed (.T), where only the last two change places (.mT)", all_axes_reversed),
        Slip("the first two axes change places, where it must be the last two", first_two_axes),
        Slip(
            "the gradient of a matrix that serves a whole stack is averaged over it, not summed",
            averaged_over_the_stack,
        ),
        Slip("the two gradients come in the other order than the parents", swapped),
        Slip("a gradient of ones is used instead of the one that comes in", ones),
        Slip("b counts as a constant: its gradient is 0", only_a_counts),
    ),
)
