"""Each head ablated, the rise of the loss on the second half"""

import torch

from hookpoint.interp.induction import ablate_and_rank
from hookpoint.model import GPT2


def head_importance(cfg, weights):
    model = GPT2(cfg, seed=None)
    model.load_state_dict(weights)
    half = torch.randint(1, cfg.d_vocab, (48, 12), generator=torch.Generator().manual_seed(0))
    tokens = torch.cat([torch.zeros(48, 1, dtype=torch.long), half, half], dim=1)
    return ablate_and_rank(model, tokens, 12)
