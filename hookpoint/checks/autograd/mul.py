"""Checks for `mul` (part 1, notebook 00b)."""

from hookpoint.checks.author import Exercise, Slip
from hookpoint.checks.protocol.given.autograd import Value

from ._operations import case, like_torch, of_itself, repeatable
from .unbroadcast import reference as unbroadcast

NAMES = ("a", "b")


def reference(a, b):
    """The product, of which torch's own autograd then gives the gradients."""
    return a * b


def values(learner, draw):
    """mul gives the product entry by entry, and the gradient of each factor is the other one's share."""
    pair, numbers = case(draw.normal(3, 5), draw.normal(3, 5)), case(draw.normal(), draw.normal(), when="for numbers")
    like_torch(learner, learner.mul, reference, NAMES, pair, numbers)


def broadcast(learner, draw):
    """Where broadcasting stretches a or b, the gradient has the shape that the Value had before."""
    wide = "where broadcasting stretches"
    cases = (
        case(draw.normal(3, 5), draw.normal(5), when=f"{wide} b"),
        case(draw.normal(), draw.normal(2, 3), when=f"{wide} a"),
        case(draw.normal(3, 1, 5), draw.normal(2, 1), when=f"{wide} both"),
        case(draw.normal(2, 2, 3, 5), draw.normal(1, 1), when=f"{wide} b in four axes"),
    )
    like_torch(learner, learner.mul, reference, NAMES, *cases)


def zeros(learner, draw):
    """A factor 0 has a gradient like any other."""
    a = draw.normal(3, 5)
    a[0] = 0
    like_torch(learner, learner.mul, reference, NAMES, case(a, draw.normal(3, 5), when="where a holds zeros"))


def itself(learner, draw):
    """x * x has the gradient 2x: both places count."""
    of_itself(learner, learner.mul, reference, draw.normal(2, 3))


def own_pull(learner, draw):
    """Every result keeps a pull of its own, which can be called again."""
    pairs = [(draw.normal(2, 3), draw.normal(3)), (draw.normal(2, 3), draw.normal(3))]
    repeatable(learner, learner.mul, reference, NAMES, pairs)


def kept(a, b, part_a, part_b):
    """A product with these shares of the gradient, each summed back to its Value's shape."""

    def pull(grad):
        return unbroadcast(part_a(grad), a.data.shape), unbroadcast(part_b(grad), b.data.shape)

    return Value(a.data * b.data, (a, b), pull)


def own_factor(a, b):
    return kept(a, b, lambda grad: grad * a.data, lambda grad: grad * b.data)


def not_summed_back(a, b):
    return Value(a.data * b.data, (a, b), lambda grad: (grad * b.data, grad * a.data))


def summed_too_early(a, b):
    def pull(grad):
        return unbroadcast(grad, a.data.shape) * b.data, unbroadcast(grad, b.data.shape) * a.data

    return Value(a.data * b.data, (a, b), pull)


def local_only(a, b):
    return kept(a, b, lambda grad: b.data + 0 * grad, lambda grad: a.data + 0 * grad)


def handed_on(a, b):
    return kept(a, b, lambda grad: grad, lambda grad: grad)


def quotient(a, b):
    return kept(a, b, lambda grad: grad * a.data * b.data / a.data, lambda grad: grad * a.data * b.data / b.data)


def whole_product(a, b):
    return kept(a, b, lambda grad: grad * a.data * b.data, lambda grad: grad * a.data * b.data)


def only_first_counts(a, b):
    return kept(a, b, lambda grad: grad * b.data, lambda grad: grad * 0)


def summed(a, b):
    def pull(grad):
        return unbroadcast(grad, a.data.shape), unbroadcast(grad, b.data.shape)

    return Value(a.data + b.data, (a, b), pull)


def matrix_product(a, b):
    return Value(a.data @ b.data, (a, b), lambda grad: (grad @ b.data.mT, a.data.mT @ grad))


def written_into_grad(a, b):
    def pull(grad):
        for one, other in ((a, b), (b, a)):
            part = unbroadcast(grad * other.data, one.data.shape)
            one.grad = part if one.grad is None else one.grad + part

    return Value(a.data * b.data, (a, b), pull)


EXERCISE = Exercise(
    "mul",
    checks=(values, broadcast, zeros, itself, own_pull),
    reference=reference,
    forbids=("autograd",),
    needs={"Value": "Value", "unbroadcast": unbroadcast},
    slips=(
        Slip(
            "each gradient is multiplied by its own factor, not by the other one (or the two are swapped)", own_factor
        ),
        Slip(
            "the gradient is handed on in the result's shape, not summed back to the shape of a or b", not_summed_back
        ),
        Slip(
            "the gradient is summed back before it is multiplied, but each copy has a factor of its own",
            summed_too_early,
        ),
        Slip("the other factor alone is the gradient: the one that comes in is not used", local_only),
        Slip("the gradient is handed on as it is, as for a sum", handed_on),
        Slip("the product is divided by the factor, which makes NaN of a factor 0", quotient),
        Slip("the gradient is multiplied by the product, by both factors", whole_product),
        Slip("b counts as a constant: its gradient is 0", only_first_counts),
        Slip("the sum is computed, not the product", summed),
        Slip("the matrix product is computed, not the product entry by entry", matrix_product),
        Slip("the pull writes into the parents' grad itself and returns nothing", written_into_grad),
    ),
)
