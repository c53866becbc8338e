"""The Dask worker's side of grading on several machines: it keeps one supervisor, in a process of its own.

The event server asks for it again and again (`keep`). A worker that was not asked for a while ends its supervisor, and
a supervisor ends when its worker does, however that ends: then the pipe between them closes. It is no Dask task, for a
task cannot be cancelled once it runs, and in a worker with a nanny may not have the processes that grading needs.

What Dask calls here runs in the worker's event loop, so nothing here waits.
"""

import atexit
import contextlib
import fcntl
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from hookpoint.errors import HookpointError

__all__ = ["URL", "Order", "keep", "release"]

URL = "HOOKPOINT_DATABASE"  # in a worker's environment: the event's database, as this machine reaches it
KEPT_SECONDS = 60  # how long a supervisor goes on although no event server asks for it: a restart takes less
AGAIN_SECONDS = 5  # before a supervisor that ended is started again
PATIENCE = 20  # for one that was told to end: what it grades goes back into the queue
LEAVING = 2  # seconds; Dask does not wait long for a worker that ends
NO_URL = f"{{name}} has no {URL} in its environment, and only tls:// may bring it one. Set it and restart the worker."
NO_SQLITE = f"{{name}}: {URL} has to be postgresql://..., for an SQLite file is of one machine alone."
OTHER = "{name} has another hookpoint or course than the event server, and would judge otherwise. Install the same."
ENDED = "{name}: the supervisor has ended. {why}"


class Kept:
    """A supervisor's process. Its worker holds the other end of its pipe, and it lives no longer than that."""

    def __init__(self, name: str, url: str, workers: int):
        self.name, self.url = name, url
        self.began = time.monotonic()
        self.unwanted = False
        self.last_words = "It said nothing."
        command = [sys.executable, "-m", "hookpoint.hosting.cluster_worker"]
        # In a session of its own: Ctrl-C at the worker is for the worker, whose end it hears of.
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
        # By the pipe, for everybody may read a command line.
        self.process.stdin.write(json.dumps({"name": name, "url": url, "workers": workers}).encode() + b"\n")
        self.process.stdin.flush()
        threading.Thread(target=self.listen, daemon=True).start()

    @property
    def lives(self) -> bool:
        return self.process.poll() is None

    def listen(self) -> None:
        """Its output is the worker's too: a log of SLURM or Kubernetes holds it."""
        for line in self.process.stdout:
            self.last_words = line.decode(errors="replace").strip() or self.last_words
            print(f"{self.name}: {self.last_words}", file=sys.stderr, flush=True)

    def end(self) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:  # its leases run out
            self.process.kill()


class Wanted:
    """What this worker process keeps, and until when."""

    def __init__(self) -> None:
        self.kept: Kept | None = None
        self.until = 0.0

    def keep(self, name: str, url: str, workers: int) -> str:
        """Starts a supervisor if there is none; gives what was wrong with the one before, or nothing."""
        self.until = time.monotonic() + KEPT_SECONDS
        last, trouble = self.kept, ""
        if last and last.url != url:
            last.unwanted = True
        if last and last.lives:
            return ""
        if last and not last.unwanted:
            trouble = ENDED.format(name=name, why=last.last_words)
            if time.monotonic() < last.began + AGAIN_SECONDS:
                return trouble
        self.kept = Kept(name, url, workers)
        threading.Thread(target=self.watch, args=[self.kept], daemon=True).start()
        return trouble

    def watch(self, kept: Kept) -> None:
        """Ends it when it is not wanted any more, or nobody has asked for it in time."""
        while kept.lives and not kept.unwanted and time.monotonic() < self.until:
            time.sleep(0.1)
        kept.unwanted = kept.unwanted or kept.lives
        kept.end()

    def release(self) -> None:
        if self.kept:
            self.kept.unwanted = True

    def leave(self) -> None:
        """The worker ends: a moment for what is being graded to be given back, before the machine is gone as well."""
        if self.kept:
            self.kept.process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.kept.process.wait(LEAVING)


WANTED = Wanted()
atexit.register(WANTED.leave)


@dataclass(frozen=True)
class Order:
    """What the event server asks a worker for.

    `version` is of all that verdicts depend on; `url` is the event's database, and no log shows it: Dask writes down
    the arguments of what fails.
    """

    version: str
    url: str = field(repr=False)


def keep(order: Order, dask_worker: Any) -> str:
    """What keeps this worker from grading, in a line; or nothing, and then its supervisor lives for a while.

    What the worker's environment says of the database goes before the order. Dask puts in the worker.
    """
    from hookpoint.grading.results import version

    name = f"{socket.gethostname()}-{os.getpid()}"
    url = os.environ.get(URL) or order.url
    if not url:
        return NO_URL.format(name=name)
    if not url.startswith("postgres"):
        return NO_SQLITE.format(name=name)
    if version() != order.version:
        release()
        return OTHER.format(name=name)
    return WANTED.keep(name, url, dask_worker.state.nthreads)


def release() -> None:
    """Ends this worker's supervisor; what it was grading goes back into the queue."""
    WANTED.release()


def supervise() -> None:
    """The supervisor's process: grades until its pipe closes, or it is told to end."""
    from hookpoint.grading.level import probe

    from .supervisor import Supervisor, stop_at_end_of_input

    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    told, stop = json.loads(sys.stdin.readline()), threading.Event()
    threading.Thread(target=stop_at_end_of_input, args=[stop.set], daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    take_cores(told["workers"])
    Supervisor(told["url"], told["name"], told["workers"], probe()).run(stop)


def take_cores(count: int) -> None:
    """Keeps this process on cores that no other supervisor of this machine has, until it ends; if there are enough.

    Grading binds its processes to the first cores that it may use, so two supervisors would crowd on those.
    """
    mine = []
    for core in sorted(os.sched_getaffinity(0)):
        path = os.path.join(tempfile.gettempdir(), f"hookpoint-core-{os.getuid()}-{core}")
        try:
            fcntl.flock(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        mine.append(core)
        if len(mine) == count:
            os.sched_setaffinity(0, mine)
            return


if __name__ == "__main__":
    try:
        supervise()
    except HookpointError as error:
        sys.exit(str(error))
