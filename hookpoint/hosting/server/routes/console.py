"""The host's console: how the event stands, what is to be read out now, and the switches. Every action is audited."""

from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from hookpoint.errors import UsageError
from hookpoint.hosting import audit, event, health, lost, news, queue, schedule, standings
from hookpoint.hosting.event import EventNow
from hookpoint.hosting.judging import outcome
from hookpoint.hosting.receipts import receipts
from hookpoint.hosting.schedule import Step
from hookpoint.hosting.store.models import Person

from .. import pages
from ..acting import acted, confirmed, number
from ..auth import Db, HostPerson, Now
from ..forms import Fields, Id
from ..undoing import by_host, undoable
from . import console_export, console_judging, console_teams

__all__ = ["router"]

router = APIRouter()
router.include_router(console_teams.router)
router.include_router(console_judging.router)
router.include_router(console_export.router)
LATEST = 10  # actions of hosts on the first page
LATEST_NEWS = 3
LOG = 300  # on the page of the log
MOST_MINUTES = 120  # of one extension: a slip of a key must not move the end to tomorrow
LATER = "%Y-%m-%dT%H:%M"  # as browsers send a date and time


@router.get("/host")
def overview(request: Request, db: Db, now: Now, host: HostPerson) -> Response:
    with db.reading() as session:
        return pages.render(request, "host.html", **shown(session, request, now, host))


@router.get("/host/lights")
def lights(request: Request, db: Db, now: Now, host: HostPerson) -> Response:
    """The lights alone, which the script of the first page asks for every few seconds."""
    with db.reading() as session:
        return pages.render(request, "host_lights.html", lights=_lights(session, request, now))


def shown(session: Session, request: Request, now: EventNow, host: Person) -> dict[str, Any]:
    """All that the first page of the console has."""
    entries = [entry for entry in audit.latest(session, LOG, "host") if by_host(entry)][:LATEST]
    return {
        "lights": _lights(session, request, now),
        "entries": [(entry, undo) for entry, undo in zip(entries, undoable(session, entries, now), strict=True)],
        "current": _current(now),
        "coming": [step for step in schedule.run_sheet(now.schedule) if step.at > now.at][:2],
        "frozen": standings.frozen_since(now),
        "lost": lost.not_counted(session),
        "told": receipts(session, now.at, LATEST_NEWS),
        "scheduled": news.scheduled(session, now.at),
        "unjudged": _unjudged(session, now),
        "typed": {},
    }


def _lights(session: Session, request: Request, now: EventNow) -> list[health.Light]:
    state = request.app.state
    place = Path(state.database.place) if state.database.is_sqlite else None
    return health.lights(session, now, place, (now.at - state.started).total_seconds(), state.hub.listeners)


@router.get("/host/run-sheet")
def run_sheet(request: Request, now: Now, host: HostPerson) -> Response:
    """To be printed: all of it, with what is read out."""
    return pages.render(request, "host_run_sheet.html", steps=schedule.run_sheet(now.schedule), current=_current(now))


@router.get("/host/log")
def log(request: Request, db: Db, now: Now, host: HostPerson) -> Response:
    with db.reading() as session:
        return pages.render(request, "host_log.html", entries=audit.latest(session, LOG), most=LOG)


@router.post("/host/board")
def board(request: Request, db: Db, now: Now, host: HostPerson, typed: Fields) -> Response:
    thawed = typed.get("thawed") == "yes"

    def act(session: Session, host: Person) -> None:
        event.switch(session, host, "thawed", thawed)

    said = "The public board moves." if thawed else "The public board stands still from its time of freezing on."
    return _done(request, db, now, host, act, said)


@router.post("/host/grading")
def grading(request: Request, db: Db, now: Now, host: HostPerson, typed: Fields) -> Response:
    paused = typed.get("paused") == "yes"

    def act(session: Session, host: Person) -> None:
        event.switch(session, host, "grading_paused", paused)

    said = "Grading is paused: what comes in waits." if paused else "Grading goes on."
    return _done(request, db, now, host, act, said)


@router.post("/host/event")
def interrupt(request: Request, db: Db, now: Now, host: HostPerson, typed: Fields) -> Response:
    """Pauses, resumes, extends."""
    what = typed.get("what", "")

    def act(session: Session, host: Person) -> str:
        minutes = number(typed.get("minutes", ""), "How much longer") if what == "extend" else 0
        if minutes > MOST_MINUTES:
            raise UsageError(
                f"Extend by at most {MOST_MINUTES} minutes at a time: it cannot be taken back. Write fewer."
            )
        event.interrupt(session, host, what, now.at, minutes)
        later = f"All that is to come is {minutes} minutes later."
        return {"pause": "The event is paused.", "resume": "The event goes on.", "extend": later}[what]

    return _done(request, db, now, host, act, typed=typed)


@router.post("/host/final")
def final(request: Request, db: Db, now: Now, host: HostPerson, typed: Fields) -> Response:
    """Shows everyone the final board, or takes it back."""
    opened = typed.get("open") == "yes"

    def act(session: Session, host: Person) -> None:
        if opened:
            confirmed(typed.get("confirm", ""), now.settings.title, "publish the final board of this event")
            standings.host_board(session, now, "final")  # refuses while results have no final score
        event.switch(session, host, "final_open", opened)

    said = "Everyone sees the final board." if opened else "The final board is closed again."
    return console_judging.done(request, db, now, host, act, said, typed=typed)


@router.post("/host/announce")
def announce(request: Request, db: Db, now: Now, host: HostPerson, typed: Fields) -> Response:
    def act(session: Session, host: Person) -> str:
        later = _later(typed.get("from", ""), now)
        told = news.announce(
            session, host, typed.get("text", ""), typed.get("audience", ""), typed.get("pinned") == "yes", now.at, later
        )
        to = "everyone" if told.audience == "everyone" else f"the {told.audience}"
        return f"It will be shown to {to} at {now.spoken(told.posted)}." if told.posted > now.at else f"Sent to {to}."

    return _done(request, db, now, host, act, typed=typed)


@router.post("/host/announce/{announcement_id}/cancel")
def cancel(request: Request, db: Db, now: Now, host: HostPerson, announcement_id: Id) -> Response:
    def act(session: Session, host: Person) -> None:
        news.cancel(session, host, announcement_id, now.at)

    return _done(request, db, now, host, act, "It will not be shown.")


@router.post("/host/announce/{announcement_id}/pin")
def pin(request: Request, db: Db, now: Now, host: HostPerson, announcement_id: Id, typed: Fields) -> Response:
    pinned = typed.get("pinned") == "yes"

    def act(session: Session, host: Person) -> None:
        news.pin(session, host, announcement_id, pinned)

    return _done(request, db, now, host, act, "It stands on top." if pinned else "It stands among the others.")


@router.post("/host/again")
def grade_all_again(request: Request, db: Db, now: Now, host: HostPerson) -> Response:
    """Grades again all that could not be graded."""

    def act(session: Session, host: Person) -> str:
        count = lost.requeue_all(session, host, now.at)
        return f"{count} submission{'s wait' if count != 1 else ' waits'} to be graded again."

    return _done(request, db, now, host, act)


@router.post("/host/again/{submission_id}")
def grade_again(request: Request, db: Db, now: Now, host: HostPerson, submission_id: Id, typed: Fields) -> Response:
    def act(session: Session, host: Person) -> None:
        queue.requeue(session, host, submission_id, now.at)

    team = typed.get("team", "")
    back = f"/host/teams/{team}" if team.isascii() and team.isdigit() else "/host"
    return _done(request, db, now, host, act, f"Submission {submission_id} waits to be graded again.", back=back)


def _done(
    request: Request, db: Db, now: Now, host: Person, act: Any, said: str = "", back: str = "/host", **more: Any
) -> Response:
    return acted(request, db, host, act, said, back=back, template="host.html",
                 values=lambda session: shown(session, request, now, host), **more)  # fmt: skip


def _unjudged(session: Session, now: EventNow) -> int:
    """How many write-ups nobody has to rate although judging is open: the host has to hand them out."""
    return outcome.unseated(session) if now.allows("judging") else 0


def _current(now: EventNow) -> list[Step]:
    """The lines of the run sheet whose time came last; several where they have the same time."""
    past = [step for step in schedule.run_sheet(now.schedule) if step.at <= now.at]
    return [step for step in past if step.at == past[-1].at]


def _later(text: str, now: EventNow) -> datetime | None:
    """When it is to be shown, by the clock of the place; None for at once.

    Raises:
        UsageError: it is no time, or it has passed.
    """
    if not text.strip():
        return None
    try:
        when = datetime.strptime(text.strip()[:16], LATER).replace(tzinfo=now.schedule.zone)
    except ValueError:
        raise UsageError("From when is a date and a time, as 2027-03-05T18:00. Leave it empty for at once.") from None
    if when <= now.at:
        raise UsageError(f"{now.spoken(when)} has passed. Give a time to come, or leave it empty for at once.")
    return when
