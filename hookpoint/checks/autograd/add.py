"""Checks for `add` (part 1, notebook 00b)."""

from hookpoint.checks.author import Exercise, Slip
from hookpoint.checks.protocol.given.autograd import Value

from ._operations import case, like_torch, of_itself, repeatable
from .unbroadcast import reference as unbroadcast

NAMES = ("a", "b")


def reference(a, b):
    """The sum, of which torch's own autograd then gives the gradients."""
    return a + b


def values(learner, draw):
    """add gives a Value that holds the sum, and its pull gives the gradient of each parent."""
    pair, numbers = case(draw.normal(3, 5), draw.normal(3, 5)), case(draw.normal(), draw.normal(), when="for numbers")
    like_torch(learner, learner.add, reference, NAMES, pair, numbers)


def broadcast(learner, draw):
    """Where broadcasting stretches a or b, the gradient has the shape that the Value had before."""
    wide = "where broadcasting stretches"
    cases = (
        case(draw.normal(3, 5), draw.normal(5), when=f"{wide} b"),
        case(draw.normal(), draw.normal(2, 3), when=f"{wide} a"),
        case(draw.normal(3, 1, 5), draw.normal(2, 1), when=f"{wide} both"),
        case(draw.normal(2, 2, 3, 5), draw.normal(1, 1), when=f"{wide} b in four axes"),
    )
    like_torch(learner, learner.add, reference, NAMES, *cases)


def itself(learner, draw):
    """x + x has the gradient 2: both places count."""
    of_itself(learner, learner.add, reference, draw.normal(2, 3))


def own_pull(learner, draw):
    """Every result keeps a pull of its own, which can be called again."""
    pairs = [(draw.normal(2, 3), draw.normal(3)), (draw.normal(2, 3), draw.normal(3))]
    repeatable(learner, learner.add, reference, NAMES, pairs)


def not_summed_back(a, b):
    return Value(a.data + b.data, (a, b), lambda grad: (grad, grad))


def only_b_summed_back(a, b):
    return Value(a.data + b.data, (a, b), lambda grad: (grad, unbroadcast(grad, b.data.shape)))


def ones(a, b):
    return Value(a.data + b.data, (a, b), lambda grad: (a.data * 0 + 1, b.data * 0 + 1))


def crossed(a, b):
    def pull(grad):
        return unbroadcast(grad * b.data, a.data.shape), unbroadcast(grad * a.data, b.data.shape)

    return Value(a.data + b.data, (a, b), pull)


def second_negative(a, b):
    def pull(grad):
        return unbroadcast(grad, a.data.shape), unbroadcast(-grad, b.data.shape)

    return Value(a.data + b.data, (a, b), pull)


def other_order(a, b):
    def pull(grad):
        return unbroadcast(grad, b.data.shape), unbroadcast(grad, a.data.shape)

    return Value(a.data + b.data, (a, b), pull)


def halved(a, b):
    def pull(grad):
        return unbroadcast(grad / 2, a.data.shape), unbroadcast(grad / 2, b.data.shape)

    return Value(a.data + b.data, (a, b), pull)


def averaged_back(a, b):
    def pull(grad):
        return tuple(unbroadcast(grad, p.data.shape) * (p.data.numel() / grad.numel()) for p in (a, b))

    return Value(a.data + b.data, (a, b), pull)


def first_row(a, b):
    def pull(grad):
        return tuple(grad.flatten()[: p.data.numel()].reshape(p.data.shape) for p in (a, b))

    return Value(a.data + b.data, (a, b), pull)


def parents_forgotten(a, b):
    def pull(grad):
        return unbroadcast(grad, a.data.shape), unbroadcast(grad, b.data.shape)

    return Value(a.data + b.data, (), pull)


def written_into_grad(a, b):
    def pull(grad):
        for parent in (a, b):
            part = unbroadcast(grad, parent.data.shape)
            parent.grad = part if parent.grad is None else parent.grad + part

    return Value(a.data + b.data, (a, b), pull)


def bare_tensor(a, b):
    return a.data + b.data


EXERCISE = Exercise(
    "add",
    checks=(values, broadcast, itself, own_pull),
    reference=reference,
    forbids=("autograd",),
    needs={"Value": "Value", "unbroadcast": unbroadcast},
    slips=(
        Slip(
            "the gradient is handed on in the result's shape, not summed back to the shape of a or b", not_summed_back
        ),
        Slip("only the gradient of b is summed back to its shape, not that of a", only_b_summed_back),
        Slip("the gradients are ones: the gradient that comes in is not used", ones),
        Slip("the rule of multiplication is used: each gradient is multiplied by the other value", crossed),
        Slip("the gradient of b has a minus sign, as for a difference", second_negative),
        Slip("the two gradients come in the other order than the parents", other_order),
        Slip("the gradient is shared out in halves, though each parent gets all of it", halved),
        Slip("the gradient of a stretched Value is averaged over its copies, not summed", averaged_back),
        Slip("one of the copies of a stretched Value gives the gradient, and the others are dropped", first_row),
        Slip("the parents are not kept, so backward cannot find them", parents_forgotten),
        Slip("the pull writes into the parents' grad itself and returns nothing", written_into_grad),
        Slip("the bare tensor is returned, without a Value around it", bare_tensor),
    ),
)
