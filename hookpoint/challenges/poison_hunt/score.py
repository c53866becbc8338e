"""Average precision with which the poisons stand at the top, above what no order at all would get."""

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..definition import BadAnswer, Mark
from ..instance import Instance
from ..plain import plain
from .examples import DECOY, POISON
from .given import CHECKPOINTS

__all__ = ["arguments", "average_precision", "score"]


def score(instance: Instance, answer: Any) -> Mark:
    """(average precision - share of poisons) / (1 - share of poisons).

    Raises:
        BadAnswer: what came back is not one finite number for each example.
    """
    kinds, used = instance.tensors["key/kinds"], instance.tensors["key/used"]
    numbers = as_numbers(plain(answer(**arguments(instance))), len(kinds))
    poison = (kinds == POISON) & used
    found, prior = average_precision(numbers, poison), float(poison.double().mean())
    first = numbers.argsort(descending=True, stable=True)[: int(poison.sum())]
    parts = {
        "average precision": found,
        "poisons among the first": float(poison[first].double().mean()),
        "never trained on among the first": float((~used)[first].double().mean()),
        "decoys among the first": float((kinds[first] == DECOY).double().mean()),
    }
    return Mark((found - prior) / (1 - prior), parts=parts)


def arguments(instance: Instance) -> dict[str, Any]:
    """What the answer is called with; nothing of the key is in it."""
    checkpoints = [{name: one.clone() for name, one in instance.under(f"after {step}").items()} for step in CHECKPOINTS]
    plain_ones = {name: instance.tensors[name].clone() for name in ("x", "labels", "asked")}
    return {**plain_ones, "target": instance.facts["target"], "checkpoints": checkpoints}


def as_numbers(answer: Any, n: int) -> Float[Tensor, " example"]:
    """The answer as float64.

    Raises:
        BadAnswer: it is not `n` finite real numbers.
    """
    if isinstance(answer, (list, tuple)):
        if not all(type(one) in (int, float) or (isinstance(one, Tensor) and one.ndim == 0) for one in answer):
            raise BadAnswer(f"The list that came back holds something else than numbers; expected {n} numbers.")
        try:
            answer = torch.tensor([float(one) for one in answer], dtype=torch.float64)
        except (OverflowError, RuntimeError, TypeError, ValueError):
            raise BadAnswer("A number that came back is too large, or complex.") from None
    if not isinstance(answer, Tensor):
        raise BadAnswer(f"A {type(answer).__name__} came back; expected a tensor of {n} numbers, one for each example.")
    if tuple(answer.shape) != (n,):
        raise BadAnswer(f"Shape {tuple(answer.shape)} came back; expected ({n},), a number for each example.")
    if answer.is_complex() or answer.is_quantized or answer.layout != torch.strided or answer.device.type != "cpu":
        raise BadAnswer("The tensor that came back holds no plain real numbers.")
    numbers = answer.detach().to(torch.float64)
    if not bool(numbers.isfinite().all()):
        raise BadAnswer("A NaN or an infinity came back; expected finite numbers.")
    return numbers


def average_precision(numbers: Float[Tensor, " example"], poison: Bool[Tensor, " example"]) -> float:
    """The mean over poisons of the precision down to each. Equal numbers share a place: their order says nothing."""
    _, place, size = numbers.neg().unique(return_inverse=True, return_counts=True)
    hits = torch.zeros(len(size), dtype=torch.float64).index_add_(0, place, poison.double())
    return float((hits * hits.cumsum(0) / size.cumsum(0)).sum() / hits.sum())
