# %% right="counts the uses first (Kahn)"
import torch


def backward(root):
    uses, found = {}, [root]
    for value in found:
        for parent in value.parents:
            if id(parent) not in uses:
                uses[id(parent)] = 0
                found.append(parent)
            uses[id(parent)] += 1
    grads, ready = {id(root): torch.ones_like(root.data)}, [root]
    while ready:
        value = ready.pop()
        grad = grads.pop(id(value))
        if not value.parents:
            value.grad = grad.clone() if value.grad is None else value.grad + grad
            continue
        for parent, part in zip(value.parents, value.pull(grad)):
            grads[id(parent)] = part if id(parent) not in grads else grads[id(parent)] + part
            uses[id(parent)] -= 1
            if uses[id(parent)] == 0:
                ready.append(parent)


# %% right="keeps a gradient in every Value, and clears those in between first"
import torch


def backward(root):
    order, seen, stack = [], set(), [(root, iter(root.parents))]
    seen.add(root)
    while stack:
        value, parents = stack[-1]
        parent = next(parents, None)
        if parent is None:
            order.append(value)
            stack.pop()
        elif parent not in seen:
            seen.add(parent)
            stack.append((parent, iter(parent.parents)))
    for value in order:
        if value.parents:
            value.grad = None
    ones = torch.ones_like(root.data)
    root.grad = ones if root.grad is None else root.grad + ones
    for value in reversed(order):
        if value.parents:
            for parent, part in zip(value.parents, value.pull(value.grad)):
                parent.grad = part if parent.grad is None else parent.grad + part


# %% right="a heap by depth"
import heapq
import itertools

import torch


def backward(root):
    depth, stack = {}, [root]
    while stack:
        value = stack[-1]
        missing = [parent for parent in value.parents if parent not in depth]
        if missing:
            stack.extend(missing)
        else:
            depth[value] = 1 + max((depth[parent] for parent in value.parents), default=0)
            stack.pop()
    tie = itertools.count()
    heap, grads = [(-depth[root], next(tie), root)], {root: torch.ones(root.data.shape, dtype=root.data.dtype)}
    while heap:
        value = heapq.heappop(heap)[2]
        grad = grads.pop(value)
        if value.pull is None:
            value.grad = grad if value.grad is None else grad + value.grad
            continue
        for parent, part in zip(value.parents, value.pull(grad)):
            if parent not in grads:
                heapq.heappush(heap, (-depth[parent], next(tie), parent))
                grads[parent] = torch.zeros_like(parent.data)
            grads[parent] = grads[parent] + part


# %% right="lists of parts, added up when their Value's turn comes"
import torch
from collections import defaultdict


def backward(root):
    order, state, todo = [], {}, [root]
    while todo:
        value = todo[-1]
        if state.get(value) == "done":
            todo.pop()
        elif state.get(value) == "open":
            state[value] = "done"
            order.append(todo.pop())
        else:
            state[value] = "open"
            todo += [parent for parent in value.parents if parent not in state]
    parts = defaultdict(list)
    parts[root].append(torch.ones_like(root.data))
    for value in order[::-1]:
        total = sum(parts.pop(value))
        if value.parents:
            for parent, part in zip(value.parents, value.pull(total)):
                parts[parent].append(part)
        else:
            value.grad = total if value.grad is None else value.grad + total


# %% right="recursion with a raised limit, own accumulators edited in place"
import sys

import torch


def backward(root):
    order, known = [], set()

    def visit(value):
        if value in known:
            return
        known.add(value)
        for parent in value.parents:
            visit(parent)
        order.append(value)

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(50_000)
    try:
        visit(root)
    finally:
        sys.setrecursionlimit(limit)
    total = {value: torch.zeros_like(value.data) for value in order}
    total[root] += 1
    for value in reversed(order):
        if value.parents:
            for parent, part in zip(value.parents, value.pull(total[value].clone())):
                total[parent] += part
        else:
            value.grad = total[value] + (0 if value.grad is None else value.grad)


# %% right="annotated as in the notebook"
import torch
from torch import Tensor


def backward(root: Value) -> None:
    ordered: list[Value] = []
    met: set[Value] = set()
    path: list[tuple[Value, int]] = [(root, 0)]
    while path:
        value, at = path.pop()
        if at == 0 and value in met:
            continue
        met.add(value)
        if at < len(value.parents):
            path += [(value, at + 1), (value.parents[at], 0)]
        else:
            ordered.append(value)
    gradient: dict[Value, Tensor] = {value: torch.zeros_like(value.data) for value in ordered}
    gradient[root] = torch.ones_like(root.data)
    while ordered:
        value = ordered.pop()
        if value.parents:
            for parent, part in zip(value.parents, value.pull(gradient[value])):
                gradient[parent] = gradient[parent] + part
        elif value.grad is None:
            value.grad = gradient[value]
        else:
            value.grad = value.grad + gradient[value]


# %% wrong="marks a Value as met when it is pushed, and takes the order of the pushes"
import torch


def backward(root):
    order, met = [root], {root}
    stack = [root]
    while stack:
        value = stack.pop()
        for parent in value.parents:
            if parent not in met:
                met.add(parent)
                stack.append(parent)
                order.append(parent)
    grads = {value: torch.zeros_like(value.data) for value in order}
    grads[root] += 1
    for value in order:
        if value.parents:
            for parent, part in zip(value.parents, value.pull(grads[value].clone())):
                grads[parent] = grads[parent] + part
        else:
            value.grad = grads[value] if value.grad is None else value.grad + grads[value]


# %% wrong="the sweep goes from the leaves up"
import torch


def backward(root):
    order, met = [], set()

    def visit(value):
        if value not in met:
            met.add(value)
            for parent in value.parents:
                visit(parent)
            order.append(value)

    visit(root)
    root.grad = torch.ones_like(root.data)
    for value in order:
        if value.parents and value.grad is not None:
            for parent, part in zip(value.parents, value.pull(value.grad)):
                parent.grad = part if parent.grad is None else parent.grad + part


# %% wrong="a Value is known by its numbers"
import torch


def backward(root):
    order, met, stack = [], [], [(root, False)]
    while stack:
        value, done = stack.pop()
        if done:
            order.append(value)
        elif not any(v.data.shape == value.data.shape and torch.equal(v.data, value.data) for v in met[-5:]):
            met.append(value)
            stack.append((value, True))
            stack += [(parent, False) for parent in value.parents]
    grads = {root: torch.ones_like(root.data)}
    for value in reversed(order):
        grad = grads.pop(value, torch.zeros_like(value.data))
        if not value.parents:
            value.grad = grad if value.grad is None else value.grad + grad
            continue
        for parent, part in zip(value.parents, value.pull(grad)):
            grads[parent] = grads[parent] + part if parent in grads else part


# %% wrong="the gradient of a leaf is averaged over calls"
import torch


def backward(root):
    order, met, stack = [], set(), [(root, False)]
    while stack:
        value, done = stack.pop()
        if done:
            order.append(value)
        elif value not in met:
            met.add(value)
            stack.append((value, True))
            stack += [(parent, False) for parent in value.parents]
    grads = {root: torch.ones_like(root.data)}
    for value in reversed(order):
        grad = grads.pop(value)
        if not value.parents:
            value.grad = grad if value.grad is None else (value.grad + grad) / 2
            continue
        for parent, part in zip(value.parents, value.pull(grad)):
            grads[parent] = grads[parent] + part if parent in grads else part


# %% wrong="calls a pull again for each new piece of gradient"
import torch


def backward(root):
    todo = [(root, torch.ones_like(root.data))]
    for value, grad in todo:
        if not value.parents:
            value.grad = grad if value.grad is None else value.grad + grad
        else:
            todo.extend(zip(value.parents, value.pull(grad)))


# %% wrong="a set of edges, so x + x counts once"
import torch


def backward(root):
    order, met, stack = [], set(), [(root, False)]
    while stack:
        value, done = stack.pop()
        if done:
            order.append(value)
        elif value not in met:
            met.add(value)
            stack.append((value, True))
            stack += [(parent, False) for parent in value.parents]
    grads = {root: torch.ones_like(root.data)}
    for value in reversed(order):
        grad = grads.pop(value)
        if not value.parents:
            value.grad = grad if value.grad is None else value.grad + grad
            continue
        for parent, part in dict(zip(value.parents, value.pull(grad))).items():
            grads[parent] = grads[parent] + part if parent in grads else part


# %% wrong="an order that is only found for a thousand steps"
import torch


def backward(root):
    order, known = [], set()

    def visit(value, depth=0):
        if value in known or depth > 900:
            return
        known.add(value)
        for parent in value.parents:
            visit(parent, depth + 1)
        order.append(value)

    visit(root)
    grads = {root: torch.ones_like(root.data)}
    for value in reversed(order):
        grad = grads.pop(value)
        if not value.parents:
            value.grad = grad if value.grad is None else value.grad + grad
            continue
        for parent, part in zip(value.parents, value.pull(grad)):
            grads[parent] = grads[parent] + part if parent in grads else part


# %% wrong="no gradient for a root without parents"
import torch


def backward(root):
    if not root.parents:
        return
    order, met, stack = [], set(), [(root, False)]
    while stack:
        value, done = stack.pop()
        if done:
            order.append(value)
        elif value not in met:
            met.add(value)
            stack.append((value, True))
            stack += [(parent, False) for parent in value.parents]
    grads = {root: torch.ones_like(root.data)}
    for value in reversed(order):
        grad = grads.pop(value)
        if not value.parents:
            value.grad = grad if value.grad is None else value.grad + grad
            continue
        for parent, part in zip(value.parents, value.pull(grad)):
            grads[parent] = grads[parent] + part if parent in grads else part


# %% wrong="zeros for those below that have none, and every pull in float64"
import torch


def backward(root):
    order, met, stack = [], set(), [(root, False)]
    while stack:
        value, done = stack.pop()
        if done:
            order.append(value)
        elif value not in met:
            met.add(value)
            stack.append((value, True))
            stack += [(parent, False) for parent in value.parents]
    grads = {root: torch.ones(root.data.shape, dtype=torch.float64)}
    for value in reversed(order):
        grad = grads.pop(value)
        if not value.parents:
            value.grad = grad if value.grad is None else value.grad + grad
            continue
        for parent, part in zip(value.parents, value.pull(grad)):
            grads[parent] = grads[parent] + part if parent in grads else part


# %% wrong="leaves are cut off after the first call"
import torch


def backward(root):
    order, met, stack = [], set(), [(root, False)]
    while stack:
        value, done = stack.pop()
        if done:
            order.append(value)
        elif value not in met:
            met.add(value)
            stack.append((value, True))
            stack += [(parent, False) for parent in value.parents]
    grads = {root: torch.ones_like(root.data)}
    for value in reversed(order):
        grad = grads.pop(value)
        if not value.parents:
            value.grad = grad if value.grad is None else value.grad + grad
            continue
        for parent, part in zip(value.parents, value.pull(grad)):
            grads[parent] = grads[parent] + part if parent in grads else part
        value.parents = ()


# %% wrong="parts that are 0 are not handed on"
import torch


def backward(root):
    order, met, stack = [], set(), [(root, False)]
    while stack:
        value, done = stack.pop()
        if done:
            order.append(value)
        elif value not in met:
            met.add(value)
            stack.append((value, True))
            stack += [(parent, False) for parent in value.parents]
    grads = {root: torch.ones_like(root.data)}
    for value in reversed(order):
        if value not in grads:
            continue
        grad = grads.pop(value)
        if not value.parents:
            value.grad = grad if value.grad is None else value.grad + grad
            continue
        for parent, part in zip(value.parents, value.pull(grad)):
            if part.any():
                grads[parent] = grads[parent] + part if parent in grads else part


# %% wrong="Kahn counts a parent once"
import torch


def backward(root):
    uses, seen, todo = {}, {root}, [root]
    while todo:
        v = todo.pop()
        for p in set(v.parents):
            uses[p] = uses.get(p, 0) + 1
            if p not in seen:
                seen.add(p)
                todo.append(p)
    grads, ready = {root: torch.ones_like(root.data)}, [root]
    while ready:
        v = ready.pop()
        g = grads[v]
        if not v.parents:
            v.grad = g if v.grad is None else v.grad + g
            continue
        for p, part in zip(v.parents, v.pull(g)):
            grads[p] = grads[p] + part if p in grads else part
            uses[p] -= 1
            if uses[p] == 0:
                ready.append(p)


# %% wrong="a leaf as root is set, not added to"
import torch


def backward(root):
    if not root.parents:
        root.grad = torch.ones_like(root.data)
        return
    order, met, stack = [], set(), [(root, False)]
    while stack:
        value, done = stack.pop()
        if done:
            order.append(value)
        elif value not in met:
            met.add(value)
            stack.append((value, True))
            stack.extend((p, False) for p in value.parents)
    grads = {root: torch.ones_like(root.data)}
    for value in reversed(order):
        grad = grads.pop(value)
        if not value.parents:
            value.grad = grad if value.grad is None else value.grad + grad
            continue
        for p, part in zip(value.parents, value.pull(grad)):
            grads[p] = grads[p] + part if p in grads else part


# %% right="graphlib"
from graphlib import TopologicalSorter
import torch


def backward(root):
    graph, todo = {}, [root]
    while todo:
        value = todo.pop()
        if value not in graph:
            graph[value] = set(value.parents)
            todo += value.parents
    grads = {value: [] for value in graph}
    grads[root].append(torch.ones_like(root.data))
    for value in list(TopologicalSorter(graph).static_order())[::-1]:
        total = sum(grads[value])
        if value.parents:
            for parent, part in zip(value.parents, value.pull(total), strict=True):
                grads[parent].append(part)
        elif value.grad is None:
            value.grad = total
        else:
            value.grad = value.grad + total
