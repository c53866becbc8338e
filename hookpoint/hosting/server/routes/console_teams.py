"""The console's pages about people: teams, who is in them, matching, and inviting judges, mentors and hosts."""

from contextlib import suppress
from typing import Any

import segno
from fastapi import APIRouter, Request
from fastapi.responses import Response
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session

from hookpoint.errors import HookpointError, UsageError
from hookpoint.hosting import codes, people, roles, roster, standings
from hookpoint.hosting.errors import NotFound
from hookpoint.hosting.event import EventNow
from hookpoint.hosting.matching_desk import looking
from hookpoint.hosting.store.models import Person, Team

from .. import auth, pages
from ..acting import Act, acted, confirmed
from ..auth import Db, HostPerson, Now
from ..forms import Fields, Id, again
from .board import QUIET_ZONE, reached_at

__all__ = ["router"]

router = APIRouter(prefix="/host")
INVITED = ("judge", "mentor", "host")


@router.get("/teams")
def teams(request: Request, db: Db, now: Now, host: HostPerson) -> Response:
    with db.reading() as session:
        return pages.render(request, "host_teams.html", **_all(session, now))


@router.get("/teams/{team_id}")
def team(request: Request, db: Db, now: Now, host: HostPerson, team_id: Id) -> Response:
    with db.reading() as session:
        return pages.render(request, "host_team.html", **_one(session, now, team_id))


@router.post("/teams/{team_id}/disqualify")
def disqualify(request: Request, db: Db, now: Now, host: HostPerson, team_id: Id, typed: Fields) -> Response:
    def act(session: Session, host: Person) -> str:
        found = _team(session, team_id)
        confirmed(typed.get("confirm", ""), found.name, "disqualify this team")
        people.disqualify(session, host, found, typed.get("reason", ""))
        return f"{found.name} is off the boards. Its page tells it why."

    return _on_team(request, db, now, host, team_id, act, typed)


@router.post("/teams/{team_id}/reinstate")
def reinstate(request: Request, db: Db, now: Now, host: HostPerson, team_id: Id) -> Response:
    def act(session: Session, host: Person) -> str:
        found = _team(session, team_id)
        people.reinstate(session, host, found)
        return f"{found.name} is back on the boards."

    return _on_team(request, db, now, host, team_id, act)


@router.post("/teams/{team_id}/merge")
def merge(request: Request, db: Db, now: Now, host: HostPerson, team_id: Id, typed: Fields) -> Response:
    """Moves all that the team has into another."""
    into = typed.get("into", "")

    def act(session: Session, host: Person) -> str:
        gone = _team(session, team_id)
        confirmed(typed.get("confirm", ""), gone.name, "merge this team into another")
        if not is_number(into):
            raise UsageError("Choose the team that it is merged into. Nothing was changed.")
        kept = people.merge_teams(session, host, gone, _team(session, int(into)))
        return f"{gone.name} is now part of {kept.name}."

    back = f"/host/teams/{into}" if is_number(into) else None
    return _on_team(request, db, now, host, team_id, act, typed, back)


@router.post("/teams/{team_id}/invitation")
def invitation(request: Request, db: Db, now: Now, host: HostPerson, team_id: Id) -> Response:
    def act(session: Session, host: Person) -> None:
        people.new_invitation(session, host, _team(session, team_id))

    return _on_team(request, db, now, host, team_id, act, said="The old invitation opens nothing any more.")


@router.get("/match")
def proposal(request: Request, db: Db, now: Now, host: HostPerson, seed: int = 1) -> Response:
    """The teams as they would be; nothing is changed."""
    try:
        with db.reading() as session:
            found = people.proposed(session, now.at, seed)
    except HookpointError as error:
        with db.reading() as session:
            return again(request, "host_teams.html", error, **_all(session, now))
    return pages.render(request, "host_match.html", found=found, seed=seed)


@router.post("/match")
def match(request: Request, db: Db, now: Now, host: HostPerson, typed: Fields) -> Response:
    seed = int(text) if is_number(text := typed.get("seed", "")) else 1
    with suppress(HookpointError), db.reading() as session:
        people.proposed(session, now.at, seed)  # of hundreds it takes seconds, in which others write: it is kept

    def act(session: Session, host: Person) -> str:
        count = len(people.match_teams(session, host, now.at, seed).teams)
        return f"{count} new team{'s' * (count != 1)}. They can call themselves something else."

    return _on_all(request, db, now, host, act, typed)


@router.post("/people")
def invite(request: Request, db: Db, now: Now, host: HostPerson, typed: Fields) -> Response:
    """A new judge, mentor or host; their token is on the answer and nowhere else."""
    role, name = typed.get("role", ""), typed.get("name", "")
    try:
        with db.session() as session:
            _demand_new(session, role, name)
            person, token = people.enrol(session, roles.known(session, host), role, name, now.at)
    except HookpointError as error:
        with db.reading() as session:
            return again(request, "host_teams.html", error, **_all(session, now) | {"typed": typed})
    return _token(request, person, token)


@router.post("/people/{person_id}/token")
def new_token(request: Request, db: Db, now: Now, host: HostPerson, person_id: Id) -> Response:
    """A new token for somebody; on the answer and nowhere else."""
    with db.session() as session:
        host = roles.known(session, host)
        person = _person(session, person_id)
        if not person.active:
            raise UsageError(f"{person.name} was sent away. Let them in again first.")
        token = people.new_token(session, host, person)
    response = _token(request, person, token)
    if person.id == host.id:
        auth.sign_in(request, response, token)
    return response


@router.post("/people/{person_id}/away")
def away(request: Request, db: Db, now: Now, host: HostPerson, person_id: Id, typed: Fields) -> Response:
    def act(session: Session, host: Person) -> str:
        person = _person(session, person_id)
        confirmed(typed.get("confirm", ""), person.name, "send this person away")
        people.deactivate(session, host, person)
        return f"{person.name} is sent away: their token opens nothing. Their work stays."

    return _on_all(request, db, now, host, act, typed)


@router.post("/people/{person_id}/back")
def let_in(request: Request, db: Db, now: Now, host: HostPerson, person_id: Id) -> Response:
    def act(session: Session, host: Person) -> str:
        person = _person(session, person_id)
        people.reactivate(session, host, person)
        return f"{person.name} is in again."

    return _on_all(request, db, now, host, act, {})


def is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


def _demand_new(session: Session, role: str, name: str) -> None:
    """Refuses a second one of the same name: a form that is sent twice must not make two people."""
    there = session.scalars(select(Person).where(Person.role == role, Person.active))
    key = codes.name_key(name)
    if any(codes.name_key(person.name) == key for person in there):
        raise UsageError(f"There is a {role} of this name. Give them a new token below, or tell the two apart by name.")


def _token(request: Request, person: Person, token: str) -> Response:
    link = f"{reached_at(request)}/sign-in#{token}"  # what stands behind # is never sent over the network
    drawn = segno.make(link, error="m", micro=False).svg_inline(
        scale=5, border=QUIET_ZONE, dark="#000", light="#fff", title=f"The link for {person.name} as a QR code"
    )
    return pages.render(request, "host_token.html", invited=person, token=token, link=link, code=Markup(drawn))


def _all(session: Session, now: EventNow) -> dict[str, Any]:
    return {
        "teams": roster.teams(session, now),
        "crew": roster.crew(session),
        "alone": roster.without_team(session),
        "looking": len(looking(session)),
        "roles": INVITED,
        "typed": {},
    }


def _one(session: Session, now: EventNow, team_id: int) -> dict[str, Any]:
    rows = roster.teams(session, now)
    return {
        "team": roster.one_of(rows, team_id),
        "others": [one for one in rows if one.id != team_id],
        "submissions": standings.of_team(session, team_id),
        "typed": {},
    }


def _team(session: Session, team_id: int) -> Team:
    found = session.get(Team, team_id)
    if found is None or not found.active:
        raise NotFound("There is no such team, or it was merged into another. Go back to the list of teams.")
    return found


def _person(session: Session, person_id: int) -> Person:
    found = session.get(Person, person_id)
    if found is None:
        raise NotFound("There is no such person. Go back to the list of people.")
    return found


def _on_team(
    request: Request, db: Db, now: Now, host: Person, team_id: int, act: Act, typed: dict[str, str] | None = None,
    back: str | None = None, said: str = "",
) -> Response:  # fmt: skip
    return acted(request, db, host, act, said, back=back or f"/host/teams/{team_id}", template="host_team.html",
                 values=lambda session: _one(session, now, team_id), typed=typed)  # fmt: skip


def _on_all(request: Request, db: Db, now: Now, host: Person, act: Act, typed: dict[str, str]) -> Response:
    return acted(request, db, host, act, back="/host/teams", template="host_teams.html",
                 values=lambda session: _all(session, now), typed=typed)  # fmt: skip
