"""One check in a process of its own, so that neither torch nor an endless loop can stop the app."""

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path

DEADLINE = 120.0  # seconds; the first import of torch on a cold disk takes a good part of it
POSIX = os.name == "posix"
CHECK = (sys.executable, "-m", "hookpoint", "check")

_running: weakref.WeakSet["Check"] = weakref.WeakSet()


class Check:
    """A running or finished check of one exercise.

    `trouble` says why there is no verdict, "" if there is one; the verdict itself is in the progress record. `out` is
    what the command printed.
    """

    what, record = "check", "nothing was recorded"  # in sentences

    def __init__(
        self, workspace: Path, exercise: str, deadline: float = DEADLINE, command: Sequence[str] | None = None
    ) -> None:
        self.exercise, self.deadline = exercise, deadline
        self.trouble, self.out, self.seconds = "", "", 0.0
        self._stopped, self._started = False, time.monotonic()
        self._process = subprocess.Popen(
            [*(command or CHECK), exercise, "--json"],
            cwd=workspace,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=POSIX,  # a group of its own, so that what the learner's code starts ends with it
        )
        _running.add(self)
        self._waiter = threading.Thread(target=self._wait, daemon=True)
        self._waiter.start()

    @property
    def running(self) -> bool:
        return self._waiter.is_alive()

    @property
    def elapsed(self) -> float:
        """Seconds so far, or in all once it is over."""
        return time.monotonic() - self._started if self.running else self.seconds

    def stop(self) -> None:
        """End it now; nothing is recorded."""
        self._stopped = True
        self._kill()
        self._waiter.join(timeout=5)

    def join(self, timeout: float | None = None) -> None:
        """Wait until it is over."""
        self._waiter.join(timeout)

    def _wait(self) -> None:
        out, err = "", ""
        try:
            out, err = self._process.communicate(timeout=self.deadline)
            self.out = out
            self.trouble = "" if self._stopped or self._answered(out) else _reason(err, self.what)
        except subprocess.TimeoutExpired:
            self.trouble = (
                f"The {self.what} was stopped after {self.deadline:g} s. Is there a loop in your code without an end?"
            )
        finally:
            self._kill()
            self._process.stdout.close()
            self._process.stderr.close()
            self.seconds = time.monotonic() - self._started
        if self._stopped:
            self.trouble = f"Stopped after {self.seconds:.0f} s; {self.record}."

    def _answered(self, out: str) -> bool:
        try:
            return all(report["verdicts"] for report in json.loads(out))
        except (ValueError, TypeError, KeyError):
            return False

    def _kill(self) -> None:
        """End the process and, on POSIX, all that it started; also when the process itself is over already."""
        with contextlib.suppress(OSError):
            if POSIX:
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)


def _reason(err: str, what: str) -> str:
    """What the command complained of; of a traceback, which would be a defect, the last line."""
    lines = [line for line in err.strip().splitlines() if line.strip()]
    if not lines:
        return f"The {what} ended without an answer. Does your code end the Python process?"
    return lines[-1] if any(line.startswith("Traceback") for line in lines) else "\n".join(lines[-6:])


@atexit.register
def _stop_all() -> None:
    """The app's end is theirs: they sit in groups of their own, which a Ctrl-C does not reach."""
    for check in list(_running):
        if check.running:
            check._kill()
