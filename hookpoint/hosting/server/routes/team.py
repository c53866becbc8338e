"""A team's own page: where it stands, what it handed in, who is in it. And one for people who have no team yet."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import segno
from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from hookpoint.content.course import course
from hookpoint.errors import HookpointError
from hookpoint.hosting import claims, news, people, progress, standings
from hookpoint.hosting.event import EventNow
from hookpoint.hosting.judging.outcome import notes_to
from hookpoint.hosting.matching import SKILLS
from hookpoint.hosting.store.models import Person, Team

from .. import auth, handed, pages
from ..auth import Db, Now, Participant
from ..forms import Fields, again
from .board import reached_at
from .joining import LEVELS, about_in_form, closed, show_token

__all__ = ["router"]

router = APIRouter(prefix="/team")
ANY_FILE = "FILE"


@dataclass(frozen=True)
class Deadline:
    """The next moment at which a team can do more or less than now; `left` is in seconds."""

    what: str
    at: datetime
    left: float


@router.get("")
def team_page(request: Request, db: Db, now: Now, person: Participant) -> Response:
    return _page(request, db, now, person)


@router.get("/handed-in")
def handed_in_now(request: Request, db: Db, now: Now, person: Participant) -> Response:
    """The list of the team's page alone, for a page that is open."""
    with db.reading() as session:
        values = _handed_in(request, session, now, person)
    return pages.render(request, "team_handed_in.html", **values)


@router.get("/submissions/{id}")
def submission_page(request: Request, db: Db, now: Now, person: Participant, id: int) -> Response:
    return _submission(request, db, now, person, id, "submission.html")


@router.get("/submissions/{id}/now")
def submission_now(request: Request, db: Db, now: Now, person: Participant, id: int) -> Response:
    """How it stands, without the page around it."""
    return _submission(request, db, now, person, id, "submission_now.html")


def _submission(request: Request, db: Db, now: EventNow, person: Person, id: int, name: str) -> Response:
    with db.reading() as session:
        one = handed.one_of(session, person, id, now)
    return pages.render(request, name, one=one, words=handed.STATUS, findings=handed.findings(db, id))


@router.post("/new")
def new(request: Request, db: Db, now: Now, person: Participant, typed: Fields) -> Response:
    def change(session: Session) -> None:
        people.found_team(session, person, typed.get("team", ""), now.at)

    return _changed(request, db, now, person, change, "This is your team's page. Invite the others.", typed)


@router.post("/join")
def join(request: Request, db: Db, now: Now, person: Participant, typed: Fields) -> Response:
    def change(session: Session) -> None:
        people.join_team(session, person, typed.get("invitation", ""), now.at)

    return _changed(request, db, now, person, change, "You are in. This is your team's page.", typed)


@router.post("/match")
def match(request: Request, db: Db, now: Now, person: Participant, typed: Fields) -> Response:
    wants = typed.get("wants", "yes") == "yes"
    said = "You are on the list." if wants else "You are not on the list any more."

    def change(session: Session) -> None:
        people.seek_team(session, person, about_in_form(typed) if wants else None, now.at, wants)

    return _changed(request, db, now, person, change, said, typed)


@router.post("/rename")
def rename(request: Request, db: Db, now: Now, person: Participant, typed: Fields) -> Response:
    def change(session: Session) -> None:
        people.rename_team(session, person, typed.get("name", ""), now.at)

    return _changed(request, db, now, person, change, "The team has its new name.", typed)


@router.post("/leave")
def leave(request: Request, db: Db, now: Now, person: Participant) -> Response:
    def change(session: Session) -> None:
        people.leave_team(session, person, now.at)

    return _changed(request, db, now, person, change, "You have left the team.")


@router.post("/invitation")
def invitation(request: Request, db: Db, now: Now, person: Participant) -> Response:
    def change(session: Session) -> None:
        people.new_invitation(session, person)

    return _changed(request, db, now, person, change, "This is the new invitation. The old one opens nothing.")


@router.post("/progress")
def tell_progress(request: Request, db: Db, now: Now, person: Participant, typed: Fields) -> Response:
    tells = typed.get("tell") == "yes"
    said = "Your progress is counted from now on." if tells else "Nothing more is counted, and what was told is gone."

    def change(session: Session) -> None:
        progress.allow(session, person, tells)

    return _changed(request, db, now, person, change, said)


@router.post("/release")
def release(request: Request, db: Db, now: Now, person: Participant, typed: Fields) -> Response:
    def change(session: Session) -> None:
        claims.release(session, person, typed.get("problem", ""), now.at)

    return _changed(request, db, now, person, change, "Given up: the others see that it is free.")


@router.post("/token")
def token(request: Request, db: Db, person: Participant) -> Response:
    """A new token for whoever has lost theirs, as long as this browser knows them."""
    with db.session() as session:
        made = people.new_token(session, person, person)
    response = pages.back_to("/welcome")
    auth.sign_in(request, response, made)
    show_token(response)
    return response


def _changed(
    request: Request,
    db: Db,
    now: EventNow,
    person: Person,
    change: Callable[[Session], None],
    said: str,
    typed: dict[str, str] | None = None,
) -> Response:
    """Makes the change and goes back to the page; or shows it with what was wrong, and what was typed."""
    try:
        with db.session() as session:
            change(session)
    except HookpointError as error:
        return _page(request, db, now, person, error, typed)
    return pages.back_to("/team", said)


def _page(
    request: Request,
    db: Db,
    now: EventNow,
    person: Person,
    error: HookpointError | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    if person.team_id is None:
        name, values = "no_team.html", {"skills": SKILLS, "levels": LEVELS}
    else:
        with db.reading() as session:
            name, values = "team.html", _of_team(request, session, now, person)
    values |= {"typed": typed or {}, "closed": closed(now, "joining")}
    return again(request, name, error, **values) if error else pages.render(request, name, **values)


def _of_team(request: Request, session: Session, now: EventNow, person: Person) -> dict[str, Any]:
    team, board = person.team, request.app.state.hub.current().state["board"]
    members = people.members(session, team)
    link = f"{reached_at(request)}/j/{now.row.join_code}?invitation={team.invitation}"
    return {
        "team": team,
        "members": members,
        "room": max(0, now.settings.teams.largest - len(members)),
        "row": next((row for row in board["rows"] if row["id"] == team.id), None),
        "teams": board["teams"],
        "ranked": board["shown"],
        "frozen": standings.frozen_since(now),
        "deadline": deadline(now),
        "unread": news.unread(person, news.visible(session, person.role, now.at)),
        **_handed_in(request, session, now, person),
        "link": link,
        "qr": _qr(link),
        "claims": _claims(session, team),
        "notes": notes_to(session, team, now),
        "consent": person.tells_progress,
    }


def _handed_in(request: Request, session: Session, now: EventNow, person: Person) -> dict[str, Any]:
    submissions = handed.handed_in(session, person, now)
    return {
        "submissions": submissions,
        "best": handed.best(submissions),
        "waiting": any(one.waits for one in submissions),
        "words": handed.STATUS,
        "first_file": _first_file(now.settings.notebooks),
        "address": reached_at(request),
    }


def _claims(session: Session, team: Team) -> list[tuple[str, list[str]]]:
    """The problems that the team works on, each with the names of others who do."""
    everybody = claims.claimed(session)
    return [
        (problem, [one.name for one in everybody.get(problem, ()) if one.id != team.id])
        for problem in claims.of_team(session, team.id)
    ]


def deadline(now: EventNow) -> Deadline | None:
    """What comes next of: handing in begins or ends, the board freezes. None if nothing does, or the clock stands."""
    if now.now.paused:
        return None
    coming, ends = [], None
    for phase in (one for one in now.schedule.phases if "submitting" in one.open):
        if phase.opens == ends:  # it goes on where the one before ended
            coming.pop()
        else:
            coming.append(("Submitting opens", phase.opens))
        coming.append(("Submitting ends", ends := phase.closes))
    if (freezes := now.frozen_at()) is not None:
        coming.append(("The board freezes", freezes))
    what, at = min((one for one in coming if one[1] > now.at), key=lambda one: one[1], default=("", None))
    return Deadline(what, at, (at - now.at).total_seconds()) if at else None


def _first_file(notebooks: tuple[str, ...]) -> str:
    """The file that somebody hands in first, as a path from where `hookpoint start` was typed."""
    try:
        return (Path("workspace") / course().notebook(notebooks[0]).file).as_posix()
    except (HookpointError, IndexError, AttributeError):  # no course here, or an event without its notebooks
        return ANY_FILE


@lru_cache(maxsize=512)
def _qr(link: str) -> str:
    """The picture of a link, with the white margin that cameras need, as an address that a page can hold."""
    return segno.make(link, error="m").svg_data_uri(border=4, scale=4, light="#fff", dark="#000")
