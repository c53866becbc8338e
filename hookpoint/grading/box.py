"""The trusted end of the sandbox: starts it, hands submissions in, and carries the calls of checks over the wall.

    worker ── control ── base zygote ── fork ── stage of one notebook ── fork ── run of one submission
       └───────────────────── one socket for each run: its cells' progress, then calls ─────┘

A submission travels as a sealed file descriptor that the run alone reads; inputs and answers travel as frames of JSON
and safetensors, bounded in size and, both ways, in time. Nothing is pickled. A run cannot start a process, so when it
is killed there is nothing left of it.
"""

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from hookpoint.checks.child import START_SECONDS
from hookpoint.checks.protocol.desk import Desk
from hookpoint.checks.protocol.peer import Lost, TimedOut
from hookpoint.checks.protocol.printable import printable
from hookpoint.checks.protocol.wire import Wire, exactly, receive_frame, send_frame
from hookpoint.content.cells import Cell
from hookpoint.content.course import Notebook
from hookpoint.errors import HookpointError

from .level import Level, boxed, system_paths
from .sandbox.zygote import DONE, PLACE
from .withholding import readable, shown, withheld

__all__ = ["Box", "Run", "Stage"]

CELL_SECONDS = 15.0  # the run stops a cell itself after 10; this is for one that cannot be stopped from within
CELLS_SECONDS = 60.0  # all cells of a submission
END_SECONDS = 5.0  # for the zygote to end by itself when its socket is closed
CPU_SECONDS = 600  # a last resort for one run; the deadlines come first
DEVICES = ("/dev/urandom", "/dev/zero")
# What the setups of notebooks import of ours: loaded once for all submissions.
IMPORTS = ("hookpoint.model.gpt2", "hookpoint.zoo.stories", "hookpoint.pictures", "hookpoint.content.earlier")
ENDED = "Its cell ended the Python process, or did not come back within {limit:g} s."


class Box:
    """The zygote of one worker, and its stages: a context manager.

    Raises:
        HookpointError: it did not start.
    """

    def __init__(self, level: Level, folder: Path | None = None, limit: float = 10.0):
        self.level, self.limit = level, limit
        self.folder = Path(tempfile.mkdtemp(prefix="hookpoint-", dir=folder))
        self.stages: dict[str, Stage] = {}
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        command = boxed(self.folder) if level.bubblewrap else []
        command += [sys.executable, "-P", "-m", "hookpoint.grading.sandbox.zygote", str(theirs.fileno())]
        self.process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], env=environment(self.folder), stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        theirs.close()
        try:
            expect(self.control, b"r", START_SECONDS)
        except Lost:
            self.close()
            raise HookpointError("The process that submissions are run in did not start.") from None

    def stage(self, notebook: Notebook) -> "Stage":
        """What runs submissions to this notebook; made when it is first asked for."""
        if notebook.name not in self.stages:
            self.stages[notebook.name] = Stage(self, notebook)
        return self.stages[notebook.name]

    def close(self) -> None:
        for stage in self.stages.values():
            stage.close()
        self.control.close()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> "Box":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def environment(folder: Path) -> dict[str, str]:
    """All that the zygote learns of ours: nothing of the host's environment, where keys may lie."""
    return {
        "HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        **({"HOOKPOINT_COURSE": os.environ["HOOKPOINT_COURSE"]} if "HOOKPOINT_COURSE" in os.environ else {}),
    }  # fmt: skip


class Stage:
    """A fork of the zygote for one notebook, whose answers are withheld from it."""

    def __init__(self, box: Box, notebook: Notebook):
        self.box, self.notebook = box, notebook
        scratch = box.folder / notebook.name
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        socket.send_fds(box.control, [b"s"], [theirs.fileno()])
        theirs.close()
        files, folders = readable(notebook)
        asked = {
            "withheld": {module: shown_to_all(module, notebook) for module in withheld(notebook)},
            "imports": IMPORTS, "scratch": str(scratch), "landlock": box.level.landlock, "listable": folders,
            "readable": [*system_paths(), *DEVICES, *files], "cpu_seconds": CPU_SECONDS,
        }  # fmt: skip
        send_frame(self.control, json.dumps(asked).encode())
        expect(self.control, b"r", START_SECONDS)

    def run(self, cells: Sequence[Cell]) -> "Run":
        """The submission's cells, run; those that end the process are left out, and count as broken."""
        cells, problems = list(cells), {}
        for _ in range(len(cells) + 1):
            run = Run(self, cells, problems)
            fatal = run.start()
            if fatal is None:
                return run
            run.close()
            cell = cells.pop(fatal)
            if cell.writes:
                problems[cell.writes] = ENDED.format(limit=CELL_SECONDS)
        raise Lost("the cells could not be run")

    def lives(self) -> bool:
        """Whether the stage still answers. If not, what happened to its runs says nothing about them."""
        try:
            self.control.send(b"p")
            expect(self.control, b"p", END_SECONDS)
        except (OSError, Lost):
            return False
        return True

    def close(self) -> None:
        self.control.close()


class Run:
    """One submission in a process of its own: a `Link` for `judge`."""

    def __init__(self, stage: Stage, cells: Sequence[Cell], problems: Mapping[str, str]):
        self.stage, self.used, self.alive = stage, False, True
        self.exercise, self.handle = "", None
        self.sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        submission = sealed(json.dumps({"cells": [vars(cell) for cell in cells], "problems": problems}).encode())
        try:
            socket.send_fds(stage.control, [b"r"], [submission, theirs.fileno()])
            stage.control.settimeout(START_SECONDS)
            _, fds, _, _ = socket.recv_fds(stage.control, 1, 1)
        except OSError:
            fds = []
        finally:
            theirs.close()
            os.close(submission)
        if not fds:
            raise Lost("the stage has ended")
        self.handle = fds[0]

    def start(self) -> int | None:
        """Waits until all cells have run. Gives the place of the cell that ended the process, if one did."""
        place, end = 0, time.monotonic() + CELLS_SECONDS
        try:
            while True:
                self.sock.settimeout(max(min(CELL_SECONDS, end - time.monotonic()), 1e-3))
                said = PLACE.unpack(exactly(self.sock, PLACE.size))[0]
                if said == DONE:
                    self.problems = read_problems(receive_frame(self.sock))
                    return None
                place = max(said, 0)
        except (OSError, Lost):
            return place

    def open(self, limit: float = 0.0) -> Desk:
        """A desk whose calls reach the submission. `limit` lengthens the box's own for one exercise."""
        desk = Desk()
        wire = Wire(self.sock, desk.serve, max(self.stage.box.limit, limit))
        desk.exchange, desk.source = self.watched(wire), self.source
        return desk

    def watched(self, wire: Wire):
        def exchange(parcel):
            try:
                return wire.exchange(parcel)
            except (Lost, TimedOut):
                self.alive = False
                raise

        return exchange

    def source(self, module: str) -> bytes | None:
        """What the submission may see of a withheld module while the present exercise is judged."""
        try:
            return shown(module, self.stage.notebook, self.exercise)
        except KeyError:
            return None

    def close(self, desk: Desk | None = None) -> None:
        """Ends the process, and waits until it has ended. The end of one desk leaves it as it is."""
        if desk is not None:
            return
        self.sock.close()
        if self.handle is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.handle, signal.SIGKILL)
            select.select([self.handle], [], [], START_SECONDS)
            os.close(self.handle)
            self.handle = None


def shown_to_all(module: str, notebook: Notebook) -> str:
    """What of a withheld module answers no exercise of the notebook, as text for JSON."""
    return base64.b64encode(shown(module, notebook, notebook.exercises[0].id)).decode()


def sealed(data: bytes) -> int:
    """A file descriptor to read the data from, which nobody can change any more."""
    fd = os.memfd_create("submission", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    os.write(fd, data)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE)
    return fd


def read_problems(frame: bytes) -> dict[str, str]:
    """Why names are not there, as the run says: text for people, from a side that is not trusted."""
    try:
        said = json.loads(frame)
        return {str(name)[:100]: printable(str(text)) for name, text in list(said.items())[:100]}
    except (ValueError, AttributeError, RecursionError) as cause:
        raise Lost("sent a frame that cannot be read") from cause


def expect(sock: socket.socket, word: bytes, seconds: float) -> None:
    sock.settimeout(seconds)
    try:
        said = sock.recv(1)
    except OSError:
        said = b""
    sock.settimeout(None)
    if said != word:
        raise Lost("did not come up")
