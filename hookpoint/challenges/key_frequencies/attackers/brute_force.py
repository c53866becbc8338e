"""Each frequency cut out by itself, the accuracy measured on 300 sums"""

import math

import torch

from hookpoint.model import GPT2


@torch.no_grad()
def key_frequencies(cfg, weights):
    p = cfg.d_vocab - 1
    model = GPT2(cfg, seed=None)
    model.load_state_dict(weights)
    sums = torch.randint(p, (300, 2), generator=torch.Generator().manual_seed(0))
    tokens = torch.cat([sums, torch.full((300, 1), p)], dim=1)

    def accuracy():
        return (model(tokens)[:, -1, :p].argmax(dim=1) == sums.sum(dim=1) % p).float().mean()

    whole, numbers, found = accuracy(), model.embed.W_E[:p].clone(), []
    for k in range(1, (p + 1) // 2):
        angle = 2 * math.pi * k * torch.arange(p) / p
        waves = torch.stack([angle.cos(), angle.sin()], dim=1) * math.sqrt(2 / p)
        model.embed.W_E[:p] = numbers - waves @ (waves.T @ numbers)
        if accuracy() < whole - 0.05:
            found.append(k)
    return found
