"""The event as it stands at a moment: its settings, its schedule with all interruptions, and what is open.

Nothing here reads a clock: the moment is an argument.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from hookpoint.errors import UsageError

from . import audit, codes, roles, schedule
from .errors import NotAllowed, NotFound
from .schedule import Now, Schedule
from .settings import EventSettings
from .settings_file import parsed
from .store.models import INTERRUPTIONS, Event, Interruption, Person

__all__ = ["EventNow", "create", "current", "interrupt", "seed_of", "switch"]

SWITCHES = {
    "grading_paused": ("started grading again", "paused grading"),
    "thawed": ("froze the public board", "thawed the public board"),
    "final_open": ("closed the final board", "opened the final board"),
}
SAID = {"pause": "paused the event", "resume": "resumed the event", "extend": "extended the event"}
ACTIVITY = {"joining": "Joining", "submitting": "Submitting", "judging": "Judging", "board": "The board"}
LONGEST_EXTENSION = 7 * 24 * 60  # minutes: more is a typing error


@dataclass(frozen=True)
class EventNow:
    """The event at `at`. `row` has the switches; `schedule` all that was paused and extended so far."""

    row: Event
    settings: EventSettings
    schedule: Schedule
    now: Now
    at: datetime

    def allows(self, word: str) -> bool:
        """Whether `word`, one of joining, submitting, judging and board, is open."""
        return word in self.now.open

    def demand(self, word: str) -> None:
        """Refuses what is not open.

        Raises:
            NotAllowed: the text says when it opens, or when it ended.
        """
        if not self.allows(word):
            raise NotAllowed(self._closed(word))

    def frozen_at(self) -> datetime | None:
        """Since when, or from when on, the public board stands still; None if it does not."""
        return None if self.row.thawed else self.schedule.freezes

    def frozen_since(self) -> datetime | None:
        """Since when the public board stands still; None while it moves.

        While the event is paused the moment of freezing comes no nearer.
        """
        when, reached = self.frozen_at(), self.schedule.paused if self.now.paused else self.at
        return when if when is not None and when <= reached else None

    def _closed(self, word: str) -> str:
        what = ACTIVITY[word]
        if self.now.paused:
            since = self.spoken(self.schedule.paused)
            return f"The event is paused since {since}: {what.lower()} goes on when it does. Ask a host."
        opens = [phase.opens for phase in self.schedule.phases if word in phase.open and phase.opens > self.at]
        if opens:
            return f"{what} opens at {self.spoken(opens[0])} ({_wait(opens[0] - self.at)}). Come back then."
        closed = [phase.closes for phase in self.schedule.phases if word in phase.open]
        if closed:
            return f"{what} ended at {self.spoken(closed[-1])}. Ask a host if you think you should still be let in."
        return f"{what} is no part of this event. Look at the schedule for what is."

    def spoken(self, instant: datetime) -> str:
        """The time by the clock of the place; with the day unless it is today."""
        there = self.schedule.local(instant)
        today = there.date() == self.schedule.local(self.at).date()
        return f"{there:%H:%M}" if today else f"{there:%H:%M} on {there:%A}, {there.day} {there:%B}"


def _wait(left: timedelta) -> str:
    minutes = -(-left // timedelta(minutes=1))
    if minutes < 120:
        return f"in {minutes} min"
    return f"in {minutes // 60} h" if minutes < 48 * 60 else f"in {minutes // (24 * 60)} days"


def create(session: Session, settings_text: str, at: datetime, rehearsal: bool = False) -> Event:
    """The event of this database, new, with a secret and a join code of its own.

    Args:
        settings_text: What stands in `event.toml`.

    Raises:
        UsageError: the text has mistakes (all of them, a line for each), or there is an event already.
    """
    settings = _settings(settings_text)
    if there := session.get(Event, 1):
        raise UsageError(f"This database holds {there.name!r} already. Give another file for a new event.")
    event = Event(
        name=settings.title,
        settings=settings_text,
        secret=secrets.token_hex(32),
        join_code=codes.join_code(),
        rehearsal=rehearsal,
        created=at,
    )
    session.add(event)
    audit.note(session, who=None, what="created the event", about={"name": event.name}, at=at)
    session.flush()
    return event


def current(session: Session, at: datetime) -> EventNow:
    """The event as it stands at `at`.

    Raises:
        NotFound: there is none yet.
    """
    row = session.get(Event, 1)
    if row is None:
        raise NotFound("There is no event here yet. `hookpoint host init` makes one.")
    settings = _settings(row.settings)
    now_on = _replayed(row.settings, _interruptions(session))
    return EventNow(row, settings, now_on, schedule.now(now_on, at), at)


def interrupt(session: Session, person: Person, what: str, at: datetime, minutes: int = 0) -> None:
    """Pauses, resumes or extends the event from `at` on; `minutes` is how much longer it gets.

    Raises:
        NotAllowed: the person is no host.
        UsageError: it is paused already, or is not, or is over; or the minutes are no time to add.
    """
    roles.demand(person, "host")
    if what not in INTERRUPTIONS:
        raise UsageError(f"An event is paused, resumed or extended, not {what!r}. Choose one of these.")
    if (what == "extend") != (1 <= minutes <= LONGEST_EXTENSION):
        raise UsageError(f"The event can be made 1 to {LONGEST_EXTENSION} minutes longer. Write a number of minutes.")
    # Two hosts who press the same button wait for each other: an event that was paused twice could not be replayed.
    row = session.scalars(select(Event).with_for_update()).one()
    _replayed(row.settings, (*_interruptions(session), (what, at, minutes)))
    session.add(Interruption(what=what, at=at, minutes=minutes))
    audit.note(session, who=person, what=SAID[what], about={"minutes": minutes} if minutes else {}, at=at)
    session.flush()


def switch(session: Session, person: Person, name: str, value: bool) -> None:
    """Turns one of the host's switches: `grading_paused`, `thawed`, `final_open`. As it is already changes nothing.

    Raises:
        NotAllowed: the person is no host.
        UsageError: there is no such switch.
    """
    roles.demand(person, "host")
    if name not in SWITCHES:
        raise UsageError(f"There is no switch {name!r}. Choose one of {', '.join(SWITCHES)}.")
    row = session.scalars(select(Event).with_for_update()).one()
    if getattr(row, name) == value:
        return
    setattr(row, name, value)
    audit.note(session, who=person, what=SWITCHES[name][value])
    session.flush()


def seed_of(event: Event, task: str) -> str:
    """The seed of a task's hidden inputs: the same for all teams, and nobody knows it who has not the secret."""
    return hmac.new(event.secret.encode(), f"seed of {task}".encode(), hashlib.sha256).hexdigest()


@lru_cache(maxsize=8)
def _settings(text: str) -> EventSettings:
    return parsed(EventSettings, text, Path("event.toml"))


def _interruptions(session: Session) -> tuple[tuple[str, datetime, int], ...]:
    columns = select(Interruption.what, Interruption.at, Interruption.minutes).order_by(Interruption.id)
    return tuple(tuple(row) for row in session.execute(columns))


@lru_cache(maxsize=64)
def _replayed(settings_text: str, interruptions: tuple[tuple[str, datetime, int], ...]) -> Schedule:
    found = _settings(settings_text).schedule()
    for what, at, minutes in interruptions:
        if what == "extend":
            found = schedule.extend(found, at, timedelta(minutes=minutes))
        else:
            found = (schedule.pause if what == "pause" else schedule.resume)(found, at)
    return found
