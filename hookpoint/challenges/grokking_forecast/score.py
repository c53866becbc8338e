"""How far the forecasts are from the onsets, as factors."""

import math
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor

from ..definition import BadAnswer, Mark
from ..instance import Instance
from ..plain import plain
from .generate import known

__all__ = ["score"]

LATEST = 1e9


def score(instance: Instance, answer: Any) -> Mark:
    """Minus the mean absolute error of the onset's natural logarithm.

    Raises:
        BadAnswer: what came back is not a step for each run.
    """
    onsets = instance.facts["onsets"]
    said = steps_in(plain(answer(deepcopy(known()), deepcopy(instance.facts["runs"]))), len(onsets))
    errors = [abs(math.log(step / onset)) for step, onset in zip(said, onsets, strict=True)]
    error = sum(errors) / len(errors)
    return Mark(-error, parts={"wrong by a factor of": math.exp(error)})


def steps_in(answer: Any, many: int) -> list[float]:
    """The steps of a list.

    Raises:
        BadAnswer: this is none.
    """
    wanted = f"a list of {many} steps, one for each run"
    if isinstance(answer, Tensor):
        odd = answer.is_complex() or answer.is_quantized or answer.is_meta or answer.layout is not torch.strided
        if odd or answer.numel() != many:
            raise BadAnswer(f"A tensor of shape {list(answer.shape)} came back instead of {wanted}.")
        answer = answer.double().flatten().tolist()
    if not isinstance(answer, (list, tuple)) or len(answer) != many:
        raise BadAnswer(f"What came back is not {wanted}.")
    for at, step in enumerate(answer):
        # The comparison is false of NaN.
        if type(step) not in (int, float) or not 1 <= step <= LATEST:
            raise BadAnswer(f"Forecast {at} is no step from 1 to {LATEST:.0e}.")
    return [float(step) for step in answer]
