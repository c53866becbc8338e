"""A time limit for code that may never end: Python code in the main thread, on systems with SIGALRM."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

__all__ = ["OutOfTime", "alarm"]

REPEAT = 0.2  # seconds: a bell that was swallowed, or did not ring because of where it would have, rings again


class OutOfTime(Exception):
    """The block took longer than its limit, in seconds."""


class Bell(BaseException):
    """Not an `Exception`: the code under the limit may catch those."""


@contextlib.contextmanager
def alarm(limit: float | None) -> Iterator[None]:
    """Runs the block for at most `limit` seconds, where that can be had; without a limit elsewhere.

    Raises:
        OutOfTime: the limit passed.
    """
    if not limit or not usable():
        yield
        return
    rang = []

    def ring(_: int, frame: FrameType | None) -> None:
        if not (leaving(frame) or importing(frame)):
            rang.append(True)
            raise Bell

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, limit, REPEAT)
        yield
    except Bell:
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    if rang:
        raise OutOfTime(limit)


def usable() -> bool:
    in_main = threading.current_thread() is threading.main_thread()
    return in_main and hasattr(signal, "setitimer") and signal.getitimer(signal.ITIMER_REAL)[0] == 0


def leaving(frame: FrameType | None) -> bool:
    """Whether the block has been left, or not been entered: a bell now would reach whoever called `alarm`.

    While the block runs, `alarm` itself waits, and is on nobody's stack.
    """
    return within(frame, __file__) or (frame is not None and frame.f_code.co_filename == contextlib.__file__)


def importing(frame: FrameType | None) -> bool:
    """An import cut short leaves a half-made module behind, and everything after it fails."""
    return within(frame, "<frozen importlib._bootstrap>")


def within(frame: FrameType | None, file: str) -> bool:
    while frame is not None and frame.f_code.co_filename != file:
        frame = frame.f_back
    return frame is not None
