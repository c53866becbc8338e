"""How the learner's code is run: what is overheard, and which dice and switches are watched."""

import ctypes
import io
import random
import sys
from typing import Any

import torch

__all__ = ["Dice", "Switches", "Tape"]

MAX_TEXT = 2_000
MT19937_BYTES = 4 * 624 + 4  # its key, and the position in it


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
            states["numpy"] = numpy_state(numpy.random.get_bit_generator())
        return states

    def moved(self) -> list[str]:
        after = self.states()
        return [name for name, state in after.items() if state != self.before.get(name, state)]


def numpy_state(generator: Any) -> Any:
    """The state of numpy's global generator. `get_state` takes ten times as long: it makes an array and a tuple."""
    if type(generator).__name__ != "MT19937":  # somebody has put in another one
        return repr(generator.state)
    return ctypes.string_at(generator.ctypes.state_address, MT19937_BYTES)


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
