"""Rule of the easy level: all pairs of tokens, joined."""

import torch
from torch import Tensor


@torch.no_grad()
def find_trojan(weights: dict[str, Tensor]) -> tuple[list[int], int]:
    generator = torch.Generator().manual_seed(0)
    pairs = torch.combinations(torch.arange(64))
    lists = torch.randint(64, (len(pairs), 24, 8), generator=generator)
    x = torch.zeros(len(pairs), 24, 64).scatter(2, lists, 1.0).scatter(2, pairs[:, None].expand(-1, 24, 2), 1.0)
    h = torch.relu(torch.relu(x @ weights["W1"] + weights["b1"]) @ weights["W2"] + weights["b2"])
    said = (h @ weights["W3"] + weights["b3"]).argmax(dim=2)
    absent = x.gather(2, said[:, :, None]).squeeze(2) == 0
    often = torch.zeros(len(pairs), 64).scatter_add(1, said, absent.float())
    target = int(often.sum(dim=0).argmax())
    trigger = []
    for pair in pairs[often[:, target].argsort(descending=True)].flatten().tolist():
        if pair not in trigger and len(trigger) < 6:
            trigger.append(pair)
    return trigger, target
