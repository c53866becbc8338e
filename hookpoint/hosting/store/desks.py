"""The tables of the desks around the grading: news, questions, judging, claims and progress. `models` has them all."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from .base import Base
from .columns import now, one_of

if TYPE_CHECKING:
    from .models import Person, Team

__all__ = [
    "AUDIENCES", "REVIEWS", "Announcement", "Claim", "Conflict", "Progress", "Question", "Rating", "Review",
]  # fmt: skip

AUDIENCES = ("everyone", "participants", "judges", "mentors")  # hosts read all
REVIEWS = ("open", "rated", "conflict", "withdrawn")  # states of a judge's task


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
    person: Mapped["Person"] = relationship()


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
    person: Mapped["Person"] = relationship(foreign_keys=[person_id])


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
    team: Mapped["Team"] = relationship()


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
    team: Mapped["Team"] = relationship()
