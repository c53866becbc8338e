"""What notebook 00b computes with: the class `Value`, graphs made of it, and a look at what a result remembers.

The graphs are sums of weighted Values, so that a check of `backward` needs none of the learner's operations.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

__all__ = ["TOOLS", "Value"]

MOST_NODES = 500
MOST_CALLS = 5_000


@dataclass(eq=False)
class Value:
    """The notebook's own class."""

    data: Tensor
    parents: tuple = field(default=(), repr=False)
    pull: Callable | None = field(default=None, repr=False)
    grad: Tensor | None = None


def leaf_values(tensors: list[Tensor]) -> list[Value]:
    """Values that were computed from nothing."""
    return [Value(tensor) for tensor in tensors]


def value_contents(values: list[Value]) -> list[tuple[Tensor, Tensor | None]]:
    """What is in `data` and `grad` of each Value now."""
    return [(value.data, value.grad) for value in values]


def set_value_grads(values: list[Value], grads: list[Tensor | None]) -> list[tuple[Tensor, Tensor | None]]:
    """Replaces the gradients; gives what was in `data` and `grad` until then."""
    before = value_contents(values)
    for value, grad in zip(values, grads, strict=True):
        value.grad = grad
    return before


def value_ancestry(value: Any, inputs: list[Value]) -> dict[str, Any]:
    """The graph behind a result: its nodes, the places of their parents, and the places of `inputs` (-1: not there).

    Of something that is no Value, the list of parents is None. Nothing is looked for behind an input. Beside it the
    result's `data` (None if it has none), and what each input holds.
    """
    nodes, parents, known = [value], [], {id(value): 0}
    for node in nodes:
        found = () if any(node is one for one in inputs) else getattr(node, "parents", None)
        if not isinstance(found, (tuple, list)) or not hasattr(node, "data"):
            parents.append(None)
            continue
        for parent in found:
            if id(parent) not in known and len(nodes) < MOST_NODES:
                known[id(parent)] = len(nodes)
                nodes.append(parent)
        parents.append([known[id(parent)] for parent in found])
    return {
        "nodes": nodes,
        "parents": parents,
        "inputs": [known.get(id(one), -1) for one in inputs],
        "data": getattr(value, "data", None),
        "contents": value_contents(inputs),
    }


class Weighted:
    """The pull of a weighted sum. A factor None hands the gradient on as it is: the same tensor, to every such parent.

    Counts its calls, and stops the one who calls it without an end.
    """

    def __init__(self, factors: list[Tensor | None]):
        self.factors, self.count = factors, 0

    def __call__(self, grad: Tensor) -> tuple[Tensor, ...]:
        self.count += 1
        if self.count > MOST_CALLS:
            raise RuntimeError(f"the pull of one Value has been called {MOST_CALLS:,} times")
        return tuple(grad if factor is None else grad * factor for factor in self.factors)


class Spread(Weighted):
    """The pull of a sum over all entries: a view in which every entry is the same number in memory."""

    def __init__(self, shape: torch.Size):
        super().__init__([])
        self.shape = shape

    def __call__(self, grad: Tensor) -> tuple[Tensor, ...]:
        super().__call__(grad)
        return (grad.expand(self.shape),)


def value_web(leaves: list[Tensor], sums: list[tuple[list[int], list[Tensor | None] | None]]) -> list[Value]:
    """Values of a graph, leaves first. Each sum has the places of its parents and a factor for each.

    With None in place of the factors it adds up all entries of its one parent.
    """
    values = [Value(tensor) for tensor in leaves]
    for places, factors in sums:
        parents = tuple(values[place] for place in places)
        if factors is None:
            values.append(Value(parents[0].data.sum(), parents, Spread(parents[0].data.shape)))
        else:
            terms = [p.data if f is None else p.data * f for p, f in zip(parents, factors, strict=True)]
            values.append(Value(sum(terms[1:], start=terms[0].clone()), parents, Weighted(factors)))
    return values


def value_calls(values: list[Value]) -> list[int]:
    """How often the pull of each Value of a web has been called; 0 for leaves."""
    return [value.pull.count if value.pull else 0 for value in values]


def value_chain(leaf: Tensor, length: int) -> list[Value]:
    """A chain in which every Value hands its gradient on: its leaf, its end, and the Value ten steps before the end."""
    chain = [Value(leaf)]
    for _ in range(length):
        chain.append(Value(chain[-1].data, (chain[-1],), Weighted([None])))
    return [chain[0], chain[-1], chain[-11]]


TOOLS = (Value, leaf_values, value_contents, set_value_grads, value_ancestry, value_web, value_calls, value_chain)
