"""The shape that each part owes for what it was given, where the contract fixes it."""

from collections.abc import Callable

from torch import Tensor

Shape = tuple[int, ...]


def _like_stream(self: object, x: Tensor) -> Shape:
    return tuple(x.shape)


def _like_first(x: Tensor, *_: object) -> Shape:
    return tuple(x.shape)


# A module's forward gets itself first; tokens are [batch pos], x is [batch pos d_model].
_DUE: dict[str, Callable[..., Shape]] = {
    "embed": lambda self, tokens: (*tokens.shape, self.W_E.shape[1]),
    "pos_embed": lambda self, tokens, *_: (*tokens.shape, self.W_pos.shape[1]),
    "layer_norm": _like_stream,
    "attention": _like_stream,
    "mlp": _like_stream,
    "block": _like_stream,
    "unembed": lambda self, x: (*x.shape[:-1], self.W_U.shape[1]),
    "gpt2": lambda self, tokens: (*tokens.shape, self.cfg.d_vocab),
    "gelu_new": _like_first,
    "causal_mask": lambda queries, keys: (queries, keys),
    "apply_mask": _like_first,
    "attn_scores": lambda x, W_Q, *_: (x.shape[0], W_Q.shape[0], x.shape[1], x.shape[1]),
    "attn_pattern": _like_first,
    "weighted_values": lambda pattern, v: tuple(v.shape),
    "combine_heads": lambda z, W_O, b_O: (*z.shape[:2], W_O.shape[-1]),
    "apply_temperature": _like_first,
    "top_k_filter": _like_first,
    "top_p_filter": _like_first,
    "greedy": lambda logits: tuple(logits.shape[:-1]),
    "sample": lambda logits, *_: tuple(logits.shape[:-1]),
    "per_token_loss": lambda logits, tokens: (tokens.shape[0], tokens.shape[1] - 1),
    "attn_with_cache": lambda attn, x_new, *_: tuple(x_new.shape),
}


def due(exercise: str, args: tuple) -> Shape | None:
    """The shape that is due, or None where it is not fixed or the call was not the usual one."""
    try:
        return tuple(_DUE[exercise](*args))
    except (KeyError, TypeError, AttributeError, IndexError):
        return None
