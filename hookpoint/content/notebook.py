"""Writes a lesson as a notebook: the solutions notebook, and the exercises notebook that learners receive.

Both are pure functions of the lesson, so the same source gives the same bytes on every machine. A cell's id follows
from its exercise or its text, never from its place: a cell that is inserted changes no other.
"""

import ast
from collections.abc import Iterable

from hookpoint.content.files import fingerprint
from hookpoint.content.lesson import ExerciseSpec, Lesson
from hookpoint.content.regions import released
from hookpoint.content.rules import HEADING
from hookpoint.content.source import Cell


def solutions_notebook(lesson: Lesson) -> dict:
    """The notebook with every solution, and with the explanations that only it shows."""
    return _notebook(lesson, [_cell(lesson, cell, _text(lesson, cell)) for cell in lesson.cells])


def exercises_notebook(lesson: Lesson) -> dict:
    """The notebook for learners: solutions are stubs, and cells marked `only="solutions"` are gone."""
    kept = [cell for cell in lesson.cells if "only" not in cell.options]
    return _notebook(lesson, [_cell(lesson, cell, _released(lesson, cell)) for cell in kept])


def _notebook(lesson: Lesson, cells: Iterable[dict]) -> dict:
    return {
        "cells": _with_ids(cells),
        "metadata": {
            "hookpoint": {"part": lesson.part, "notebook": lesson.name, "title": lesson.title},
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell(lesson: Lesson, cell: Cell, source: str) -> dict:
    """One cell without its id. The hash is that of the released text in both notebooks: it tells a learner's edit."""
    metadata = {"hookpoint": {**_role(lesson, cell), "hash": fingerprint(_released(lesson, cell))}}
    if graded := _nbgrader(lesson, cell):
        metadata["nbgrader"] = graded
    written = {"cell_type": cell.kind, "metadata": metadata, "source": source.splitlines(keepends=True)}
    return written | ({"execution_count": None, "outputs": []} if cell.kind == "code" else {})


def _text(lesson: Lesson, cell: Cell) -> str:
    """The cell's text in the solutions notebook."""
    if "hint" in cell.options:
        summary = f"<summary>Hint {cell.options['rung']}</summary>"
        return f"<details>\n{summary}\n\n{cell.source}\n\n</details>"
    if spec := _headed(lesson, cell):
        heading, _, rest = cell.source.partition("\n")
        worth = f"*{_count(spec.minutes, 'minute')} · {_count(spec.points, 'point')}*"
        return "\n\n".join([heading, worth, *filter(None, [rest.strip("\n")])])
    return cell.source


def _released(lesson: Lesson, cell: Cell) -> str:
    """The cell's text in the exercises notebook."""
    return released(cell.source) if "exercise" in cell.options else _text(lesson, cell)


def _role(lesson: Lesson, cell: Cell) -> dict:
    """What the learner's side needs to know about a cell."""
    match cell.options:
        case {"hint": id, "rung": rung}:
            return {"kind": "hint", "exercise": id, "rung": rung}
        case {"exercise": id}:
            spec = lesson.exercise(id)
            return {
                "kind": "exercise",
                "exercise": id,
                "writes": spec.writes,
                "minutes": spec.minutes,
                "stars": spec.stars,
            }
        case {"check": id, "points": points}:
            return {"kind": "check", "exercise": id, "points": points}
    only = {"only": "solutions"} if "only" in cell.options else {}
    if cell.kind == "code":
        return {"kind": "setup" if _is_setup(cell.source) else "demo", **only}
    spec = _headed(lesson, cell)
    return {"kind": "prose", **({"heading": spec.id} if spec else {}), **only}


def _nbgrader(lesson: Lesson, cell: Cell) -> dict | None:
    """nbgrader's own metadata for the two kinds of cell that it knows here: manually written answer, locked test."""
    rest = {"locked": False, "schema_version": 3, "solution": False, "task": False, "grade": False}
    match cell.options:
        case {"exercise": id}:
            return {**rest, "grade_id": f"{id}-solution", "solution": True}
        case {"check": id, "points": points}:
            return {**rest, "grade_id": id, "grade": True, "locked": True, "points": points}
    return None


def _with_ids(cells: Iterable[dict]) -> list[dict]:
    """The cells with their ids; the second and later ones of the same text are numbered."""
    seen, named = {}, []
    for cell in cells:
        role = cell["metadata"]["hookpoint"]
        id = {"exercise": "", "check": "check-"}.get(role["kind"])
        id = f"c{role['hash'][:8]}" if id is None else id + role["exercise"]
        seen[id] = seen.get(id, 0) + 1
        named.append({**cell, "id": id if seen[id] == 1 else f"{id}-{seen[id]}"})
    return named


def _headed(lesson: Lesson, cell: Cell) -> ExerciseSpec | None:
    """The exercise whose heading this cell begins with, if it does."""
    match = HEADING.match(cell.source) if cell.kind == "markdown" else None
    return lesson.exercise(match["id"]) if match else None


def _is_setup(source: str) -> bool:
    """Whether later cells need this code: it imports or defines something, rather than only showing it."""
    needed = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return any(isinstance(statement, needed) for statement in ast.parse(source).body)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
