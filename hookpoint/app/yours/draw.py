"""From logits to the next token, one exercise after the other: penalty, temperature, top-k, top-p, and the draw."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .parts import Parts

__all__ = ["Knobs", "adjusted", "chosen", "kept"]

REMOVED = torch.finfo(torch.float32).min / 2  # a removed logit is -inf or lies below this


@dataclass(frozen=True)
class Knobs:
    """How the next token is drawn. A temperature of 0 takes the likeliest; None and 0 leave a step out."""

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    penalty: float = 0.0


def adjusted(parts: "Parts", logits: Tensor, ids: Tensor, knobs: Knobs) -> Tensor:
    """The logits [batch d_vocab] after all knobs; what a filter removed is `REMOVED` or less."""
    if knobs.penalty:
        penalised = [
            parts["frequency_penalty"](row, of_row, knobs.penalty) for row, of_row in zip(ids, logits, strict=True)
        ]
        logits = torch.stack(penalised)
    if knobs.temperature:
        logits = parts["apply_temperature"](logits, knobs.temperature)
    if knobs.top_k:
        logits = parts["top_k_filter"](logits, knobs.top_k)
    if knobs.top_p:
        logits = parts["top_p_filter"](logits, knobs.top_p)
    return logits


def chosen(parts: "Parts", logits: Tensor, knobs: Knobs, generator: torch.Generator | None) -> Tensor:
    """The next token of each row, from adjusted logits."""
    return parts["sample"](logits, generator) if knobs.temperature else parts["greedy"](logits)


def kept(logits: Tensor) -> Tensor:
    """Which tokens are still in the draw."""
    return logits > REMOVED
