"""How often an edge of this kind is in the circuits of 40 random programs; never looks at the model."""

from collections import Counter

import torch

from hookpoint.zoo.compile import answer_key, edges_of
from hookpoint.zoo.compile.lookups import program


def rank_edges(nodes, edges, written, run, gradient) -> list[float]:
    circuits = [answer_key(program(torch.Generator().manual_seed(seed))) for seed in range(40)]
    seen = Counter(kind(edge) for key in circuits for edge in edges_of(key) if tells(key, edge))
    here = Counter(map(kind, edges))
    return [seen[kind(edge)] / here[kind(edge)] for edge in edges]


def kind(edge) -> tuple:
    """The edge without the numbers of the heads."""
    sender, receiver, at = edge
    return tuple(node if isinstance(node, str) or node[0] == "mlp" else node[0] for node in (sender, receiver)) + (at,)


def tells(key, edge) -> bool:
    """Whether the edge carries more than places."""
    (entry,) = [one for one in key["edges"] if edges_of({"edges": [one]}) == {edge}]
    return set(entry["carries"]) != {"position"}
