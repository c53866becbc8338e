"""Column types that mean the same in SQLite and in PostgreSQL, and the names that constraints get."""

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator

__all__ = ["NAMES", "Json", "Utc", "Words", "now", "one_of"]

# Migrations have to name what they change, so every constraint has a name and none is the database's choice.
NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}
# PostgreSQL keeps no NUL, and neither keeps half of a surrogate pair; a learner's output may hold both.
UNKEEPABLE = re.compile(r"[\x00\ud800-\udfff]")


def now() -> datetime:
    """The time, in UTC and aware of it."""
    return datetime.now(UTC)


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    """A constraint: the column holds one of these values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


class Utc(TypeDecorator[datetime]):
    """A moment, always UTC and always aware of it. A time without a zone is refused: it would mean two moments."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value} has no time zone: give a time in UTC, as datetime.now(UTC) does")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """Text of any length. What a database cannot keep becomes U+FFFD, so that odd text never costs a verdict."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return value and UNKEEPABLE.sub("\N{REPLACEMENT CHARACTER}", value)


class Json(TypeDecorator[Any]):
    """Plain values as JSON text. Equal values give equal text, and any database can keep it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return json.dumps(value, sort_keys=True, allow_nan=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return value and json.loads(value)
