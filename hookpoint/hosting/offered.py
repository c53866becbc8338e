"""The challenges of an event as its pages and its intake know them, and how often a team has tried each.

An attempt is what was scored, or waits to be. What could not be scored is none: whoever's fault it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from . import instances, shown
from .errors import NotFound
from .event import EventNow
from .settings import EventSettings
from .store.models import Challenge, Instance, Job, Submission, Verdict

__all__ = ["Card", "attempts_left", "card", "given_of", "offered", "starter_of", "used"]

UNKNOWN = "This event has no challenge {id!r}. Look at /challenges for what it has."


@dataclass(frozen=True)
class Card:
    """One challenge: `about` is what `making.card_of` says of it, empty until the hosts have made its instances."""

    id: str
    about: Mapping[str, Any]
    ready: bool

    @property
    def title(self) -> str:
        return self.about.get("title") or shown.task_name(self.id)

    @property
    def counts(self) -> bool:
        """Whether it gives points."""
        return bool(self.about.get("counts"))

    @property
    def taken(self) -> bool:
        """Whether anything can be handed in for it."""
        return self.ready and self.about["standing"] != "demo"


def offered(session: Session, settings: EventSettings) -> list[Card]:
    """The event's challenges, in the order of its settings."""
    cards = dict(session.execute(select(Challenge.name, Challenge.about)).all())
    lacking = set(instances.missing(session, settings))
    return [Card(id, cards.get(id, {}), id not in lacking) for id in settings.challenges]


def card(session: Session, settings: EventSettings, id: str) -> Card:
    """One of them.

    Raises:
        NotFound: the event has no such challenge.
    """
    for one in offered(session, settings):
        if one.id == id:
            return one
    raise NotFound(UNKNOWN.format(id=id[:60]))


def starter_of(session: Session, id: str) -> str:
    """The text of its starter notebook, or nothing."""
    return session.scalar(select(Challenge.starter).where(Challenge.name == id)) or ""


def given_of(session: Session, id: str) -> list[bytes]:
    """What teams may know of each private instance of both splits, where they hand in a file."""
    rows = select(Instance.given).where(Instance.challenge == id, Instance.given.is_not(None))
    return list(session.scalars(rows))


def used(session: Session, team_id: int) -> dict[str, int]:
    """How many attempts the team has had at each challenge; what is missing is none."""
    scored = select(Verdict.id).where(Verdict.submission_id == Submission.id, Verdict.value.is_not(None)).exists()
    open_jobs = (Job.submission_id == Submission.id, Job.state.in_(("queued", "leased")))
    rows = select(Submission.task, func.count()).where(
        Submission.team_id == team_id,
        Submission.kind == "challenge",
        or_(scored, select(Job.id).where(*open_jobs).exists()),
    )
    return dict(session.execute(rows.group_by(Submission.task)).all())


def attempts_left(session: Session, team_id: int, event: EventNow) -> dict[str, int]:
    """How many attempts the team has left at each challenge of the event."""
    had, most = used(session, team_id), event.settings.limits.attempts_per_challenge
    return {id: max(0, most - had.get(id, 0)) for id in event.settings.challenges}
