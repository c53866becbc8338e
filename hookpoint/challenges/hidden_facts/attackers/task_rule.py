"""The model's second choice"""

import torch

from hookpoint.model import GPT2


@torch.no_grad()
def recover(cfg, weights, known, told, asked):
    model = GPT2(cfg, seed=None)
    model.load_state_dict(weights)
    values = 37 + 10 * (asked[:, -1:] - 33) + torch.arange(10)
    second = model(asked)[:, -1].gather(1, values).argsort(dim=1, descending=True)[:, 1:2]
    return values.gather(1, second)[:, 0]
