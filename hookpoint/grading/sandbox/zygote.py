"""The process in which submissions are run, and what it becomes.

`base` imports what all submissions need, once for all workers, and holds no secret. For each worker and notebook it
forks a `stage`, from which that notebook's answers are withheld and which has given up all rights to files but those it
needs. For each submission the stage forks a `run`, which also gives up all system calls but those of computing, then
reads the submission, which nobody before it has seen.

Run as `python -m hookpoint.grading.sandbox.zygote FD`. What arrives and leaves, `hookpoint.grading.box` says.
"""
# ruff: noqa: E402

import base64
import contextlib
import gc
import json
import os
import socket
import struct
import sys
import tempfile
from functools import partial
from pathlib import Path

if __name__ == "__main__":
    gc.disable()  # collections would take a tenth of the time of importing torch, and find nothing
    os.nice(int(os.environ.get("HOOKPOINT_NICE", "0")))

import torch

from hookpoint.checks.protocol.bench import Bench
from hookpoint.checks.protocol.given import stand_in
from hookpoint.checks.protocol.nursery import silence, warm
from hookpoint.checks.protocol.wire import Wire, receive_frame, send_frame
from hookpoint.content.cells import Cell
from hookpoint.content.course import course
from hookpoint.content.execute import run_cells

from . import landlock, limits, seccomp
from .pages import collapse
from .scratch import empty
from .traces import Traces
from .withheld import Finder, withhold

__all__ = ["main"]

PLACE = struct.Struct("<i")  # in the list of cells, of the one that is about to run; DONE after the last
DONE = -1
LARGEST = 64 << 20


def main(fd: int) -> None:
    """Serves stages until the other side closes the socket."""
    limits.end_with_parent(os.getppid())
    torch.set_num_threads(1)
    control = socket.socket(fileno=fd)
    warm()
    course()  # read once, for `earlier`
    gc.freeze()  # so that collections in the children do not copy this process's pages
    collapse()
    control.send(b"r")
    filter = seccomp.program() if seccomp.supported() else b""
    while True:
        message, fds, _, _ = socket.recv_fds(control, 1, 1)
        reap(os.WNOHANG if message else 0)
        if not message:
            os._exit(0)
        fork(control, partial(stage, fds[0], filter))
        os.close(fds[0])


def fork(inherited: socket.socket, work) -> int:
    """A child that does `work` and ends; it does not keep what was inherited. Gives its process id."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        limits.end_with_parent(parent)
        inherited.close()
        work()
    finally:
        os._exit(0)


def reap(how: int) -> None:
    """Lets ended children go, so that their time counts as this process's; without WNOHANG waits for the others."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, how)[0]:
            pass


def stage(fd: int, filter: bytes) -> None:
    """Withholds what the notebook asks for, gives up its rights, then forks a run for each submission."""
    control = socket.socket(fileno=fd)
    asked = json.loads(receive_frame(control))
    silence()
    torch._C.DisableTorchFunction = contextlib.nullcontext  # under it the ban on an exercise's functions would not see
    finder = withhold({name: base64.b64decode(code) for name, code in asked["withheld"].items()})
    for name in asked["imports"]:
        __import__(name)
    if asked["core"] is not None:
        os.sched_setaffinity(0, {asked["core"]})
    has = limits.address_space()
    with contextlib.suppress(OSError):  # if memory runs out, one submission is to go and not the ones that judge
        Path("/proc/self/oom_score_adj").write_text("500")
    scratch = Path(asked["scratch"])
    scratch.mkdir()
    os.environ.update(TMPDIR=str(scratch), HOME=str(scratch))
    tempfile.tempdir = None  # it remembers where temporary files went until now
    os.chdir(scratch)
    if asked["landlock"]:
        landlock.restrict(asked["readable"], asked["listable"], [str(scratch), "/dev/null"])
    traces = Traces()
    gc.freeze()
    gc.enable()
    control.send(b"r")
    while True:
        message, fds, _, _ = socket.recv_fds(control, 1, 2)
        reap(os.WNOHANG if message else 0)
        if not message:
            os._exit(0)
        empty(scratch)
        if message == b"p":
            control.send(b"p")
            continue
        pid = fork(control, partial(run, *fds, finder, traces, has, asked["cpu_seconds"], filter))
        for fd in fds:
            os.close(fd)
        handle = os.pidfd_open(pid)
        socket.send_fds(control, [b"f"], [handle])
        os.close(handle)


def run(submission: int, link: int, finder: Finder, traces: Traces, has: int, cpu_seconds: int, filter: bytes) -> None:
    """Runs one submission's cells, saying which, then serves calls of what they define."""
    sock = socket.socket(fileno=link)
    limits.limit(cpu_seconds, has)
    if filter:
        seccomp.load(filter)
    torch.default_generator.manual_seed(0)  # as manual_seed does, without waking up every kind of device
    asked = json.loads(os.pread(submission, LARGEST, 0))
    cells = [Cell(**fields) for fields in asked["cells"]]
    place = {id(cell): at for at, cell in enumerate(cells)}
    loaded = run_cells(cells, before=lambda cell: sock.sendall(PLACE.pack(place[id(cell)])))
    problems = asked["problems"] | loaded.why_missing(cells)
    sock.sendall(PLACE.pack(DONE))
    send_frame(sock, json.dumps({name: problems[name] for name in problems}).encode())
    traces.begin(loaded.names)
    gc.freeze()
    wire = Wire(sock, None)
    bench = Renewing(loaded.names, wire.exchange, problems)
    bench.finder, bench.traces = finder, traces
    wire.serve = bench.serve
    wire.listen()


class Renewing(Bench):
    """A bench that serves one exercise after the other, each with the part of the course that it may see."""

    finder: Finder
    traces: Traces
    exercise = ""

    def perform(self, verb, arguments, request):
        return (self.traces.left(), ()) if verb == "traces" else super().perform(verb, arguments, request)

    def begin(self, stand_ins, exercise):
        if exercise != self.exercise:
            self.exercise = exercise
            self.finder.forget()
            self.finder.ask = partial(self.ask_plainly, "source")
            stand_in.cache_clear()
        super().begin(stand_ins, exercise)


if __name__ == "__main__":
    main(int(sys.argv[1]))
