"""GPT-2 as one readable, hookable reference, and the ways from it to other libraries.

Importing this package imports torch, einops and jaxtyping only; the adapters import their library when they are called.
"""

from .config import Config
from .fast import PreallocatedCache, fast_logits
from .gpt2 import GPT2, MLP, Attention, Block, Embed, LayerNorm, PosEmbed, Unembed, gelu_new, init_weights
from .hooks import HookedModule, HookPoint
from .loss import lm_loss, per_token_loss
from .sampling import generate
from .train_config import TrainConfig
from .transformer_lens_adapter import HOOK_NAMES, tl_hook_names, to_transformer_lens
from .transformers_adapter import from_transformers, to_transformers

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
    "TrainConfig",
    "PreallocatedCache",
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
