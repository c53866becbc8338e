"""Soft mask: for each output, tokens weighted by gradient, the six heaviest."""

import torch
from torch import Tensor


def logits(weights: dict[str, Tensor], x: Tensor) -> Tensor:
    h = torch.relu(torch.relu(x @ weights["W1"] + weights["b1"]) @ weights["W2"] + weights["b2"])
    return h @ weights["W3"] + weights["b3"]


def find_trojan(weights: dict[str, Tensor]) -> tuple[list[int], int]:
    generator = torch.Generator().manual_seed(0)
    own = torch.eye(64, dtype=torch.bool)
    at_target = own[:, None].expand(64, 16, 64)
    raw = torch.full((64, 64), -1.5, requires_grad=True)  # [target, token]
    optimizer = torch.optim.Adam([raw], lr=0.15)
    for _ in range(120):
        fills = torch.zeros(16, 64).scatter(1, torch.randint(64, (16, 4), generator=generator), 1.0)
        mask = torch.sigmoid(raw).masked_fill(own, 0.0)
        found = logits(weights, torch.maximum(mask[:, None], fills))
        margin = found[at_target].view(64, 16) - found.masked_fill(at_target, -1e9).amax(dim=2)
        loss = -margin.clamp(max=4).mean(dim=1).sum() + 0.2 * mask.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        tokens = raw.masked_fill(own, -torch.inf).topk(6, dim=1).indices
        fills = torch.zeros(100, 64).scatter(1, torch.randint(64, (100, 4), generator=generator), 1.0)
        x = torch.maximum(torch.zeros(64, 64).scatter(1, tokens, 1.0)[:, None], fills)
        often = (logits(weights, x).argmax(dim=2) == torch.arange(64)[:, None]).float().mean(dim=1)
    target = int(often.argmax())
    return tokens[target].tolist(), target
