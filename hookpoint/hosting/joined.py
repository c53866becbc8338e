"""Where this person has joined an event: the server's address and their token, in a file that nobody else may read.

It lies in the workspace, or in the user's configuration where there is no workspace, as `event.json`.
"""

import contextlib
import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from hookpoint.errors import HookpointError, UsageError

from . import codes

__all__ = ["Joined", "joined", "place", "remember"]


@dataclass(frozen=True)
class Joined:
    """One person at one event. `token` is theirs alone: it is never printed."""

    address: str
    token: str = field(repr=False)
    event: str = ""
    person: str = ""
    team: str = ""


def place(workspace: Path | None) -> Path:
    """The file that it is kept in: the workspace's, or the user's."""
    if workspace:
        return workspace / ".hookpoint" / "event.json"
    base = os.environ.get("XDG_CONFIG_HOME") or os.environ.get("APPDATA") or Path.home() / ".config"
    return Path(base) / "hookpoint" / "event.json"


def joined(workspace: Path | None) -> tuple[Joined, Path] | None:
    """Where one has joined, and the file that says so; None if there is none. The workspace's goes before the user's.

    Raises:
        HookpointError: the file is damaged.
    """
    for path in dict.fromkeys((place(workspace), place(None))):
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            known = {one.name: str(stored[one.name]) for one in fields(Joined) if one.name in stored}
            return Joined(**known | {"token": codes.token_in(known["token"])}), path
        except FileNotFoundError:
            continue
        except (OSError, ValueError, TypeError, LookupError, UsageError):
            raise HookpointError(f"{path} cannot be read. Delete it and join again: `hookpoint join`.") from None
    return None


def remember(one: Joined, workspace: Path | None) -> Path:
    """Keeps it, in place of what was kept there, and gives the file.

    Raises:
        HookpointError: it cannot be written; nothing changed.
    """
    path = place(workspace)
    # Made for the owner alone before anything is in it: `write_text` would leave the others a moment to read it.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(asdict(one), file, indent=1, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise HookpointError(f"{path} cannot be written: {error.strerror or error}. Mend that first.") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return path
