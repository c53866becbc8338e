"""What an event keeps, as tables. What must never be is refused by the database itself, whoever writes.

A row is never deleted to be forgotten: people and teams become inactive, and what refers to a row keeps it from going.
Nothing here is made from the models: tables come from the migrations alone, and a test holds the two together. Those of
the desks around the grading stand in `desks`, those of the challenges in `challenges`; all can be had from here.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from hookpoint.hosting.codes import name_key

from .base import Base
from .challenges import SPLITS, Challenge, Hint, Instance
from .columns import Json, now, one_of
from .desks import (
    AUDIENCES,
    REVIEWS,
    Announcement,
    Claim,
    Conflict,
    Progress,
    Question,
    Rating,
    Review,
)

__all__ = [
    "AUDIENCES", "INTERRUPTIONS", "KINDS", "REVIEWS", "ROLES", "SPLITS", "STATES", "STATUSES",
    "Announcement", "AuditEntry", "Base", "Challenge", "Claim", "Conflict", "Event", "Grader", "Hint", "Instance",
    "Interruption", "Job", "Person", "Progress", "Question", "RateEvent", "Rating", "Review", "Submission", "Team",
    "Verdict",
]  # fmt: skip

ROLES = ("host", "judge", "mentor", "participant")
KINDS = ("notebook", "challenge", "writeup")  # of what is handed in
STATES = ("queued", "leased", "done", "failed")  # of a job
STATUSES = ("passed", "failed", "error", "timeout", "missing")  # of a verdict, as `grading.results` has them
INTERRUPTIONS = ("pause", "resume", "extend")
WAITING = text("state IN ('queued', 'leased')")


class Event(Base):
    """The event; a database holds one. `secret` makes the seeds: it never leaves the host's machine.

    `settings` is the text of `event.toml`. What the host decides while it runs stands in the switches; when it was
    interrupted, in `Interruption`.
    """

    __tablename__ = "event"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    name: Mapped[str]
    settings: Mapped[str]
    secret: Mapped[str]
    join_code: Mapped[str]  # shown on the projector: no secret
    rehearsal: Mapped[bool] = mapped_column(default=False)
    grading_paused: Mapped[bool] = mapped_column(default=False)
    thawed: Mapped[bool] = mapped_column(default=False)  # the public board moves although the time of freezing has come
    final_open: Mapped[bool] = mapped_column(default=False)  # everyone may see the final board
    created: Mapped[datetime] = mapped_column(default=now)


class Interruption(Base):
    """That the event was paused, went on, or was made longer: replayed in order, they give the schedule."""

    __tablename__ = "interruption"
    __table_args__ = (
        one_of("what", INTERRUPTIONS),
        CheckConstraint("(what = 'extend') = (minutes > 0) AND minutes >= 0", name="minutes"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    what: Mapped[str]
    at: Mapped[datetime]
    minutes: Mapped[int] = mapped_column(default=0)


class Team(Base):
    """People who hand in together. `folded` follows from the name: no two teams differ by case or spaces alone.

    Whoever has the invitation can become a member. `disqualified` is why, or empty. `alias` is what judges see instead
    of the name. A team that was merged into another is inactive.
    """

    __tablename__ = "team"
    __table_args__ = (CheckConstraint("length(trim(name)) > 0", name="named"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    folded: Mapped[str] = mapped_column(unique=True)
    invitation: Mapped[str] = mapped_column(unique=True)
    alias: Mapped[str | None] = mapped_column(unique=True)
    active: Mapped[bool] = mapped_column(default=True)
    disqualified: Mapped[str] = mapped_column(default="")
    created: Mapped[datetime] = mapped_column(default=now)
    members: Mapped[list["Person"]] = relationship(back_populates="team")

    @validates("name")
    def follow(self, _: str, name: str) -> str:
        self.folded = name_key(name)
        return name


class Person(Base):
    """Somebody who can sign in, by a token of which only the hash is here. A participant may have no team yet.

    `wants_team`: they asked to be matched with others, by what `about` says (skills, languages, hours).
    `tells_progress`: their workspace may tell which of their own checks pass. `news_read`: up to when they have read.
    """

    __tablename__ = "person"
    __table_args__ = (one_of("role", ROLES),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    role: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))
    active: Mapped[bool] = mapped_column(default=True)
    wants_team: Mapped[bool] = mapped_column(default=False)
    about: Mapped[Any] = mapped_column(Json, default=dict)
    tells_progress: Mapped[bool] = mapped_column(default=False)
    news_read: Mapped[datetime | None]
    joined: Mapped[datetime] = mapped_column(default=now)
    team: Mapped[Team | None] = relationship(back_populates="members")


class Submission(Base):
    """A file as it was handed in. The same bytes from the same team for the same task are a replay.

    `task` is the notebook's stem, the challenge's id, or `writeup`. `file_name` is the sender's and never a path to
    use; `content` is read from the database only when asked for.
    """

    __tablename__ = "submission"
    __table_args__ = (
        one_of("kind", KINDS),
        UniqueConstraint("team_id", "sha256", "task"),
        CheckConstraint("length(sha256) = 64", name="sha256"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    kind: Mapped[str]
    task: Mapped[str]
    file_name: Mapped[str]
    sha256: Mapped[str]
    received: Mapped[datetime] = mapped_column(default=now)
    seed: Mapped[str] = mapped_column(default="")
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    team: Mapped[Team] = relationship()
    person: Mapped[Person] = relationship()
    verdicts: Mapped[list["Verdict"]] = relationship(back_populates="submission")


class Job(Base):
    """One grading of a submission. A submission may be graded again, but never waits twice at the same time.

    Whoever has the lease works until `lease_until`; after that anybody may take it over. `trouble` is why the file
    could not be graded, or empty; `version` is the grader's, `seconds` what the grading took. `split` is which
    instances of a challenge it meets; notebooks know the first alone.
    """

    __tablename__ = "job"
    __table_args__ = (
        one_of("state", STATES),
        one_of("split", SPLITS),
        CheckConstraint("state <> 'leased' OR (lease_owner IS NOT NULL AND lease_until IS NOT NULL)", name="lease"),
        CheckConstraint("(state IN ('done', 'failed')) = (finished IS NOT NULL)", name="finished"),
        CheckConstraint("tries >= 0", name="tries"),
        Index("ix_job_next", "state", "enqueued", "id"),
        Index("ix_job_submission_id", "submission_id"),
        Index("uq_job_waiting", "submission_id", unique=True, sqlite_where=WAITING, postgresql_where=WAITING),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"))
    state: Mapped[str] = mapped_column(default="queued")
    split: Mapped[str] = mapped_column(default=SPLITS[0])
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    trouble: Mapped[str] = mapped_column(default="")
    version: Mapped[str] = mapped_column(default="")
    seconds: Mapped[float] = mapped_column(default=0.0)
    enqueued: Mapped[datetime] = mapped_column(default=now)
    finished: Mapped[datetime | None]
    submission: Mapped[Submission] = relationship()


class Verdict(Base):
    """What a submission got for one exercise, or for a challenge. Grading again replaces it; there are never two.

    Where a score is a statistic, `public` and `final` are what each split gave, with its standard error, all in
    points; `final` is None until that split has been scored. `value` is that of the public split on the challenge's own
    scale, None if it could not be scored; `cost` is what parts equal values.
    """

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
    points: Mapped[float]
    max_points: Mapped[float]
    public: Mapped[float | None]
    public_se: Mapped[float] = mapped_column(default=0.0)
    final: Mapped[float | None]
    final_se: Mapped[float] = mapped_column(default=0.0)
    value: Mapped[float | None]
    value_se: Mapped[float] = mapped_column(default=0.0)
    cost: Mapped[float] = mapped_column(default=0.0)
    slip: Mapped[str] = mapped_column(default="")
    message: Mapped[str] = mapped_column(default="")
    submission: Mapped[Submission] = relationship(back_populates="verdicts")


class Grader(Base):
    """A supervisor that grades, on this machine or another: what it said of itself, and when it was last heard."""

    __tablename__ = "grader"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)  # what `Job.lease_owner` holds
    level: Mapped[str]  # of its sandbox, in words
    workers: Mapped[int]
    started: Mapped[datetime] = mapped_column(default=now)
    seen: Mapped[datetime] = mapped_column(default=now)


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
    """Something that may be done only so often; `who` is a team, a person, or everybody; old ones may be deleted."""

    __tablename__ = "rate_event"
    __table_args__ = (Index(None, "who", "kind", "when"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    who: Mapped[str]
    kind: Mapped[str]
    when: Mapped[datetime] = mapped_column(default=now)
