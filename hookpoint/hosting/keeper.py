"""Keeps a process alive: when it dies it is started again, at once at first, then after growing pauses."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

__all__ = ["Keeper"]

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
LIVED = 60.0  # seconds after which a process counts as one that works: the next pause is the first again
PATIENCE = 15.0  # for one that is asked to end: it gives its work back first
LARGEST_LOG = 5 << 20  # bytes; a larger one is set aside when its process is started


class Keeper:
    """One process and the thread that watches over it. Use it as a context: with the block the process ends.

    Args:
        log: the file that gets what the process says.
        told: gets a line when the process dies; more and more seldom if it goes on dying.
        after: seconds until it is started for the first time.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
        told: Callable[[str], object] = lambda line: None,
        after: float = 0.0,
    ):
        self.name, self.command, self.log, self.told = name, tuple(command), log, told
        self.environment = {**os.environ, **(environment or {})}
        self.after = after
        self.deaths = 0  # in a row
        self._process: subprocess.Popen | None = None
        self._ending, self._turn = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._watch, name=f"keeper of {name}", daemon=True)

    def __enter__(self) -> "Keeper":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def pid(self) -> int | None:
        """The process that runs now, if one does."""
        process = self._process
        return process.pid if process and process.poll() is None else None

    def end(self) -> None:
        """Asks the process to end, waits for it, and kills it if it does not."""
        with self._turn:  # not between the decision to start one and its start
            self._ending.set()
            process = self._process
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
        self._thread.join(PATIENCE)

    def kill(self) -> None:
        """Ends the process without asking, so that `end` need not wait for it. Takes no lock: signals may call it."""
        if (process := self._process) is not None:
            process.kill()

    def _watch(self) -> None:
        pause = FIRST_PAUSE
        self._ending.wait(self.after)
        while True:
            began = time.monotonic()
            with self._turn:
                if self._ending.is_set():
                    return
                self._process = self._start()
            code = self._ended()
            if self._ending.is_set():
                return
            if time.monotonic() - began > LIVED:
                pause, self.deaths = FIRST_PAUSE, 0
            self.deaths += 1
            if self.deaths.bit_count() == 1:  # the first, second, fourth, eighth: a line every half minute helps nobody
                self.told(f"{self.name} {_how(code)}; it starts again in {pause:g} s. {self.log} may say why.")
            if self._ending.wait(pause):
                return
            pause = min(2 * pause, LONGEST_PAUSE)

    def _ended(self) -> int | None:
        """Waits for the process to end; its exit code."""
        process = self._process
        if process is None:
            return None
        code = process.wait()
        process.stdin.close()
        return code

    def _start(self) -> subprocess.Popen | None:
        """The process; None if the system cannot start one now."""
        try:
            if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
                self.log.replace(self.log.with_name(f"{self.log.name}.1"))
            with self.log.open("ab") as log:
                # A session of its own: Ctrl-C reaches us alone, and we end it in our order. The pipe says when we are
                # gone, however we went: nothing is ever written to it.
                return subprocess.Popen(
                    self.command,
                    env=self.environment,
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError:
            return None


def _how(code: int | None) -> str:
    if code is None:
        return "could not be started"
    return f"was ended by signal {-code}" if code < 0 else f"has ended with exit code {code}"
