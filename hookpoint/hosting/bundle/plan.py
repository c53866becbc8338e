"""Which wheels a kind of laptop needs, as pip resolves it, and how they come here."""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from hookpoint.errors import HookpointError

from .targets import Target

__all__ = ["Planned", "brought", "completes", "gigabytes_of", "planned", "sha256_of"]

ELSEWHERE = Path(__file__).with_name("elsewhere.py")
AT_ONCE = 4  # wheels that one call of pip brings: what is interrupted loses so many
CUDA = ("nvidia-", "cuda-", "triton")
NO_PIP = "This Python has no pip: run {python} -m ensurepip, and try again."
NOT_BROUGHT = (
    "pip could not get what the bundle needs: {why}. It needs the network this once; "
    "connect and run the same command again: it goes on where it stopped."
)


@dataclass(frozen=True)
class Planned:
    """One wheel: what pip calls it, the name of its file, and its SHA-256."""

    name: str
    version: str
    file: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


def planned(target: Target, requirements: Sequence[str], options: Sequence[str]) -> list[Planned]:
    """All wheels that these requirements come to on that target; the order is that of their names.

    Args:
        options: where pip looks beside what it is set up for: `--extra-index-url=...`.

    Raises:
        HookpointError: pip has no answer; its last complaint is said.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        _pip(target, ["install", *_as_if(folder), "--retries=2", f"--report={report}", *options, *requirements])
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    return sorted(map(_planned, found), key=lambda one: one.name.lower())


def _as_if(folder: str) -> list[str]:
    """Options with which pip says what it would install and installs nothing."""
    return ["--dry-run", "--ignore-installed", "--quiet", f"--target={folder}/none"]


def _planned(item: Mapping) -> Planned:
    about, source = item["metadata"], item["download_info"]
    file = unquote(Path(urlsplit(source["url"]).path).name)
    hashes = source.get("archive_info", {}).get("hashes", {})
    if not file.endswith(".whl") or "sha256" not in hashes:
        raise HookpointError(
            f"{about['name']} {about['version']} comes without a wheel and its SHA-256: name another index."
        )
    return Planned(about["name"], about["version"], file, hashes["sha256"])


def gigabytes_of(plan: Sequence[Planned]) -> str:
    """The name of what would fill the stick with programs for graphics cards, or nothing."""
    return next((one.name for one in plan if one.name.lower().replace("_", "-").startswith(CUDA)), "")


def brought(
    target: Target, plan: Sequence[Planned], folder: Path, options: Sequence[str]
) -> Iterator[tuple[tuple[Planned, ...], tuple[Planned, ...]]]:
    """Brings the wheels into the folder, a few at a time: gives those that are here now, and those that come next.

    What is there already, with the right hash, is not brought again.

    Raises:
        HookpointError: pip did not bring them.
    """
    missing = [one for one in plan if not _there(folder, one)]
    yield tuple(one for one in plan if one not in missing), tuple(missing[:AT_ONCE])
    for start in range(0, len(missing), AT_ONCE):
        some = missing[start : start + AT_ONCE]
        with _listed(some) as listing:
            _pip(
                target,
                ["download", "--no-deps", "--quiet", "--require-hashes", "-r", listing, f"--dest={folder}", *options],
            )
        for one in some:
            if not _there(folder, one):
                raise HookpointError(NOT_BROUGHT.format(why=f"{one.file} did not come as it was promised"))
        yield tuple(some), tuple(missing[start + AT_ONCE : start + 2 * AT_ONCE])


def completes(target: Target, lock: Path, wheels: Path) -> None:
    """Lets pip install what the lock says from the wheels alone, as on that target, without installing it.

    Raises:
        HookpointError: it could not.
    """
    with tempfile.TemporaryDirectory() as folder:
        offline = ["--no-index", f"--find-links={wheels}", "--require-hashes", "-r", str(lock)]
        _pip(target, ["install", *_as_if(folder), *offline], alone=True)


def _there(folder: Path, one: Planned) -> bool:
    path = folder / one.file
    return path.is_file() and sha256_of(path) == one.sha256


def sha256_of(path: Path) -> str:
    """The hash of a file that may be large."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _listed(some: Sequence[Planned]) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "wheels.txt"
        path.write_text("\n".join(map(str, some)) + "\n", encoding="utf-8")
        yield str(path)


def _pip(target: Target, arguments: Sequence[str], alone: bool = False) -> None:
    """Runs pip for the target; `alone`: whatever this machine's pip is set up for does not count."""
    command = [sys.executable, str(ELSEWHERE), json.dumps(target.environment), *arguments, *target.pip_options]
    environment = {name: value for name, value in os.environ.items() if not (alone and name.startswith("PIP_"))}
    environment |= {"PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    if alone:
        environment["PIP_CONFIG_FILE"] = os.devnull
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace")
    if done.returncode:
        if "No module named 'pip'" in done.stderr:
            raise HookpointError(NO_PIP.format(python=sys.executable))
        said = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR: ")]
        why = (said or done.stderr.strip().splitlines() or ["it says nothing"])[0].rstrip(".")
        raise HookpointError(why if alone else NOT_BROUGHT.format(why=why[:300]))
