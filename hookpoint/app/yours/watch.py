"""The attention patterns of a model that has no hooks: seen where the learner's own `attn_pattern` gives them."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from hookpoint import model

from .build import Machine

__all__ = ["patterns"]


def patterns(machine: Machine, ids: list[int]) -> tuple[Tensor, str]:
    """The patterns [layer head query key], and whose they are: the learner's, or recomputed by us.

    An `Attention` that calls no `attn_pattern` keeps its pattern to itself. Then ours, with its weights, is given what
    it was given.
    """
    seen: list[Tensor] = []
    with torch.no_grad(), _inputs(machine.gpt2) as inputs, machine.parts.watching(seen.append):
        machine.gpt2(torch.tensor([ids]))
    cfg = machine.source.cfg
    shape = (1, cfg.n_heads, len(ids), len(ids))
    theirs = [pattern for pattern in seen if isinstance(pattern, Tensor) and tuple(pattern.shape) == shape]
    if len(theirs) == cfg.n_layers:
        return torch.cat(theirs).float(), "seen"
    return torch.cat([_ours(machine, layer, x) for layer, x in enumerate(inputs)]).float(), "recomputed"


@contextmanager
def _inputs(gpt2: nn.Module) -> Iterator[list[Tensor]]:
    """What each attention layer reads, as the model runs."""
    inputs: list[Tensor] = []
    hooks = [
        block.attn.register_forward_pre_hook(lambda _module, given: inputs.append(given[0])) for block in gpt2.blocks
    ]
    try:
        yield inputs
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def _ours(machine: Machine, layer: int, x: Tensor) -> Tensor:
    prefix, seen = f"blocks.{layer}.attn.", []
    attn = model.Attention(machine.source.cfg)
    attn.load_state_dict({k.removeprefix(prefix): v for k, v in machine.source.state.items() if k.startswith(prefix)})
    attn.hook_pattern.hooks.append(lambda pattern, _point: seen.append(pattern))
    attn(x)
    return seen[0]
