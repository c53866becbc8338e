"""Graphs for the checks of `backward`, made by ours, and what torch's own autograd gives on the same ones."""

import torch
from torch import Tensor

from hookpoint.checks.author import Mismatch, Ref, same

__all__ = ["Sum", "expect", "left_as", "pulls_once", "total"]

Sum = tuple[list[int], list[Tensor | None] | None]


def total(leaves: list[Tensor], sums: list[Sum], root: int = -1) -> list[Tensor | None]:
    """The gradient of the root's entries, added up, with respect to each leaf; None where it does not depend on it."""
    free = [leaf.detach().clone().requires_grad_() for leaf in leaves]
    values: list[Tensor] = list(free)
    for places, factors in sums:
        if factors is None:
            values.append(values[places[0]].sum())
        else:
            values.append(sum(values[p] * (1.0 if f is None else f) for p, f in zip(places, factors, strict=True)))
    return list(torch.autograd.grad(values[root].sum(), free, allow_unused=True))


def expect(learner, leaves: list[Ref], want: list[Tensor | None], when: str = "") -> None:
    """Raises `Mismatch` unless each leaf's grad is the one expected."""
    contents = learner.given.value_contents(leaves)
    for number, ((_, got), expected) in enumerate(zip(contents, want, strict=True), start=1):
        which = f"in the grad of leaf {number} of {len(leaves)}" if len(leaves) > 1 else "in the grad of the leaf"
        where = f"{which} {when}".rstrip()
        if got is None and expected is not None:
            raise Mismatch(f"leaves None {where}, expected a gradient.")
        if expected is None and got is not None:
            raise Mismatch(f"gives a gradient {where}, on which the root does not depend.")
        if expected is not None:
            left_as(got, expected, where)


def left_as(got: Tensor, want: Tensor, where: str) -> None:
    """Like `same`, in words for what a function leaves behind."""
    try:
        same(got, want, where)
    except Mismatch as mismatch:
        fact = mismatch.fact.replace("has the right shape but the wrong values", "leaves the wrong values")
        raise Mismatch(fact.replace("returned", "leaves"), *mismatch.lines, got=mismatch.got) from None


def pulls_once(learner, values: list[Ref], of: int) -> None:
    """Raises `Mismatch` unless every pull of these Values has been called exactly once."""
    counts = learner.given.value_calls(values[of:])
    if any(count != 1 for count in counts):
        most = max(counts, key=lambda count: abs(count - 1))
        raise Mismatch(
            f"calls one pull {most} times.",
            f"  The graph has {len(counts)} Values with a pull; each is to be called once, with its whole gradient.",
        )
