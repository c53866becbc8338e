"""Reading notebooks and writing files so that a learner's work survives whatever goes wrong.

What is in a notebook is the business of `course`, `cells` and `merge`; here are only the bytes.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from hookpoint.errors import HookpointError


def fingerprint(source: str) -> str:
    """The first 12 hex digits of the source's SHA-256: what the builder stores beside every released cell."""
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def source_of(cell: Mapping) -> str:
    """The text of a notebook cell; the format allows one string or a list of lines."""
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def hookpoint_of(holder: Mapping) -> dict:
    """What the builder wrote about a cell or a notebook; empty when an editor has dropped it."""
    metadata = holder.get("metadata")
    ours = metadata.get("hookpoint") if isinstance(metadata, Mapping) else None
    return dict(ours) if isinstance(ours, Mapping) else {}


def read_notebook(path: Path) -> dict:
    """The notebook as a dict, each cell's source as one string.

    Raises:
        HookpointError: the file cannot be read or is no notebook. It is left as it is.
    """
    try:
        return notebook_in(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise HookpointError(f"{path} cannot be read: {error.strerror or error}.") from None
    except json.JSONDecodeError as error:
        raise HookpointError(_unreadable(path, f"line {error.lineno}: {error.msg}")) from None
    except UnicodeDecodeError:
        raise HookpointError(_unreadable(path, "it is not UTF-8 text")) from None
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise HookpointError(_unreadable(path, "it has no list of cells")) from None


def notebook_in(text: str) -> dict:
    """The notebook that the text is, each cell's source as one string. Raises an error of any kind if it is none."""
    notebook = json.loads(text)
    return {**notebook, "cells": [{**cell, "source": source_of(cell)} for cell in notebook["cells"]]}


def _unreadable(path: Path, why: str) -> str:
    spare = path.with_name(f"{path.stem}-broken{path.suffix}").name
    return (
        f"{path} is not a readable notebook ({why}). Rename it, for example to {spare}, and run `hookpoint start`: "
        "it brings a fresh copy and never overwrites a file."
    )


def notebook_text(notebook: Mapping) -> str:
    """The notebook as Jupyter writes it: sources as lines, one space of indent, sorted keys, newline at the end."""
    cells = [{**cell, "source": source_of(cell).splitlines(keepends=True)} for cell in notebook["cells"]]
    return json.dumps({**notebook, "cells": cells}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def write_text(path: Path, text: str) -> None:
    """Put the whole text in place of the file, or leave the file exactly as it was.

    Raises:
        HookpointError: the disk is full, the folder is read-only, or the like.
    """
    # A link is followed, so that it stays a link and the file it names is the one replaced.
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_through(temporary, text.encode("utf-8", "surrogatepass"))
        if target.exists():
            os.chmod(temporary, target.stat().st_mode & 0o7777)
        os.replace(temporary, target)
    except OSError as error:
        kept = "What was there is unchanged" if target.exists() else "Nothing was written"
        why = error.strerror or error
        raise HookpointError(f"Could not write {path}: {why}. {kept}; mend that and run it again.") from None
    finally:
        with contextlib.suppress(OSError):  # the folder itself may be what is in the way
            temporary.unlink(missing_ok=True)


def _write_through(path: Path, data: bytes) -> None:
    """Write the bytes and wait until they are on the disk: a rename alone could outrun them in a power cut."""
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def now() -> str:
    """The time as UTC ISO text to the second, as records and backups name it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def back_up(workspace: Path, name: str, text: str) -> Path:
    """Save the text under `.hookpoint/backups/` with the time in its name; an earlier backup is never replaced."""
    folder = workspace / ".hookpoint" / "backups"
    stem, suffix = os.path.splitext(name)
    stamp = now().replace(":", "").replace("-", "").replace("+0000", "Z")
    path, count = folder / f"{stem}-{stamp}{suffix}", 1
    while path.exists():
        count += 1
        path = folder / f"{stem}-{stamp}-{count}{suffix}"
    write_text(path, text)
    return path
