"""The frequencies that were handed in, against those that the model cannot do without."""

from typing import Any

import torch
from torch import Tensor

from hookpoint.model import Config

from ..definition import BadAnswer, Mark
from ..instance import Instance
from ..plain import plain

__all__ = ["score"]


def score(instance: Instance, answer: Any) -> Mark:
    """F1 of the set of frequencies.

    Raises:
        BadAnswer: what came back is no list of different frequencies.
    """
    cfg = Config(**instance.facts["config"])
    weights = {name: one.clone() for name, one in instance.under("weights").items()}
    found = frequencies_in(plain(answer(cfg, weights)), most=(cfg.d_vocab - 2) // 2)
    key, decoys = set(instance.facts["key"]), set(instance.facts["decoys"])
    hits = len(found & key)
    parts = {
        "precision": hits / len(found) if found else 0.0,
        "recall": hits / len(key),
        "decoys named": float(len(found & decoys)),
    }
    return Mark(2 * hits / (len(found) + len(key)), parts=parts)


def frequencies_in(answer: Any, most: int) -> set[int]:
    """The frequencies of a list, or of a tensor of whole numbers.

    Raises:
        BadAnswer: this is none, or one stands in it twice.
    """
    if isinstance(answer, Tensor) and answer.ndim == 1 and answer.layout == torch.strided and not answer.is_meta:
        answer = answer.tolist()
    if not isinstance(answer, (list, tuple)):
        raise BadAnswer(f"A {type(answer).__name__} came back instead of a list of frequencies such as [3, 17].")
    for at, k in enumerate(answer):
        if type(k) is not int or not 1 <= k <= most:
            raise BadAnswer(f"Entry {at} of the list is no whole number from 1 to {most}.")
    if len(set(answer)) < len(answer):
        raise BadAnswer("A frequency stands in the list twice.")
    return set(answer)
