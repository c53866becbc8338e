"""A few bytes that two processes share: in one, which functions of the learner's are at work; the other looks on.

A function that holds the interpreter can neither answer nor be asked, so what it is must be known without asking.
"""

import mmap
from pathlib import Path

from .choice import RUNS

DEPTH = 40
SIZE = 9 + DEPTH
_NUMBER = {id: number for number, id in enumerate(RUNS)}


class Marker:
    """The stack of exercises at work, in a file that both processes have mapped."""

    def __init__(self, path: Path):
        if not path.exists():
            path.write_bytes(bytes(SIZE))
        with path.open("r+b") as file:
            self._bytes = mmap.mmap(file.fileno(), SIZE)
        self._turns = self._depth = 0

    def enter(self, exercise: str) -> None:
        if self._depth < DEPTH:
            self._bytes[9 + self._depth] = _NUMBER[exercise]
        self._depth += 1
        self._tell()

    def leave(self) -> None:
        self._depth -= 1
        self._tell()

    def _tell(self) -> None:
        self._turns += 1
        self._bytes[:8] = self._turns.to_bytes(8, "little")
        self._bytes[8] = min(self._depth, DEPTH)

    def reset(self) -> None:
        self._depth = 0
        self._tell()

    def seen(self) -> tuple[int, tuple[str, ...]]:
        """How often it has moved, and the exercises at work, outermost first: for the process that looks on."""
        turns = int.from_bytes(self._bytes[:8], "little")
        return turns, tuple(RUNS[number] for number in self._bytes[9 : 9 + self._bytes[8]])

    def close(self) -> None:
        self._bytes.close()
