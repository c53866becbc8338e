"""Attention layers and models whose calls are noted, and tensors that a learner's cache gave back and that are kept."""

import gc
import weakref
from typing import Any

import torch
from torch import Tensor, nn

from .kept import Kept

__all__ = ["TOOLS"]

PARTS = ("embed", "blocks.0.ln1", "blocks.0.mlp", "ln_final", "unembed")


def attention_layer(cfg: Any) -> nn.Module:
    """An attention layer of ours as an ordinary module."""
    from hookpoint.model import Attention

    return Attention(cfg)


def held_append(cache: Any, layer: int, k: Tensor, v: Tensor) -> tuple[Kept, Kept]:
    """What `append` gave back, kept on this side: reading it later shows whether it has changed meanwhile."""
    k_all, v_all = cache.append(layer, k, v)
    return Kept(k_all), Kept(v_all)


def read_again(kept: Tensor) -> Tensor:
    """What a tensor that stayed here holds now."""
    return kept.detach().clone()


class Mark:
    """Something to refer to weakly."""


class Noted(torch.autograd.Function):
    """Doubles a tensor; the mark lives as long as the graph of the result."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mark: object) -> Tensor:
        ctx.mark = mark
        return 2 * x

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return 2 * grad, None


def keeps_graph(cache: Any, layer: int, k: Tensor, v: Tensor, later_k: Tensor, later_v: Tensor) -> list[str]:
    """Which of the keys and values still carry the graph of an earlier `append` after a later one without any."""
    with torch.enable_grad():
        cache.append(layer, *(2 * part.clone().requires_grad_() for part in (k, v)))
        pair = cache.append(layer, later_k, later_v)
    return [name for name, part in zip(("k_all", "v_all"), pair, strict=True) if part.requires_grad]


def stores_graph(cache: Any, layer: int, k: Tensor, v: Tensor) -> list[str]:
    """Which of the graphs that made `k` and `v` are still there after an `append` whose result nobody keeps."""
    marks = [Mark(), Mark()]
    alive = [weakref.ref(mark) for mark in marks]
    with torch.enable_grad():
        pair = [Noted.apply(part.clone().requires_grad_(), mark) for part, mark in zip((k, v), marks, strict=True)]
        cache.append(layer, *pair)
    pair.clear()
    marks.clear()
    if any(mark() is not None for mark in alive):
        gc.collect()
    return [name for name, mark in zip(("keys", "values"), alive, strict=True) if mark() is not None]


class Watch:
    """What a model's parts were fed and the logits it gave.

    `rows` says for each part how many positions it was fed in all, counted over the rows of every batch; `logits` holds
    those of the last position of every call of `unembed`.
    """

    def __init__(self, model: nn.Module):
        self.rows = dict.fromkeys(PARTS, 0)
        self.logits: list[Tensor] = []
        for name in PARTS:
            model.get_submodule(name).register_forward_hook(self.noting(name))

    def noting(self, name: str):
        def note(module: nn.Module, inputs: tuple, output: Tensor) -> None:
            self.rows[name] += output.numel() // output.shape[-1]
            if name == "unembed":
                last = output.detach() if output.ndim == 2 else output.detach()[:, -1]
                self.logits.append(last.clone())

        return note


def watch_parts(model: nn.Module) -> Watch:
    """Notes from now on what the model's parts are fed."""
    return Watch(model)


def parts_seen(watch: Watch) -> dict[str, Any]:
    """What a watch has noted so far."""
    return {"rows": dict(watch.rows), "logits": list(watch.logits)}


def in_training(model: nn.Module) -> bool:
    """Whether the model is in training mode."""
    return model.training


TOOLS = (attention_layer, held_append, read_again, keeps_graph, stores_graph, watch_parts, parts_seen, in_training)
