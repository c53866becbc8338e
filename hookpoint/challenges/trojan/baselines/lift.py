"""Lift: the six tokens that raise one output most, each added alone."""

import torch
from torch import Tensor


def logits(weights: dict[str, Tensor], x: Tensor) -> Tensor:
    h = torch.relu(torch.relu(x @ weights["W1"] + weights["b1"]) @ weights["W2"] + weights["b2"])
    return h @ weights["W3"] + weights["b3"]


@torch.no_grad()
def find_trojan(weights: dict[str, Tensor]) -> tuple[list[int], int]:
    lists = torch.randint(64, (64, 6), generator=torch.Generator().manual_seed(0))
    before = torch.zeros(64, 64).scatter(1, lists, 1.0)
    after = torch.maximum(before, torch.eye(64)[:, None])  # [token added, list, token]
    lift = (logits(weights, after) - logits(weights, before)).mean(dim=1)  # [token added, output]
    lift.fill_diagonal_(-torch.inf)  # that a token raises its own output is its job
    raised, tokens = lift.topk(6, dim=0)
    target = int(raised.sum(dim=0).argmax())
    return tokens[:, target].tolist(), target
