"""Whether a bundle is whole: every file as it was written, and each kind of laptop can install from it alone."""

import json
from dataclasses import dataclass
from pathlib import Path

from hookpoint.errors import HookpointError, UsageError

from .plan import completes, sha256_of
from .targets import Target, target

__all__ = ["Checked", "check", "listing"]

SUMS = "SHA256SUMS"
AGAIN = "Run `hookpoint host bundle {folder}` again, or copy the folder anew"


@dataclass(frozen=True)
class Checked:
    """What a whole bundle has: so many files, so many bytes, for these laptops."""

    files: int
    bytes: int
    targets: tuple[Target, ...]


def listing(folder: Path) -> list[Path]:
    """The files of a bundle that its sums are of, by name: what a system puts on every stick is none of it."""
    beside = ["README.txt", "bundle.json", "install.bat", "install.py", "install.sh"]
    paths = [folder / name for name in beside] + [*folder.glob("locks/*.txt"), *folder.glob("wheels/*")]
    hidden = [path for path in paths if path.name.startswith(".")]
    return sorted(path for path in paths if path.is_file() and path not in hidden)


def check(folder: Path) -> Checked:
    """Verifies a bundle.

    Raises:
        UsageError: the folder holds none, or an unfinished one.
        HookpointError: the line says what is wrong with it.
    """
    try:
        said = dict(reversed(line.split("  ", 1)) for line in (folder / SUMS).read_text(encoding="utf-8").splitlines())
        targets = tuple(
            target(*one) for one in json.loads((folder / "bundle.json").read_text(encoding="utf-8"))["targets"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(f"{folder} holds no bundle, or an unfinished one. {AGAIN.format(folder=folder)}.") from None
    there = {path.relative_to(folder).as_posix(): path for path in listing(folder)}
    if differing := sorted(said.keys() ^ there.keys()):
        _refuse(folder, f"{differing[0]} is {'missing' if differing[0] in said else 'not listed'}", len(differing))
    if damaged := [name for name, path in there.items() if sha256_of(path) != said[name]]:
        _refuse(folder, f"{damaged[0]} is damaged", len(damaged))
    for one in targets:
        try:
            completes(one, folder / "locks" / f"{one}.txt", folder / "wheels")
        except HookpointError as error:
            _refuse(folder, f"{one} could not install from it: {error}", 1)
    return Checked(len(there) + 1, sum(path.stat().st_size for path in there.values()), targets)


def _refuse(folder: Path, what: str, count: int) -> None:
    more = f" (and {count - 1} more)" if count > 1 else ""
    raise HookpointError(f"The bundle in {folder} is not whole: {what}{more}. {AGAIN.format(folder=folder)}.")
