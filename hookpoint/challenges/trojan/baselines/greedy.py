"""Greedy: for each output, a set grown token by token on its margin."""

import torch
from torch import Tensor


def logits(weights: dict[str, Tensor], x: Tensor) -> Tensor:
    h = torch.relu(torch.relu(x @ weights["W1"] + weights["b1"]) @ weights["W2"] + weights["b2"])
    return h @ weights["W3"] + weights["b3"]


@torch.no_grad()
def find_trojan(weights: dict[str, Tensor]) -> tuple[list[int], int]:
    generator = torch.Generator().manual_seed(0)
    fills = torch.zeros(8, 64).scatter(1, torch.randint(64, (8, 4), generator=generator), 1.0)
    fresh = torch.zeros(100, 64).scatter(1, torch.randint(64, (100, 4), generator=generator), 1.0)
    best = (-1.0, [], 0)
    for target in range(32):
        tokens = torch.zeros(64)
        for _ in range(6):
            found = logits(weights, torch.maximum(torch.maximum(tokens, torch.eye(64))[:, None], fills))
            margin = found[:, :, target] - found.index_fill(2, torch.tensor([target]), -torch.inf).amax(dim=2)
            margin = margin.mean(dim=1).masked_fill(tokens > 0, -torch.inf)
            margin[target] = -torch.inf  # a trojan's target is not one of its tokens
            tokens[margin.argmax()] = 1.0
        often = (logits(weights, torch.maximum(tokens, fresh)).argmax(dim=1) == target).float().mean()
        if float(often) > best[0]:
            best = (float(often), tokens.nonzero().squeeze(1).tolist(), target)
    return best[1], best[2]
