"""Making an event: its folder with the settings, its database, and the first host; then keeping the two alike."""

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy.orm import Session

from hookpoint.content.course import course
from hookpoint.errors import HookpointError, UsageError

from . import audit, event, people
from .folder import EventFolder
from .schedule_templates import template_named
from .settings import EventSettings, new_settings, write_settings
from .settings_file import parsed, rendered
from .settings_kinds import moment, nearest
from .store.database import Database, open_database
from .store.models import Event

__all__ = [
    "Made", "all_notebooks", "at_once", "in_step", "local_timezone", "make", "next_hour", "notebooks_in", "opened",
    "settings_for", "starts_in", "timezone_in",
]  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A new event. `token` is its first host's, shown once."""

    folder: EventFolder
    name: str
    join_code: str
    token: str = field(repr=False)


def make(folder: EventFolder, settings: EventSettings, at: datetime, url: str = "", host: str = "Host") -> Made:
    """Writes `event.toml`, the database and the first host; if it fails, a second try finds nothing in its way.

    Args:
        url: where the database is, if it is not to be a file in the folder.
        host: the name of the first host.

    Raises:
        UsageError: there is an event already, or the settings have mistakes.
        HookpointError: the folder or the database cannot be used.
    """
    if folder.settings_path.exists():
        raise UsageError(f"{folder.path} holds an event already. Give another folder for a new one.")
    text = rendered(settings)
    parsed(EventSettings, text, folder.settings_path)  # what is wrong with them is said before anything is made
    with undone_on_error() as undo:
        _make_folder(folder.path)
        if not (file := folder.path / "event.db").exists():
            undo.callback(_unlink, file, file.with_name("event.db-wal"), file.with_name("event.db-shm"))
        if url:
            undo.callback(_unlink, folder.url_path)
            _write_secret(folder.url_path, f"{url}\n")
        with contextlib.closing(open_database(folder.database)) as database:
            database.upgrade()
            with database.session() as session:
                row = event.create(session, text, at)
                _, token = people.enrol(session, None, "host", host, at)
                write_settings(folder.settings_path, settings)
                undo.callback(_unlink, folder.settings_path)
    return Made(folder, row.name, row.join_code, token)


@contextlib.contextmanager
def undone_on_error() -> Iterator[contextlib.ExitStack]:
    """What is to be called if the block fails, the last first."""
    with contextlib.ExitStack() as stack:
        yield stack
        stack.pop_all()


def _unlink(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HookpointError(f"{path} cannot be made: {error.strerror or error}. Choose another folder.") from None


def _write_secret(path: Path, text: str) -> None:
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise HookpointError(f"{path} cannot be written: {error.strerror or error}. Mend that first.") from None


def opened(folder: EventFolder) -> Database:
    """The event's database, brought up to date.

    Raises:
        HookpointError: it cannot be used, or holds no event.
    """
    database = open_database(folder.database)
    if database.version() is None:
        raise UsageError(f"{database.place} holds no event yet. `hookpoint host init` makes one.")
    database.upgrade()
    with database.reading() as session:
        if session.get(Event, 1) is None:
            raise UsageError(f"{database.place} holds no event yet. `hookpoint host init` makes one.")
    return database


def in_step(session: Session, folder: EventFolder, at: datetime) -> bool:
    """Takes over what was changed in `event.toml` since the database was given it; whether anything was.

    Raises:
        UsageError: the file cannot be read or has mistakes; nothing was changed.
    """
    try:
        text = folder.settings_path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"{folder.settings_path} cannot be read as text. Put it back, or save it as UTF-8.") from None
    row = session.get(Event, 1)
    if row.settings == text:
        return False
    row.settings, before = text, row.settings
    try:
        row.name = event.current(session, at).settings.title
    except HookpointError:
        row.settings = before
        raise
    audit.note(session, None, "changed event.toml", {"before": before}, at)
    return True


# What an event begins with


def settings_for(
    title: str, place: str, timezone: str, starts: datetime, template: str, notebooks: tuple[str, ...]
) -> EventSettings:
    """Settings of an event of this kind.

    Raises:
        UsageError: a value does not fit; the text says which, and what would.
    """
    return new_settings(title, place, timezone_in(timezone), starts, template, notebooks)


def timezone_in(text: str) -> str:
    """The time zone that somebody typed.

    Raises:
        UsageError: there is none of this name; the text offers the nearest.
    """
    known = available_timezones()
    if text.strip() in known:
        return text.strip()
    raise UsageError(f"There is no time zone {text!r}. Give a region and a city; nearest is {nearest(text, known)}.")


def notebooks_in(text: str) -> tuple[str, ...]:
    """The notebooks that somebody named, with commas or spaces between them; `all` are all of the course.

    Raises:
        UsageError: there is no such notebook; the text offers the nearest.
    """
    names = text.replace(",", " ").split()
    known = all_notebooks()
    if names in ([], ["all"]):
        return known
    for name in names:
        if name not in known:
            raise UsageError(f"There is no notebook {name!r} in the course; nearest is {nearest(name, known)}.")
    return tuple(dict.fromkeys(names))


def all_notebooks() -> tuple[str, ...]:
    return tuple(notebook.name for notebook in course().notebooks)


def starts_in(text: str, timezone: str, template: str, at: datetime) -> datetime:
    """When the doors open, by the clock of the place: "2027-03-05 18:00", or `now`, which opens submitting at once.

    Raises:
        UsageError: it is no time.
    """
    if text.strip() == "now":
        return at_once(timezone, template, at)
    try:
        return moment(text.strip())
    except ValueError as error:
        raise UsageError(f"{error}, or `now`.") from None


def at_once(timezone: str, template: str, at: datetime) -> datetime:
    """The beginning that lets submitting open at this minute."""
    zone, earlier = ZoneInfo(timezone), timedelta()
    for phase in template_named(template).phases:
        if "submitting" in phase.open:
            break
        earlier += timedelta(days=phase.lasts.days, minutes=phase.lasts.minutes)
    return (at - earlier).astimezone(zone).replace(second=0, microsecond=0, tzinfo=None)


def local_timezone() -> str:
    """The time zone of this machine by its name, or UTC if it does not say."""
    candidates = [os.environ.get("TZ", "").lstrip(":")]
    with contextlib.suppress(OSError):
        candidates.append(str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2].removeprefix("posix/"))
    with contextlib.suppress(OSError):
        candidates.append(Path("/etc/timezone").read_text(encoding="ascii").strip())
    candidates += [name for name in time.tzname if name == "UTC"]
    known = available_timezones()
    return next((name for name in candidates if name in known), "UTC")


def next_hour(timezone: str, at: datetime) -> datetime:
    """The next full hour by the clock of the place."""
    local = at.astimezone(UTC).astimezone(ZoneInfo(timezone)) + timedelta(hours=1)
    return local.replace(minute=0, second=0, microsecond=0, tzinfo=None)
