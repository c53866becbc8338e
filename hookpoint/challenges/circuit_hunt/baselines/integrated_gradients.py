"""Integrated gradients: the slopes on 16 steps from the input to the donor."""

import torch
from torch import Tensor
from torch.nn import functional as F

STEPS = 16


def rank_edges(nodes, edges, written, run, gradient) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    tokens, donors = torch.randint(5, (2, 128, 8), generator=generator)
    untouched, replaced = run(tokens, donors, torch.tensor([[0.0], [1.0]]).expand(-1, len(edges)))
    weight = F.one_hot(untouched.argmax(-1), 5).float() - F.one_hot(replaced.argmax(-1), 5).float()
    from_embed = torch.tensor([float(sender == "embed") for sender, _, _ in edges])
    total = torch.zeros(len(edges))
    for step in range(STEPS):
        total += gradient(tokens, donors, from_embed * (step + 0.5) / STEPS, weight).sum(dim=0)
    return total.abs()
