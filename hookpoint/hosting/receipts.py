"""Who has read what: for the host who announced it, how many of those it was for have marked it as read."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from .store.models import Announcement, Person

__all__ = ["Receipt", "receipts"]

ROLES = {"participants": "participant", "judges": "judge", "mentors": "mentor"}


@dataclass(frozen=True)
class Receipt:
    """An announcement, and how many of the `people` it was for have marked it as read."""

    id: int
    text: str
    audience: str
    pinned: bool
    posted: datetime
    read: int
    people: int


def receipts(session: Session, at: datetime, count: int) -> list[Receipt]:
    """The last announcements that were shown, the newest first. Hosts themselves are not counted."""
    query = select(Announcement).where(Announcement.posted <= at).order_by(Announcement.posted.desc())
    shown = session.scalars(query.order_by(Announcement.id.desc()).limit(count)).all()
    return [Receipt(one.id, one.text, one.audience, one.pinned, one.posted, *_counted(session, one)) for one in shown]


def _counted(session: Session, news: Announcement) -> tuple[int, int]:
    meant = Person.role == ROLES[news.audience] if news.audience in ROLES else Person.role != "host"
    has_read = func.count().filter(Person.news_read >= news.posted)
    read, people = session.execute(select(has_read, func.count()).where(Person.active, meant)).one()
    return read, people
