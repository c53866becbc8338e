"""What a team handed in and where each of it stands, for its pages and the API: nobody else's can be asked for."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy.orm import Session

from hookpoint.errors import HookpointError
from hookpoint.grading.feedback import STATUS
from hookpoint.hosting import intake, offered, queue, standings
from hookpoint.hosting.errors import NotFound
from hookpoint.hosting.event import EventNow
from hookpoint.hosting.intake import SubmissionIn
from hookpoint.hosting.shown import task_name
from hookpoint.hosting.standings import SubmissionView, VerdictView
from hookpoint.hosting.store.database import Database
from hookpoint.hosting.store.models import Person, Submission

__all__ = ["STATUS", "WRITE_UP", "Best", "Handed", "as_json", "best", "findings", "handed_in", "one_of"]

WAITING = ("queued", "running")
WRITE_UP = "Write-up"
TOLD = "The host has been told."
NO_ATTEMPT = "It costs no attempt."


@dataclass(frozen=True)
class Best:
    """What counts of a task: of each exercise the best verdict, the first of equal ones, and where it was given."""

    title: str
    exercises: tuple[tuple[VerdictView, int], ...]  # with the submission's id

    @property
    def points(self) -> float:
        return sum(verdict.points for verdict, _ in self.exercises)

    @property
    def max_points(self) -> float:
        return sum(verdict.max_points for verdict, _ in self.exercises)


@dataclass(frozen=True)
class Handed:
    """A submission as its team sees it: `place` is which in line, `expected` about how many seconds it will take.

    `left` is how many attempts the team has left at the challenge; None for what is none.
    """

    view: SubmissionView
    title: str
    place: int | None = None
    expected: float | None = None
    left: int | None = None

    @property
    def id(self) -> int:
        return self.view.id

    @property
    def status(self) -> str:
        return self.view.status

    @property
    def waits(self) -> bool:
        return self.status in WAITING

    @property
    def trouble(self) -> str:
        """Why it is not counted, for the team."""
        said = self.view.trouble
        if self.status != "not counted":
            return said
        return " ".join(filter(None, (TOLD, said, "" if "no attempt" in said else NO_ATTEMPT)))


def handed_in(session: Session, person: Person, now: EventNow) -> list[Handed]:
    """All that the person's team has handed in, the latest first."""
    views = standings.of_team(session, person.team_id) if person.team_id is not None else []
    return _placed(session, person, now, views)


def best(submissions: list[Handed]) -> list[Best]:
    """What counts of each task, as the board reckons, but for what was handed in after it froze."""
    tasks: dict[str, tuple[str, dict[str, tuple[VerdictView, int]]]] = {}
    for one in reversed(submissions):  # the oldest first: the first of equal results counts
        if not one.view.max_points:  # not graded yet, or at a challenge that gives no points or could not score it
            continue
        _, exercises = tasks.setdefault(one.view.task, (one.title, {}))
        for verdict in one.view.verdicts:
            known = exercises.get(verdict.exercise)
            # Of what brings no points the last one is shown: its message is about the answer as it is now.
            if known is None or verdict.points > known[0].points or known[0].points == 0 == verdict.points:
                exercises[verdict.exercise] = verdict, one.id
    return [Best(title, tuple(exercises.values())) for _, (title, exercises) in sorted(tasks.items())]


def one_of(session: Session, person: Person, id: int, now: EventNow) -> Handed:
    """One submission of the person's own team.

    Raises:
        NotFound: there is none, or it is another team's, of which nothing is told.
    """
    views = standings.of_team(session, person.team_id) if person.team_id is not None else []
    for view in views:
        if view.id == id:
            return _placed(session, person, now, [view])[0]
    raise NotFound("Your team has handed in no such file. Look at your team's page for what it has.")


def _left(session: Session, person: Person, now: EventNow, views: list[SubmissionView]) -> dict[str, int]:
    """The attempts that the team has left, if any of these is at a challenge."""
    asked = any(view.kind == "challenge" for view in views)
    return offered.attempts_left(session, person.team_id, now) if asked else {}


def _placed(session: Session, person: Person, now: EventNow, views: list[SubmissionView]) -> list[Handed]:
    """The submissions with what is known of those that wait. What all of them share is asked for once."""
    titles = {view.task: WRITE_UP if view.kind == "writeup" else task_name(view.task) for view in views}
    left = _left(session, person, now, views)
    waiting = [view for view in views if view.status in WAITING]
    places = queue.places(session, [view.id for view in waiting]) if waiting else {}
    paces = {kind: queue.pace(session, now.at, kind) for kind in {view.kind for view in waiting}}

    def placed(view: SubmissionView) -> Handed:
        place, pace = places.get(view.id), paces.get(view.kind) if view.status in WAITING else None
        return Handed(
            view,
            titles[view.task],
            place,
            pace.expected(max(0, (place or 0) - 1)) if pace else None,
            left.get(view.task) if view.kind == "challenge" else None,
        )

    return [placed(view) for view in views]


@lru_cache(maxsize=256)
def findings(db: Database, submission_id: int) -> tuple[str, ...]:
    """What the receipt of a submission said: what is missing in a write-up, what is odd about a notebook.

    A submission never changes, so it is read once, and not again each time its page is looked at.
    """
    with db.reading() as session:
        row = session.get_one(Submission, submission_id)
        one = SubmissionIn(row.file_name, row.content, row.kind)
    try:
        return intake.looked_at(one).warnings
    except HookpointError:  # it was taken by other rules, of an older version
        return ()


def as_json(one: Handed) -> dict[str, Any]:
    """The same for programs."""
    view = one.view
    return {
        "submission": view.id,
        "task": view.task,
        "kind": view.kind,
        "file_name": view.file_name,
        "sha256": view.sha256,
        "by": view.by,
        "received": view.received.timestamp(),
        "status": view.status,
        "place": one.place,
        "expected_seconds": one.expected,
        "points": view.points,
        "max_points": view.max_points,
        "verdicts": [
            {
                "exercise": verdict.exercise,
                "status": verdict.status,
                "points": verdict.points,
                "max_points": verdict.max_points,
                "message": verdict.message,
            }
            for verdict in view.verdicts
        ],
        "trouble": one.trouble,
        "attempts_left": one.left,
    }
