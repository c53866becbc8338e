"""The order of the heads that was handed in, against the order of their shares."""

from typing import Any

import torch
from torch import Tensor

from hookpoint.model import Config

from ..definition import BadAnswer, Mark
from ..instance import Instance
from ..plain import plain
from .key import ordered

__all__ = ["score"]

LARGEST = 1e30


def score(instance: Instance, answer: Any) -> Mark:
    """The mean of the two layers' rank correlations.

    Raises:
        BadAnswer: what came back is not a number for each head.
    """
    cfg = Config(**instance.facts["config"])
    weights = {name: one.clone() for name, one in instance.under("weights").items()}
    said = numbers_in(plain(answer(cfg, weights)), (cfg.n_layers, cfg.n_heads))
    found = [ordered(row, share) for row, share in zip(said, instance.tensors["key"], strict=True)]
    return Mark(sum(found) / 2, parts={"previous token": found[0], "induction": found[1]})


def numbers_in(answer: Any, shape: tuple[int, int]) -> Tensor:
    """The answer as a table of finite numbers.

    Raises:
        BadAnswer: it is none.
    """
    wanted = f"a tensor or lists of {shape[0]} rows of {shape[1]} numbers"
    rows = listed(answer, shape)
    if not (isinstance(rows, (list, tuple)) and len(rows) == shape[0]):
        raise BadAnswer(f"What came back is not {wanted}.")
    rows = [listed(row, shape[1:]) for row in rows]
    if not all(isinstance(row, (list, tuple)) and len(row) == shape[1] for row in rows):
        raise BadAnswer(f"What came back is not {wanted}.")
    for row in rows:
        # Comparisons are false of NaN.
        if not all(type(number) in (int, float) and -LARGEST <= number <= LARGEST for number in row):
            raise BadAnswer(f"A number that came back is NaN, beyond {LARGEST:.0e}, or no number.")
    return torch.tensor(rows, dtype=torch.float64)


def listed(value: Any, shape: tuple[int, ...]) -> Any:
    """A real tensor of that shape as lists; anything else as it is."""
    if not isinstance(value, Tensor):
        return value
    odd = value.is_complex() or value.is_quantized or value.is_meta or value.layout is not torch.strided
    if value.shape != shape or odd:
        raise BadAnswer(
            f"A tensor of shape {list(value.shape)} came back instead of a real one of shape {list(shape)}."
        )
    return value.double().tolist()
