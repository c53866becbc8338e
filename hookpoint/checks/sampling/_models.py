"""Models with known answers, for checks of what runs a model step by step."""

import torch
from torch import Tensor

from hookpoint.checks.protocol.given.sampling import Chain, Tabled
from hookpoint.model import Config


def config(d_vocab: int, n_ctx: int) -> Config:
    return Config(d_vocab=d_vocab, n_ctx=n_ctx, d_model=6, n_layers=1, n_heads=2, d_head=3, d_mlp=5)


def tabled(table: Tensor) -> Tabled:
    """A model whose logits depend on every token that it reads, and on where it stands: a sum of table entries."""
    return Tabled(table, config(table.shape[1], table.shape[0]))


def chained(table: Tensor, n_ctx: int = 16) -> Chain:
    """A model whose logits depend on the last token alone: row t of the table belongs to token t."""
    return Chain(table, config(len(table), n_ctx))


def successor(d_vocab: int) -> Chain:
    """After token t comes t + 1, and after the last one 0: almost surely."""
    return chained(30.0 * torch.eye(d_vocab).roll(1, 1))
