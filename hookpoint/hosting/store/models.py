"""What an event keeps, as tables. What must never be is refused by the database itself, whoever writes.

A row is never deleted to be forgotten: people become inactive, and what refers to a row keeps it from going. Nothing
here is made from the models: tables come from the migrations alone, and a test holds the two together.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, MetaData, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, validates

from hookpoint.hosting.codes import name_key

from .columns import NAMES, Json, Utc, Words, now, one_of

__all__ = [
    "ROLES",
    "STATES",
    "STATUSES",
    "Announcement",
    "AuditEntry",
    "Base",
    "Conflict",
    "Event",
    "Job",
    "Person",
    "Question",
    "RateEvent",
    "Rating",
    "Submission",
    "Team",
    "Verdict",
]

ROLES = ("host", "judge", "mentor", "participant")
STATES = ("queued", "leased", "done", "failed")  # of a job
STATUSES = ("passed", "failed", "error", "timeout", "missing")  # of a verdict, as `grading.results` has them
WAITING = text("state IN ('queued', 'leased')")


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {str: Words, datetime: Utc}


class Event(Base):
    """The event; a database holds one. `secret` makes the seeds and the tokens: it never leaves the host's machine."""

    __tablename__ = "event"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    name: Mapped[str]
    settings: Mapped[Any] = mapped_column(Json)
    secret: Mapped[str]
    created: Mapped[datetime] = mapped_column(default=now)


class Team(Base):
    """People who hand in together. `folded` follows from the name: no two teams differ by case or spaces alone."""

    __tablename__ = "team"
    __table_args__ = (CheckConstraint("length(trim(name)) > 0", name="named"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    folded: Mapped[str] = mapped_column(unique=True)
    join_code_hash: Mapped[str] = mapped_column(unique=True)
    created: Mapped[datetime] = mapped_column(default=now)
    members: Mapped[list["Person"]] = relationship(back_populates="team")

    @validates("name")
    def follow(self, _: str, name: str) -> str:
        self.folded = name_key(name)
        return name


class Person(Base):
    """Somebody who can sign in, by a token of which only the hash is here. A participant may have no team yet."""

    __tablename__ = "person"
    __table_args__ = (one_of("role", ROLES),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    role: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))
    active: Mapped[bool] = mapped_column(default=True)
    team: Mapped[Team | None] = relationship(back_populates="members")


class Submission(Base):
    """A notebook as it was handed in. The same bytes from the same team for the same notebook are a replay.

    `file_name` is the sender's and never a path to use; `content` is read from the database only when asked for.
    """

    __tablename__ = "submission"
    __table_args__ = (
        UniqueConstraint("team_id", "sha256", "notebook"),
        CheckConstraint("length(sha256) = 64", name="sha256"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    notebook: Mapped[str]
    file_name: Mapped[str]
    sha256: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    received: Mapped[datetime] = mapped_column(default=now)
    seed: Mapped[str]
    team: Mapped[Team] = relationship()
    person: Mapped[Person] = relationship()
    verdicts: Mapped[list["Verdict"]] = relationship(back_populates="submission")


class Job(Base):
    """One grading of a submission. A submission may be graded again, but never waits twice at the same time.

    Whoever has the lease works until `lease_until`; after that anybody may take it over.
    """

    __tablename__ = "job"
    __table_args__ = (
        one_of("state", STATES),
        CheckConstraint("state <> 'leased' OR (lease_owner IS NOT NULL AND lease_until IS NOT NULL)", name="lease"),
        CheckConstraint("(state IN ('done', 'failed')) = (finished IS NOT NULL)", name="finished"),
        CheckConstraint("tries >= 0", name="tries"),
        Index("ix_job_next", "state", "enqueued", "id"),
        Index("uq_job_waiting", "submission_id", unique=True, sqlite_where=WAITING, postgresql_where=WAITING),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"))
    state: Mapped[str] = mapped_column(default="queued")
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    enqueued: Mapped[datetime] = mapped_column(default=now)
    finished: Mapped[datetime | None]
    submission: Mapped[Submission] = relationship()


class Verdict(Base):
    """What a submission got for one exercise. Grading again replaces it; there are never two."""

    __tablename__ = "verdict"
    __table_args__ = (
        UniqueConstraint("submission_id", "exercise"),
        one_of("status", STATUSES),
        CheckConstraint("points >= 0 AND points <= max_points", name="points"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"))
    exercise: Mapped[str]
    status: Mapped[str]
    points: Mapped[int]
    max_points: Mapped[int]
    slip: Mapped[str] = mapped_column(default="")
    message: Mapped[str] = mapped_column(default="")
    submission: Mapped[Submission] = relationship(back_populates="verdicts")


class Announcement(Base):
    """What a host tells everybody."""

    __tablename__ = "announcement"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    text: Mapped[str]
    posted: Mapped[datetime] = mapped_column(default=now)


class Question(Base):
    """What somebody asked, and the answer once there is one: then it has a person and a time as well."""

    __tablename__ = "question"
    __table_args__ = (
        CheckConstraint(
            "(answer IS NULL) = (answered_by_id IS NULL) AND (answer IS NULL) = (answered IS NULL)", name="answered"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    text: Mapped[str]
    asked: Mapped[datetime] = mapped_column(default=now)
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    answer: Mapped[str | None]
    answered: Mapped[datetime | None]


class Rating(Base):
    """What one judge gave one team for one criterion, on the anchored scale from 1 to 5."""

    __tablename__ = "rating"
    __table_args__ = (
        UniqueConstraint("judge_id", "team_id", "criterion"),
        CheckConstraint("score >= 1 AND score <= 5", name="score"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    judge_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    criterion: Mapped[str]
    score: Mapped[int]
    comment: Mapped[str] = mapped_column(default="")


class Conflict(Base):
    """A judge who must not rate a team."""

    __tablename__ = "conflict"
    __table_args__ = (UniqueConstraint("judge_id", "team_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    judge_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))


class AuditEntry(Base):
    """What was done, by whom. Triggers of the database refuse to change, replace or delete an entry.

    `who` is text and refers to nothing, so that an entry says the same whatever becomes of the person.
    """

    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    when: Mapped[datetime] = mapped_column(default=now)
    who: Mapped[str]
    what: Mapped[str]
    about: Mapped[Any] = mapped_column(Json)


class RateEvent(Base):
    """Something that a team did and may do only so often; old ones may be deleted."""

    __tablename__ = "rate_event"
    __table_args__ = (Index(None, "team_id", "kind", "when"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    kind: Mapped[str]
    when: Mapped[datetime] = mapped_column(default=now)
