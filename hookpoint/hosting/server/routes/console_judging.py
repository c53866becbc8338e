"""The console's page about judging: handing out, how far it is, conflicts, the results, and publishing the final."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from hookpoint.errors import HookpointError
from hookpoint.hosting.event import EventNow
from hookpoint.hosting.judging import desk, outcome
from hookpoint.hosting.store.models import Person

from .. import pages
from ..acting import Act, acted, number
from ..auth import Db, HostPerson, Now
from ..forms import Fields

__all__ = ["done", "router"]

router = APIRouter(prefix="/host/judging")


@router.get("")
def judging(request: Request, db: Db, now: Now, host: HostPerson) -> Response:
    with db.reading() as session:
        return pages.render(request, "host_judging.html", **_shown(session, host, now))


@router.post("/open")
def hand_out(request: Request, db: Db, now: Now, host: HostPerson, typed: Fields) -> Response:
    def act(session: Session, host: Person) -> str:
        each = number(typed.get("each", ""), "Judges for each team")
        seating = desk.open_judging(session, host, now, each)
        count = f"{seating.new} rating{'s' * (seating.new != 1)}"
        told = f"Handed out: {count} to give." if seating.new else "Nothing new to hand out."
        return " ".join((told, *seating.notes))

    return done(request, db, now, host, act, typed=typed)


@router.post("/conflict")
def conflict(request: Request, db: Db, now: Now, host: HostPerson, typed: Fields) -> Response:
    def act(session: Session, host: Person) -> str:
        judge, team = number(typed.get("judge", ""), "A judge"), number(typed.get("team", ""), "A team")
        return desk.name_conflict(session, host, judge, team, now.at, typed.get("why", ""))

    return done(request, db, now, host, act, typed=typed)


def done(
    request: Request, db: Db, now: Now, host: Person, act: Act, said: str = "", typed: dict[str, str] | None = None
) -> Response:
    """An action of this page."""
    return acted(request, db, host, act, said, back="/host/judging", template="host_judging.html",
                 values=lambda session: _shown(session, host, now), typed=typed)  # fmt: skip


def _shown(session: Session, host: Person, now: EventNow) -> dict[str, Any]:
    try:
        ranking, why = desk.results(session, host, now), ""
    except HookpointError as error:
        ranking, why = None, str(error)
    return {"desk": outcome.overview(session, host), "ranking": ranking, "why": why, "typed": {}}
