"""An event's folder on the host's machine: which file is where, and which event a command means.

event.toml      the settings, for people to edit
event.db        the database; or `database.url`, where it is one in PostgreSQL
logs/           what the server and the grader said
serving.json    where the server answers, and the lock that lets one run at a time
"""

import os
from dataclasses import dataclass
from pathlib import Path

from hookpoint.errors import HookpointError, UsageError

__all__ = ["EventFolder", "find_event"]

VARIABLE = "HOOKPOINT_EVENT"
SETTINGS = "event.toml"


@dataclass(frozen=True)
class EventFolder:
    """The folder of one event. Nothing in it has to be there yet."""

    path: Path

    @property
    def settings_path(self) -> Path:
        return self.path / SETTINGS

    @property
    def url_path(self) -> Path:
        """Holds the address of a database that is not in the folder; its password is why nobody else may read it."""
        return self.path / "database.url"

    @property
    def database(self) -> str:
        """What `store.database.open_database` takes: a path, or a URL with its password.

        Raises:
            HookpointError: the file that holds the URL cannot be read.
        """
        try:
            return self.url_path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return str(self.path / "event.db")
        except (OSError, UnicodeDecodeError) as error:
            raise HookpointError(f"{self.url_path} cannot be read ({error}). Write the database's URL there.") from None

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def serving_path(self) -> Path:
        return self.path / "serving.json"


def find_event(given: Path | None = None, start: Path | None = None) -> EventFolder:
    """The folder of the event that is meant: the one given, else $HOOKPOINT_EVENT, else the one that `start` (the
    current folder) is in, or has below it as `event`.

    Raises:
        UsageError: there is none.
    """
    named = given or os.environ.get(VARIABLE)
    if named:
        folder = EventFolder(Path(named).resolve())
        if not folder.settings_path.is_file():
            raise UsageError(f"{named} holds no {SETTINGS}. `hookpoint host init {named}` makes an event there.")
        return folder
    here = (start or Path.cwd()).resolve()
    for one in (here, *here.parents, here / "event"):
        if (one / SETTINGS).is_file():
            return EventFolder(one)
    raise UsageError("There is no event here yet. `hookpoint host init` makes one in ./event; --event names another.")
