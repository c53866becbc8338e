"""Opens an event's database, an SQLite file or a PostgreSQL database by URL, and brings it up to date.

SQLite is set up so that what was acknowledged stays: every commit waits until the disk has it. `synchronous=NORMAL`
would be quicker, but in WAL mode a power failure may then take back the last commits, and with them a submission
that a team was told is in. A commit costs one sync of the disk: far below what an event asks for.
"""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    OperationalError,
    ProgrammingError,
    TimeoutError,
)
from sqlalchemy.orm import Session

from hookpoint.errors import HookpointError, UsageError

__all__ = ["Database", "Unusable", "open_database"]

MIGRATIONS = Path(__file__).with_name("migrations")
VERSION_TABLE = "hookpoint_version"  # of our own name: another project's Alembic table is not taken for ours
BUSY_SECONDS = 30  # how long a writer waits for the others
CONNECT_SECONDS = 10
UPGRADE_LOCK = 0x686F6F6B  # among processes, in PostgreSQL: any number that others do not use
UPGRADING = threading.Lock()  # in this process: Alembic keeps what it is at in a global
PRAGMAS = (
    "foreign_keys = ON",
    "synchronous = FULL",
    "fullfsync = ON",  # macOS alone needs it: there, the plain sync leaves data in the disk's own cache
    "trusted_schema = OFF",
)
BEGIN = {
    ("sqlite", "write"): ("PRAGMA query_only = OFF", "BEGIN IMMEDIATE"),
    ("sqlite", "read"): ("PRAGMA query_only = ON", "BEGIN"),
    ("sqlite", "outside"): ("PRAGMA query_only = OFF",),
    ("postgresql", "read"): ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",),
}
ADDRESS = "An event's database is the path of an SQLite file or postgresql://USER:PASSWORD@HOST/DATABASE."
NO_EVENT = "{place} holds no event yet. `hookpoint host init` makes one."
OLDER = "{place} is from an older hookpoint ({version}). Restart `hookpoint host serve`, which brings it up to date."
NEWER = "{place} is from a newer hookpoint ({version}) than this one. Update hookpoint and try again."
FOREIGN = "{place} holds other tables and is no event of ours. Give another file or database; it was left as it is."
UNUSABLE = "The event's database {place} cannot be used: {why}. Mend that and try again."
NO_WAL = "The disk of {place} does not let several programs share a database. Put it on a disk of this machine."


class Unusable(HookpointError):
    """The database cannot be used now. The text says why, and where it lies: it is for hosts, not for everybody."""


class Database:
    """An event's database. It may be used from many threads, and by many processes at the same time.

    `place` is how to call it in a message: it never shows a password.
    """

    def __init__(self, url: URL):
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.place = url.database if self.is_sqlite else url.set(query={}).render_as_string()
        self.engine = _engine(url)
        self._current = False

    def version(self) -> str | None:
        """The version of its tables, as Alembic counts; None if there is nothing in it yet, or no file.

        Raises:
            HookpointError: it cannot be read, is not ours, or is newer than this code. Nothing was changed.
        """
        if self.is_sqlite and not Path(self.place).exists():
            return None  # connecting would make the file
        with self._in_one_line(DBAPIError), self._connected("read") as connection:
            tables = inspect(connection).get_table_names()
            if not tables:
                return None
            if VERSION_TABLE not in tables:
                raise HookpointError(FOREIGN.format(place=self.place))
            version = connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar()
        if version not in _versions():
            raise HookpointError(NEWER.format(place=self.place, version=version))
        return version

    def upgrade(self) -> None:
        """Makes the tables, or brings older ones up to date; all of it or nothing. Twice is as good as once.

        Raises:
            HookpointError: as for `version`, or it cannot be written.
        """
        self.version()
        with UPGRADING, self._in_one_line(DBAPIError, OSError):
            if self.is_sqlite:
                self._prepare_file()
            with self._connected("write") as connection:
                if not self.is_sqlite:
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({UPGRADE_LOCK})")
                command.upgrade(_config(connection=connection, version_table=VERSION_TABLE), "head")
                connection.commit()

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction that may write: committed at the end, or rolled back if the block raises.

        In SQLite there is one writer at a time and the others wait their turn, so keep the block short. What was
        loaded can be read on after the block. What the tables forbid raises `sqlalchemy.exc.IntegrityError`.

        Raises:
            HookpointError: the database holds no event, is not of this version, or cannot be used.
        """
        with self._session("write") as session:
            yield session
            session.commit()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that sees one moment of the database, waits for no writer, and cannot write.

        Raises:
            HookpointError: as for `session`; or the block tried to write.
        """
        with self._session("read") as session:
            yield session

    def close(self) -> None:
        """Gives its connections back. It can be used again."""
        self.engine.dispose()

    @contextlib.contextmanager
    def _session(self, purpose: str) -> Iterator[Session]:
        self._demand_current()
        with self._in_one_line(DBAPIError, TimeoutError, but=(IntegrityError, DataError, ProgrammingError)):
            engine = self.engine.execution_options(purpose=purpose)
            with Session(engine, expire_on_commit=False) as session:  # closing it rolls back what is not committed
                yield session

    def _demand_current(self) -> None:
        """Refuses tables of another version, once: nobody but `upgrade` changes them."""
        if self._current:
            return
        version = self.version()
        if version != _versions()[0]:
            message = OLDER if version else NO_EVENT
            raise HookpointError(message.format(place=self.place, version=version))
        self._current = True

    def _connected(self, purpose: str) -> Connection:
        return self.engine.execution_options(purpose=purpose).connect()

    def _prepare_file(self) -> None:
        """A file that nobody else may read, for it holds the event's secret; its log is kept beside it."""
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self.place, os.O_CREAT | os.O_EXCL, 0o600))
        if self._write_ahead() != "wal":
            raise HookpointError(NO_WAL.format(place=self.place))

    def _write_ahead(self) -> str:
        """Asks for WAL mode; gives the mode that it is in then. For this alone SQLite waits for no other process."""
        until = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                with self._connected("outside") as connection:
                    return connection.exec_driver_sql("PRAGMA journal_mode = WAL").scalar_one()
            except OperationalError as error:
                if error.orig.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
            time.sleep(0.05)

    @contextlib.contextmanager
    def _in_one_line(self, *errors: type[Exception], but: tuple[type[Exception], ...] = ()) -> Iterator[None]:
        """Says in one line, without the address's password, what keeps the database from being used."""
        try:
            yield
        except errors as error:
            if isinstance(error, but):
                raise
            raise Unusable(UNUSABLE.format(place=self.place, why=_why(error))) from error


def open_database(address: str | Path) -> Database:
    """The database at a path or URL, which can be reached and is ours or empty. Nothing is made or changed.

    An empty one, a file that is not there, or one from an older version wants `Database.upgrade` first.

    Raises:
        UsageError: `address` is no path and no URL of ours.
        HookpointError: it cannot be reached, is no database of ours, or is newer than this code.
    """
    try:
        database = Database(_url(address))
    except ModuleNotFoundError as error:
        raise HookpointError(f'{error.name} is not installed: pip install "hookpoint[host]"') from None
    database.version()
    return database


def _url(address: str | Path) -> URL:
    """The address as SQLAlchemy's; the driver is the one that our extra installs."""
    if "://" not in str(address):
        return URL.create("sqlite", database=str(Path(address).resolve()))
    try:
        url = make_url(str(address))
    except (ArgumentError, ValueError):
        raise UsageError(ADDRESS) from None  # without the address: a password may be in it
    backend = url.get_backend_name() if url.drivername != "postgres" else "postgresql"
    if backend not in ("sqlite", "postgresql") or not url.database or url.database.startswith((":memory:", "file:")):
        raise UsageError(ADDRESS)
    return url.set(drivername="sqlite" if backend == "sqlite" else "postgresql+psycopg")


def _engine(url: URL) -> Engine:
    backend = url.get_backend_name()
    name, seconds = ("timeout", BUSY_SECONDS) if backend == "sqlite" else ("connect_timeout", CONNECT_SECONDS)
    given = {} if name in url.query else {name: seconds}
    engine = create_engine(url, connect_args=given, pool_pre_ping=backend != "sqlite")
    if backend == "sqlite":
        event.listen(engine, "connect", _set_up)
        _take_turns(engine)
    event.listen(engine, "begin", _begin)
    return engine


def _take_turns(engine: Engine) -> None:
    """Lets the writers of this process wait in line: SQLite itself has them sleep and look again."""
    turn = threading.Lock()

    def wait(connection: Connection) -> None:
        writes = connection.get_execution_options().get("purpose", "write") == "write"
        if writes and not connection.info.get("has turn"):
            # Whoever does not get it in so long asks SQLite all the same, which says what is wrong.
            connection.info["has turn"] = turn.acquire(timeout=BUSY_SECONDS)

    def let_go(_: Any, record: Any) -> None:
        if record.info.pop("has turn", False):
            turn.release()

    event.listen(engine, "begin", wait)  # before the statements of `_begin`
    event.listen(engine, "checkin", let_go)


def _set_up(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # sqlite3 would begin transactions itself, and later than we must
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Begins as its purpose asks. A writer takes SQLite's lock at once, for after a read it could not wait for it."""
    purpose = connection.get_execution_options().get("purpose", "write")
    for statement in BEGIN.get((connection.dialect.name, purpose), ()):
        connection.exec_driver_sql(statement)


def _config(**attributes: Any) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes.update(attributes)
    return config


@cache
def _versions() -> tuple[str, ...]:
    """Every version that this code knows, the newest first."""
    return tuple(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def _why(error: Exception) -> str:
    said = getattr(error, "orig", None) or getattr(error, "strerror", None) or error
    return str(said).strip().split("\n")[0].rstrip(".") or type(said).__name__
