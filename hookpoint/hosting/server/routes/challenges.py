"""The challenges: what each asks, how teams and known methods stand at it, and what one needs to begin."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from hookpoint.challenges import given
from hookpoint.errors import HookpointError
from hookpoint.hosting import challenge_board, challenge_files, hints, offered, roles, standings
from hookpoint.hosting.errors import NotFound
from hookpoint.hosting.event import EventNow
from hookpoint.hosting.offered import Card
from hookpoint.hosting.store.models import Person

from .. import pages
from ..acting import number
from ..auth import Db, MentorPerson, Now, Visitor
from ..forms import Fields, again
from .joining import closed

__all__ = ["router"]

router = APIRouter(prefix="/challenges")
Name = Annotated[str, Path(max_length=60)]
HELPERS = ("mentor", "host")
NO_STARTER = "This challenge has no starter notebook yet. Look at its contract."
NOTHING_GIVEN = "This challenge asks for a function: there is nothing to download but its starter."


@router.get("")
def list_page(request: Request, db: Db, now: Now, person: Visitor) -> Response:
    with db.reading() as session:
        cards = offered.offered(session, now.settings)
        values = {
            "cards": cards,
            "boards": challenge_board.summaries(session, now, cards, _sees_all(person)) if _shown(now, person) else {},
            "left": _left(session, now, person),
            "per_challenge": now.settings.board.points_per_challenge,
        }
    return pages.render(request, "challenges.html", **values)


@router.get("/{challenge}")
def challenge_page(request: Request, db: Db, now: Now, person: Visitor, challenge: Name) -> Response:
    with db.reading() as session:
        values = _values(session, now, person, offered.card(session, now.settings, challenge))
    return pages.render(request, "challenge.html", **values)


@router.get("/{challenge}/starter.ipynb")
def starter(db: Db, now: Now, challenge: Name) -> Response:
    with db.reading() as session:
        card = offered.card(session, now.settings, challenge)
        text = offered.starter_of(session, card.id)
    if not text:
        raise NotFound(NO_STARTER)
    return _file(text.encode(), f"{card.id}.ipynb", "application/x-ipynb+json")


@router.get("/{challenge}/given.zip")
def given_file(db: Db, now: Now, challenge: Name) -> Response:
    """What is given of the private instances, where a file about them is handed in."""
    with db.reading() as session:
        card = offered.card(session, now.settings, challenge)
        entries = offered.given_of(session, card.id)
    if not entries:
        raise NotFound(NOTHING_GIVEN)
    return _file(given.archive(entries), f"{card.id}-given.zip", "application/zip")


@router.post("/{challenge}/hint")
def give_hint(request: Request, db: Db, now: Now, mentor: MentorPerson, challenge: Name, typed: Fields) -> Response:
    try:
        with db.session() as session:
            card = offered.card(session, now.settings, challenge)
            team, rung = number(typed.get("team", ""), "A team"), number(typed.get("rung", ""), "A hint")
            name = hints.give(session, roles.known(session, mentor), card, team, rung, now.at)
    except NotFound:
        raise
    except HookpointError as error:
        with db.reading() as session:
            values = _values(session, now, mentor, offered.card(session, now.settings, challenge))
        return again(request, "challenge.html", error, **values)
    return pages.back_to(f"/challenges/{card.id}", f"{name} finds hint {rung} on this page now.")


def _values(session: Session, now: EventNow, person: Person | None, card: Card) -> dict[str, Any]:
    helper = person is not None and person.role in HELPERS
    team = person.team_id if person else None
    rungs = hints.RUNGS if helper else hints.given_to(session, team, card.id) if team is not None else []
    return {
        "card": card,
        "board": challenge_board.own_board(session, now, card, _sees_all(person)) if _shown(now, person) else None,
        "left": _left(session, now, person).get(card.id),
        "most": now.settings.limits.attempts_per_challenge,
        "per_challenge": now.settings.board.points_per_challenge,
        "closed": closed(now, "submitting"),
        "largest": challenge_files.LARGEST >> 20,
        "has_starter": bool(offered.starter_of(session, card.id)),
        "hints": [(rung, card.about["hints"][rung - 1]) for rung in rungs if card.about.get("hints")],
        "helper": helper,
        "handed_out": hints.handed_out(session, card.id) if helper else [],
        "teams": sorted((id, name) for name, (id, _) in standings.teams(session).items()) if helper else [],
    }


def _sees_all(person: Person | None) -> bool:
    return person is not None and person.role == "host"


def _shown(now: EventNow, person: Person | None) -> bool:
    """Whether this person may see how teams stand: as on the event's board."""
    return _sees_all(person) or now.allows("board") or (now.now.phase is None and now.now.next is None)


def _left(session: Session, now: EventNow, person: Person | None) -> dict[str, int]:
    if person is None or person.team_id is None:
        return {}
    return offered.attempts_left(session, person.team_id, now)


def _file(content: bytes, name: str, kind: str) -> Response:
    return Response(content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})
