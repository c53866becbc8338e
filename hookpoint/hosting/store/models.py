"""What an event keeps, as tables. What must never be is refused by the database itself, whoever writes.

A row is never deleted to be forgotten: people and teams become inactive, and what refers to a row keeps it from going.
Nothing here is made from the models: tables come from the migrations alone, and a test holds the two together.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, LargeBinary, MetaData, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, validates

from hookpoint.hosting.codes import name_key

from .columns import NAMES, Json, Utc, Words, now, one_of

__all__ = [
    "AUDIENCES", "INTERRUPTIONS", "KINDS", "REVIEWS", "ROLES", "STATES", "STATUSES",
    "Announcement", "AuditEntry", "Base", "Claim", "Conflict", "Event", "Grader", "Interruption", "Job", "Person",
    "Progress", "Question", "RateEvent", "Rating", "Review", "Submission", "Team", "Verdict",
]  # fmt: skip

ROLES = ("host", "judge", "mentor", "participant")
AUDIENCES = ("everyone", "participants", "judges", "mentors")  # hosts read all
KINDS = ("notebook", "challenge", "writeup")  # of what is handed in
STATES = ("queued", "leased", "done", "failed")  # of a job
STATUSES = ("passed", "failed", "error", "timeout", "missing")  # of a verdict, as `grading.results` has them
INTERRUPTIONS = ("pause", "resume", "extend")
REVIEWS = ("open", "rated", "conflict", "withdrawn")  # states of a judge's task
WAITING = text("state IN ('queued', 'leased')")


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {str: Words, datetime: Utc, float: Double}


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
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    received: Mapped[datetime] = mapped_column(default=now)
    seed: Mapped[str] = mapped_column(default="")
    team: Mapped[Team] = relationship()
    person: Mapped[Person] = relationship()
    verdicts: Mapped[list["Verdict"]] = relationship(back_populates="submission")


class Job(Base):
    """One grading of a submission. A submission may be graded again, but never waits twice at the same time.

    Whoever has the lease works until `lease_until`; after that anybody may take it over. `trouble` is why the file
    could not be graded, or empty; `version` is the grader's, `seconds` what the grading took.
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
    trouble: Mapped[str] = mapped_column(default="")
    version: Mapped[str] = mapped_column(default="")
    seconds: Mapped[float] = mapped_column(default=0.0)
    enqueued: Mapped[datetime] = mapped_column(default=now)
    finished: Mapped[datetime | None]
    submission: Mapped[Submission] = relationship()


class Verdict(Base):
    """What a submission got for one exercise, or for a challenge. Grading again replaces it; there are never two.

    Where a score is a statistic, `public` and `final` are what each split gave, with its standard error, all in
    points; `final` is None until that split has been scored.
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


class Announcement(Base):
    """What a host tells an audience, from a time on. The pinned ones stand first."""

    __tablename__ = "announcement"
    __table_args__ = (one_of("audience", AUDIENCES),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    text: Mapped[str]
    audience: Mapped[str] = mapped_column(default="everyone")
    pinned: Mapped[bool] = mapped_column(default=False)
    posted: Mapped[datetime] = mapped_column(default=now)  # it may lie ahead: then it is shown from there on
    person: Mapped[Person] = relationship()


class Question(Base):
    """What somebody asked, and the answer once there is one: then it has a person and a time as well.

    `about` is the exercise or challenge, or empty; `place` is where in the room they sit. A `public` one is shown to
    everyone, with its answer and without its author.
    """

    __tablename__ = "question"
    __table_args__ = (
        CheckConstraint(
            "(answer IS NULL) = (answered_by_id IS NULL) AND (answer IS NULL) = (answered IS NULL)", name="answered"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    text: Mapped[str]
    about: Mapped[str] = mapped_column(default="")
    place: Mapped[str] = mapped_column(default="")
    asked: Mapped[datetime] = mapped_column(default=now)
    taken_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    answer: Mapped[str | None]
    answered: Mapped[datetime | None]
    public: Mapped[bool] = mapped_column(default=False)
    person: Mapped[Person] = relationship(foreign_keys=[person_id])


class Review(Base):
    """That a judge is to rate a team's write-up, as the `place`-th of theirs.

    `saw_score` is when the automatic score was first shown to them: from then on their ratings stand.
    """

    __tablename__ = "review"
    __table_args__ = (UniqueConstraint("judge_id", "team_id"), one_of("state", REVIEWS))

    id: Mapped[int] = mapped_column(primary_key=True)
    judge_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    place: Mapped[int]
    state: Mapped[str] = mapped_column(default="open")
    to_team: Mapped[str] = mapped_column(default="")
    to_hosts: Mapped[str] = mapped_column(default="")
    rated: Mapped[datetime | None]
    saw_score: Mapped[datetime | None]
    team: Mapped[Team] = relationship()


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


class Conflict(Base):
    """A judge who must not rate a team."""

    __tablename__ = "conflict"
    __table_args__ = (UniqueConstraint("judge_id", "team_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    judge_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))


class Progress(Base):
    """That somebody's own check of an exercise passed, told by their workspace because they allow it: not graded."""

    __tablename__ = "progress"
    __table_args__ = (UniqueConstraint("person_id", "exercise"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    exercise: Mapped[str]
    passed: Mapped[datetime] = mapped_column(default=now)


class Claim(Base):
    """That a team works on an open problem, so that the others see it; `released` is when it gave it up, or None."""

    __tablename__ = "claim"
    __table_args__ = (UniqueConstraint("team_id", "problem"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    problem: Mapped[str]
    claimed: Mapped[datetime] = mapped_column(default=now)
    released: Mapped[datetime | None]
    team: Mapped[Team] = relationship()


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
