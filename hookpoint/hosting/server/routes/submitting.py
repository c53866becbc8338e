"""Handing in: what the file holds is shown before it is sent, and what was sent twice counts once."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from hookpoint.errors import HookpointError
from hookpoint.grading.submission import LARGEST_FILE
from hookpoint.hosting import intake, limits, writeup
from hookpoint.hosting.event import EventNow
from hookpoint.hosting.intake import Look, SubmissionIn
from hookpoint.hosting.shown import task_name
from hookpoint.hosting.store.models import Person, Submission

from .. import pages
from ..auth import Db, Now, Participant
from ..forms import Fields, Sent, SentFile, again
from .joining import closed

__all__ = ["router"]

router = APIRouter(prefix="/submit")
LOOKS = 120  # an hour, of one person: reading a large file takes a second
KINDS = (
    ("notebook", "A notebook with exercises", ".ipynb, or .py; graded at once"),
    ("writeup", "Our write-up", ".md, or .ipynb; judges read the last one that you send"),
)
RECEIVED = "Received. This page follows what becomes of it."
REPLAY = "This very file was in already: here it is. No attempt was used."


@router.get("")
def submit_page(request: Request, db: Db, now: Now, person: Participant, kind: str = "notebook") -> Response:
    return pages.render(request, "submit.html", **_values(db, now, person, {"kind": kind}))


@router.get("/writeup.md")
def template() -> Response:
    headers = {"Content-Disposition": 'attachment; filename="writeup.md"'}
    return Response(writeup.template(), media_type="text/markdown; charset=utf-8", headers=headers)


@router.post("")
def submit(request: Request, db: Db, now: Now, person: Participant, typed: Fields, file: SentFile) -> Response:
    one = _as_handed_in(file, typed)
    try:
        one.look  # noqa: B018 - read before a transaction begins: a large file takes its time
        with db.session() as session:
            receipt = intake.take(session, person, one, now.at)
    except HookpointError as error:
        return again(request, "submit.html", error, **_values(db, now, person, typed), refused=one.name)
    return pages.back_to(f"/team/submissions/{receipt.submission_id}", REPLAY if receipt.replay else RECEIVED)


@router.post("/look")
def look(db: Db, now: Now, person: Participant, typed: Fields, file: SentFile) -> Response:
    """What is in a file that has been chosen and not been sent yet, for the script of the page."""
    one = _as_handed_in(file, typed)
    try:
        with db.session() as session:
            limits.spend(session, f"person {person.id}", "look", LOOKS, 3600, now.at)
        found = one.look
    except HookpointError as error:
        return JSONResponse({"error": str(error)}, status_of(error))
    with db.reading() as session:
        there = _there(session, person, found)
    return JSONResponse(asdict(found) | {"title": task_name(found.task), "there": there, **_counts(now, found)})
