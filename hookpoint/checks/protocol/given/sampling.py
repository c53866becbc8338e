"""Models of a few table entries that live beside the learner's code: an answer may call them thousands of times."""

from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["TOOLS", "Chain", "Tabled"]


class Chain(nn.Module):
    """A model whose logits depend on the last token alone: row t of the table belongs to token t."""

    def __init__(self, table: Tensor, cfg: Any):
        super().__init__()
        self.table, self.cfg = table, cfg

    def forward(self, tokens: Tensor) -> Tensor:
        if tokens.ndim != 2 or not 0 < tokens.shape[1] <= self.cfg.n_ctx:
            raise ValueError(
                f"the model takes tokens [batch, pos] with 1 to {self.cfg.n_ctx} positions, not {list(tokens.shape)}"
            )
        return self.table[tokens]


class Tabled(nn.Module):
    """A model whose logits depend on every token that it reads, and on where it stands: a sum of table entries.

    `table[position, token]` is what a token at a position adds to the logits of every later step.
    """

    def __init__(self, table: Tensor, cfg: Any):
        super().__init__()
        self.table, self.cfg = table, cfg

    def forward(self, tokens: Tensor) -> Tensor:
        if tokens.ndim != 2 or not 0 < tokens.shape[1] <= len(self.table):
            raise ValueError(
                f"the model takes tokens [batch, pos] with 1 to {len(self.table)} positions, not {list(tokens.shape)}"
            )
        return self.table[torch.arange(tokens.shape[1]), tokens].cumsum(1)


def chain(table: Tensor, cfg: Any) -> nn.Module:
    """A `Chain` that stays on this side."""
    return Chain(table, cfg)


def tabled(table: Tensor, cfg: Any) -> nn.Module:
    """A `Tabled` that stays on this side."""
    return Tabled(table, cfg)


def gpt2_with(cfg: Any, weights: dict[str, Tensor]) -> nn.Module:
    """A GPT-2 of ours that has these weights."""
    from hookpoint.model import GPT2

    model = GPT2(cfg, seed=None)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(weights[name])
    return model


TOOLS = (chain, tabled, gpt2_with)
