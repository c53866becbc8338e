"""The logit lens as a table: what the model would say if it stopped after each part of each layer."""

import torch
from torch import Tensor

from hookpoint.interp.lens import apply_ln_final
from hookpoint.model import GPT2

__all__ = ["lens", "places"]


def places(model: GPT2) -> list[tuple[str, str]]:
    """A label and a hook point for each place in the stream, from the embedding to the end."""
    found = [("embed", "blocks.0.hook_resid_pre")]
    for layer in range(model.cfg.n_layers):
        if not model.cfg.attn_only:
            found.append((f"attn {layer}", f"blocks.{layer}.hook_resid_mid"))
        found.append((f"{'attn' if model.cfg.attn_only else 'mlp'} {layer}", f"blocks.{layer}.hook_resid_post"))
    return found


@torch.no_grad()
def lens(model: GPT2, cache: dict[str, Tensor], count: int = 5) -> tuple[list[str], Tensor, Tensor]:
    """The places' labels, and for each place and position the likeliest tokens' probabilities and ids [place pos k]."""
    labels, shares, ids = [], [], []
    for label, name in places(model):  # one at a time: for GPT-2 all of them at once are a quarter of a gigabyte
        logits = model.unembed(apply_ln_final(cache[name][:1], model))[0]
        top = logits.softmax(-1).topk(min(count, logits.shape[-1]))
        labels.append(label)
        shares.append(top.values)
        ids.append(top.indices)
    return labels, torch.stack(shares), torch.stack(ids)
