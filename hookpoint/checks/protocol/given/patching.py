"""Notebook 12: its sentence, and metrics that stay beside the model."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

__all__ = ["SENTENCE", "SLOTS", "TOOLS"]

# "<|endoftext|> When A and B went to the park, C gave a ring to" in the stories' tokens; where A, B and C stand.
SENTENCE = (1213, 957, 1053, 1211, 1053, 791, 466, 799, 848, 44, 1053, 907, 399, 838, 466)
SLOTS = (2, 4, 10)


def projection(along: Tensor) -> Callable:
    """A metric that reads every logit: the sum of all, each times its own weight."""

    def metric(logits: Tensor) -> Tensor:
        return (logits * along.to(logits.dtype)).sum()

    return metric


def squared_projection(along: Tensor) -> Callable:
    """A metric that is not linear in the logits."""

    def metric(logits: Tensor) -> Tensor:
        each = (logits * along.to(logits.dtype)).sum(dim=(1, 2))
        return (each + each.square() / 4).mean()

    return metric


def answer_margin(right: Tensor) -> Callable:
    """A metric: how far the right answer's logit is above the mean of all, where `right` [n, pos] is not negative."""

    def metric(logits: Tensor) -> Tensor:
        answered = logits.gather(-1, right.clamp(min=0)[..., None])[..., 0]
        return (answered - logits.mean(dim=-1))[right >= 0].mean()

    return metric


def sentence(first: int, second: int, giver: int) -> list[int]:
    """The tokens of the notebook's sentence with these three names in it."""
    ids = list(SENTENCE)
    for place, name in zip(SLOTS, (first, second, giver), strict=True):
        ids[place] = int(name)
    return ids


def our_path_patch(*arguments: Any, **named: Any) -> Tensor:
    """What `path_patch` stands for in the exercises after it."""
    from hookpoint.interp.patching import path_patch

    return path_patch(*arguments, **named)


def our_faithfulness(*arguments: Any, **named: Any) -> Tensor:
    """What `faithfulness` stands for in the exercises after it."""
    from hookpoint.interp.patching import faithfulness

    return faithfulness(*arguments, **named)


TOOLS = (our_path_patch, our_faithfulness, sentence, answer_margin, projection, squared_projection)
