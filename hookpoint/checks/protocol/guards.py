"""How the learner's code is run: what is overheard, and which dice and switches are watched."""

import io
import random
import sys

import torch

__all__ = ["Dice", "Switches", "Tape"]

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


class Switches:
    """What holds for the whole process, and for everything that is computed after a call has left it changed."""

    def __init__(self):
        self.grad, self.dtype = torch.is_grad_enabled(), torch.get_default_dtype()

    def left(self) -> list[str]:
        """What is no longer as it was when this was made, and is put back."""
        found = []
        if torch.is_grad_enabled() != self.grad:
            found.append(f"gradient tracking switched {'off' if self.grad else 'on'}")
            torch.set_grad_enabled(self.grad)
        if (now := torch.get_default_dtype()) != self.dtype:
            found.append(f"the default dtype at {str(now).removeprefix('torch.')}")
            torch.set_default_dtype(self.dtype)
        return found
