"""The four lights of the host's console: is all well, and where it is not, what happens by itself and what to do."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from . import queue
from .event import EventNow
from .store.models import Grader, Job, Submission

__all__ = ["FORGOTTEN", "Light", "graders", "lights", "room_and_clock", "waiting"]

SLOW_SECONDS = 60  # that the oldest may wait while somebody grades
STARTING_SECONDS = 20  # that graders take to be there after the server
FORGOTTEN = timedelta(hours=1)  # after which a grader that is gone is no news any more
LITTLE_ROOM, NO_ROOM = 5 << 30, 1 << 30  # bytes
CLOCK_SECONDS = 5  # by which what came in may lie ahead


@dataclass(frozen=True)
class Light:
    """One light: `state` is good, wait or bad; `said` is what is, each of `more` a detail, `then` what follows."""

    name: str
    state: str
    said: str
    more: tuple[str, ...] = ()
    then: str = ""


def lights(session: Session, now: EventNow, place: Path | None, up: float | None, browsers: int | None) -> list[Light]:
    """The lights in order: server, queue, graders, disk and clock.

    Args:
        place: the database's file; None if it is on another machine.
        up: since when the server runs, in seconds.
        browsers: how many pages are open, if that is known.
    """
    disk = room_and_clock(session, now, place)
    return [_server(up, browsers), waiting(session, now), graders(session, now, up), disk]


def _server(up: float | None, browsers: int | None) -> Light:
    said = "It runs." if up is None else f"It has run for {lasting(up)}."
    more = () if browsers is None else (f"{browsers} open page{'s' * (browsers != 1)} listening.",)
    return Light("Server", "good", said, more)


def waiting(session: Session, now: EventNow) -> Light:
    """The queue: how long it is, and how old its oldest."""
    state = queue.state(session, now.at)
    if now.row.grading_paused:
        then = "Nothing is graded until you start grading again. Nothing is lost: it waits."
        return Light("Queue", "wait", f"Grading is paused; {state.waiting} waiting.", _done(state), then)
    if not state.waiting:
        return Light(
            "Queue", "good", f"Nothing waits{f'; {state.running} being graded' if state.running else ''}.", _done(state)
        )
    said = f"{state.waiting} waiting, the oldest for {lasting(state.oldest_seconds)}; {state.running} being graded."
    if state.expected_seconds is None:
        return Light("Queue", "bad", said, _done(state), "Nobody grades. Look at the graders.")
    more = (f"A new one has its points in about {lasting(state.expected_seconds)}.", *_done(state))
    if state.oldest_seconds > SLOW_SECONDS:
        return Light("Queue", "wait", said, more, "It is slow, and works itself off. More graders make it faster.")
    return Light("Queue", "good", said, more)


def _done(state: queue.QueueState) -> tuple[str, ...]:
    return (f"{state.done} graded so far, {state.failed} not counted.",)


def graders(session: Session, now: EventNow, up: float | None = None) -> Light:
    """Who grades, behind which sandbox, and who was not heard."""
    rows = session.scalars(select(Grader).where(Grader.seen > now.at - FORGOTTEN).order_by(Grader.name)).all()
    lost = [row for row in rows if row.seen < now.at - timedelta(seconds=queue.HEARD_SECONDS)]
    there = [row for row in rows if row not in lost]
    more = tuple(
        f"{one.name}: {one.workers} worker{'s' * (one.workers != 1)}. {one.level.rstrip('.')}." for one in there
    )
    gone = tuple(f"{row.name}: not heard for {lasting((now.at - row.seen).total_seconds())}." for row in lost)
    if not there and up is not None and up < STARTING_SECONDS:
        return Light("Graders", "wait", "None yet: the server has just started.")
    if not there:
        then = "Nothing is graded, nothing is lost. `hookpoint host serve` starts one; logs/ says why it ended."
        return Light("Graders", "bad", "None is at work.", gone, then)
    workers = sum(row.workers for row in there)
    said = f"{len(there)} at work, {workers} worker{'s' * (workers != 1)}."
    if lost:
        return Light("Graders", "wait", said, more + gone, _handed_on(session, lost, now))
    return Light("Graders", "good", said, more)


def _handed_on(session: Session, lost: Sequence[Grader], now: EventNow) -> str:
    """When what the lost ones had is taken over by others."""
    held = select(func.count(), func.max(Job.lease_until)).where(
        Job.state == "leased", Job.lease_owner.in_([row.name for row in lost])
    )
    count, until = session.execute(held).one()
    if not count:
        return "It had nothing to grade: the others go on."
    its = "submission goes" if count == 1 else "submissions go"
    if until <= now.at:
        return f"Its {count} {its} to another grader now, by itself. Nothing is counted twice."
    local = now.schedule.local(until)
    return f"Its {count} {its} to another grader by {local:%H:%M:%S}, by itself. Nothing is counted twice."


def room_and_clock(session: Session, now: EventNow, place: Path | None) -> Light:
    """Whether the disk has room, and the clock has not been set back."""
    free = shutil.disk_usage(place.parent).free if place else None
    room = "The database is on another machine." if free is None else f"{free / (1 << 30):.0f} GB of disk free."
    more = (f"The clock says {now.schedule.local(now.at):%H:%M:%S}, {now.settings.timezone}.",)
    ahead = session.scalar(select(func.max(Submission.received)))
    if ahead is not None and ahead > now.at + timedelta(seconds=CLOCK_SECONDS):
        then = f"Something came in at {now.schedule.local(ahead):%H:%M:%S}. Set the clock right: order and times count."
        return Light("Disk and clock", "bad", "The clock was set back.", (room, *more), then)
    if free is not None and free < LITTLE_ROOM:
        then = "Make room on this disk now: submissions are refused when it is full. Nothing that is in gets lost."
        return Light("Disk and clock", "bad" if free < NO_ROOM else "wait", room, more, then)
    return Light("Disk and clock", "good", room, more)


def lasting(seconds: float) -> str:
    whole = max(0, round(seconds))
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 2 * 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"
