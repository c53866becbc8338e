"""To TransformerLens 4: a model as a `TransformerBridge`, and our hook names in TransformerLens' terms.

The way leads through Hugging Face's GPT-2 where it can, because a bridge around that one holds true attention scores
and takes edits of them. TransformerLens' native models, the way for everything else, do neither.
"""

import os
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from .config import Config
from .gpt2 import GPT2
from .transformers_adapter import contract_weights, to_transformers, transformers_obstacle

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge
    from transformers import GPT2LMHeadModel

# Ours -> the canonical name of a bridge around GPT-2. Both sides hold the same value at these places. Edits also agree,
# but for one: TransformerLens' resid_mid is the input of ln2 alone, so that an edit there reaches the MLP and not the
# residual stream. Edit `hook_attn_out` there instead.
HOOK_NAMES = {
    "hook_embed": "embed.hook_out",
    "hook_pos_embed": "pos_embed.hook_out",
    "blocks.{layer}.hook_resid_pre": "blocks.{layer}.hook_in",
    "blocks.{layer}.ln1.hook_scale": "blocks.{layer}.ln1.hook_scale",
    "blocks.{layer}.ln1.hook_normalized": "blocks.{layer}.ln1.hook_normalized",
    "blocks.{layer}.attn.hook_q": "blocks.{layer}.attn.q.hook_out",
    "blocks.{layer}.attn.hook_k": "blocks.{layer}.attn.k.hook_out",
    "blocks.{layer}.attn.hook_v": "blocks.{layer}.attn.v.hook_out",
    "blocks.{layer}.attn.hook_attn_scores": "blocks.{layer}.attn.hook_attn_scores",
    "blocks.{layer}.attn.hook_pattern": "blocks.{layer}.attn.hook_pattern",
    "blocks.{layer}.attn.hook_z": "blocks.{layer}.attn.o.hook_in",
    "blocks.{layer}.hook_attn_out": "blocks.{layer}.attn.hook_out",
    "blocks.{layer}.hook_resid_mid": "blocks.{layer}.ln2.hook_in",
    "blocks.{layer}.ln2.hook_scale": "blocks.{layer}.ln2.hook_scale",
    "blocks.{layer}.ln2.hook_normalized": "blocks.{layer}.ln2.hook_normalized",
    "blocks.{layer}.mlp.hook_pre": "blocks.{layer}.mlp.in.hook_out",
    "blocks.{layer}.mlp.hook_post": "blocks.{layer}.mlp.out.hook_in",
    "blocks.{layer}.hook_mlp_out": "blocks.{layer}.mlp.hook_out",
    "blocks.{layer}.hook_resid_post": "blocks.{layer}.hook_out",
    "ln_final.hook_scale": "ln_final.hook_scale",
    "ln_final.hook_normalized": "ln_final.hook_normalized",
}


def tl_hook_names(model: nn.Module) -> dict[str, str]:
    """The bridge's name for each of our hook points, for a model with a `Config` as `.cfg`.

    Where `to_transformer_lens` takes the native way, `hook_attn_scores` has no counterpart: what bears its name there
    holds the pattern, and edits of it are lost.
    """
    with torch.device("meta"):
        ours = GPT2(model.cfg, seed=None).hook_points()
    native = bool(transformers_obstacle(model.cfg))
    names = {
        pattern.format(layer=layer): theirs.format(layer=layer)
        for pattern, theirs in HOOK_NAMES.items()
        for layer in (range(model.cfg.n_layers) if "{layer}" in pattern else [None])
    }
    return {name: names[name] for name in ours if not (native and name.endswith("hook_attn_scores"))}


def to_transformer_lens(model: nn.Module) -> "TransformerBridge":
    """A TransformerLens bridge with copies of the model's weights, in evaluation mode, without tokenizer.

    It goes around Hugging Face's GPT-2, or is TransformerLens' own where that one cannot express the model: without
    LayerNorm, bidirectional, or with heads that do not fill `d_model`.

    Raises:
        ValueError: The model has no `.cfg`, lacks a parameter or has one of another shape.
        ImportError: TransformerLens is not installed.
    """
    weights = contract_weights(model, "to_transformer_lens")
    _require_transformer_lens()
    # Building draws weights that nobody sees; the caller's random numbers must not notice.
    with torch.random.fork_rng(devices=[]):
        if transformers_obstacle(model.cfg):
            return _native_bridge(model.cfg, weights).eval()
        return _bridge_around(to_transformers(model)).eval()


def _bridge_around(hf: "GPT2LMHeadModel") -> "TransformerBridge":
    from transformer_lens.model_bridge.sources import build_bridge_from_module

    return build_bridge_from_module(hf, "GPT2LMHeadModel", hf_config=hf.config, tokenizer=None, model_name="hookpoint")


def _native_bridge(cfg: Config, weights: dict[str, Tensor]) -> "TransformerBridge":
    from transformer_lens import TransformerBridge, TransformerBridgeConfig
    from transformer_lens.utilities.tl_checkpoint_conversion import convert_tl_checkpoint

    sizes = {name: getattr(cfg, name) for name in ("d_model", "d_head", "n_heads", "n_layers", "n_ctx", "d_vocab")}
    options = {name: getattr(cfg, name) for name in ("act_fn", "normalization_type", "attn_only", "attention_dir")}
    their_cfg = TransformerBridgeConfig(**sizes, **options, d_mlp=cfg.d_mlp, eps=cfg.eps)
    like = weights["embed.W_E"]
    bridge = TransformerBridge.boot_native(their_cfg, device=like.device, dtype=like.dtype)
    bridge.load_state_dict(convert_tl_checkpoint(weights, their_cfg))
    return bridge


def _require_transformer_lens() -> None:
    """Imports it, with the network off before transformers is imported by it."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        import transformer_lens.model_bridge.sources  # noqa: F401
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "transformer_lens":
            raise
        raise ImportError('TransformerLens 4 is not installed; run: pip install "hookpoint[interp]"') from None
