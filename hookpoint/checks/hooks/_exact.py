"""A one-layer attention model whose numbers are rationals: the effect of an edit comes out of fractions, exactly.

Its queries are 0, so every position attends to itself and the past alike; its other weights are small integers. No
LayerNorm, no MLP.
"""

from fractions import Fraction

import torch
from torch import Tensor

from hookpoint.model import Config

from ._forward import shapes_of

EXACT = Config(
    d_vocab=5, n_ctx=6, d_model=3, n_layers=1, n_heads=3, d_head=2, d_mlp=1, attn_only=True, normalization_type=None
)
Numbers = list  # nested lists of Fraction


def integers(draw) -> dict[str, Tensor]:
    """Small whole weights in float64; queries are 0."""
    weights = {name: (draw.ids(5, *shape) - 2).double() for name, shape in shapes_of(EXACT).items()}
    for name in ("W_Q", "b_Q"):
        weights[f"blocks.0.attn.{name}"].zero_()
    return weights


def exact_z(tokens: Tensor, weights: dict[str, Tensor]) -> Numbers:
    """`hook_z` as fractions, [text][position][head][k]: the mean value over the past."""
    numbers = {name: weight.long().tolist() for name, weight in weights.items()}
    embed, position = numbers["embed.W_E"], numbers["pos_embed.W_pos"]
    W_V, b_V = numbers["blocks.0.attn.W_V"], numbers["blocks.0.attn.b_V"]

    def value(token: int, at: int, head: int, k: int) -> int:
        stream = [e + p for e, p in zip(embed[token], position[at], strict=True)]
        return sum(x * row[k] for x, row in zip(stream, W_V[head], strict=True)) + b_V[head][k]

    def one(text: list[int], at: int, head: int, k: int) -> Fraction:
        return Fraction(sum(value(text[s], s, head, k) for s in range(at + 1)), at + 1)

    heads, ks = range(EXACT.n_heads), range(EXACT.d_head)
    return [
        [[[one(text, at, head, k) for k in ks] for head in heads] for at in range(len(text))]
        for text in tokens.tolist()
    ]


def exact_logits(tokens: Tensor, weights: dict[str, Tensor], z: Numbers) -> Tensor:
    """The logits that come of given outputs of the heads."""
    numbers = {name: weight.long().tolist() for name, weight in weights.items()}
    embed, position, W_U = numbers["embed.W_E"], numbers["pos_embed.W_pos"], numbers["unembed.W_U"]
    W_O, b_O, b_U = numbers["blocks.0.attn.W_O"], numbers["blocks.0.attn.b_O"], numbers["unembed.b_U"]

    def stream(token: int, at: int, heads: Numbers, d: int) -> Fraction:
        written = sum(z * W_O[h][k][d] for h, row in enumerate(heads) for k, z in enumerate(row))
        return embed[token][d] + position[at][d] + written + b_O[d]

    rows = []
    for text, outputs in zip(tokens.tolist(), z, strict=True):
        for at, token in enumerate(text):
            x = [stream(token, at, outputs[at], d) for d in range(EXACT.d_model)]
            rows.append(
                [float(sum(a * row[v] for a, row in zip(x, W_U, strict=True)) + b_U[v]) for v in range(len(b_U))]
            )
    return torch.tensor(rows, dtype=torch.float64).reshape(*tokens.shape, -1)
