"""How the learner's code is run: what is forbidden, what is overheard, and which dice are watched."""

import io
import random
import sys
from collections.abc import Sequence

import torch
from torch.overrides import TorchFunctionMode

__all__ = ["FAMILIES", "Ban", "Dice", "Forbidden", "Tape"]

MAX_TEXT = 2_000
FAMILIES = {  # what an exercise builds itself: words in the names under which torch runs every spelling of it
    "softmax": ("softmax", "cross_entropy", "scaled_dot_product", "multi_head_attention"),
    "layer_norm": ("layer_norm", "batch_norm", "group_norm", "instance_norm"),
    "attention": ("scaled_dot_product", "multi_head_attention"),
    "gelu": ("gelu",),
    "cross_entropy": ("cross_entropy", "nll_loss"),
    "adamw": ("adam",),
}


class Forbidden(Exception):
    """The learner called what the exercise asks them to build."""


class Ban(TorchFunctionMode):
    """Stops every spelling of the named families: `F.softmax`, `x.softmax`, `torch.special.softmax`, `nn.Softmax`.

    A function mode, not a dispatch mode: the first use of a dispatch mode imports torch._dynamo, a full second.
    """

    def __init__(self, families: Sequence[str]):
        super().__init__()
        self.words = [word for family in families for word in FAMILIES[family]]

    def __torch_function__(self, function, types, args=(), kwargs=None):
        name = getattr(function, "__name__", "")
        if any(word in name for word in self.words):
            raise Forbidden(name.strip("_"))
        return function(*args, **(kwargs or {}))


class Tape(io.StringIO):
    """Takes what is printed, up to a bound."""

    def write(self, text: str) -> int:
        return super().write(text[:MAX_TEXT]) if self.tell() < MAX_TEXT else len(text)


class Dice:
    """Whether one of the process's shared random generators has moved since this was made."""

    def __init__(self):
        self.before = self.states()

    @staticmethod
    def states() -> dict:
        states = {"torch": torch.get_rng_state().numpy().tobytes(), "random": random.getstate()}
        if numpy := sys.modules.get("numpy"):
            _, keys, position, *_ = numpy.random.get_state()
            states["numpy"] = (keys.tobytes(), position)
        return states

    def moved(self) -> list[str]:
        after = self.states()
        return [name for name, state in after.items() if state != self.before.get(name, state)]
