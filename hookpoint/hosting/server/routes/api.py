"""The JSON API, for `hookpoint join`, `hookpoint submit` and the app: the same as the pages, under the same rules.

It knows people by `Authorization: Bearer TOKEN` alone. Times are seconds since 1970. What is wrong is said as
`{"error": "one line", "next": "what to do"}`, with the status that fits.
"""

from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import APIRouter, Body, Depends, Header, Request
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy.orm import Session

from hookpoint.grading.submission import LARGEST_FILE
from hookpoint.hosting import claims, intake, news, offered, people, progress, questions, roles
from hookpoint.hosting.errors import NotAllowed
from hookpoint.hosting.event import EventNow
from hookpoint.hosting.intake import SubmissionIn
from hookpoint.hosting.store.models import Person, Question

from .. import handed
from ..auth import At, Bearer, Db, Now

__all__ = ["router"]

router = APIRouter(prefix="/api")
NOT_TOLD = "You have not allowed that your progress is told. Switch it on, on your team's page of the event."


class Joining(BaseModel):
    """Who wants to join: with the name of a new team, the invitation of one, or neither, to be matched."""

    code: str
    name: str
    team: str = ""
    invitation: str = ""
    about: dict[str, Any] = {}
    token: str = ""


class Asked(BaseModel):
    text: str
    about: str = ""
    place: str = ""


class Claimed(BaseModel):
    problem: str
    release: bool = False


async def _body(request: Request) -> bytes:
    """The bytes that were sent; how many they may be is bounded before they come here."""
    return await request.body()


# The event, and people


@router.get("/event")
def event_now(request: Request, if_none_match: Annotated[str, Header()] = "") -> Response:
    """What everyone may know, as the projector shows it; a few bytes if it is as the caller has it."""
    told = request.app.state.hub.current()
    headers = {"ETag": f'"{told.version}"', "Cache-Control": "no-cache"}
    if told.version in [tag.strip().removeprefix("W/").strip('"') for tag in if_none_match.split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(told.text, media_type="application/json", headers=headers)


@router.post("/join", status_code=201)
def join(db: Db, at: At, who: Joining) -> dict[str, Any]:
    with db.session() as session:
        person, token = people.join(
            session, at, who.code, who.name, who.team, who.invitation, who.about or None, who.token
        )
        return {"token": token, "person": person.name, **_team_of(person)}


@router.get("/me")
def me(request: Request, db: Db, now: Now, person: Bearer) -> dict[str, Any]:
    board = request.app.state.hub.current().state["board"]
    standing = next((row for row in board["rows"] if row["id"] == person.team_id), None)
    with db.reading() as session:
        team = person.team
        return {
            "id": person.id,
            "person": person.name,
            "role": person.role,
            **_team_of(person),
            "team_id": person.team_id,
            "standing": standing,
            "members": [one.name for one in people.members(session, team)] if team else [],
            "wants_team": person.wants_team,
            "tells_progress": person.tells_progress,
            "unread": len(news.unread(person, news.visible(session, person.role, now.at))),
            "submissions": _submissions(session, person, now),
            "limits": {
                "submissions_per_hour": now.settings.limits.submissions_per_hour,
                "left": intake.attempts_left(session, team.id, now) if team else 0,
                "challenges": offered.attempts_left(session, team.id, now) if team else {},
                "bytes": LARGEST_FILE,
            },
        }


def _team_of(person: Person) -> dict[str, str]:
    team = person.team
    return {"team": team.name if team else "", "invitation": team.invitation if team else ""}


# Handing in


@router.post("/submissions", status_code=201)
def submit(
    db: Db,
    person: Bearer,
    content: Annotated[bytes, Depends(_body)],
    at: At,  # behind the body: what is still on its way when submitting ends is too late, as it is in a form
    hookpoint_file_name: Annotated[str, Header()] = "",
    hookpoint_kind: Annotated[str, Header()] = "notebook",
    hookpoint_task: Annotated[str, Header()] = "",
) -> dict[str, Any]:
    one = SubmissionIn(unquote(hookpoint_file_name), content, hookpoint_kind, unquote(hookpoint_task))
    intake.looked_at(one)  # before the transaction: while a large file is read, others write
    with db.session() as session:
        receipt = intake.take(session, person, one, at)
    return {
        "submission": receipt.submission_id,
        "replay": receipt.replay,
        "task": receipt.task,
        "kind": receipt.kind,
        "findings": receipt.findings,
        "attempts_left": receipt.attempts_left,
    }


@router.get("/submissions")
def submissions(db: Db, now: Now, person: Bearer) -> list[dict[str, Any]]:
    with db.reading() as session:
        return _submissions(session, person, now)


@router.get("/submissions/{id}")
def submission(db: Db, now: Now, person: Bearer, id: int) -> dict[str, Any]:
    with db.reading() as session:
        return handed.as_json(handed.one_of(session, person, id, now))


def _submissions(session: Session, person: Person, now: EventNow) -> list[dict[str, Any]]:
    return [handed.as_json(one) for one in handed.handed_in(session, person, now)]


# Questions, news, progress, claims


@router.get("/questions")
def my_questions(db: Db, person: Bearer) -> dict[str, Any]:
    with db.reading() as session:
        places = questions.places(session)
        mine = [_question(one) | {"position": places.get(one.id)} for one in questions.mine(session, person)]
        return {"mine": mine, "faq": [_question(one) for one in questions.faq(session)]}


@router.post("/questions", status_code=201)
def ask(db: Db, at: At, person: Bearer, asked: Asked) -> dict[str, Any]:
    roles.demand(person, "participant")
    with db.session() as session:
        question = questions.ask(session, person, asked.text, asked.about, asked.place, at)
        return {"question": question.id, "position": questions.places(session)[question.id]}


def _question(one: Question) -> dict[str, Any]:
    """A question without who asked: it goes to whoever asked, or to all."""
    return {
        "question": one.id,
        "text": one.text,
        "about": one.about,
        "asked": one.asked.timestamp(),
        "taken": one.taken_by_id is not None,
        "answer": one.answer,
        "answered": one.answered.timestamp() if one.answered else None,
        "public": one.public,
    }


@router.get("/news")
def announcements(db: Db, at: At, person: Bearer) -> dict[str, Any]:
    with db.reading() as session:
        shown = news.visible(session, person.role, at)
    new = {one.id for one in news.unread(person, shown)}
    told = [
        {
            "id": one.id,
            "text": one.text,
            "at": one.posted.timestamp(),
            "audience": one.audience,
            "pinned": one.pinned,
            "new": one.id in new,
        }
        for one in shown
    ]
    return {"news": told, "unread": len(new)}


@router.post("/news/read")
def mark_read(db: Db, at: At, person: Bearer) -> dict[str, Any]:
    with db.session() as session:
        news.read(session, person, at)
    return {"unread": 0}


@router.post("/progress")
def tell_progress(db: Db, at: At, person: Bearer, passed: Annotated[list[str], Body(embed=True)]) -> dict[str, Any]:
    if not person.tells_progress:
        raise NotAllowed(NOT_TOLD)
    with db.session() as session:
        return {"new": progress.told(session, person, passed, at)}


@router.get("/claims")
def who_works_on_what(db: Db, person: Bearer) -> dict[str, Any]:
    with db.reading() as session:
        everybody = {problem: [team.name for team in teams] for problem, teams in claims.claimed(session).items()}
        mine = claims.of_team(session, person.team_id) if person.team_id is not None else []
    return {"claims": everybody, "mine": mine}


@router.post("/claims")
def claim(db: Db, at: At, person: Bearer, asked: Claimed) -> dict[str, Any]:
    change = claims.release if asked.release else claims.claim
    with db.session() as session:
        change(session, person, asked.problem, at)
    return {"problem": asked.problem, "claimed": not asked.release}
