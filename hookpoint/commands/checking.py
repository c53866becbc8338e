"""Checking the learner's workspace in this process, with no sandbox, and telling what came out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hookpoint.content.cells import Cell, answer_hash, exercise_in, load_cells
from hookpoint.content.course import Exercise, course
from hookpoint.content.execute import run_cells
from hookpoint.content.progress import record
from hookpoint.content.workspace import learner_notebook, learner_notebooks
from hookpoint.errors import HookpointError

SHOWN_IN_FULL = 2


@dataclass(frozen=True)
class Outcome:
    """One exercise's verdict with its points; `tried` is false for a stub, which is not run."""

    exercise: str
    status: str
    points: float
    max_points: float
    slip: str = ""
    message: str = ""
    notes: tuple[str, ...] = ()
    tried: bool = True

    @property
    def passed(self) -> bool:
        return self.status == "passed"

    def as_json(self) -> dict:
        """The six fields that every grader of ours reports."""
        names = ("exercise", "status", "points", "max_points", "slip", "message")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Report:
    """What came out of one notebook: its outcomes, or why it could not be read."""

    submission: str
    outcomes: tuple[Outcome, ...] = ()
    trouble: str = ""

    @property
    def ok(self) -> bool:
        return not self.trouble and all(outcome.passed for outcome in self.outcomes if outcome.tried)

    def as_json(self) -> dict:
        return {
            "submission": self.submission,
            "verdicts": [outcome.as_json() for outcome in self.outcomes],
            "score": sum(outcome.points for outcome in self.outcomes),
            "max_score": sum(outcome.max_points for outcome in self.outcomes),
        }


def check_one(workspace: Path, id: str) -> Report:
    """The report on one exercise, also if it is a stub."""
    exercise = course().exercise(id)
    path = learner_notebook(workspace, exercise)
    cells = load_cells(path)
    exercise_in(cells, exercise.id)
    return Report(_name(workspace, path), tuple(_judged(workspace, path, cells, [exercise])))


def check_all(workspace: Path) -> list[Report]:
    """One report for each notebook; exercises that are still stubs are `missing` and not run."""
    reports = []
    for notebook, path in learner_notebooks(workspace):
        try:
            cells = load_cells(path)
        except HookpointError as error:
            reports.append(Report(_name(workspace, path), trouble=str(error)))
            continue
        written = [exercise for exercise in notebook.exercises if answer_hash(cells, exercise.id)]
        judged = {outcome.exercise: outcome for outcome in _judged(workspace, path, cells, written)}
        outcomes = tuple(judged.get(exercise.id) or _stub(exercise) for exercise in notebook.exercises)
        reports.append(Report(_name(workspace, path), outcomes))
    return reports


def _name(workspace: Path, path: Path) -> str:
    return path.relative_to(workspace).as_posix()


def _stub(exercise: Exercise) -> Outcome:
    message = f"{exercise.asked} is not written yet."
    return Outcome(exercise.id, "missing", 0, exercise.points, message=message, tried=False)


def _judged(workspace: Path, path: Path, cells: list[Cell], exercises: Sequence[Exercise]) -> Iterable[Outcome]:
    """Run the notebook once and judge these exercises; each verdict is recorded as soon as it is there."""
    if not exercises:
        return
    # Imported here: torch comes with it, and a workspace of stubs need not pay for that.
    from hookpoint import checks

    loaded = run_cells(cells, folder=path.parent)
    link = checks.InProcess(loaded.names, loaded.why_missing(cells))
    for exercise in exercises:
        yield settle(workspace, exercise, checks.judge(exercise.id, link), answer_hash(cells, exercise.id))


def settle(workspace: Path, exercise: Exercise, verdict, source_hash: str) -> Outcome:
    """Give a verdict its points and record it."""
    points = exercise.points if verdict.status == "passed" else 0
    outcome = Outcome(
        exercise.id, verdict.status, points, exercise.points, verdict.slip, verdict.message, tuple(verdict.notes)
    )
    record(workspace, {**outcome.as_json(), "source_hash": source_hash})
    return outcome


def in_full(outcome: Outcome) -> str:
    """The whole message of one outcome, with what its code said on the side."""
    head = f"passed: `{outcome.exercise}`, {outcome.points:g} points" if outcome.passed else outcome.message
    return "\n".join([head or f"{outcome.status}: `{outcome.exercise}`", *(f"Note: {note}" for note in outcome.notes)])


def in_short(reports: Iterable[Report]) -> str:
    """A line for each exercise that was tried, then the first failures in full."""
    tried = [outcome for report in reports for outcome in report.outcomes if outcome.tried]
    if not tried:
        return "Nothing to check yet: every answer is still a stub."
    width = max(len(outcome.exercise) for outcome in tried)
    lines = [f"{o.status:<8} {o.exercise:<{width}}  {o.points:g}/{o.max_points:g}" for o in tried]
    failures = [outcome for outcome in tried if not outcome.passed]
    for outcome in failures[:SHOWN_IN_FULL]:
        lines += ["", in_full(outcome)]
    if len(failures) > SHOWN_IN_FULL:
        lines += [
            "",
            "The others in full: " + ", ".join(f"`hookpoint check {o.exercise}`" for o in failures[SHOWN_IN_FULL:]),
        ]
    return "\n".join(lines)
