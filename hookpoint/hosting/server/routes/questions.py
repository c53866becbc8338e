"""Questions: people ask and see what was answered; mentors and hosts see who waits, and answer them."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from hookpoint.content.course import course
from hookpoint.errors import HookpointError, UsageError
from hookpoint.hosting import questions
from hookpoint.hosting.event import EventNow
from hookpoint.hosting.shown import task_name
from hookpoint.hosting.store.models import Person

from .. import pages
from ..auth import Db, MentorPerson, Now, Participant, Visitor
from ..forms import Fields, Id, again

__all__ = ["router"]

router = APIRouter(prefix="/help")
HELPERS = ("mentor", "host")
ANSWERED = 20  # that helpers are shown, the latest
LONGEST_ABOUT = 80  # characters in an address


@router.get("")
def help_page(request: Request, db: Db, now: Now, visitor: Visitor, about: str = "") -> Response:
    if visitor and visitor.role in HELPERS:
        return pages.render(request, "help_desk.html", **_desk(db, now))
    return pages.render(request, "help.html", **_asking(db, now, visitor, {"about": about[:LONGEST_ABOUT]}))


@router.get("/mine")
def my_questions(request: Request, db: Db, now: Now, person: Participant) -> Response:
    """What the person asked, without the page around it."""
    return pages.render(request, "help_mine.html", **_asking(db, now, person, {}))


@router.get("/queue")
def queue(request: Request, db: Db, now: Now, helper: MentorPerson) -> Response:
    """Who waits, without the page around it."""
    return pages.render(request, "help_queue.html", **_desk(db, now))


@router.post("")
def ask(request: Request, db: Db, now: Now, person: Participant, typed: Fields) -> Response:
    try:
        with db.session() as session:
            questions.ask(
                session, person, typed.get("text", ""), typed.get("about", ""), typed.get("place", ""), now.at
            )
    except HookpointError as error:
        return again(request, "help.html", error, **_asking(db, now, person, typed))
    return pages.back_to("/help", "Your question is in the queue. Its place stands below.")


@router.post("/{id}/solved")
def solved(request: Request, db: Db, now: Now, person: Participant, id: Id) -> Response:
    with db.session() as session:
        questions.solved(session, person, id, now.at)
    return pages.back_to("/help", "Well done. Nobody will come for it.")


@router.post("/{id}/take")
def take(request: Request, db: Db, now: Now, helper: MentorPerson, id: Id) -> Response:
    return _done(request, db, now, lambda session: questions.take(session, helper, id, now.at), f"/help#q{id}")


@router.post("/{id}/hand-on")
def hand_on(request: Request, db: Db, now: Now, helper: MentorPerson, id: Id, typed: Fields) -> Response:
    def change(session: Session) -> None:
        chosen = typed.get("to", "")
        if chosen and chosen not in map(str, questions.helpers(session)):
            raise UsageError("There is no such mentor any more. Choose another one.")
        questions.hand_on(session, helper, id, now.at, session.get(Person, int(chosen)) if chosen else None)

    return _done(request, db, now, change, "/help")


@router.post("/{id}/answer")
def answer(request: Request, db: Db, now: Now, helper: MentorPerson, id: Id, typed: Fields) -> Response:
    text, public = typed.get("text", ""), typed.get("public") == "yes"

    def change(session: Session) -> None:
        questions.answer(session, helper, id, text, public, now.at)

    return _done(request, db, now, change, "/help", "Answered.", {id: text})


@router.post("/{id}/publish")
def publish(request: Request, db: Db, now: Now, helper: MentorPerson, id: Id, typed: Fields) -> Response:
    public = typed.get("public") == "yes"
    said = "Everyone can read it now." if public else "Only who asked can read it now."
    return _done(request, db, now, lambda session: questions.publish(session, helper, id, public), "/help", said)


def _done(
    request: Request,
    db: Db,
    now: EventNow,
    change: Callable[[Session], Any],
    path: str,
    said: str = "",
    drafts: dict[int, str] | None = None,
) -> Response:
    """Makes the change and goes back to the desk; or shows it with what was wrong, and the answer that was typed."""
    try:
        with db.session() as session:
            change(session)
    except HookpointError as error:
        return again(request, "help_desk.html", error, **_desk(db, now, drafts))
    return pages.back_to(path, said)


def _desk(db: Db, now: EventNow, drafts: dict[int, str] | None = None) -> dict[str, Any]:
    with db.reading() as session:
        return {
            "waiting": questions.waiting(session),
            "answered": questions.answered(session, ANSWERED),
            "helpers": questions.helpers(session),
            "drafts": drafts or {},
        }


def _asking(db: Db, now: EventNow, person: Person | None, typed: dict[str, str]) -> dict[str, Any]:
    with db.reading() as session:
        values = {
            "mine": questions.mine(session, person) if person else [],
            "places": questions.places(session),
            "helpers": questions.helpers(session),
            "faq": questions.faq(session),
        }
    place = next((one.place for one in values["mine"] if one.place), "")  # where they sat when they asked last
    return values | {"typed": {"place": place} | typed, "subjects": _subjects(now, typed.get("about", ""))}


def _subjects(now: EventNow, chosen: str) -> list[tuple[str, str]]:
    """What a question can be about: nothing of these, the exercises of this event, or what a link brought along."""
    subjects = {"": "something else", "write-up": "the write-up"}
    for name in now.settings.notebooks:
        try:
            found = course().notebook(name)
        except HookpointError:
            found = None
        subjects |= {one.id: f"{task_name(name)}: {one.id}" for one in (found.exercises if found else ())}
    return list(({chosen: chosen} | subjects).items() if chosen not in subjects else subjects.items())
