"""A box of bubblewrap around one person's server: only their own folder can be written, nobody else's is there.

The simple spawner runs everybody as one Unix user, who may read every file of that user: the other people's folders,
the hub's secrets, an event's database. In the box none of these exists, nor does any process of anybody else. The
network stays: the server has to be reached. Memory, cores and disk are not shared out.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from hookpoint.content.course import course_root
from hookpoint.errors import HookpointError
from hookpoint.grading.level import system_paths

__all__ = ["boxed", "demand"]

PACKAGE = Path(__file__).parents[2]
SYSTEM = ("/usr", "/bin", "/lib", "/lib64")
SETTINGS = (
    "/etc/alternatives", "/etc/fonts", "/etc/hosts", "/etc/ld.so.cache", "/etc/localtime", "/etc/nsswitch.conf",
    "/etc/resolv.conf", "/etc/ssl",
)  # fmt: skip
NOBODY = "1000"  # who they are in the box, whoever the hub is: Jupyter refuses to run as root
SECONDS = 20
PROXY = "configurable-http-proxy"
ROOT = "Start JupyterHub as a user with few rights, not as root: everybody's server gets its. {file} can allow it."
NO_BOX = (
    "People's servers cannot be put in boxes here: {why}. Install bubblewrap and allow user namespaces, or write "
    "`BOX = False` into {file}: then everybody can read everybody's files and this hub's secrets."
)


def boxed(home: Path, shown: Iterable[Path] = ()) -> list[str]:
    """The start of a command that runs in a box: `home` can be written there, and `shown` be read."""
    paths = {*SYSTEM, *SETTINGS, sys.prefix, sys.base_prefix, str(PACKAGE), str(course_root()), *system_paths()}
    command = ["bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent"]
    command += ["--cap-drop", "ALL", "--uid", NOBODY, "--gid", NOBODY]
    command += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/dev/shm"]
    for path in [*sorted(path for path in paths if os.path.exists(path)), *map(str, shown)]:
        command += ["--ro-bind", path, path]
    return [*command, "--bind", str(home), str(home), "--chdir", str(home), "--"]


def demand(file: str, box: bool, root: bool) -> None:
    """Refuses to start a hub that would lack something, or give away too much. `file` is its configuration.

    Raises:
        HookpointError: it is root's, has no proxy, or cannot put servers into boxes.
    """
    if os.geteuid() == 0 and not root:
        raise HookpointError(ROOT.format(file=file))
    if shutil.which(PROXY) is None:
        raise HookpointError(f"{PROXY} is not installed: {sys.executable} -m pip install 'hookpoint[hub]'")
    if box:
        demand_box(file)


def demand_box(file: str) -> None:
    """Tries a box."""
    if shutil.which("bwrap") is None:
        raise HookpointError(NO_BOX.format(why="bubblewrap is not installed", file=file))
    try:
        subprocess.run([*boxed(Path("/tmp")), "/bin/sh", "-c", ":"], check=True, capture_output=True, timeout=SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip().split("\n")[-1]
        raise HookpointError(NO_BOX.format(why=said or "bubblewrap does not start", file=file)) from None
