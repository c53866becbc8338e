"""The trusted end of the sandbox: hands submissions in, and carries the calls of checks over the wall.

    worker ── control ── base zygote ── fork ── stage of one notebook ── fork ── run of one submission
       └───────────────────── one socket for each run: its cells' progress, then calls ─────┘

A submission travels as a sealed file descriptor that the run alone reads; inputs and answers travel as frames of JSON
and of the bytes of tensors, bounded in size and, both ways, in time. Nothing is pickled. A run cannot start a process,
so when it is killed there is nothing left of it.
"""

import contextlib
import fcntl
import json
import math
import os
import secrets
import select
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from hookpoint.checks.protocol.codec import Parcel
from hookpoint.checks.protocol.desk import Desk
from hookpoint.checks.protocol.peer import Lost, Raised, TimedOut
from hookpoint.checks.protocol.printable import printable
from hookpoint.checks.protocol.wire import MAX_FRAME, SIZE, Wire, send_frame
from hookpoint.content.alarm import OutOfTime, alarm
from hookpoint.content.cells import Cell
from hookpoint.content.course import Notebook

from .base import START_SECONDS
from .level import PACKAGE, Level, system_paths
from .rooms import FOR_CHALLENGES, Room, for_notebook
from .sandbox.landlock import apart
from .sandbox.zygote import DONE, PLACE

__all__ = ["Box", "Run", "Stage"]

CELL_SECONDS = 15.0  # the run stops a cell itself after 10; this is for one that cannot be stopped from within
CELLS_SECONDS = 60.0  # all cells of a submission, and all attempts at running them
CALLS = 3  # as many calls as take all the time that a call may have fit into one exercise
CPU_SECONDS = 600  # a last resort for one run; the deadlines come first
DEVICES = ("/dev/urandom", "/dev/zero")
ENDED = "Its cell ended the Python process, or did not come back within {limit:g} s."


class Box:
    """A worker's place in the sandbox: its stages, which it asks the base for, and the folder for what they write.

    A worker waits while a run works and the other way round. So they had better share a `core`, whose caches are then
    warm for both: a call takes a quarter to a third less of CPU in all.
    """

    def __init__(
        self, level: Level, control: socket.socket, folder: Path, limit: float = 10.0, core: int | None = None
    ):
        self.level, self.control, self.folder, self.limit, self.core = level, control, folder, limit, core
        self.stages: dict[str, Stage] = {}

    def stage(self, notebook: Notebook) -> "Stage":
        """What runs submissions to this notebook; made when it is first asked for."""
        if notebook.name not in self.stages:
            self.stages[notebook.name] = Stage(self, for_notebook(notebook))
        return self.stages[notebook.name]

    def stage_for_challenges(self) -> "Stage":
        """What runs answers to challenges; made when it is first asked for."""
        if FOR_CHALLENGES.name not in self.stages:
            self.stages[FOR_CHALLENGES.name] = Stage(self, FOR_CHALLENGES)
        return self.stages[FOR_CHALLENGES.name]

    def close(self) -> None:
        for stage in self.stages.values():
            stage.close()


class Stage:
    """A fork of the zygote for one notebook, whose answers are withheld from it, or for challenges."""

    def __init__(self, box: Box, room: Room):
        self.box, self.room = box, room
        scratch = box.folder / f"{room.name}-{secrets.token_hex(4)}"  # the place may have had a worker before
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        socket.send_fds(box.control, [b"s"], [theirs.fileno()])
        theirs.close()
        system, around = apart(system_paths(), str(PACKAGE))
        asked = {
            "withheld": dict(room.withheld), "imports": [*room.imports], "scratch": str(scratch),
            "landlock": box.level.landlock, "cpu_seconds": CPU_SECONDS, "core": box.core,
            "listable": [*room.listable, *around], "readable": [*system, *DEVICES, *room.readable],
        }  # fmt: skip
        send_frame(self.control, json.dumps(asked).encode())
        expect(self.control, b"r", START_SECONDS)

    def run(self, cells: Sequence[Cell], broken: Mapping[str, str] = MappingProxyType({}), end=math.inf) -> "Run":
        """The submission's cells, run; those that end the process are left out, and their names count as broken.

        Raises:
            TimedOut: they take too long, or the time is after `end`.
            Lost: the stage has ended.
        """
        cells, broken, end = list(cells), dict(broken), min(end, time.monotonic() + CELLS_SECONDS)
        while True:
            run = Run(self, cells, broken)
            fatal = run.start(end)
            if fatal is None:
                return run
            run.close()
            if time.monotonic() > end or not cells:
                raise TimedOut(CELLS_SECONDS)
            if (cell := cells.pop(fatal)).writes:
                broken[cell.writes] = ENDED.format(limit=CELL_SECONDS)

    def lives(self) -> bool:
        """Whether the stage still answers, which empties its folder first. If not, nothing is known of its runs."""
        try:
            self.control.send(b"p")
            expect(self.control, b"p", START_SECONDS)
        except (OSError, Lost):
            return False
        return True

    def close(self) -> None:
        self.control.close()


class Run:
    """One submission in a process of its own: a `Link` for `judge`. `broken` says why names cannot be there."""

    def __init__(self, stage: Stage, cells: Sequence[Cell], broken: Mapping[str, str]):
        self.stage, self.cells, self.broken = stage, cells, broken
        self.used, self.alive, self.exercise, self.handle, self.end = False, True, "", None, math.inf
        self.sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        submission = sealed(json.dumps({"cells": [vars(cell) for cell in cells], "problems": broken}).encode())
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

    def start(self, end: float) -> int | None:
        """Waits until all cells have run. Gives the place of the cell that ended the process, if one did."""
        place = 0
        try:
            while True:
                limit = min(time.monotonic() + CELL_SECONDS, end)
                said = PLACE.unpack(self.read(PLACE.size, limit))[0]
                if said == DONE:
                    size = SIZE.unpack(self.read(SIZE.size, limit))[0]
                    self.problems = read_problems(self.read(min(size, MAX_FRAME), limit))
                    return None
                if not 0 <= said < len(self.cells):
                    return place
                place = said
        except (OSError, Lost):
            return place

    def read(self, count: int, limit: float) -> bytes:
        """The next bytes, all of them before `limit`: they may come one by one."""
        data = bytearray()
        while len(data) < count:
            left = limit - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.sock.settimeout(left)
            part = self.sock.recv(min(count - len(data), 1 << 16))
            if not part:
                raise Lost("closed the connection")
            data += part
        return bytes(data)

    def open(self, limit: float = 0.0) -> Desk:
        """A desk whose calls reach the submission. `limit` lengthens the box's own for one exercise."""
        limit = max(self.stage.box.limit, limit)
        return self.reach(Desk(), limit, CALLS * limit)

    def reach(self, desk: Desk, limit: float, all_calls: float) -> Desk:
        """Lets the desk's calls reach the submission: each has `limit` seconds, all of them together `all_calls`."""
        end = min(self.end, time.monotonic() + all_calls)
        wire = Wire(self.sock, lambda parcel: served(desk, wire, parcel), limit)
        desk.far = True
        desk.exchange, desk.source = lambda parcel: self.exchange(wire, parcel, limit, end), self.source
        self.desk = desk
        return desk

    def spoilt(self) -> bool:
        """Whether the answers that were run may have changed what others are judged by, or the process has ended."""
        try:
            return not self.alive or self.desk.ask("traces") is not False
        except (Lost, TimedOut, Raised):
            return True

    def exchange(self, wire: Wire, parcel: Parcel, limit: float, end: float) -> Parcel:
        """The answer, in the time that the exercise has left: slow answers add up."""
        try:
            wire.limit = min(limit, round(end - time.monotonic(), 1))
            if wire.limit <= 0:
                raise TimedOut(limit)
            return wire.exchange(parcel)
        except (Lost, TimedOut):
            self.alive = False
            raise

    def source(self, module: str) -> bytes | None:
        """What the submission may see of a withheld module while the present exercise is judged."""
        return self.stage.room.source(module, self.exercise)

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


def served(desk: Desk, wire: Wire, parcel: Parcel) -> Parcel:
    """The check's answer to what the submission asks back, which may be something that would take for ever."""
    try:
        with alarm(max(wire.deadline - time.monotonic(), 1e-3)):
            return desk.serve(parcel)
    except OutOfTime:
        raise TimedOut(wire.limit) from None


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
