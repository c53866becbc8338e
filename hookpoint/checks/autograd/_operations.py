"""What is asked of every operation on Values: its result, and the gradients that its pull gives.

A result may be computed in several steps, each a Value of its own: gradients are followed through all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hookpoint.checks.author import Mismatch, Raised, Ref, same

__all__ = ["case", "like_torch", "of_itself", "repeatable"]

NODES = "  Return Value(data, parents, pull); its parents are the Values it was computed from."


@dataclass(frozen=True)
class Case:
    """One call of an operation: its inputs, its options, and in which circumstance it is."""

    tensors: tuple[Tensor, ...]
    when: str
    options: dict


def case(*tensors: Tensor, when: str = "", **options) -> Case:
    return Case(tensors, when, options)


def like_torch(learner, f: Ref, reference: Callable, names: Sequence[str], *cases: Case) -> None:
    """Raises `Mismatch` unless results and gradients are torch's, and the inputs stay as they were.

    In float64; the plain case, without a circumstance, in float32 too.
    """
    along, calls, pulls = torch.Generator().manual_seed(7), [], []
    for one in cases:
        for dtype in (torch.float64,) if one.when else (torch.float64, torch.float32):
            when = one.when or f"in {dtype}".replace("torch.", "")
            calls.append(Case(tuple(tensor.to(dtype) for tensor in one.tensors), when, one.options))
    inputs = learner.given.leaf_values([tensor for call in calls for tensor in call.tensors])
    for at, call in enumerate(calls):
        own = inputs[at * len(names) : (at + 1) * len(names)]
        out = applied(f, own, call.when, **call.options)
        want = reference(*call.tensors, **call.options)
        about = behind(learner, out, own, want, call.when)
        untouched(about["contents"], call.tensors, names, out)
        grad = torch.randn(want.shape, generator=along, dtype=torch.float64).to(want.dtype)
        grad = grad.mT.contiguous().mT if grad.ndim > 1 else grad  # what comes back need not lie contiguously
        found = gradients_through(out, about, grad, names)
        for name, got, expected in zip(
            names, found, torch_gradients(reference, grad, call.tensors, call.options), strict=True
        ):
            same(got, expected, f"in the gradient of {name} {call.when}")
        pulls.append(about["pulled"])
    contents = learner.given.value_contents(inputs)
    for at, (call, by) in enumerate(zip(calls, pulls, strict=True)):
        untouched(contents[at * len(names) : (at + 1) * len(names)], call.tensors, names, by)


def of_itself(learner, f: Ref, reference: Callable, x: Tensor) -> None:
    """Raises `Mismatch` unless `f(x, x)` has torch's result and gradient: the sum over both places."""
    when = "with one Value as both arguments"
    (value,) = learner.given.leaf_values([x])
    out = applied(f, [value, value], when)
    grad = reference(x, x).cos()
    (got,) = gradients_through(out, behind(learner, out, [value], reference(x, x), when), grad, ["x"])
    (want,) = torch_gradients(lambda one: reference(one, one), grad, [x], {})
    same(got, want, f"in the gradient of x, {when}")


def repeatable(learner, f: Ref, reference: Callable, names: Sequence[str], draws: Sequence[Sequence[Tensor]]) -> None:
    """Raises `Mismatch` unless each result keeps a pull of its own, which follows the gradient that each call brings.

    Of the first draw the pull is called with the same gradient again, of the others with another one.
    """
    made, inputs = [], learner.given.leaf_values([tensor for tensors in draws for tensor in tensors])
    for at, tensors in enumerate(draws):
        own = inputs[at * len(names) : (at + 1) * len(names)]
        out = applied(f, own)
        made.append((out, behind(learner, out, own, reference(*tensors)), tensors))
    for turn in range(2):
        for at, (out, about, tensors) in enumerate(made):
            other = turn == 1 and at > 0
            grad = reference(*tensors).sin() if other else reference(*tensors).cos()
            when = ("", f"when pull is called a second time{', with another gradient' * other}")[turn]
            found = gradients_through(out, about, grad, names)
            for name, got, want in zip(names, found, torch_gradients(reference, grad, tensors, {}), strict=True):
                same(got, want, f"in the gradient of {name} {when}".rstrip())


def applied(f: Ref, inputs: Sequence[Ref], when: str = "", **options) -> Ref:
    try:
        out = f(*inputs, **options)
    except Raised as error:
        error.when = when
        raise
    if not isinstance(out, Ref):
        raise Mismatch("does not return a Value.", NODES, got=out)
    return out


def behind(learner, out: Ref, inputs: Sequence[Ref], want: Tensor, when: str = "") -> dict:
    """What a result remembers. Raises `Mismatch` if it is no Value, or holds something else than `want`."""
    about = dict(learner.given.value_ancestry(out, list(inputs)))
    if about["data"] is None:
        raise Mismatch("does not return a Value.", NODES, got=out)
    try:
        same(about["data"], want, when)
    except Mismatch as mismatch:
        mismatch.got = out  # so that the message names the operation and not its attribute
        raise
    return about


def torch_gradients(reference: Callable, grad: Tensor, tensors: Sequence[Tensor], options: dict) -> list[Tensor]:
    """What torch's own autograd gives on the same expression."""
    free = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    return list(torch.autograd.grad((reference(*free, **options) * grad).sum(), free))


def untouched(contents: Sequence[tuple], tensors: Sequence[Tensor], names: Sequence[str], by=None) -> None:
    """Raises `Mismatch` if an input has changed: `by` the operation that gave this result, else by a pull."""
    for name, (data, grad), before in zip(names, contents, tensors, strict=True):
        if not torch.equal(data, before):
            raise Mismatch(f"changes {name}.data.", "  The gradients of other results need it as it was.", got=by)
        if grad is not None:
            raise Mismatch(f"sets {name}.grad.", "  Gradients are only returned; backward gathers them.", got=by)


def gradients_through(out: Ref, about: dict, grad: Tensor, names: Sequence[str]) -> list[Tensor]:
    """The gradient of each input, pulled from the result through all that lies between.

    `about["pulled"]` becomes what the result's own pull has returned.
    """
    nodes, parents = about["nodes"], about["parents"]
    if None in parents:
        raise Mismatch("has something among its parents that is no Value.", NODES, got=out)
    for name, place in zip(names, about["inputs"], strict=True):
        if place < 0:
            raise Mismatch(f"leaves {name} out of its parents: no gradient can reach it.", NODES, got=out)
    waiting = {0: grad}
    for place in downwards(parents):
        if place in waiting and parents[place]:
            parts = pulled(nodes[place], waiting[place], parents[place])
            about.setdefault("pulled", parts)
            for parent, part in zip(parents[place], parts, strict=True):
                if part is not None:
                    waiting[parent] = part if parent not in waiting else waiting[parent] + part
    for name, place in zip(names, about["inputs"], strict=True):
        if place not in waiting:
            raise Mismatch(f"has a pull that gives no gradient for {name}.", got=out)
    return [waiting[place] for place in about["inputs"]]


def pulled(node: Ref, grad: Tensor, parents: Sequence[int]) -> Sequence:
    """What a node's own pull gives: one gradient or None for each parent."""
    found = node.pull(grad)
    if isinstance(found, Tensor):
        raise Mismatch(
            "returned a tensor, expected one gradient per parent in a tuple.",
            "  With one parent that is (gradient,), with the comma.",
            got=found,
        )
    if found is None:
        raise Mismatch("returned None, expected one gradient per parent in a tuple.")
    if isinstance(found, Ref) and found._about.get("kind") == "iterator":
        found = list(found)
    if not isinstance(found, (tuple, list)) or not all(part is None or isinstance(part, Tensor) for part in found):
        raise Mismatch("returned something else than a tuple of tensors, one gradient per parent.", got=found)
    if len(found) != len(parents):
        raise Mismatch(f"returned {len(found)} gradients for {len(parents)} parents.", got=found)
    return found


def downwards(parents: Sequence[Sequence[int]]) -> list[int]:
    """The places of the nodes, each after all that were computed from it."""
    users = [0] * len(parents)
    for places in parents:
        for place in places:
            users[place] += 1
    ready, order = [0], []
    while ready:
        order.append(ready.pop())
        for place in parents[order[-1]]:
            users[place] -= 1
            if users[place] == 0:
                ready.append(place)
    return order
