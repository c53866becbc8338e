"""How much each head writes: the norm of W_V W_O"""

import torch


def head_importance(cfg, weights):
    values = [weights[f"blocks.{layer}.attn.W_V"] @ weights[f"blocks.{layer}.attn.W_O"] for layer in range(2)]
    return torch.stack([value.flatten(1).norm(dim=1) for value in values])
