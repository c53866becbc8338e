"""The instances that everybody may look at, and what an answer is worth on them.

Those that take long to make come with the package; the others are made when they are first asked for.
"""

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from .definition import BadAnswer, Challenge, Mark
from .instance import Instance, from_bytes
from .plain import plain
from .registry import challenge
from .scoring import Scored, scored

__all__ = ["FIRST_SEED", "SHIPPED", "marked", "public", "score", "shipped"]

SHIPPED = Path(__file__).parent / "instances"
FIRST_SEED = 1  # of the public ones, which are numbered from here; private seeds have 62 bits


def shipped(id: str, number: int) -> Path:
    """Where a public instance lies that takes long to make."""
    return SHIPPED / f"{id}-{number}.safetensors"


@cache
def public(id: str, number: int = 0) -> Instance:
    """The public instance of that number, from 0, with its key.

    Raises:
        UsageError: there is no such challenge.
        IndexError: it has fewer public instances.
    """
    one = challenge(id)
    if not 0 <= number < one.public:
        raise IndexError(f"{id} has {one.public} public instances, numbered from 0.")
    path = shipped(id, number)
    return from_bytes(path.read_bytes()) if path.is_file() else one.generate(FIRST_SEED + number)


def score(id: str, answer: Any) -> Scored:
    """What an answer is worth on the public instances: a function, or what a file would hold.

    It runs here and now, without a time limit; each call that takes longer than a grader would wait is refused.

    Raises:
        BadAnswer: what it gives back cannot be scored, or it takes too long.
    """
    one = challenge(id)
    return scored(one, [marked(one, public(id, number), answer) for number in range(one.public)])


def marked(one: Challenge, instance: Instance, answer: Any) -> Mark:
    """The mark on one instance; an answer that took too long has none."""
    timed = Timed(answer) if callable(answer) else answer
    mark = one.score(instance, timed)
    if isinstance(timed, Timed) and timed.seconds > one.seconds:
        raise BadAnswer(f"{one.answer} took {timed.seconds:.1f} s for one instance, and may take {one.seconds:g} s.")
    return mark


class Timed:
    """A function that knows how long its calls took."""

    def __init__(self, function: Callable[..., Any], clock: Callable[[], float] = time.perf_counter):
        self.function, self.clock, self.seconds = function, clock, 0.0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        began = self.clock()
        try:
            return plain(self.function(*args, **kwargs))
        finally:
            self.seconds += self.clock() - began
