"""The stage: an event in a folder of its own, and its server as a host runs it, to be killed and started again."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from hookpoint.errors import HookpointError
from hookpoint.hosting import event
from hookpoint.hosting.folder import EventFolder
from hookpoint.hosting.schedule import Span
from hookpoint.hosting.settings import EventSettings, Limits, PhaseSettings, write_settings
from hookpoint.hosting.store.database import Database, open_database

from .answers import NOTEBOOK

__all__ = ["ATTEMPTS", "CHALLENGE", "Stage"]

CHALLENGE = "feature_recovery"  # which is quick to make, and to score
ATTEMPTS = 3  # of a team at it
START_SECONDS = 60.0
SUPERVISOR, FORKSERVER = b"hookpoint.hosting.supervisor", b"multiprocessing.forkserver"
OPEN = ("joining", "submitting", "judging", "board")


class Stage:
    """A rehearsal's event. `code` joins it; `host` is the id of the person who hosts it."""

    def __init__(self, folder: Path, workers: int, database: str = ""):
        self.folder, self.workers = EventFolder(folder), workers
        folder.mkdir(parents=True, exist_ok=True)
        starts = (datetime.now(UTC) - timedelta(hours=1)).replace(tzinfo=None, second=0, microsecond=0)
        settings = EventSettings(
            "Rehearsal", "nowhere", "UTC", starts, "one_day", (NOTEBOOK,),
            challenges=(CHALLENGE,), phases=(PhaseSettings("Rehearsal", Span(days=1), OPEN),),
            limits=Limits(submissions_per_hour=20, attempts_per_challenge=ATTEMPTS),
        )  # fmt: skip
        write_settings(self.folder.settings_path, settings)
        if database:
            self.folder.url_path.touch(mode=0o600)
            self.folder.url_path.write_text(database, encoding="utf-8")
        self.database: Database = open_database(self.folder.database)
        self.database.upgrade()
        with self.database.session() as session:
            text = self.folder.settings_path.read_text(encoding="utf-8")
            self.code = event.create(session, text, datetime.now(UTC), rehearsal=True).join_code
        self.port = free_port()
        self.process: subprocess.Popen | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts the server and waits until it answers.

        Raises:
            HookpointError: it does not.
        """
        command = [sys.executable, "-m", "hookpoint", "host", "serve", "--event", str(self.folder.path)]
        command += ["--bind", "127.0.0.1", "--port", str(self.port), "--workers", str(self.workers)]
        with (self.folder.path / "serve.txt").open("ab") as said:
            self.process = subprocess.Popen(command, stdout=said, stderr=said, stdin=subprocess.DEVNULL)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.address}/api/event", timeout=5).status_code == 200:
                    return
            time.sleep(0.1)
        said = (self.folder.path / "serve.txt").read_text(encoding="utf-8", errors="replace").strip()
        raise HookpointError(f"The event server did not start. The last that it said: {said.splitlines()[-1:]}.")

    def restart(self) -> None:
        """Ends the server as Ctrl-C does, and starts it again."""
        self.stop()
        self.start()

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
            self.process.kill()
            self.process.wait()
            self.process = None

    def supervisors(self) -> list[int]:
        return [pid for pid in below(self.process.pid) if SUPERVISOR in command_of(pid)]

    def graders(self) -> list[int]:
        """The processes that judge: forks of the supervisor's forkserver."""
        servers = [pid for pid in below(self.process.pid) if FORKSERVER in command_of(pid)]
        return [child for server in servers for child in children(server)]

    def kill_one(self, pids: list[int]) -> bool:
        """Kills the first of them as a lack of memory would: without a word. False if there is none."""
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                return True
        return False

    def close(self) -> None:
        self.stop()
        self.database.close()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def children(pid: int) -> list[int]:
    """The processes that any of its threads has started."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in path.read_text().split()]
    return found


def below(pid: int) -> list[int]:
    found = children(pid)
    return found + [further for child in found for further in below(child)]


def command_of(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""
