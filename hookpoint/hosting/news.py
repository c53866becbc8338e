"""Announcements: what hosts tell an audience, now or from a time on."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, joinedload

from hookpoint.errors import UsageError

from . import audit, roles
from .errors import NotAllowed, NotFound
from .store.models import AUDIENCES, Announcement, Person
from .texts import text_in

__all__ = ["announce", "cancel", "pin", "read", "scheduled", "unread", "visible"]

LONGEST = 2_000  # characters
HEARD = {  # by role; hosts hear all
    "participant": ("everyone", "participants"),
    "judge": ("everyone", "judges"),
    "mentor": ("everyone", "mentors"),
    "host": AUDIENCES,
}


def announce(
    session: Session,
    person: Person,
    text: str,
    audience: str,
    pinned: bool,
    at: datetime,
    shows_from: datetime | None = None,
) -> Announcement:
    """A new announcement, shown at once, or from a time on that lies ahead.

    Raises:
        NotAllowed: the person is no host.
        UsageError: there is no text, or too much, or no such audience.
    """
    roles.demand(person, "host")
    if audience not in AUDIENCES:
        raise UsageError(f"Nobody is called {audience!r}. Choose {', '.join(AUDIENCES)}.")
    posted = max(at, shows_from or at)
    text = text_in(text, LONGEST, "The announcement")
    news = Announcement(person_id=person.id, text=text, audience=audience, pinned=pinned, posted=posted)
    session.add(news)
    session.flush()
    about = {"announcement": news.id, "audience": audience, "text": text}
    audit.note(
        session, who=person, what="announced" if posted == at else "scheduled an announcement", about=about, at=at
    )
    return news


def visible(session: Session, role: str | None, at: datetime) -> list[Announcement]:
    """What somebody with this role may read at this time: the pinned ones first, then the newest.

    Args:
        role: None for whoever has not signed in, and for the projector.
    """
    query = _ordered().where(Announcement.audience.in_(HEARD.get(role, ("everyone",))), Announcement.posted <= at)
    return list(session.scalars(query))


def unread(person: Person, shown: Iterable[Announcement]) -> list[Announcement]:
    """Those of the announcements that the person has not said that they have read."""
    return [one for one in shown if person.news_read is None or one.posted > person.news_read]


def read(session: Session, person: Person, at: datetime) -> None:
    """Notes that the person has read all that was shown until `at`, beside what they had read before."""
    person = roles.known(session, person)
    person.news_read = max(at, person.news_read or at)
    session.flush()


def scheduled(session: Session, at: datetime) -> list[Announcement]:
    """What is to be shown later, the first to come first."""
    query = select(Announcement).where(Announcement.posted > at).order_by(Announcement.posted, Announcement.id)
    return list(session.scalars(query))


def pin(session: Session, person: Person, announcement_id: int, pinned: bool) -> None:
    """Puts an announcement first, or back among the others.

    Raises:
        NotAllowed: the person is no host.
        NotFound: there is none.
    """
    roles.demand(person, "host")
    news = _held(session, announcement_id)
    if news.pinned != pinned:
        news.pinned = pinned
        audit.note(
            session, who=person, what=f"{'' if pinned else 'un'}pinned an announcement", about={"text": news.text}
        )
        session.flush()


def cancel(session: Session, person: Person, announcement_id: int, at: datetime) -> None:
    """Takes back an announcement that is to be shown later; what people may have read is not taken back.

    Raises:
        NotAllowed: the person is no host, or it has been shown.
        NotFound: there is none.
    """
    roles.demand(person, "host")
    news = _held(session, announcement_id)
    if news.posted <= at:
        raise NotAllowed("People may have read this. Announce what is right instead, and unpin this one.")
    session.delete(news)
    audit.note(session, who=person, what="cancelled an announcement", about={"text": news.text}, at=at)
    session.flush()


def _ordered() -> Select:
    order = Announcement.pinned.desc(), Announcement.posted.desc(), Announcement.id.desc()
    return select(Announcement).options(joinedload(Announcement.person)).order_by(*order)


def _held(session: Session, announcement_id: int) -> Announcement:
    news = session.get(Announcement, announcement_id, with_for_update=True, populate_existing=True)
    if news is None:
        raise NotFound("There is no such announcement. Load the page again.")
    return news
