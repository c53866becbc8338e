"""The sizes of a GPT-2 and nothing else: no weights, no torch."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Config:
    """The numbers that fix the shape of every parameter of a GPT-2.

    A config is frozen, so a model and the weights it was built for cannot drift apart; derive another one with
    `dataclasses.replace(cfg, n_layers=1)`.

    Attributes:
        d_vocab: Number of different tokens.
        n_ctx: Number of positions the model can tell apart; longer input is an error.
        d_model: Width of the residual stream.
        n_layers: Number of blocks.
        n_heads: Attention heads in each block.
        d_head: Width of one head's queries, keys and values. It need not be `d_model / n_heads`.
        d_mlp: Neurons in each MLP (4 * d_model in GPT-2).
        eps: Added to the variance in LayerNorm, under the root.
        init_range: Standard deviation of freshly drawn weights.

    Raises:
        ValueError: A size is not a positive integer, or `eps` or `init_range` is not a positive number.
    """

    d_vocab: int
    n_ctx: int
    d_model: int
    n_layers: int
    n_heads: int
    d_head: int
    d_mlp: int
    eps: float = 1e-5
    init_range: float = 0.02

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            wanted = (int,) if field.type is int else (int, float)
            # bool is a subclass of int, and `n_layers=True` is a slip rather than a wish for one layer.
            if isinstance(value, bool) or not isinstance(value, wanted) or not value > 0:
                kind = "a positive integer" if field.type is int else "a positive number"
                raise ValueError(f"Config: {field.name} must be {kind}, not {value!r}.")

    @classmethod
    def gpt2_small(cls) -> "Config":
        """The published 124-million-parameter GPT-2 (Radford et al. 2019)."""
        return cls(d_vocab=50257, n_ctx=1024, d_model=768, n_layers=12, n_heads=12, d_head=64, d_mlp=3072)
