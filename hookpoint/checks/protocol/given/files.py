"""Files that a check gives to the learner's code, and reads back. A path travels as a handle, never as text."""

import contextlib
import shutil
import tempfile
from pathlib import Path

__all__ = ["TOOLS", "remove_folders"]

_folders: list[Path] = []


def folder(files: dict[str, bytes]) -> Path:
    """A new temporary folder that holds these files; removed when the check is over."""
    made = Path(tempfile.mkdtemp(prefix="hookpoint-"))
    _folders.append(made)
    for name, content in files.items():
        write(made / name, content)
    return made


def inside(path: Path, name: str) -> Path:
    """The path of a file in a folder, whether it is there or not."""
    return path / name


def text_of(path: Path) -> str:
    """The path as text, for what is asked to take a str."""
    return str(path)


def read(path: Path) -> bytes:
    """What a file holds."""
    return Path(path).read_bytes()


def write(path: Path, content: bytes) -> None:
    """Writes a file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def remove(path: Path) -> None:
    """Removes a file."""
    path.unlink()


def listing(path: Path) -> list[str]:
    """The names in a folder, sorted."""
    return sorted(entry.name for entry in path.iterdir())


def remove_folders() -> None:
    """Takes back every folder that was handed out."""
    while _folders:
        with contextlib.suppress(OSError):
            shutil.rmtree(_folders.pop())


TOOLS = (folder, inside, text_of, read, write, remove, listing)
