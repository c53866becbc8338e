"""Over the wall by a socket: the learner's code in a process of its own, which gives back values and nothing else.

`Nursery` keeps one warmed process without secrets; each submission is a fork of it that runs the cells, and each
judgement a fork of that, so one exercise cannot disturb the next. This is isolation from accidents (endless loops, a
lost process, exit calls), not from malice: that is `hookpoint.grading.box`.
"""

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from hookpoint.content.cells import Cell, load_cells
from hookpoint.errors import HookpointError

from .protocol.desk import Desk
from .protocol.peer import Lost
from .protocol.wire import Wire, exactly, send_frame

__all__ = ["Nursery", "Submission"]

PID = struct.Struct("<i")
START_SECONDS = 120  # importing torch for the first time on a slow disk
LEAVE_SECONDS = 0.5


class Nursery:
    """A process that has torch imported and waits; a context manager. POSIX only.

    Raises:
        HookpointError: this system cannot fork.
    """

    def __init__(self, limit: float = 10.0):
        if not hasattr(os, "fork"):
            raise HookpointError("Checking in a process of its own needs a system that can fork: Linux, macOS or WSL.")
        self.limit = limit
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        environment = os.environ | {"OMP_NUM_THREADS": "1"}  # a fork of a process that has used more threads hangs
        command = [sys.executable, "-m", "hookpoint.checks.protocol.nursery", str(theirs.fileno())]
        # A session of its own: Ctrl-C in the terminal is for the one who watches; this process ends with its socket.
        self.process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], env=environment, stdin=subprocess.DEVNULL, start_new_session=True
        )
        theirs.close()
        self.control.settimeout(START_SECONDS)
        if self.control.recv(1) != b"r":
            raise HookpointError("The process that checks are run in did not start.")
        self.control.settimeout(None)

    def submission(self, cells: Path | str | Sequence[Cell]) -> "Submission":
        """A link to the names that these cells define, in a process of their own."""
        return Submission(self, load_cells(Path(cells)) if isinstance(cells, (str, Path)) else cells)

    def close(self) -> None:
        self.control.close()
        self.process.wait()

    def __enter__(self) -> "Nursery":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Submission:
    """One learner's cells in a forked process: a `Link` for `judge`, and a context manager."""

    def __init__(self, nursery: Nursery, cells: Sequence[Cell]):
        self.limit = nursery.limit
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        socket.send_fds(nursery.control, [b"s"], [theirs.fileno()])
        theirs.close()
        self.pid = PID.unpack(exactly(nursery.control, PID.size))[0]
        send_frame(self.control, json.dumps([vars(cell) for cell in cells]).encode())
        self.sockets: dict[int, tuple[socket.socket, int]] = {}

    def open(self, limit: float = 0.0) -> Desk:
        """A desk whose calls reach a fresh fork of the submission. `limit` lengthens its own for one exercise."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        desk = Desk()
        wire = Wire(ours, desk.serve, max(self.limit, limit))
        desk.exchange = wire.exchange
        try:
            socket.send_fds(self.control, [b"o"], [theirs.fileno()])
            self.control.settimeout(4 * self.limit)  # the cells may still be running, each under its own limit
            leaf = PID.unpack(exactly(self.control, PID.size))[0]
        except (OSError, Lost):
            leaf = 0  # the cells ended the process: every call will find the socket closed, and say so
        finally:
            theirs.close()
        self.sockets[id(desk)] = ours, leaf
        return desk

    def close(self, desk: Desk | None = None) -> None:
        """Ends the fork of one desk, or the whole submission."""
        if desk is not None:
            ours, leaf = self.sockets.pop(id(desk))
            leave(ours)
            kill(leaf)
            return
        for ours, leaf in self.sockets.values():
            ours.close()
            kill(leaf)
        self.sockets.clear()
        self.control.close()
        kill(self.pid)

    def __enter__(self) -> "Submission":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def leave(sock: socket.socket) -> None:
    """Closes the connection, and gives the other side a moment to clear up: it may have written files."""
    with contextlib.suppress(OSError), sock:
        sock.shutdown(socket.SHUT_WR)
        sock.settimeout(LEAVE_SECONDS)
        while sock.recv(1 << 16):
            pass


def kill(pid: int) -> None:
    if pid > 0:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
