"""The judges' pages: one entry after the other, blind, with the anchors beside it.

A draft is kept by `/judge/ID/draft` while the judge reads; `Save and next` makes it their rating. All of it works
without script as well.
"""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from hookpoint.errors import HookpointError
from hookpoint.hosting import roles
from hookpoint.hosting.judging import desk
from hookpoint.hosting.judging.desk import Task
from hookpoint.hosting.store.models import Person

from .. import pages
from ..auth import At, Db, JudgePerson, Now
from ..forms import Fields, Id, again

__all__ = ["router"]

router = APIRouter()
SCORE = "score-"  # fields of the form: score-0 is that of the first criterion


@router.get("/judge")
def next_entry(request: Request, db: Db, now: Now, judge: JudgePerson) -> Response:
    """The next entry of this judge's list; when there is none, the list."""
    with db.reading() as session:
        tasks = desk.list_of(session, judge)
    following = _following(tasks)
    return pages.back_to(f"/judge/{following.id}") if following else _list(request, tasks)


@router.get("/judge/list")
def all_entries(request: Request, db: Db, judge: JudgePerson) -> Response:
    with db.reading() as session:
        return _list(request, desk.list_of(session, judge))


@router.get("/judge/{review_id}")
def entry(request: Request, db: Db, now: Now, judge: JudgePerson, review_id: Id) -> Response:
    with db.reading() as session:
        return pages.render(request, "judge_entry.html", **_shown(session, judge, review_id, now))


@router.post("/judge/{review_id}")
def save(request: Request, db: Db, now: Now, judge: JudgePerson, review_id: Id, typed: Fields) -> Response:
    """Keeps what is there, then makes it the judge's rating, unless they only wanted a draft."""
    try:
        _rate(db, now, judge, review_id, typed, done=False)
        if typed.get("then") == "draft":
            return pages.back_to(f"/judge/{review_id}", "Your draft is kept. It counts when you save the rating.")
        _rate(db, now, judge, review_id, typed, done=True)
    except HookpointError as error:
        return _again(request, db, now, judge, review_id, typed, error)
    with db.reading() as session:
        tasks = desk.list_of(session, judge)
    following = _following(tasks, after=review_id)
    rated = next(task.alias for task in tasks if task.id == review_id)
    said = f"{rated} is rated. You can change it until you look at its automatic score."
    return pages.back_to(f"/judge/{following.id}" if following else "/judge/list", said)


@router.post("/judge/{review_id}/draft")
def keep_draft(db: Db, now: Now, judge: JudgePerson, review_id: Id, typed: Fields) -> Response:
    """What the script sends while the judge writes."""
    _rate(db, now, judge, review_id, typed, done=False)
    return Response(status_code=204)


@router.post("/judge/{review_id}/score")
def show_score(request: Request, db: Db, now: Now, judge: JudgePerson, review_id: Id) -> Response:
    """Shows the automatic score; from then on the rating stands."""
    with db.session() as session:
        desk.reveal(session, roles.known(session, judge), review_id, now)
    return pages.back_to(f"/judge/{review_id}#score")


@router.post("/judge/{review_id}/conflict")
def conflict(request: Request, db: Db, at: At, judge: JudgePerson, review_id: Id, typed: Fields) -> Response:
    with db.session() as session:
        said = desk.declare_conflict(session, roles.known(session, judge), review_id, at, typed.get("why", ""))
    return pages.back_to("/judge", said)


def _rate(db: Db, now: Now, judge: Person, review_id: int, typed: dict[str, str], done: bool) -> None:
    names = [criterion.name for criterion in now.settings.judging.criteria]
    given = _scores(typed)
    scores = {name: given[at] for at, name in enumerate(names) if at in given}
    with db.session() as session:
        judge = roles.known(session, judge)
        notes = typed.get("to_team", ""), typed.get("to_hosts", "")
        desk.rate(session, judge, review_id, scores, *notes, now.at, done)


def _scores(typed: dict[str, str]) -> dict[int, int]:
    """What was chosen, by the number of the criterion; what is no number at all is as if it was not chosen."""
    numbers = {name.removeprefix(SCORE): text for name, text in typed.items() if name.startswith(SCORE)}
    return {int(at): int(text) for at, text in numbers.items() if _is_digit(at) and _is_digit(text)}


def _is_digit(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 2


def _following(tasks: list[Task], after: int = 0) -> Task | None:
    """The next open entry on the list, from the one that was just rated on; then from the beginning."""
    place = next((task.place for task in tasks if task.id == after), 0)
    still = [task for task in tasks if task.state == "open"]
    return next((task for task in still if task.place > place), still[0] if still else None)


def _list(request: Request, tasks: list[Task]) -> Response:
    return pages.render(request, "judge_list.html", tasks=tasks, following=_following(tasks))


def _shown(session: Session, judge: Person, review_id: int, now: Now) -> dict[str, Any]:
    tasks = desk.list_of(session, judge)
    return {"page": desk.review(session, judge, review_id, now), "tasks": tasks, "closed": _closed(now), "typed": {}}


def _closed(now: Now) -> str:
    """Why nobody can rate now, or nothing."""
    try:
        now.demand("judging")
    except HookpointError as error:
        return str(error)
    return ""


def _again(
    request: Request, db: Db, now: Now, judge: Person, review_id: int, typed: dict[str, str], error: HookpointError
) -> Response:
    with db.reading() as session:
        values = _shown(session, judge, review_id, now)
    chosen = {now.settings.judging.criteria[at].name: score for at, score in _scores(typed).items()
              if at < len(now.settings.judging.criteria)}  # fmt: skip
    return again(request, "judge_entry.html", error, **values | {"typed": {**typed, "scores": chosen}})
