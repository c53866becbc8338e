"""That one server at a time serves an event's folder, and where it answers.

The file `serving.json` says it for people and commands; a lock on it, which ends with its process however that ends,
says whether it is true.
"""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from hookpoint.errors import HookpointError, UsageError

from .folder import EventFolder

__all__ = ["Running", "only_one", "running"]

PATIENCE = 0.5  # seconds; who only looks holds the lock for a moment


@dataclass(frozen=True)
class Running:
    """A server that runs: its process, and the addresses to tell people, the likeliest first."""

    pid: int
    addresses: tuple[str, ...]


@contextlib.contextmanager
def only_one(folder: EventFolder) -> Iterator[Callable[[Running], None]]:
    """Within the block this process alone serves the folder; it is given what to call when the server answers.

    Raises:
        UsageError: another process does.
        HookpointError: the folder cannot be written to.
    """
    path = folder.serving_path
    try:
        path.touch()
        file = path.open("r+", encoding="utf-8")
    except OSError as error:
        raise HookpointError(f"{path} cannot be written: {error.strerror or error}. Mend that first.") from None
    with file:
        until = time.monotonic() + PATIENCE
        while not _lock(file):
            if time.monotonic() > until:
                raise UsageError(_busy(path))
            time.sleep(0.05)
        _write(file, "")
        try:
            yield lambda one: _write(file, json.dumps(asdict(one)) + "\n")
        finally:
            _write(file, "")


def running(folder: EventFolder) -> Running | None:
    """The server that serves the folder now; None if none does."""
    try:
        file = folder.serving_path.open("r+", encoding="utf-8")
    except OSError:
        return None
    with file:
        return None if _lock(file) else _read(folder.serving_path)


def _read(path: Path) -> Running:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return Running(int(said["pid"]), tuple(map(str, said["addresses"])))
    except (OSError, ValueError, LookupError, TypeError):
        return Running(0, ())  # it is just beginning, or just ending


def _busy(path: Path) -> str:
    one = _read(path)
    where = f" at {one.addresses[0]}" if one.addresses else ""
    who = f" (process {one.pid})" if one.pid else ""
    return f"This event is served already{where}{who}. End that one with Ctrl-C first."


def _write(file: IO[str], text: str) -> None:
    file.seek(0)
    file.truncate()
    file.write(text)
    file.flush()


def _lock(file: IO[str]) -> bool:
    """Takes the lock until the file is closed, if nobody has it."""
    try:
        try:
            import fcntl
        except ImportError:  # Windows, which locks bytes: one that lies beyond the text, so that others can read that
            import msvcrt

            file.seek(1 << 30)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
