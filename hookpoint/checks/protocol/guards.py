"""How the learner's code is run: what is overheard, and which dice are watched."""

import io
import random
import sys

import torch

__all__ = ["Dice", "Tape"]

MAX_TEXT = 2_000


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
