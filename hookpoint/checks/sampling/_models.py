"""Models with known answers, which count what they are fed: for checks of what runs a model step by step."""

import torch
from torch import Tensor, nn

from hookpoint.checks.protocol.given.sampling import Chain
from hookpoint.model import Config


def config(d_vocab: int, n_ctx: int) -> Config:
    return Config(d_vocab=d_vocab, n_ctx=n_ctx, d_model=6, n_layers=1, n_heads=2, d_head=3, d_mlp=5)


class Tabled(nn.Module):
    """A model whose logits depend on every token that it reads, and on where it stands: a sum of table entries.

    `table[position, token]` is what a token at a position adds to the logits of every later step.
    """

    def __init__(self, table: Tensor):
        super().__init__()
        self.table, self.cfg = table, config(table.shape[1], table.shape[0])

    def forward(self, tokens: Tensor) -> Tensor:
        if tokens.ndim != 2 or not 0 < tokens.shape[1] <= len(self.table):
            raise ValueError(
                f"the model takes tokens [batch, pos] with 1 to {len(self.table)} positions, not {list(tokens.shape)}"
            )
        return self.table[torch.arange(tokens.shape[1]), tokens].cumsum(1)


def chained(table: Tensor, n_ctx: int = 16) -> Chain:
    """A model whose logits depend on the last token alone: row t of the table belongs to token t."""
    return Chain(table, config(len(table), n_ctx))


def successor(d_vocab: int) -> Chain:
    """After token t comes t + 1, and after the last one 0: almost surely."""
    return chained(30.0 * torch.eye(d_vocab).roll(1, 1))
