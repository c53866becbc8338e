"""A direction is asked for truth, and for what else it may have found."""

from typing import Any

import torch
from torch import Tensor

from ..definition import BadAnswer, Mark
from ..instance import Instance
from ..plain import plain
from .generate import WIDTH, difference, told

__all__ = ["score"]


def score(instance: Instance, answer: Any) -> Mark:
    """The accuracy for truth less that for the distractor that the direction tells best, each with the better sign.

    Raises:
        BadAnswer: what came back is no direction.
    """
    direction = direction_in(plain(answer(instance.tensors["groups"].clone())))
    tensors = dict(instance.tensors)
    side = tensors["gaps"].double() @ direction > 0
    truth = told(side, tensors["is_true"])
    value = difference(tensors, direction)
    return Mark(value, parts={"truth": truth, "loudest distractor": truth - value})


def direction_in(answer: Any) -> Tensor:
    """The direction with largest entry 1.

    Raises:
        BadAnswer: it is no vector of finite numbers, or zero.
    """
    if not (
        isinstance(answer, Tensor)
        and not answer.is_nested
        and answer.layout == torch.strided
        and answer.is_floating_point()
    ):
        kind = answer.dtype if isinstance(answer, Tensor) else type(answer).__name__
        raise BadAnswer(f"A {kind} came back instead of a float tensor [{WIDTH}].")
    if answer.is_meta or answer.shape != (WIDTH,):
        raise BadAnswer(f"The direction has the shape {list(answer.shape)} instead of [{WIDTH}].")
    direction = answer.double()
    if not direction.isfinite().all() or not direction.abs().max() > 0:
        raise BadAnswer("The direction is zero, or holds numbers that are not finite.")
    return direction / direction.abs().max()
