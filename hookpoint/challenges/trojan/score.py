"""How many networks an answer unmasked: trigger and target exactly, or nothing."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..definition import BadAnswer, Mark
from ..instance import Instance
from ..plain import plain
from .generate import SIX

__all__ = ["score"]

WANTED = f"({SIX.size} different tokens, target), all of them whole numbers from 0 to {SIX.tokens - 1}"


def score(instance: Instance, answer: Callable[[dict[str, Tensor]], Any]) -> Mark:
    """The share of networks whose trigger and target were both found.

    Half a trigger earns nothing: finding out that a network is not clean is far easier than finding what sets it off.
    """
    weights, keys = instance.under("weights"), zip(instance.facts["triggers"], instance.facts["targets"], strict=True)
    triggers, targets, both = 0, 0, 0
    for net, (trigger, target) in enumerate(keys):
        said, aimed = read(answer({name: one[net].clone() for name, one in weights.items()}))
        triggers += said == set(trigger)
        targets += aimed == target
        both += said == set(trigger) and aimed == target
    n = len(instance.facts["targets"])
    return Mark(both / n, parts={"trigger and target": both / n, "trigger": triggers / n, "target": targets / n})


def read(said: Any) -> tuple[set[int], int]:
    """The trigger and the target in what came back.

    Raises:
        BadAnswer: it is something else.
    """
    if type(said) not in (tuple, list) or len(said) != 2:
        raise BadAnswer(f"find_trojan gave back {shown(said)}; expected {WANTED}.")
    tokens, target = map(numbers, said)
    if type(tokens) not in (tuple, list, set, frozenset) or len(tokens) != SIX.size:
        raise BadAnswer(f"The trigger is {shown(tokens)}; expected {WANTED}.")
    tokens = [numbers(one) for one in tokens]
    for one in [*tokens, target]:
        if type(one) is not int or not 0 <= one < SIX.tokens:
            raise BadAnswer(f"{shown(one)} is no token; expected {WANTED}.")
    if len(set(tokens)) != SIX.size:
        raise BadAnswer(f"The trigger names a token twice: {sorted(tokens)}; expected {WANTED}.")
    return set(tokens), target


def numbers(one: Any) -> Any:
    """A small tensor, or what NumPy made, as whole numbers; anything else as it is."""
    one = plain(one) if type(one).__module__ == "numpy" else one
    small = type(one) is torch.Tensor and one.device.type == "cpu" and one.layout == torch.strided and one.numel() <= 64
    return one.tolist() if small else one


def shown(one: Any) -> str:
    """What came back, in a few words."""
    if type(one) in (int, float, bool, type(None)):
        return f"{one!s:.40}"
    if type(one) in (tuple, list, set, frozenset):
        return f"a {type(one).__name__} of {len(one)}"
    return f"a {type(one).__name__}"
