"""Where the learner stands and what comes next, as rows, as text and as JSON."""

import sys
from dataclasses import dataclass
from pathlib import Path

from hookpoint.content.cells import answer_hash, load_cells
from hookpoint.content.course import Exercise, course
from hookpoint.content.progress import Record, read
from hookpoint.content.workspace import learner_notebooks
from hookpoint.errors import HookpointError


@dataclass(frozen=True)
class Row:
    """One exercise and where it stands, in words."""

    exercise: Exercise
    standing: str
    record: Record

    @property
    def passed(self) -> bool:
        return self.standing == "passed"


def rows(workspace: Path | None) -> list[Row]:
    """One row for each exercise of the course, in order. A notebook that cannot be read is told on stderr."""
    records = read(workspace) if workspace else {}
    hashes = _answer_hashes(workspace) if workspace else {}
    blank = {exercise.id: Record(exercise.id) for exercise in course().exercises}
    return [
        Row(exercise, record.standing(hashes.get(exercise.id, "")), record)
        for exercise in course().exercises
        for record in [records.get(exercise.id, blank[exercise.id])]
    ]


def _answer_hashes(workspace: Path) -> dict[str, str]:
    hashes = {}
    for notebook, path in learner_notebooks(workspace):
        try:
            cells = load_cells(path)
        except HookpointError as error:
            print(error, file=sys.stderr)
            continue
        hashes |= {exercise.id: answer_hash(cells, exercise.id) for exercise in notebook.exercises}
    return hashes


def next_step(rows: list[Row], workspace: Path | None) -> str:
    """The one thing to do now."""
    if workspace is None:
        return "Next: `hookpoint start` copies the notebooks into ./workspace and opens them."
    still = next((row for row in rows if not row.passed), None)
    if still is None:
        return f"All {len(rows)} exercises pass."
    exercise = still.exercise
    place = _short(workspace / exercise.part / f"{exercise.notebook}.ipynb")
    return (
        f"Next: `{exercise.id}` ({_count(exercise.minutes, 'minute')}, {_count(exercise.points, 'point')}) in {place}"
    )


def as_json(rows: list[Row]) -> list[dict]:
    """The rows as plain values."""
    return [
        {
            "exercise": row.exercise.id,
            "notebook": row.exercise.notebook,
            "part": row.exercise.part,
            "standing": row.standing,
            "points": row.exercise.points if row.passed else 0,
            "max_points": row.exercise.points,
            "minutes": row.exercise.minutes,
            "attempts": row.record.attempts,
            "hints": row.record.hints,
            "first_passed_at": row.record.first_passed_at,
        }
        for row in rows
    ]


def as_text(rows: list[Row]) -> str:
    """The rows as aligned lines under their notebooks' names."""
    width = max(len(row.exercise.id) for row in rows)
    lines, notebook = [], ""
    for row in rows:
        if row.exercise.notebook != notebook:
            notebook = row.exercise.notebook
            lines.append(notebook)
        lines.append(f"  {row.exercise.id:<{width}}  {_worth(row.exercise):<16}  {row.standing}")
    return "\n".join([*lines, _total(rows)])


def show(rows: list[Row]) -> None:
    """Print the rows: as a table in a terminal, as plain lines elsewhere."""
    if not sys.stdout.isatty():
        print(as_text(rows))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("exercise", "stars", "minutes", "points", "standing", title=_total(rows), title_justify="left")
    notebook = rows[0].exercise.notebook
    for row in rows:
        if row.exercise.notebook != notebook:
            notebook = row.exercise.notebook
            table.add_section()
        asked = row.exercise
        style = "green" if row.passed else None
        table.add_row(asked.id, "★" * asked.stars, str(asked.minutes), f"{asked.points:g}", row.standing, style=style)
    Console().print(table)


def _total(rows: list[Row]) -> str:
    passed = [row for row in rows if row.passed]
    points = sum(row.exercise.points for row in passed)
    whole = sum(row.exercise.points for row in rows)
    return f"{len(passed)} of {len(rows)} exercises passed, {points:g} of {_count(whole, 'point')}"


def _worth(exercise: Exercise) -> str:
    return f"{exercise.minutes} min, {_count(exercise.points, 'point')}"


def _count(number: float, noun: str) -> str:
    return f"{number:g} {noun}{'' if number == 1 else 's'}"


def _short(path: Path) -> Path:
    """The path as one would type it from here."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
