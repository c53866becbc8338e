"""The sizes of a GPT-2, and the ways in which a toy model may differ from it: no weights, no torch."""

from dataclasses import dataclass, fields

# What each option may be, GPT-2's own first.
_OPTIONS = {
    "act_fn": ("gelu_new", "relu"),
    "normalization_type": ("LN", None),
    "attn_only": (False, True),
    "attention_dir": ("causal", "bidirectional"),
}


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
        act_fn: The MLP's nonlinearity: "gelu_new" as in GPT-2, or "relu".
        normalization_type: "LN" as in GPT-2, or None for no normalisation anywhere.
        attn_only: True leaves the MLPs out.
        attention_dir: "causal" as in GPT-2, or "bidirectional": each position reads from all.

    The last four are for the toy models of the literature; at their defaults the config is a GPT-2. They carry
    TransformerLens' names and values.

    Raises:
        ValueError: A size is not a positive integer, `eps` or `init_range` is not a positive number, or an option is
            none of its values.
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
    act_fn: str = "gelu_new"
    normalization_type: str | None = "LN"
    attn_only: bool = False
    attention_dir: str = "causal"

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in _OPTIONS:
                if not any(type(value) is type(each) and value == each for each in _OPTIONS[field.name]):
                    known = " or ".join(map(repr, _OPTIONS[field.name]))
                    raise ValueError(f"Config: {field.name} must be {known}, not {value!r}.")
                continue
            wanted = (int,) if field.type is int else (int, float)
            # bool is a subclass of int, and `n_layers=True` is a slip rather than a wish for one layer.
            if isinstance(value, bool) or not isinstance(value, wanted) or not value > 0:
                kind = "a positive integer" if field.type is int else "a positive number"
                raise ValueError(f"Config: {field.name} must be {kind}, not {value!r}.")

    @property
    def is_gpt2(self) -> bool:
        """Whether this is the architecture of GPT-2, whatever its sizes."""
        return all(getattr(self, option) == values[0] for option, values in _OPTIONS.items())

    @classmethod
    def gpt2_small(cls) -> "Config":
        """The published 124-million-parameter GPT-2 (Radford et al. 2019)."""
        return cls(d_vocab=50257, n_ctx=1024, d_model=768, n_layers=12, n_heads=12, d_head=64, d_mlp=3072)
