"""The process that runs the learner's code, as the app sees it: a question in, an answer out, or who stood still."""

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path

from hookpoint.errors import HookpointError

from .marker import Marker

POSIX = os.name == "posix"
SERVE = (sys.executable, "-m", "hookpoint.app.yours.serve")
START_SECONDS = 120.0  # the first import of torch on a cold disk
STILL_SECONDS = 2.0  # one call of one function of the learner's
WHOLE_SECONDS = 30.0  # one question
LOOK = 0.05

_running: weakref.WeakSet["Runner"] = weakref.WeakSet()


class Stopped(Exception):
    """The process had to be ended, or ended itself, while this exercise was at work."""

    def __init__(self, exercise: str, why: str):
        super().__init__(f"{exercise}: {why}")
        self.exercise, self.why = exercise, why


class Runner:
    """One process; after `Stopped` or `close` it is over and another one is needed."""

    def __init__(self, workspace: Path | None, command: Sequence[str] = SERVE, still: float = STILL_SECONDS) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="hookpoint-", ignore_cleanup_errors=True)
        path = Path(self._folder.name) / "marker"
        self._marker, self._still = Marker(path), still
        self._process = subprocess.Popen(
            [*command, str(path), *([str(workspace)] if workspace else [])],
            cwd=workspace,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            start_new_session=POSIX,  # a group of its own: Ctrl-C is not for it, and what it starts ends with it
        )
        self._lines: list[str] = []
        self._came = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        _running.add(self)
        self._ready = False

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, question: dict) -> dict:
        """The answer.

        Raises:
            Stopped: a function of the learner's stood still or ended the process.
            HookpointError: the process is lost, and no function of the learner's was at work.
        """
        if not self._ready:
            self._wait(START_SECONDS)
            self._ready = True
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        except OSError:
            self._over((), "")
        return json.loads(self._wait(WHOLE_SECONDS))

    def close(self) -> None:
        """End the process and, on POSIX, all that it started."""
        with contextlib.suppress(OSError):
            if POSIX:
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        self._reader.join(timeout=5)
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()
        with contextlib.suppress(ValueError):
            self._marker.close()
        self._folder.cleanup()
        _running.discard(self)

    def _read(self) -> None:
        for line in self._process.stdout:
            with self._came:
                self._lines.append(line)
                self._came.notify()
        with self._came:
            self._came.notify()

    def _wait(self, seconds: float) -> str:
        """The next line. Meanwhile the marker is looked at, so that what stands still is known by name."""
        end, turns, moved = time.monotonic() + seconds, -1, time.monotonic()
        while True:
            with self._came:
                if not self._lines:
                    self._came.wait(LOOK)
                if self._lines:
                    return self._lines.pop(0)
            now, (seen, stack) = time.monotonic(), self._marker.seen()
            if seen != turns:
                turns, moved = seen, now
            if not self._reader.is_alive():
                self._over(stack[-1:], "it ended the Python process")
            if stack and now - moved > self._still:
                self._over(stack[-1:], f"stopped after {self._still:g} s in one call; is there a loop without an end?")
            if now > end:
                self._over(stack[:1], f"stopped: it was not done after {seconds:g} s")

    def _over(self, blamed: Sequence[str], why: str) -> None:
        self.close()
        if blamed:
            raise Stopped(blamed[0], why)
        raise HookpointError("your notebooks ended the process that read them, or kept it too long")


@atexit.register
def _stop_all() -> None:
    """The app's end is theirs."""
    for runner in list(_running):
        runner.close()
