"""To TransformerLens 4: a model as a `TransformerBridge`, and our hook names in TransformerLens' terms.

The way leads through Hugging Face's GPT-2, because a bridge around that one holds true attention scores and takes edits
of them; TransformerLens' native models do neither.
"""

import os
from typing import TYPE_CHECKING

import torch
from torch import nn

from .transformers_adapter import to_transformers

if TYPE_CHECKING:
    from transformer_lens.model_bridge import TransformerBridge

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
    """The bridge's name for each of our hook points, for a model with a `Config` as `.cfg`."""
    return {
        ours.format(layer=layer): theirs.format(layer=layer)
        for ours, theirs in HOOK_NAMES.items()
        for layer in (range(model.cfg.n_layers) if "{layer}" in ours else [None])
    }


def to_transformer_lens(model: nn.Module) -> "TransformerBridge":
    """A TransformerLens bridge with copies of the model's weights, in evaluation mode, without tokenizer.

    Raises:
        ValueError: The model cannot be expressed as Hugging Face's GPT-2; see `to_transformers`.
        ImportError: TransformerLens is not installed.
    """
    build_bridge_from_module = _import_build_bridge()
    hf = to_transformers(model)
    # Building draws weights that nobody sees; the caller's random numbers must not notice.
    with torch.random.fork_rng(devices=[]):
        bridge = build_bridge_from_module(
            hf, "GPT2LMHeadModel", hf_config=hf.config, tokenizer=None, model_name="hookpoint"
        )
    return bridge.eval()


def _import_build_bridge():
    """TransformerLens' builder, with the network off before transformers is imported by it."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        from transformer_lens.model_bridge.sources import build_bridge_from_module
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "transformer_lens":
            raise
        raise ImportError('TransformerLens 4 is not installed; run: pip install "hookpoint[interp]"') from None
    return build_bridge_from_module
