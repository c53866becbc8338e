"""The tables of the challenges: what each is, the private instances that answers meet, and hints that were handed out.

A challenge's own module imports torch, which the server does without: what pages say of it stands in `Challenge`, from
when its instances were made. `models` has these tables too.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base
from .columns import Json, Words, now, one_of

__all__ = ["SPLITS", "Challenge", "Hint", "Instance"]

SPLITS = ("board", "final")  # of instances, and of the jobs that score on them


class Challenge(Base):
    """One challenge of the event: `about` is what pages show of it, `starter` the text of its notebook."""

    __tablename__ = "challenge"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)  # its id in the registry
    about: Mapped[Any] = mapped_column(Json)
    starter: Mapped[str] = mapped_column(Words, default="", deferred=True)
    made: Mapped[datetime] = mapped_column(default=now)


class Instance(Base):
    """One private instance with its key; nobody but the grader reads it.

    `seed` is what it was made of, as a decimal number: with it anybody makes the same one, of this `sha256`. `given` is
    what teams may know of it, where they hand in a file instead of a function. An imported event has the seed alone
    until `content` is made again.
    """

    __tablename__ = "instance"
    __table_args__ = (
        one_of("split", SPLITS),
        UniqueConstraint("challenge", "split", "number"),
        CheckConstraint("length(sha256) = 64", name="sha256"),
        CheckConstraint("number >= 0", name="number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    challenge: Mapped[str]
    split: Mapped[str]
    number: Mapped[int]
    seed: Mapped[str]
    sha256: Mapped[str]
    given: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)


class Hint(Base):
    """That a team was given a hint of a challenge, the first, second or third."""

    __tablename__ = "hint"
    __table_args__ = (
        UniqueConstraint("team_id", "challenge", "rung"),
        CheckConstraint("rung >= 1 AND rung <= 3", name="rung"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    challenge: Mapped[str]
    rung: Mapped[int]
    given: Mapped[datetime] = mapped_column(default=now)
