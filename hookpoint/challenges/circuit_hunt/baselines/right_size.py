"""Patches the edges between nodes that move the logits about as far as another input does."""

import torch
from torch import Tensor

BUDGET = 200


def rank_edges(nodes, edges, written, run, gradient) -> Tensor:
    tokens, donors = torch.randint(5, (2, 64, 8), generator=torch.Generator().manual_seed(0))
    whole = [torch.tensor([float(sender == node) for sender, _, _ in edges]) for node in nodes]
    untouched, *patched = run(tokens, donors, torch.stack([torch.zeros(len(edges)), *whole]))
    effect = torch.stack([(logits - untouched).abs().mean() for logits in patched])
    apart = (effect / effect[0]).log().abs()  # the first node is "embed"
    order = {node: one for node, one in zip(nodes, apart.tolist(), strict=True)} | {"logits": 0.0}

    score = torch.tensor([-max(order[sender], order[receiver]) for sender, receiver, _ in edges]).clamp(min=-10)
    best = score.argsort(descending=True)[: BUDGET - 1 - len(nodes)]
    moved = (run(tokens, donors, torch.eye(len(edges))[best]) - untouched).abs().mean(dim=(1, 2, 3))
    score[best] = torch.where((moved / effect[0]).log().abs() < 0.4, 1.0, 0.0) + score[best] / 20
    return score
