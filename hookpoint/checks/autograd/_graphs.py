"""Graphs for the checks of `backward`, made by ours, and what torch's own autograd gives on the same ones."""

from collections.abc import Sequence

import torch
from torch import Tensor

from hookpoint.checks.author import Mismatch, Ref, same

__all__ = ["Graph", "emptied", "expect", "left_as", "planted", "pulls_once"]

Sum = tuple[list[int], list[Tensor | None] | None]


class Graph:
    """Leaves, and sums over Values before them: the places of the parents, with a factor each.

    A factor None hands the gradient on as it is; None in place of all factors adds up the entries of the one parent.
    """

    def __init__(self, leaves: list[Tensor], sums: list[Sum], when: str = "", dtype: torch.dtype = torch.float64):
        self.leaves, self.when = [leaf.to(dtype) for leaf in leaves], when
        self.sums = [(at, factors and [None if f is None else f.to(dtype) for f in factors]) for at, factors in sums]

    def values(self, leaves: Sequence[Tensor] = ()) -> list[Tensor]:
        """The numbers of every Value, leaves first."""
        values = list(leaves or self.leaves)
        for places, factors in self.sums:
            if factors is None:
                values.append(values[places[0]].sum())
            else:
                values.append(sum(values[p] * (1.0 if f is None else f) for p, f in zip(places, factors, strict=True)))
        return values

    def gradients(self, root: int = -1) -> list[Tensor | None]:
        """Of the root's entries, added up, with respect to each leaf; None where it does not depend on it."""
        free = [leaf.clone().requires_grad_() for leaf in self.leaves]
        return list(torch.autograd.grad(self.values(free)[root].sum(), free, allow_unused=True))


def planted(learner, graphs: Sequence[Graph]) -> list[list[Ref]]:
    """The learner's Values of each graph, leaves first. The graphs have nothing in common."""
    leaves = [leaf for graph in graphs for leaf in graph.leaves]
    places, sums, seen = [], [], 0
    for graph in graphs:
        own = list(range(seen, seen + len(graph.leaves)))
        seen += len(own)
        for parents, factors in graph.sums:
            sums.append(([own[parent] for parent in parents], factors))
            own.append(len(leaves) + len(sums) - 1)
        places.append(own)
    values = learner.given.value_web(leaves, sums)
    return [[values[place] for place in own] for own in places]


def expect(contents: Sequence[tuple], want: Sequence[Tensor | None], when: str = "") -> None:
    """Raises `Mismatch` unless each leaf's grad is the one expected."""
    for number, ((_, got), expected) in enumerate(zip(contents, want, strict=True), start=1):
        which = f"in the grad of leaf {number} of {len(want)}" if len(want) > 1 else "in the grad of the leaf"
        where = f"{which} {when}".rstrip()
        if got is None and expected is not None:
            raise Mismatch(f"leaves None {where}, expected a gradient.")
        if expected is None and got is not None:
            raise Mismatch(f"gives a gradient {where}, on which the root does not depend.")
        if expected is not None:
            left_as(got, expected, where)


def emptied(contents: Sequence[tuple]) -> None:
    """Raises `Mismatch` unless every grad is None or zeros."""
    for number, (data, grad) in enumerate(contents, start=1):
        if grad is not None and not (isinstance(grad, Tensor) and grad.shape == data.shape and not grad.any()):
            raise Mismatch(f"leaves something in the grad of parameter {number}, expected None or zeros.")


def left_as(got: Tensor, want: Tensor, where: str) -> None:
    """Like `same`, in words for what a function leaves behind."""
    try:
        same(got, want, where)
    except Mismatch as mismatch:
        fact = mismatch.fact.replace("has the right shape but the wrong values", "leaves the wrong values")
        raise Mismatch(fact.replace("returned", "leaves"), *mismatch.lines, got=mismatch.got) from None


def pulls_once(learner, groups: Sequence[Sequence[Ref]]) -> None:
    """Raises `Mismatch` unless every pull of these Values, graph by graph, has been called exactly once."""
    calls = iter(learner.given.value_calls([value for group in groups for value in group]))
    for group in groups:
        counts = [next(calls) for _ in group]
        most = max(counts, key=lambda count: abs(count - 1))
        if most != 1:
            raise Mismatch(
                f"calls one pull {most} times.",
                f"  The graph has {len(counts)} Values with a pull: each is called once, with its whole gradient.",
            )
