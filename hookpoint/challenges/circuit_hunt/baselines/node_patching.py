"""Node patching: an edge is worth what the weaker of its two ends is worth."""

import torch
from torch import Tensor


def rank_edges(nodes, edges, written, run, gradient) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    tokens, donors = torch.randint(5, (2, 64, 8), generator=generator)
    all_of_it = [torch.tensor([float(sender == node) for sender, _, _ in edges]) for node in nodes]
    untouched, *patched = run(tokens, donors, torch.stack([torch.zeros(len(edges)), *all_of_it]))
    worth = {node: (logits - untouched).abs().mean() for node, logits in zip(nodes, patched, strict=True)}
    worth["logits"] = max(worth.values())
    return torch.stack([torch.minimum(worth[sender], worth[receiver]) for sender, receiver, _ in edges])
