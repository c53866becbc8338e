"""Tries what a submission must not be able to do, in a process that has given up its rights, and says what happened.

Run as `python -m hookpoint.grading.sandbox.probe FOLDER`: prints a JSON object, for each act whether it was denied.
Each act is tried before the rights are given up too: what cannot be done even then proves nothing.
"""

import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from . import landlock, seccomp

__all__ = ["main"]


def main(folder: str) -> None:
    """Prints {"landlock": version, "seccomp": bool, "acts": {name: [possible before, possible after]}}."""
    inside, outside = Path(folder, "inside"), Path(folder, "outside")
    for made in (inside, outside):
        made.mkdir()
        (made / "file").write_text("text")
    acts: dict[str, Callable[[], object]] = {
        "read a file elsewhere": lambda: (outside / "file").read_text(),
        "write a file elsewhere": lambda: (outside / "new").write_text("text"),
        "list a folder elsewhere": lambda: os.listdir(outside),
        "change a file's mode": lambda: change_mode(outside / "file"),
        "read /proc/self": lambda: Path("/proc/self/environ").read_bytes(),
        "open a socket": lambda: socket.socket().close(),
        "start a process": start_process,
        "signal a process": lambda: os.kill(os.getppid(), 0),
        "limit another process": lambda: limit_other(os.getppid()),
    }
    before = {name: possible(act) for name, act in acts.items()}
    with contextlib.suppress(OSError):
        (outside / "new").unlink()
    said = {"landlock": landlock.abi(), "seccomp": seccomp.supported(), "acts": {}}
    if said["landlock"] and said["seccomp"]:
        landlock.restrict([], [], [str(inside)])
        seccomp.load(seccomp.program())
        after = {name: possible(act) for name, act in acts.items()}
        said["acts"] = {name: [before[name], after[name]] for name in acts}
        said["control"] = possible(lambda: (inside / "file").write_text((inside / "file").read_text()))
    print(json.dumps(said))


def possible(act: Callable[[], object]) -> bool:
    try:
        act()
    except OSError:
        return False
    return True


def change_mode(path: Path) -> None:
    mode = path.stat().st_mode
    os.chmod(path, mode ^ 0o100)
    if path.stat().st_mode == mode:
        raise PermissionError("said to be done, and not done")


def start_process() -> None:
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)


def limit_other(pid: int) -> None:
    import resource

    resource.prlimit(pid, resource.RLIMIT_CORE)


if __name__ == "__main__":
    signal.alarm(20)
    main(sys.argv[1])
