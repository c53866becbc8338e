"""An event in one file, to keep or to move: every table but what lets somebody in, and all that was handed in.

The same event gives the same bytes, on SQLite and on PostgreSQL. The event's secret, its join code, the invitations of
the teams and the tokens are not in it: an imported event has new ones. What people wrote is in it, private notes of
judges and the seeds of the hidden inputs too: it is the host's, and not for publishing.
"""

import contextlib
import hashlib
import importlib.metadata
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from hookpoint.errors import HookpointError, UsageError

from . import codes
from .archive_rows import TABLES, Unfit, as_line, carried, files_of, from_line, is_file, rows_of, with_secrets
from .archive_zip import LARGEST_GB, Reader, Writer, refused
from .settings import EventSettings
from .settings_file import parsed
from .store.database import Database
from .store.models import Event, Person

__all__ = ["Imported", "export_archive", "import_archive"]

BATCH = 500
NEWER = "Update hookpoint and try again"
FULL = "{place} is not empty. An archive is imported into a new database alone: name another one."


@dataclass(frozen=True)
class Imported:
    """What an import made. `hosts` are the names of the hosts with their new tokens, which are shown this once.

    `people` is how many others need a new token before they can sign in; `rows` counts those of each table.
    """

    name: str
    settings: str
    join_code: str
    hosts: tuple[tuple[str, str], ...]
    people: int
    rows: dict[str, int]


def export_archive(session: Session, path: Path, told: Callable[[str], None] = lambda table: None) -> None:
    """Writes the event that `session` sees at one moment into a new file, that nobody else may read.

    Args:
        told: is given the name of each table before it is written.

    Raises:
        UsageError: there is something at `path`, or it cannot be written.
    """
    unfinished = path.with_name(f"{path.name}.part")
    try:
        if path.exists():
            raise FileExistsError
        handle = os.open(unfinished, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(handle, "wb") as file:
            _write(session, Writer(file), told)
        unfinished.rename(path)
    except FileExistsError:
        raise UsageError(f"{path} is there already. Name another file, or move it away first.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}. Choose another folder.") from None
    finally:
        unfinished.unlink(missing_ok=True)


def _write(session: Session, writer: Writer, told: Callable[[str], None]) -> None:
    tables: dict[str, dict[str, Any]] = {}
    for name, table in TABLES.items():
        told(name)
        tables[name] = {"rows": 0, "columns": sorted(column.name for column in carried(table))}
        writer.add(f"tables/{name}.jsonl", _lines(rows_of(session, table), tables[name]))
        for content in files_of(session, table):
            writer.add(_place(content), [content])
    event = session.get(Event, 1)
    writer.finish(event=event.name, hookpoint=importlib.metadata.version("hookpoint"), tables=tables)


def _lines(rows: Iterator[dict[str, Any]], said: dict[str, Any]) -> Iterator[bytes]:
    for row in rows:
        said["rows"] += 1
        yield as_line(row)


def import_archive(path: Path, database: Database, largest_gb: float = LARGEST_GB) -> Imported:
    """Puts the event of an archive into a new or empty database, with new secrets; all of it or nothing.

    Raises:
        HookpointError: the archive is damaged, dangerous or of another version; or the database is not empty. One line
            says which. Nothing was written: a file that was not there is not there.
    """
    with Reader(path, int(largest_gb * 1e9)) as archive:
        _demand_known(archive)
        archive.verify()
        new = database.is_sqlite and not Path(database.place).exists()
        _demand_empty(database)
        try:
            database.upgrade()
            with database.session() as session:
                _demand_empty(database, session.connection())
                return _imported(session, archive)
        except BaseException as error:
            if new and not isinstance(error, UsageError):  # that says it is not empty: then somebody else made it
                _remove(database)
            raise


def _demand_known(archive: Reader) -> None:
    """Refuses tables and columns that nobody here would know what to do with, or without which a row is none."""
    for name, said in archive.manifest["tables"].items():
        if name not in TABLES:
            raise refused(archive.path, f"it has a table {ascii(name)[:80]}, which is not known here", NEWER)
        columns = {column.name: column for column in carried(TABLES[name])}
        for unknown in sorted(set(said["columns"]) - columns.keys()):
            what = f"its table {name} has a column {ascii(unknown)[:80]}, which is not known here"
            raise refused(archive.path, what, NEWER)
        for column in columns.values():
            if column.name not in said["columns"] and not column.nullable and column.default is None:
                raise refused(archive.path, f"its table {name} has no column {column.name}")


def _demand_empty(database: Database, connection: Connection | None = None) -> None:
    """Refuses a database with a row in any of our tables, of whatever version it is."""
    if connection is None:
        if database.version() is None:
            return
        with database.engine.execution_options(purpose="read").connect() as connection:
            return _demand_empty(database, connection)
    there = set(inspect(connection).get_table_names())
    for name in there & TABLES.keys():
        if connection.execute(text(f"SELECT 1 FROM {name} LIMIT 1")).first():
            raise UsageError(FULL.format(place=database.place))


def _imported(session: Session, archive: Reader) -> Imported:
    rows = {}
    for name, table in TABLES.items():
        rows[name] = 0
        if name not in archive.manifest["tables"]:  # it came later than this archive
            continue
        size = 1 if any(map(is_file, carried(table))) else BATCH
        with _placed(archive, name):
            batch: list[dict] = []
            for row in _rows(archive, name):
                batch.append(row)
                if len(batch) == size:
                    session.execute(table.insert(), batch)
                    batch = []
                rows[name] += 1
            if batch:
                session.execute(table.insert(), batch)
        if rows[name] != archive.manifest["tables"][name]["rows"]:
            raise refused(archive.path, f"its table {name} has not as many rows as its manifest says")
        _count_on(session, name)
    return _summary(session, archive, rows)


def _rows(archive: Reader, name: str) -> Iterator[dict[str, Any]]:
    """The rows of a table as they are to be inserted."""
    table, columns = TABLES[name], set(archive.manifest["tables"][name]["columns"])
    files = [column.name for column in carried(table) if is_file(column) and column.name in columns]
    for number, line in archive.lines(f"tables/{name}.jsonl"):
        try:
            row = with_secrets(table, from_line(table, columns, line))
        except HookpointError as error:
            why = str(error) if isinstance(error, Unfit) else "its name cannot be one"
            raise refused(archive.path, f"line {number} of its table {name} cannot be a row: {why}") from None
        for file in filter(row.get, files):
            if f"submissions/{row[file]}" not in archive.entries:
                raise refused(archive.path, f"line {number} of its table {name} names a file that is not there")
            row[file] = archive.content(f"submissions/{row[file]}")
        yield row


@contextlib.contextmanager
def _placed(archive: Reader, name: str) -> Iterator[None]:
    """Says in one line what the database does not take."""
    try:
        yield
    except (IntegrityError, DataError):
        raise refused(archive.path, f"its table {name} has rows that contradict each other") from None


def _count_on(session: Session, name: str) -> None:
    """Rows with ids of their own do not move PostgreSQL's counter, and the next row would take an id again."""
    if session.get_bind().dialect.name == "postgresql":
        last = f"(SELECT max(id) FROM {name})"
        session.execute(text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), {last}) WHERE {last} > 0"))


def _summary(session: Session, archive: Reader, rows: dict[str, int]) -> Imported:
    event = session.get(Event, 1)
    if event is None:
        raise refused(archive.path, "it has no event")
    try:
        parsed(EventSettings, event.settings, Path("event.toml"))
    except UsageError as error:
        raise refused(archive.path, f"its settings cannot be read ({str(error).splitlines()[0]})") from None
    hosts = []
    for host in session.scalars(select(Person).where(Person.role == "host", Person.active).order_by(Person.id)):
        token = codes.token()
        host.token_hash = codes.hashed(token)
        hosts.append((host.name, token))
    return Imported(event.name, event.settings, event.join_code, tuple(hosts), rows["person"] - len(hosts), rows)


def _place(content: bytes) -> str:
    return f"submissions/{hashlib.sha256(content).hexdigest()}"


def _remove(database: Database) -> None:
    database.close()
    for suffix in ("", "-wal", "-shm"):
        Path(database.place + suffix).unlink(missing_ok=True)
