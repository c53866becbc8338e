"""Finds the heads that cancel by adding up what they write where it counts, then patches what is left.

A head of a cancelling group looks needed when it is patched alone, and to any gradient. A group gives itself away in
what its heads write: it changes much from input to input in each, and not at all in the sum. But every head also writes
scraps that nobody reads, and those do not cancel. So:

1. Every node is replaced as a whole, a pass each. Those that move no logit are idle.
2. Idle heads write where nothing that counts reads. The directions that they span are taken out of everybody's writing.
3. Sets of heads of one layer whose changes now nearly cancel are replaced together. Where that does nothing, none of
   them is in the circuit.
4. Between the nodes that are left there are some seventy edges: each is patched alone, and ranked by what that does.
"""

from itertools import combinations

import torch
from torch import Tensor

BUDGET = 200
IDLE = 0.2  # of the effect of replacing all inputs
CANCELS = 0.35  # the size of a sum over the sum of the sizes
TRIALS = 30


def rank_edges(nodes, edges, written, run, gradient) -> Tensor:
    tokens, donors = torch.randint(5, (2, 64, 8), generator=torch.Generator().manual_seed(0))
    from_node = {node: torch.tensor([float(sender == node) for sender, _, _ in edges]) for node in nodes}
    (untouched,) = run(tokens, donors, torch.zeros(1, len(edges)))

    def effects(dials: Tensor) -> Tensor:
        return (run(tokens, donors, dials) - untouched).abs().mean(dim=(1, 2, 3))

    worth = effects(torch.stack(list(from_node.values())))
    idle = worth < IDLE * worth[0]
    own, donor = (written(one).permute(2, 0, 1, 3).flatten(1, 2) for one in (tokens, donors))  # [node, place, d_model]
    heads = torch.tensor([isinstance(node[0], int) for node in nodes])
    change = without(donor - own, own[idle & heads].flatten(0, 1))

    trials = likely_groups(nodes, change, heads & ~idle)[:TRIALS]
    together = effects(torch.stack([sum(from_node[nodes[number]] for number in group) for group in trials]))
    decoys = {number for group, one in zip(trials, together, strict=True) if one < IDLE * worth[0] for number in group}

    live = {node for number, node in enumerate(nodes) if not idle[number] and number not in decoys} | {"logits"}
    inside = [number for number, (sender, receiver, _) in enumerate(edges) if {sender, receiver} <= live]
    left = BUDGET - 3 - len(nodes) - len(trials)
    score = torch.zeros(len(edges))
    score[inside[:left]] = effects(torch.eye(len(edges))[inside[:left]])
    return score


def without(change: Tensor, unread: Tensor) -> Tensor:
    """The changes without the directions that the rows of `unread` span."""
    _, size, directions = torch.linalg.svd(unread, full_matrices=False)
    # Where the sizes drop most, noise begins.
    rank = int((size[:20] / size[1:21]).argmax()) + 1
    directions = directions[:rank]
    return change - change @ directions.T @ directions


def likely_groups(nodes, change: Tensor, heads: Tensor) -> list[list[int]]:
    """Sets of two to four heads of a layer whose changes nearly cancel, the most perfect first."""
    size = change.flatten(1).norm(dim=1)
    found = []
    for layer in sorted({node[0] for node in nodes if isinstance(node[0], int)}):
        here = [number for number, node in enumerate(nodes) if node[0] == layer and heads[number]]
        for group in (list(one) for n in (2, 3, 4) for one in combinations(here, n)):
            share = (change[group].sum(dim=0).norm() / size[group].sum()).item()
            found += [(share, group)] if share < CANCELS else []
    return [group for _, group in sorted(found)]
