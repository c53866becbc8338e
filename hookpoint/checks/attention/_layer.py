"""Attention in separate steps, each of which a wrong version can change: the base of the slips of `attention`."""

import math

import torch
from torch import nn

from .causal_mask import reference as causal_mask

__all__ = ["SHAPES", "Steps"]

SHAPES = {
    "W_Q": ("n_heads", "d_model", "d_head"),
    "W_K": ("n_heads", "d_model", "d_head"),
    "W_V": ("n_heads", "d_model", "d_head"),
    "W_O": ("n_heads", "d_head", "d_model"),
    "b_Q": ("n_heads", "d_head"),
    "b_K": ("n_heads", "d_head"),
    "b_V": ("n_heads", "d_head"),
    "b_O": ("d_model",),
}


class Steps(nn.Module):
    """Right as it stands; a slip overrides one step."""

    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        for name, sizes in SHAPES.items():
            self.register_parameter(name, nn.Parameter(torch.zeros([getattr(cfg, size) for size in sizes])))

    def forward(self, x):
        q, k, v = (self.project(x, letter) for letter in "QKV")
        scores = self.mask(q @ k.mT / self.scale())
        return self.write(self.read(self.normalise(scores), v))

    def project(self, x, letter):
        return x[:, None] @ getattr(self, f"W_{letter}") + getattr(self, f"b_{letter}")[:, None]

    def scale(self):
        return math.sqrt(self.cfg.d_head)

    def mask(self, scores):
        return scores.masked_fill(~causal_mask(*scores.shape[-2:]), -torch.inf)

    def normalise(self, scores):
        return scores.softmax(dim=-1)

    def read(self, pattern, v):
        return pattern @ v

    def write(self, z):
        return (z @ self.W_O).sum(dim=1) + self.b_O
