"""A process that judges: it takes jobs from the one who hands them out, and has a place in the sandbox.

Workers are forked from a process that has imported this module and computed nothing: torch must not be forked once it
has used threads.
"""
# ruff: noqa: E402

import contextlib
import gc
import os
import resource
import signal
import socket
import time
from multiprocessing.connection import Connection
from pathlib import Path

gc.disable()  # its collections would take a tenth of the time of importing torch, and find nothing
os.nice(int(os.environ.get("HOOKPOINT_NICE", "0")))  # before torch is imported, which takes seconds of a core

import torch

from .box import Box
from .challenges import grade_challenge
from .grader import ZygoteLost, grade, lanes
from .level import Level
from .sandbox.limits import address_space, end_with_parent
from .work import Work

__all__ = ["serve"]

MEMORY = 4 << 30  # bytes beyond what a worker begins with: an answer may ask a stand-in of ours for something giant


def serve(
    link: Connection, level: Level, control: socket.socket, place: Path, core: int,
    environment: dict[str, str],
) -> None:  # fmt: skip
    """A worker's whole life: one job after the other. It ends when its link is closed, or with the sandbox."""
    os.sched_setaffinity(0, {core})
    if level.landlock:
        end_with_parent(os.getppid())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who hands out the jobs
    os.environ.clear()
    os.environ.update(environment)  # the one who hands out may have changed it since its first worker
    torch.set_num_threads(1)
    gc.freeze()  # collections shall not copy the pages of the process that this was forked from
    gc.enable()
    most = address_space() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
    with (
        contextlib.suppress(EOFError, OSError, ZygoteLost),
        contextlib.closing(Box(level, control, place, core=core)) as box,
    ):
        link.send(None)
        while True:
            submission, lane, seed = link.recv()
            began = time.monotonic()
            if isinstance(submission, Work):
                verdicts, more = grade_challenge(submission, box), False
            else:
                verdicts, more = grade(submission, box, seed, lane), "long" in lanes(submission)
            link.send((verdicts, time.monotonic() - began, more))
