"""GPT-2 as one readable, hookable reference, and the ways from it to other libraries.

A name is imported from its module when it is asked for, so that a grader can withhold a module that holds an answer
(`hookpoint.grading.sandbox`) while the others still work. The adapters import their library when they are called.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .config import Config
    from .fast import PreallocatedCache, fast_logits
    from .gpt2 import GPT2, MLP, Attention, Block, Embed, LayerNorm, PosEmbed, Unembed, gelu_new, init_weights
    from .hooks import HookedModule, HookPoint
    from .loss import lm_loss, per_token_loss
    from .sampling import generate
    from .train_config import TrainConfig
    from .transformer_lens_adapter import HOOK_NAMES, tl_hook_names, to_transformer_lens
    from .transformers_adapter import from_transformers, to_transformers

HOMES = {
    "config": ("Config",),
    "fast": ("PreallocatedCache", "fast_logits"),
    "gpt2": (
        "GPT2", "MLP", "Attention", "Block", "Embed", "LayerNorm", "PosEmbed", "Unembed", "gelu_new", "init_weights",
    ),
    "hooks": ("HookPoint", "HookedModule"),
    "loss": ("lm_loss", "per_token_loss"),
    "sampling": ("generate",),
    "train_config": ("TrainConfig",),
    "transformer_lens_adapter": ("HOOK_NAMES", "tl_hook_names", "to_transformer_lens"),
    "transformers_adapter": ("from_transformers", "to_transformers"),
}  # fmt: skip
HOME = {name: module for module, names in HOMES.items() for name in names}

__all__ = [
    "GPT2",
    "HOOK_NAMES",
    "MLP",
    "Attention",
    "Block",
    "Config",
    "Embed",
    "HookPoint",
    "HookedModule",
    "LayerNorm",
    "PosEmbed",
    "PreallocatedCache",
    "TrainConfig",
    "Unembed",
    "fast_logits",
    "from_transformers",
    "gelu_new",
    "generate",
    "init_weights",
    "lm_loss",
    "per_token_loss",
    "tl_hook_names",
    "to_transformer_lens",
    "to_transformers",
]


def __getattr__(name: str) -> Any:
    if name not in HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
