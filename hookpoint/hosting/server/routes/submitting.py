"""Handing in: what a file holds is shown before it is sent, and what is sent twice counts once."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from hookpoint.errors import HookpointError, UsageError
from hookpoint.grading.submission import LARGEST_FILE
from hookpoint.hosting import intake, limits, offered, writeup
from hookpoint.hosting.errors import TooOften
from hookpoint.hosting.event import EventNow
from hookpoint.hosting.intake import OLDER_WRITEUP, Look, SubmissionIn
from hookpoint.hosting.shown import task_name
from hookpoint.hosting.store.models import Person, Submission

from .. import pages
from ..auth import Db, Now, Participant
from ..errors import status_of, told
from ..forms import Fields, Sent, SentFile, again
from ..handed import WRITE_UP
from .joining import closed

__all__ = ["router"]

router = APIRouter(prefix="/submit")
LOOKS = 120  # an hour, of one person: reading a large file takes a second
WRITE_UPS = (".md", ".markdown", ".txt")  # a file of this kind is no notebook, whatever was chosen
RECEIVED = "Received. This page follows what becomes of it."
LEFT = " Attempts left at this challenge: {left}, and one more if it cannot be scored."
KINDS = ("notebook", "challenge", "writeup")
REPLAY = "This very file was in already, and here it is. No attempt was used."


@router.get("")
def submit_page(request: Request, db: Db, now: Now, person: Participant, kind: str = "notebook") -> Response:
    return pages.render(request, "submit.html", **_values(db, now, person, {"kind": kind}))


@router.get("/writeup.md")
def template() -> Response:
    headers = {"Content-Disposition": 'attachment; filename="writeup.md"'}
    return Response(writeup.template(), media_type="text/markdown; charset=utf-8", headers=headers)


@router.post("")
def submit(request: Request, db: Db, now: Now, person: Participant, typed: Fields, file: SentFile) -> Response:
    try:
        one = _as_handed_in(file, typed)
        intake.looked_at(one)  # before the transaction: while a large file is read, others write
        with db.session() as session:
            receipt = intake.take(session, person, one, now.at)
    except HookpointError as error:
        return again(request, "submit.html", error, **_values(db, now, person, typed, file))
    said = f"{REPLAY} {OLDER_WRITEUP}" if OLDER_WRITEUP in receipt.findings else REPLAY if receipt.replay else RECEIVED
    if receipt.attempts_left is not None:
        said += LEFT.format(left=receipt.attempts_left)
    return pages.back_to(f"/team/submissions/{receipt.submission_id}", said)


@router.post("/look")
def look(request: Request, db: Db, now: Now, person: Participant, typed: Fields, file: SentFile) -> Response:
    """What is in a file that has been chosen and not been sent yet, for the script of the page."""
    try:
        one = _as_handed_in(file, typed)
        with db.session() as session:
            limits.spend(session, f"person {person.id}", "look", LOOKS, 3600, now.at)
        found = intake.looked_at(one)
        with db.reading() as session:
            return JSONResponse(_found(session, person, now, found))
    except HookpointError as error:
        headers = {"Retry-After": str(error.seconds)} if isinstance(error, TooOften) else {}
        return JSONResponse({"error": told(request, error)}, status_of(error), headers)


def _as_handed_in(file: Sent | None, typed: dict[str, str]) -> SubmissionIn:
    if file is None:
        raise UsageError("There is no file in what you sent. Choose one and send it again.")
    kind = "writeup" if file.name.lower().endswith(WRITE_UPS) else typed.get("kind", "notebook")
    task = typed.get("task", "") if kind == "challenge" else ""
    return SubmissionIn(file.name, file.content, kind if kind in KINDS else "notebook", task)


def _found(session: Session, person: Person, now: EventNow, found: Look) -> dict[str, Any]:
    same = (Submission.team_id == person.team_id, Submission.sha256 == found.sha256, Submission.task == found.task)
    return {
        "kind": found.kind,
        "title": WRITE_UP if found.kind == "writeup" else task_name(found.task),
        "parts": found.parts,
        "warnings": found.warnings,
        "sha256": found.sha256,
        "counts": found.kind == "writeup" or found.task in (*now.settings.notebooks, *now.settings.challenges),
        "there": session.scalar(select(Submission.id).where(*same)),
    }


def _values(db: Db, now: EventNow, person: Person, typed: dict[str, str], file: Sent | None = None) -> dict[str, Any]:
    """What the page shows: how often the team may still send, what it can answer, and the choice made before."""
    left, challenges = None, []
    with db.reading() as session:
        if person.team_id is not None:
            left = intake.attempts_left(session, person.team_id, now)
            attempts = offered.attempts_left(session, person.team_id, now)
            cards = [card for card in offered.offered(session, now.settings) if card.taken]
            challenges = [(card.id, card.title, attempts[card.id]) for card in cards]
    return {
        "left": left,
        "per_hour": now.settings.limits.submissions_per_hour,
        "closed": closed(now, "submitting"),
        "largest": LARGEST_FILE >> 20,
        "tasks": [(name, task_name(name)) for name in now.settings.notebooks],
        "kind": typed["kind"] if typed.get("kind") in KINDS else "notebook",
        "challenges": challenges,
        "task": typed.get("task", ""),
        "refused": file.name if file else "",
    }
