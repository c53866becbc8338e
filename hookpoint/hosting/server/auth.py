"""Who is asking, and the event as it stands for them. Endpoints name what they need as a parameter:

    def team_page(request: Request, person: Participant, db: Db, at: At): ...

A page knows people by the cookie `hookpoint`, the API by `Authorization: Bearer TOKEN` and never by the cookie, so that
no other site can use what a browser would send along.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from hookpoint.hosting import event, people
from hookpoint.hosting.errors import NotAllowed, NotSignedIn
from hookpoint.hosting.event import EventNow
from hookpoint.hosting.store.database import Database
from hookpoint.hosting.store.models import Person

__all__ = [
    "COOKIE", "At", "Bearer", "Db", "HostPerson", "JudgePerson", "MentorPerson", "Now", "Participant", "Seen",
    "Visitor", "bearer_token", "seen", "sign_in", "sign_out",
]  # fmt: skip

COOKIE = "hookpoint"
COOKIE_DAYS = 30
LONGEST_TOKEN = 200


@dataclass(frozen=True)
class Seen:
    """What one request stands on, read in one transaction: the event, and who asks (None: nobody we know)."""

    now: EventNow
    person: Person | None


def seen(request: Request) -> Seen:
    """The event and the visitor, read at most once for a request."""
    if not hasattr(request.state, "seen"):
        state = request.app.state
        with state.database.reading() as session:
            now = event.current(session, state.clock())
            request.state.seen = Seen(now, _by_cookie(session, request))
    return request.state.seen


def _by_cookie(session: Session, request: Request) -> Person | None:
    token = request.cookies.get(COOKIE, "")
    if not token or len(token) > LONGEST_TOKEN or request.url.path.startswith("/api/"):
        return None
    try:
        return _with_team(people.signed_in(session, token))
    except NotSignedIn:
        return None


def _with_team(person: Person) -> Person:
    _ = person.team  # loaded while the session is open
    return person


# Dependencies that wait for nothing are coroutines: FastAPI hands every plain function to a thread and back, and of
# that a page has enough with `seen` and itself.
Known = Annotated[Seen, Depends(seen)]


async def _database(request: Request) -> Database:
    return request.app.state.database


async def _now(seen: Known) -> EventNow:
    return seen.now


async def _at(seen: Known) -> datetime:
    return seen.now.at


async def _visitor(seen: Known) -> Person | None:
    return seen.person


def _with_role(*roles: str) -> Callable[[Seen], Awaitable[Person]]:
    """A dependency: whoever asks has one of these roles."""

    async def person(seen: Known) -> Person:
        person = seen.person
        if person is None:
            raise NotSignedIn()
        if person.role not in roles:
            raise NotAllowed(f"This page is for {' and '.join(f'{role}s' for role in roles)}, and you are not one.")
        return person

    return person


def bearer_token(request: Request) -> str:
    """The token that a program sent along, or nothing."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and len(token) <= LONGEST_TOKEN else ""


def _bearer(request: Request) -> Person:
    token = bearer_token(request)
    if not token:
        raise NotSignedIn("This address wants a token. Send the header `Authorization: Bearer TOKEN`.")
    with request.app.state.database.reading() as session:
        return _with_team(people.signed_in(session, token))


Db = Annotated[Database, Depends(_database)]
Now = Annotated[EventNow, Depends(_now)]
At = Annotated[datetime, Depends(_at)]
Visitor = Annotated[Person | None, Depends(_visitor)]
Participant = Annotated[Person, Depends(_with_role("participant"))]
JudgePerson = Annotated[Person, Depends(_with_role("judge"))]
MentorPerson = Annotated[Person, Depends(_with_role("mentor", "host"))]
HostPerson = Annotated[Person, Depends(_with_role("host"))]
Bearer = Annotated[Person, Depends(_bearer)]


def sign_in(request: Request, response: Response, token: str) -> None:
    """Gives the browser the token to keep."""
    response.set_cookie(
        COOKIE, token, max_age=COOKIE_DAYS * 86_400, httponly=True, samesite="lax", secure=request.url.scheme == "https"
    )


def sign_out(response: Response) -> None:
    """Makes the browser forget the token."""
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")
