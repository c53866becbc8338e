"""Ablation: what the logit difference loses when one head or one MLP is silenced."""

from collections.abc import Callable

import torch
from torch import Tensor

from .subject import Batch

__all__ = ["WAYS", "ablated"]

WAYS = ("zero", "mean", "resample")


@torch.no_grad()
def ablated(batch: Batch, way: str, reference: Batch | None) -> Tensor:
    """The change of the logit difference [n layer column]; columns are the heads and, if there is one, the MLP.

    Args:
        way: "zero" writes nothing; "mean" what the part writes on average over the reference prompts, position by
            position; "resample" what it writes on each of them, and the result is the mean.
        reference: Prompts of the same length; only "zero" does without.
    """
    model = batch.model
    before = batch.difference(batch.runs["clean"][0])
    rows = []
    for layer in range(model.cfg.n_layers):
        names = [(f"blocks.{layer}.attn.hook_z", head) for head in range(model.cfg.n_heads)]
        if not model.cfg.attn_only:
            names.append((f"blocks.{layer}.hook_mlp_out", None))
        rows.append(torch.stack([_without(batch, layer, *name, way, reference) - before for name in names]))
    return torch.stack(rows).permute(2, 0, 1)


def _without(batch: Batch, layer: int, name: str, head: int | None, way: str, reference: Batch | None) -> Tensor:
    """The logit difference [n] with one part silenced. The run starts at the part's layer."""
    model, cache = batch.model, batch.runs["clean"][1]
    act = cache[name] if head is None else cache[name][:, :, head]
    values = (
        [_value(act, name, head, way, reference)] if way != "resample" else _others(len(batch), name, head, reference)
    )
    found = []
    for value in values:
        with model.hooked([(name, _replace(value, head))]):
            resid = cache[f"blocks.{layer}.hook_resid_pre"]
            for block in model.blocks[layer:]:
                resid = block(resid)
            found.append(batch.difference(model.unembed(model.ln_final(resid[:, [batch.at]]))[:, 0]))
    return torch.stack(found).mean(0)


def _value(act: Tensor, name: str, head: int | None, way: str, reference: Batch | None) -> Tensor:
    if way == "zero":
        return torch.zeros_like(act)
    written = _written(reference, name, head)
    return written.mean(0, keepdim=True).expand_as(act)


def _others(n: int, name: str, head: int | None, reference: Batch) -> list[Tensor]:
    """What other prompts write: a single prompt gets each of the reference's, several get each other's."""
    written = _written(reference, name, head)
    if n == 1:
        return [written[[row]] for row in range(len(written))]
    return [written.roll(shift, 0) for shift in (1, 2, 3)]


def _written(reference: Batch, name: str, head: int | None) -> Tensor:
    written = reference.runs["clean"][1][name]
    return written if head is None else written[:, :, head]


def _replace(value: Tensor, head: int | None) -> Callable:
    def hook(act: Tensor, point: object) -> Tensor:
        if head is None:
            return value.expand_as(act).clone()
        act = act.clone()
        act[:, :, head] = value
        return act

    return hook
