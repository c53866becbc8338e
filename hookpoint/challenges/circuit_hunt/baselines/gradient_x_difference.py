"""Gradient x difference: the slope of the answer in every dial."""

import torch
from torch import Tensor
from torch.nn import functional as F


def rank_edges(nodes, edges, written, run, gradient) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    tokens, donors = torch.randint(5, (2, 64, 8), generator=generator)
    untouched, replaced = run(tokens, donors, torch.tensor([[0.0], [1.0]]).expand(-1, len(edges)))
    # Up for the model's own answer, down for what it answers on the donors.
    weight = F.one_hot(untouched.argmax(-1), 5).float() - F.one_hot(replaced.argmax(-1), 5).float()
    slopes = gradient(tokens, donors, torch.zeros(len(edges)), weight)
    return slopes.sum(dim=0).abs()
