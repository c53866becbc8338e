"""Rows of the event's tables as plain values and back, as the models have them: a later column is carried too.

What lets somebody in stays behind, and is made anew where the rows arrive: `SECRETS`. The private instances of
challenges stay behind too: their seeds are carried, of which `host challenges` makes the same ones.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Boolean, Column, Float, Integer, LargeBinary, Table, select
from sqlalchemy.orm import Session

from hookpoint.errors import HookpointError

from . import codes
from .store.columns import Json, Utc, Words
from .store.models import Base

__all__ = [
    "SECRETS",
    "TABLES",
    "as_line",
    "carried",
    "files_of",
    "from_line",
    "is_file",
    "rows_of",
    "with_secrets",
    "Unfit",
]

# How often somebody asked, and which machine graded: both are over with the event.
LEFT_OUT = ("rate_event", "grader")
SECRETS: dict[str, dict[str, Callable[[], str]]] = {
    "event": {"secret": lambda: secrets.token_hex(32), "join_code": codes.join_code},
    "team": {"invitation": codes.invitation},
    "person": {"token_hash": lambda: codes.hashed(codes.token())},  # of a token that nobody has
}
MADE_AGAIN = {"instance": {"content", "given"}}
FOLLOWS: dict[str, dict[str, Callable[[Mapping], Any]]] = {"team": {"folded": lambda row: codes.name_key(row["name"])}}
# In an order in which every row comes after those that it refers to.
TABLES: dict[str, Table] = {one.name: one for one in Base.metadata.sorted_tables if one.name not in LEFT_OUT}
SMALLEST, LARGEST = -(2**31), 2**31 - 1  # of a whole number in PostgreSQL
LARGEST_REAL = 1e300  # what is written larger is read as infinity


class Unfit(HookpointError):
    """What a line of an archive has that no row can hold."""


def carried(table: Table) -> list[Column]:
    """The columns of a table that an archive has."""
    stay = SECRETS.get(table.name, {}).keys() | FOLLOWS.get(table.name, {}).keys() | MADE_AGAIN.get(table.name, set())
    return [column for column in table.columns if column.name not in stay]


def is_file(column: Column) -> bool:
    """Whether what it holds is kept as a file of its own, and the row has the file's hash."""
    return isinstance(column.type, LargeBinary)


def rows_of(session: Session, table: Table) -> Iterator[dict[str, Any]]:
    """The rows of a table in the order of their ids, as plain values. One that holds a file is loaded alone."""
    columns = carried(table)
    ids = [id for (id,) in session.execute(select(table.c.id).order_by(table.c.id))]
    step = 1 if any(map(is_file, columns)) else 500
    for start in range(0, len(ids), step):
        some = select(*columns).where(table.c.id.in_(ids[start : start + step])).order_by(table.c.id)
        for row in session.execute(some):
            yield {column.name: _plain(column, value) for column, value in zip(columns, row, strict=True)}


def files_of(session: Session, table: Table) -> Iterator[bytes]:
    """The files that the rows of a table hold, one at a time."""
    for column in filter(is_file, carried(table)):
        for id in session.scalars(select(table.c.id).order_by(table.c.id)).all():
            content = session.scalar(select(column).where(table.c.id == id))
            if content is not None:
                yield content


def _plain(column: Column, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return hashlib.sha256(value).hexdigest() if is_file(column) and value is not None else value


def as_line(row: Mapping[str, Any]) -> bytes:
    """The row as one line of JSON; equal rows give equal lines."""
    return json.dumps(row, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def from_line(table: Table, columns: set[str], line: bytes) -> dict[str, Any]:
    """The row that a line of an archive says, with values that its columns take; of files their hashes.

    Raises:
        Unfit: it is no row of this table; the text says why.
    """
    try:
        row = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Unfit("it is no JSON") from None
    if not isinstance(row, dict) or row.keys() != columns:
        raise Unfit("it has other columns than the manifest says")
    return {name: _fitting(table.columns[name], value) for name, value in row.items()}


def with_secrets(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """The row with what follows from it, and with new secrets.

    Raises:
        HookpointError: nothing can follow from it: a name that is none.
    """
    follows = {name: of(row) for name, of in FOLLOWS.get(table.name, {}).items()}
    return row | follows | {name: new() for name, new in SECRETS.get(table.name, {}).items()}


def _fitting(column: Column, value: Any) -> Any:
    """The value as the column takes it."""
    kind = column.type
    if isinstance(kind, Json):
        return _keepable(column, value)
    if value is None:
        if not column.nullable:
            raise Unfit(f"`{column.name}` is missing")
        return None
    if isinstance(kind, Utc):
        return _moment(column, value)
    right = (
        (isinstance(kind, Words) and isinstance(value, str))
        or (isinstance(kind, Boolean) and isinstance(value, bool))
        or (isinstance(kind, Float) and type(value) in (int, float) and abs(value) <= LARGEST_REAL)
        or (isinstance(kind, Integer) and type(value) is int and SMALLEST <= value <= LARGEST)
        or (is_file(column) and isinstance(value, str))
    )
    if not right:
        raise Unfit(f"`{column.name}` is not what that column takes")
    return float(value) if isinstance(kind, Float) else value


def _no_number(constant: str) -> Any:
    raise ValueError(constant)


def _keepable(column: Column, value: Any) -> Any:
    try:
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        raise Unfit(f"`{column.name}` holds a number that is none") from None
    return value


def _moment(column: Column, value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        raise Unfit(f"`{column.name}` is not a time") from None
