"""The answer key of a program: which node does what, and what every edge carries. Read off the names, never measured.

Nodes are named as notebooks name them: `"embed"` (token and position together), `(layer, head)`, `("mlp", layer)` and
`"logits"`. An edge is a sender, a receiver and the input of the receiver that reads it: q, k or v of a head, "mlp", or
"logits". It is in the key if what it carries can reach the logits, so what only idle decoys read is not.
"""

import math
from collections.abc import Iterator

from .program import ROLES, Node, Program

Key = dict[str, list[dict]]


def answer_key(program: Program) -> Key:
    """The key as plain lists and dicts, fit for JSON: a node is a string or a list of two.

    Returns:
        `{"nodes": [{"node", "role", "does"}], "edges": [{"sender", "receiver", "input", "carries", "role"}]}`;
        `carries` lists variables. An edge has its sender's role, or its receiver's if the sender is in the circuit.
    """
    edges: dict[tuple, dict] = {}
    for sender, receiver, at, variable, role in _flows(program):
        fresh = {"sender": as_json(sender), "receiver": as_json(receiver), "input": at, "carries": [], "role": role}
        edge = edges.setdefault((sender, receiver, at), fresh)
        # An MLP may hold neurons of several kinds; its edge is the circuit's if one of them is.
        edge["role"] = min(edge["role"], role, key=ROLES.index)
        if variable not in edge["carries"]:
            edge["carries"].append(variable)
    return {"nodes": _nodes(program), "edges": list(edges.values())[::-1]}


def nodes_of(key: Key, *roles: str) -> set[Node]:
    """The nodes with one of these roles, by default of any role, as the tuples that code uses."""
    return {as_node(entry["node"]) for entry in key["nodes"] if entry["role"] in (roles or ROLES)}


def edges_of(key: Key, *roles: str) -> set[tuple[Node, Node, str]]:
    """The edges with one of these roles, by default of any role, as `(sender, receiver, input)`."""
    listed = (entry for entry in key["edges"] if entry["role"] in (roles or ROLES))
    return {(as_node(entry["sender"]), as_node(entry["receiver"]), entry["input"]) for entry in listed}


def as_json(node: Node) -> str | list:
    """The node as JSON holds it."""
    return node if isinstance(node, str) else list(node)


def as_node(name: str | list) -> Node:
    """The node that a name in a key stands for."""
    return name if isinstance(name, str) else tuple(name)


def _nodes(program: Program) -> list[dict]:
    """Every head and MLP; an MLP that holds circuit neurons is the circuit's."""
    entries: dict[Node, dict] = {}
    for node, part in program.parts():
        known = entries.get(node)
        if known is None or ROLES.index(part.role) < ROLES.index(known["role"]):
            entries[node] = {"node": as_json(node), "role": part.role, "does": part.does}
    return list(entries.values())


def _flows(program: Program) -> Iterator[tuple[Node, Node, str, str, str]]:
    """(sender, receiver, input, variable, role) of everything that can reach the logits, from the logits backwards."""
    parts = list(program.parts())
    readers = [(node, part.reads, part.role) for node, part in parts]
    readers.append(("logits", {"logits": set(program.logits)}, "circuit"))
    live = {len(parts)}
    # Senders come before their receivers, so each part's readers have been seen when its turn comes.
    for number in filter(live.__contains__, reversed(range(len(readers)))):
        receiver, reads, role = readers[number]
        for at, variable in [(at, variable) for at, names in reads.items() for variable in sorted(names)]:
            if variable in program.token or variable in program.position:
                yield "embed", receiver, at, variable, role
            for earlier, (sender, part) in enumerate(parts):
                if variable in part.writes and _place(sender) < _place(receiver):
                    live.add(earlier)
                    yield sender, receiver, at, variable, role if part.role == "circuit" else part.role


def _place(node: Node) -> tuple[float, int]:
    """Where a node stands in the computation; the heads of one layer stand in the same place."""
    if node == "logits":
        return math.inf, 0
    return (node[1], 1) if node[0] == "mlp" else (node[0], 0)
