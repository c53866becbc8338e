"""How the learner's code is run: under which rules, what is overheard, and which dice and switches are watched.

This is run for every call of every check, in a process whose caches the one that asks has just emptied, where each
Python function costs several times what it costs in a loop. So it is written with few of them.
"""

import ctypes
import io
import itertools
import random
import sys
import warnings
from collections.abc import Callable
from typing import Any

import torch

from .bans import bans
from .blobs import raw
from .printable import printable

__all__ = ["Dice", "Guard", "Switches"]

MAX_TEXT = 2_000
MOST_NOTES, LONGEST_NOTE = 5, 200
ABSENT = object()
MT19937_BYTES = 4 * 624 + 4  # its key, and the position in it


class Guard:
    """The rules of one call. They hold while it is on; it is off while the check's own code runs.

    It overhears warnings, stdout and stderr, for nbgrader gives 0 to any stderr, and puts the prerequisites'
    `stand_ins` under their names.
    """

    def __init__(self, rules: dict, function: Any, names: dict[str, Any], stand_ins: dict[str, Any]):
        self.rules, self.function, self.names, self.stand_ins = rules, function, names, stand_ins
        self.out, self.err, self.heard = Tape(), Tape(), []
        self.before: tuple | None = None
        self.undo: list[Callable[[], Any]] = []

    def on(self) -> None:
        """Undone if it is interrupted half way, by an alarm for instance."""
        self.kept = {name: self.names.get(name, ABSENT) for name in self.stand_ins}
        self.before = torch.is_grad_enabled(), sys.stdout, sys.stderr
        try:
            torch.set_grad_enabled(self.rules["grad"])
            sys.stdout, sys.stderr = self.out, self.err
            self.names.update(self.stand_ins)
            self.listen()
            if self.rules.get("forbids"):
                self.forbid()
        except BaseException:
            self.off()
            raise

    def listen(self) -> None:
        hearing = warnings.catch_warnings(record=True)
        self.heard.append(hearing.__enter__())
        self.undo.append(hearing.__exit__)
        warnings.simplefilter("always")

    def forbid(self) -> None:
        for ban in bans(tuple(self.rules["forbids"]), self.function):
            ban.__enter__()
            self.undo.append(ban.__exit__)

    def off(self) -> None:
        """Puts back what was there; nothing if it is off."""
        if self.before is None:
            return
        try:
            while self.undo:
                self.undo.pop()(None, None, None)
        finally:
            grad, sys.stdout, sys.stderr = self.before
            self.before = None
            torch.set_grad_enabled(grad)
            for name, value in self.kept.items():
                if value is ABSENT:
                    self.names.pop(name, None)
                else:
                    self.names[name] = value

    def notes(self) -> dict[str, list[str]]:
        """What was overheard, beside what was printed, which is nobody's business."""
        said = itertools.islice((str(one.message) for heard in self.heard for one in heard), MOST_NOTES)
        errors = " ".join(self.err.getvalue().split())
        return {
            "warnings": [printable(text)[:LONGEST_NOTE] for text in said],
            "stderr": [printable(errors)[:LONGEST_NOTE]] if errors else [],
        }


class Tape(io.StringIO):
    """Takes what is printed, up to a bound."""

    def write(self, text: str) -> int:
        return super().write(text[:MAX_TEXT]) if self.tell() < MAX_TEXT else len(text)


class Dice:
    """Whether one of the process's shared random generators has moved since this was made."""

    def __init__(self):
        self.before = states()

    def moved(self) -> list[str]:
        after = states()
        return [name for name, state in after.items() if state != self.before.get(name, state)]


def states() -> dict[str, Any]:
    found = {"torch": raw(torch.default_generator.get_state()), "random": python_state()}
    if numpy := sys.modules.get("numpy"):
        found["numpy"] = numpy_state(numpy.random.get_bit_generator())
    return found


def python_state(generator: random.Random = random.getstate.__self__) -> Any:
    """The state of Python's global generator. `getstate` takes ten times as long: it makes an integer of each word."""
    kind = type(generator).__base__
    if kind.__name__ != "Random" or sys.implementation.name != "cpython":
        return generator.getstate()
    size = kind.__basicsize__ - object.__basicsize__
    return ctypes.string_at(id(generator) + object.__basicsize__, size), generator.gauss_next


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
