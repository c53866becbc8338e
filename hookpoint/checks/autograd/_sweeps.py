"""Ways to write `backward` wrongly: most are one right sweep with one thing changed."""

import torch

__all__ = [
    "added_in_place",
    "breadth_first",
    "depth_first",
    "every_way",
    "first_one_wins",
    "kept_between_calls",
    "last_one_wins",
    "leaf_added_in_place",
    "one_step",
    "overwritten",
    "recursive",
    "starts_in_float32",
    "starts_with_data",
    "starts_with_mean",
    "starts_with_one_number",
    "starts_with_zeros",
]


def sorted_nodes(root):
    """The Values above the root's leaves and these themselves, parents first."""
    order, known, waiting = [], set(), [(root, False)]
    while waiting:
        node, finished = waiting.pop()
        if finished:
            order.append(node)
        elif id(node) not in known:
            known.add(id(node))
            waiting += [(node, True), *((parent, False) for parent in node.parents)]
    return order


def swept(root, start=None, order=None, settle=None, gather=None):
    """A right backward with places for mistakes: the root's gradient, the order, what a leaf does, how to add."""
    grads = {id(root): torch.ones_like(root.data) if start is None else start(root)}
    gather = gather or (lambda old, new: new if old is None else old + new)
    for node in reversed(sorted_nodes(root)) if order is None else order(root):
        if id(node) not in grads:
            continue
        if not node.parents:
            old, new = node.grad, grads[id(node)]
            node.grad = (new if old is None else old + new) if settle is None else settle(old, new)
            continue
        for parent, part in zip(node.parents, node.pull(grads[id(node)]), strict=True):
            grads[id(parent)] = gather(grads.get(id(parent)), part)


def starts_with_data(root):
    swept(root, start=lambda root: root.data)


def starts_with_zeros(root):
    swept(root, start=lambda root: root.data * 0)


def starts_with_mean(root):
    swept(root, start=lambda root: torch.ones_like(root.data) / root.data.numel())


def starts_with_one_number(root):
    swept(root, start=lambda root: torch.tensor(1.0, dtype=root.data.dtype))


def starts_in_float32(root):
    swept(root, start=lambda root: torch.ones(root.data.shape))


def breadth_first(root):
    def order(root):
        found, known = [root], {id(root)}
        for node in found:
            for parent in node.parents:
                if id(parent) not in known:
                    known.add(id(parent))
                    found.append(parent)
        return found

    swept(root, order=order)


def depth_first(root):
    def order(root):
        found, known, waiting = [], set(), [root]
        while waiting:
            node = waiting.pop()
            if id(node) not in known:
                known.add(id(node))
                found.append(node)
                waiting += node.parents[::-1]
        return found

    swept(root, order=order)


def last_one_wins(root):
    swept(root, gather=lambda old, new: new)


def first_one_wins(root):
    swept(root, gather=lambda old, new: new if old is None else old)


def every_way(root):
    waiting = [(root, torch.ones_like(root.data))]
    while waiting:
        node, grad = waiting.pop()
        if node.parents:
            waiting += zip(node.parents, node.pull(grad), strict=True)
        else:
            node.grad = grad if node.grad is None else node.grad + grad


def overwritten(root):
    swept(root, settle=lambda old, new: new)


def kept_between_calls(root):
    ones = torch.ones_like(root.data)
    root.grad = ones if root.parents or root.grad is None else root.grad + ones
    for node in reversed(sorted_nodes(root)):
        if node.parents and node.grad is not None:
            for parent, part in zip(node.parents, node.pull(node.grad), strict=True):
                parent.grad = part if parent.grad is None else parent.grad + part


def added_in_place(root):
    def gather(old, new):
        if old is None:
            return new
        old += new
        return old

    swept(root, gather=gather)


def leaf_added_in_place(root):
    def settle(old, new):
        if old is None:
            return new
        old += new
        return old

    swept(root, settle=settle)


def recursive(root):
    order, known = [], set()

    def visit(node):
        if id(node) not in known:
            known.add(id(node))
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)
    swept(root, order=lambda root: reversed(order))


def one_step(root):
    for parent, part in zip(root.parents, root.pull(torch.ones_like(root.data)), strict=True):
        parent.grad = part if parent.grad is None else parent.grad + part
