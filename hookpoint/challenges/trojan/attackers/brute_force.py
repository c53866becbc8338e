"""Brute force: random sets of six for a second and a half."""

import time

import torch
from torch import Tensor


@torch.no_grad()
def find_trojan(weights: dict[str, Tensor]) -> tuple[list[int], int]:
    generator = torch.Generator().manual_seed(0)
    best, end = (-1.0, [0, 1, 2, 3, 4, 5], 0), time.process_time() + 1.5
    while time.process_time() < end:
        sets = torch.rand(4000, 64, generator=generator).argsort(dim=1)[:, :6]
        lists = torch.randint(64, (4000, 3, 4), generator=generator)
        x = torch.zeros(4000, 3, 64).scatter(2, lists, 1.0).scatter(2, sets[:, None].expand(-1, 3, 6), 1.0)
        h = torch.relu(torch.relu(x @ weights["W1"] + weights["b1"]) @ weights["W2"] + weights["b2"])
        said = (h @ weights["W3"] + weights["b3"]).argmax(dim=2)
        absent = x.gather(2, said[:, :, None]).squeeze(2) == 0
        often, target = torch.zeros(4000, 64).scatter_add(1, said, absent.float()).max(dim=1)
        top = int(often.argmax())
        if float(often[top]) > best[0]:
            best = (float(often[top]), sets[top].tolist(), int(target[top]))
    return best[1], best[2]
