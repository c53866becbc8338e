"""The process from which all submissions are forked, as the side sees it that starts and ends it.

This loads no torch: who hands out submissions computes nothing.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hookpoint.errors import HookpointError

from .level import PACKAGE, Level, boxed
from .sandbox.scratch import empty

if TYPE_CHECKING:
    from .box import Box

__all__ = ["START_SECONDS", "Base"]

START_SECONDS = 120.0  # importing torch for the first time on a slow disk
END_SECONDS = 5.0  # for the process to end by itself when its socket is closed


class Base:
    """The base zygote, in bubblewrap where that works: a context manager. It ends with the thread that made it.

    Each of its `places` is a folder for what the submissions of one worker write.

    Raises:
        HookpointError: it did not start.
    """

    def __init__(self, level: Level, folder: Path | None = None, places: int = 1):
        self.level = level
        self.folder = Path(tempfile.mkdtemp(prefix="hookpoint-", dir=folder))
        self.places = [self.folder / str(number) for number in range(places)]
        for place in self.places:
            place.mkdir()
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        command = boxed(self.places) if level.bubblewrap else []
        command += [sys.executable, "-P", "-m", "hookpoint.grading.sandbox.zygote", str(theirs.fileno())]
        self.process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], env=environment(self.folder), stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        theirs.close()
        if not self.up():
            self.close()
            raise HookpointError("The process that submissions are run in did not start.")

    def up(self) -> bool:
        self.control.settimeout(START_SECONDS)
        try:
            said = self.control.recv(1)
        except OSError:
            said = b""
        self.control.settimeout(None)
        return said == b"r"

    def box(self, limit: float = 10.0, core: int | None = None) -> "Box":
        """A worker's place, for this very process to judge in."""
        from .box import Box

        return Box(self.level, self.control, self.places[0], limit, core)

    def lives(self) -> bool:
        return self.process.poll() is None

    def close(self) -> None:
        self.control.close()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            # bubblewrap, killed in its first moments, leaves a child that waits for it for ever.
            os.killpg(self.process.pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            empty(self.folder)  # folders may be nested more deeply there than rmtree can go
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> "Base":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def environment(folder: Path) -> dict[str, str]:
    """All that the zygote learns of ours: nothing of the host's environment, where keys may lie."""
    return {
        "HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg", "PYTHONPATH": str(PACKAGE.parent),
        **{name: os.environ[name] for name in ("HOOKPOINT_COURSE", "HOOKPOINT_NICE") if name in os.environ},
    }  # fmt: skip
