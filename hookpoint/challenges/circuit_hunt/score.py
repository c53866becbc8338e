"""The score of a circuit hunt: average precision of the ranking; and the passes, which are counted on this side."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..definition import BadAnswer, Mark
from ..instance import Instance
from .generate import LENGTH, SYMBOLS, circuit, wiring
from .wiring import Wiring

__all__ = ["BUDGET", "LARGEST", "Passes", "average_precision", "score"]

BUDGET = 200
LARGEST = 128  # inputs in a pass


def score(instance: Instance, answer: Callable[..., Any]) -> Mark:
    """The average precision of `answer`'s ranking; passes part equal ones."""
    wires, truth = wiring(instance), circuit(instance)
    passes = Passes(wires)
    said = answer(list(wires.nodes), list(wires.edges), passes.written, passes.run, passes.gradient)
    if passes.over is not None:  # it may have caught the error
        raise passes.over
    ranking = as_numbers(said, len(truth))
    return Mark(average_precision(ranking, truth), cost=passes.used)


def average_precision(ranking: Sequence[float], truth: Int[Tensor, " edge"]) -> float:
    """The mean precision at the places of the true edges. Equal numbers share a place, at the end of their run."""
    numbers = torch.tensor(ranking, dtype=torch.float64)
    at_least = numbers[None] >= numbers[truth > 0][:, None]
    return ((at_least & (truth > 0)).sum(dim=1) / at_least.sum(dim=1)).mean().item()


class Passes:
    """What a participant may ask of the model. What goes beyond the budget ends the scoring."""

    def __init__(self, wires: Wiring, budget: int = BUDGET) -> None:
        self.wires, self.budget, self.used = wires, budget, 0
        self.over: BadAnswer | None = None

    @torch.no_grad()
    def written(self, tokens: Any) -> Float[Tensor, "input pos node d_model"]:
        """What every node writes; one pass."""
        tokens = as_tokens(tokens, "tokens")
        self._spend(1)
        return self.wires.written(tokens)

    @torch.no_grad()
    def run(self, tokens: Any, donors: Any, dials: Any) -> Float[Tensor, "row input pos token"]:
        """The logits for each row of dials; one pass a row."""
        tokens, donors = as_pair(tokens, donors)
        rows = as_dials(dials, len(self.wires.edges))
        self._spend(len(rows))
        donor = self.wires.written(donors)
        return torch.stack([self.wires.logits(tokens, donor, row[None]) for row in rows])

    def gradient(self, tokens: Any, donors: Any, dials: Any, weight: Any) -> Float[Tensor, "input edge"]:
        """The slope of the weighted sum of the logits in every dial, for each input; two passes."""
        tokens, donors = as_pair(tokens, donors)
        row = as_dials(dials, len(self.wires.edges), rows=1)
        shape = (*tokens.shape, SYMBOLS)
        if not is_plain(weight) or weight.shape != shape or not weight.is_floating_point():
            raise BadAnswer(f"weight must be a tensor of floats [input, position, token], here {list(shape)}.")
        self._spend(2)
        with torch.no_grad():
            donor = self.wires.written(donors)
        turned = row.expand(len(tokens), -1).clone().requires_grad_()
        with torch.enable_grad():
            total = (weight.detach().float() * self.wires.logits(tokens, donor, turned)).sum()
        return torch.autograd.grad(total, turned)[0]

    def _spend(self, passes: int) -> None:
        if self.used + passes > self.budget:
            spent = f"{passes} more passes, after {self.used} of {self.budget}"
            self.over = BadAnswer(f"rank_edges asked for {spent}. Rank the edges with fewer.")
            raise self.over
        self.used += passes


def as_pair(tokens: Any, donors: Any) -> tuple[Tensor, Tensor]:
    tokens, donors = as_tokens(tokens, "tokens"), as_tokens(donors, "donors")
    if tokens.shape != donors.shape:
        raise BadAnswer(f"tokens and donors must be equally many, not {len(tokens)} and {len(donors)}.")
    return tokens, donors


def as_tokens(value: Any, name: str) -> Int[Tensor, "input pos"]:
    """Inputs of the model, or a BadAnswer."""
    wanted = f"{name} must be a tensor of integers from 0 to {SYMBOLS - 1}, [1 to {LARGEST} inputs, {LENGTH} positions]"
    if not is_plain(value) or value.dtype not in (torch.int64, torch.int32, torch.uint8, torch.int16, torch.int8):
        raise BadAnswer(f"{wanted}.")
    if value.ndim != 2 or value.shape[1] != LENGTH or not 1 <= len(value) <= LARGEST:
        raise BadAnswer(f"{wanted}, not {list(value.shape)}.")
    if value.min() < 0 or value.max() >= SYMBOLS:
        raise BadAnswer(f"{wanted}.")
    return value.long()


def as_dials(value: Any, n_edges: int, rows: int | None = None) -> Float[Tensor, "row edge"]:
    """Settings of the dials, or a BadAnswer."""
    of = f"[edge], {n_edges} numbers" if rows else f"[row, edge], 1 to {BUDGET} rows of {n_edges}"
    wanted = f"dials must be a tensor of numbers from 0 to 1, {of}"
    if not is_plain(value) or value.is_complex():
        raise BadAnswer(f"{wanted}.")
    value = value[None] if rows and value.ndim == 1 else value
    if value.ndim != 2 or value.shape[1] != n_edges or not 1 <= len(value) <= (rows or BUDGET):
        raise BadAnswer(f"{wanted}, not {list(value.shape)}.")
    value = value.detach().float()
    if not bool(((value >= 0) & (value <= 1)).all()):
        raise BadAnswer(f"{wanted}.")
    return value


def as_numbers(value: Any, n_edges: int) -> list[float]:
    """The ranking that came back, or a BadAnswer."""
    wanted = f"rank_edges must give one number for each of the {n_edges} edges"
    if is_plain(value) and value.ndim == 1 and not value.is_complex():
        value = value.double().tolist()
    if not isinstance(value, (list, tuple)):
        raise BadAnswer(f"{wanted}, as a list or a tensor of one axis; it gave {type(value).__name__}.")
    if len(value) != n_edges:
        raise BadAnswer(f"{wanted}; it gave {len(value)}.")
    if not all(type(one) in (int, float, bool) and abs(one) <= 1e300 and math.isfinite(one) for one in value):
        raise BadAnswer(f"{wanted}; one of them is no finite number.")
    return [float(one) for one in value]


def is_plain(value: Any) -> bool:
    """Whether it is an ordinary tensor in this machine's memory."""
    return (
        type(value) in (Tensor, torch.nn.Parameter)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
    )
