"""The catalogue of open problems on the event's site: everyone may read it, and see which team works on what."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from hookpoint.errors import HookpointError
from hookpoint.hosting import claims
from hookpoint.hosting.store.models import Person
from hookpoint.problems.catalogue import Filter, catalogue
from hookpoint.problems.schema import CATEGORIES, KNOWN, Problem

from .. import pages
from ..auth import Db, Now, Participant, Visitor
from ..forms import Fields, again

__all__ = ["router"]

router = APIRouter(prefix="/problems")
MOST = 60  # on one page: a phone should not wait for all of them
LONGEST = 80  # characters of what is searched for


@router.get("")
def problems_page(request: Request, db: Db, visitor: Visitor, words: str = "", category: str = "") -> Response:
    wanted = Filter(words[:LONGEST], category if category in CATEGORIES else "")
    found = catalogue().search(wanted)
    with db.reading() as session:
        taken = {id: [team.name for team in teams] for id, teams in claims.claimed(session).items()}
    if not (wanted.words or wanted.category):  # what others work on comes first
        found = sorted(found, key=lambda one: one.id not in taken)
    values = {"found": found[:MOST], "count": len(found), "taken": taken, "wanted": wanted}
    return pages.render(request, "problems.html", categories=[("", "all"), *CATEGORIES.items()], **values)


@router.get("/{problem}")
def problem_page(request: Request, db: Db, visitor: Visitor, problem: str) -> Response:
    return pages.render(request, "problem.html", **_problem(db, visitor, problem))


@router.post("/{problem}")
def take(request: Request, db: Db, now: Now, person: Participant, problem: str, typed: Fields) -> Response:
    """Takes the problem for the person's team, or gives it back."""
    change, said = (
        (claims.release, "Given back.") if typed.get("release") else (claims.claim, "It is yours. Others see it.")
    )
    try:
        with db.session() as session:
            row = change(session, person, problem, now.at)
            path = f"/problems/{row.problem}"
    except HookpointError as error:
        return again(request, "problem.html", error, **_problem(db, person, problem))
    return pages.back_to(path, said)


def _problem(db: Db, visitor: Person | None, id: str) -> dict[str, Any]:
    problem = catalogue().problem(id[:LONGEST])
    with db.reading() as session:
        teams = claims.claimed(session).get(problem.id, [])
    ours = visitor is not None and any(team.id == visitor.team_id for team in teams)
    return {"problem": problem, "facts": _facts(problem), "teams": [team.name for team in teams], "ours": ours}


def _facts(problem: Problem) -> list[tuple[str, str]]:
    known = [f"{one} (notebook {KNOWN[one]})" if KNOWN[one] else one for one in problem.prerequisites]
    rows = [
        ("To begin", problem.starter),
        ("Know first", ", ".join(known)),
        ("Model", problem.model),
        ("Difficulty", problem.difficulty),
        ("Scored by", problem.metric),
        ("Source", problem.source),
        *(("Uncertain", doubt) for doubt in problem.doubts),
    ]
    return [(what, said) for what, said in rows if said]
