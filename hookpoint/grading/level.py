"""How well this machine confines a submission, found out by trying; and bubblewrap around the zygote where it works."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hookpoint.content.course import course_root
from hookpoint.errors import UsageError

__all__ = ["Level", "boxed", "demand", "probe", "system_paths"]

PACKAGE = Path(__file__).parents[1]
SECONDS = 30
SCRATCH = 256 << 20  # bytes that all files of a worker's submissions may take, where bubblewrap bounds them


@dataclass(frozen=True)
class Level:
    """What holds on this machine. `missing` says why, where something does not."""

    landlock: int = 0  # the version of Landlock that was seen to work
    seccomp: bool = False
    bubblewrap: bool = False
    missing: tuple[str, ...] = ()

    @property
    def enough(self) -> bool:
        """Whether work of people whom nobody vouches for may be graded here."""
        return bool(self.landlock and self.seccomp)

    def __str__(self) -> str:
        layers = [f"Landlock {self.landlock}"] if self.landlock else []
        layers += ["seccomp"] if self.seccomp else []
        layers += ["bubblewrap"] if self.bubblewrap else []
        said = f"Sandbox: {', '.join(layers) or 'none'}."
        return " ".join([said, *self.missing])


def demand(level: Level, trusted: bool) -> None:
    """Refuses to run code of strangers without a sandbox.

    Raises:
        UsageError: the level is too low, and the host has not said that all the work can be trusted.
    """
    if sys.platform != "linux":
        raise UsageError("Submissions are graded on Linux (on Windows: WSL 2). For your own work: `hookpoint check`.")
    if not level.enough and not trusted:
        raise UsageError(
            f"{level} Grading other people's code needs Landlock and seccomp: Linux 5.13 or newer, on x86_64 or "
            "aarch64 (on Windows: WSL 2). Is all of it your own? Then say --trusted. To check your own workspace: "
            "`hookpoint check`."
        )


@cache
def probe() -> Level:
    """Tries every layer in processes of their own."""
    if sys.platform != "linux":
        return Level(missing=(f"There is none for {sys.platform}.",))
    with tempfile.TemporaryDirectory(prefix="hookpoint-") as folder:
        found = tried(Path(folder), [])
        if not found.enough:
            return found
        if shutil.which("bwrap") is None:
            return Level(found.landlock, True, False, ("bubblewrap is not installed: the layers below it hold.",))
        inner = Path(folder, "boxed")
        inner.mkdir()
        if not tried(inner, boxed([inner])).enough:
            why = "bubblewrap does not work here (user namespaces may be off): the layers below it hold."
            return Level(found.landlock, True, False, (why,))
        return Level(found.landlock, True, True)


def tried(folder: Path, prefix: Sequence[str]) -> Level:
    command = [*prefix, sys.executable, "-P", "-m", "hookpoint.grading.sandbox.probe", str(folder)]
    environment = {"PYTHONPATH": str(PACKAGE.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=SECONDS, check=True)
        said = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return Level(missing=("The probe of the sandbox did not run.",))
    open_acts = [act for act, (_, after) in said["acts"].items() if after]
    missing = [f"Still possible: {act}." for act in open_acts]
    if not said["landlock"]:
        missing.append("This kernel has no Landlock, or it is switched off.")
    if not said["seccomp"]:
        missing.append("This kernel or processor has no seccomp that is known here.")
    holds = bool(said["acts"]) and not open_acts and said["control"]
    return Level(said["landlock"] if holds else 0, bool(holds), False, tuple(missing))


def boxed(folders: Iterable[Path]) -> list[str]:
    """The start of a command that runs in a box of its own: only what it needs exists there, and no network.

    The folders are empty in the box, the only places to write, and bounded each.
    """
    shown = {"/usr", "/lib", "/lib64", "/bin", sys.prefix, sys.base_prefix, str(PACKAGE), str(course_root())}
    shown |= set(system_paths())
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    for path in sorted(path for path in shown if os.path.exists(path)):
        command += ["--ro-bind", path, path]
    for folder in folders:
        command += ["--size", str(SCRATCH), "--tmpfs", str(folder)]
    return [*command, "--proc", "/proc", "--dev", "/dev", "--"]


def system_paths() -> list[str]:
    """What Python needs to read of this machine, hookpoint itself left out."""
    paths = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    paths |= {str(Path(prefix) / "lib") for prefix in (sys.prefix, sys.base_prefix)}
    return sorted(paths) + ["/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache", "/usr/share/zoneinfo"]
