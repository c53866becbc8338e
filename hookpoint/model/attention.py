"""Causal self-attention in steps, for all heads at once: what `Attention` does between its input and its output.

Source: Vaswani et al., "Attention Is All You Need" (2017), 3.2; heads as separate matrices after Elhage et al., "A
Mathematical Framework for Transformer Circuits" (2021).
"""

import torch
from torch import Tensor

__all__ = ["apply_mask", "attn_pattern", "attn_scores", "causal_mask", "combine_heads", "weighted_values"]


def causal_mask(n_queries: int, n_keys: int, device: torch.device | None = None) -> Tensor:
    """Where each query may attend, bool [n_queries, n_keys]: at itself and before. The queries come last."""
    return torch.ones(n_queries, n_keys, dtype=torch.bool, device=device).tril(n_keys - n_queries)


def apply_mask(scores: Tensor) -> Tensor:
    """The scores [..., n_queries, n_keys] with minus infinity in the future."""
    return scores.masked_fill(~causal_mask(*scores.shape[-2:], scores.device), -torch.inf)


def attn_scores(x: Tensor, W_Q: Tensor, b_Q: Tensor, W_K: Tensor, b_K: Tensor) -> Tensor:
    """How well each key answers each query, [batch, head, query, key].

    x is [batch, pos, d_model], a weight [head, d_model, d_head], a bias [head, d_head].
    """
    q, k = (x[:, None] @ W + b[:, None] for W, b in ((W_Q, b_Q), (W_K, b_K)))
    return q @ k.mT / W_Q.shape[-1] ** 0.5


def attn_pattern(scores: Tensor) -> Tensor:
    """The shares of each query's attention: positive, summing to 1 over the keys."""
    return scores.softmax(dim=-1)


def weighted_values(pattern: Tensor, v: Tensor) -> Tensor:
    """z [batch, query, head, d_head] from a pattern [batch, head, query, key] and values [batch, key, head, d_head]."""
    return (pattern @ v.transpose(1, 2)).transpose(1, 2)


def combine_heads(z: Tensor, W_O: Tensor, b_O: Tensor) -> Tensor:
    """The output [batch, pos, d_model]: the heads' z [batch, pos, head, d_head] through W_O [head, d_head, d_model]."""
    return torch.einsum("bphd,hdm->bpm", z, W_O) + b_O
