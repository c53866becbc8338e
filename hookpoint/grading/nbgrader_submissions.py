"""What a student hands in, made fit for nbgrader: every check cell is there once, as it was released.

nbgrader gives up on a submission whose cells lost their metadata (Colab, VS Code), and gives full marks to a check cell
that a tag keeps from running. So it never sees the file itself, but a copy of its text. Grading is left to `nbgrader`.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hookpoint.content.cells import CHECK
from hookpoint.content.files import notebook_text, read_notebook, write_text
from hookpoint.errors import HookpointError, UsageError

from .nbgrader_course import Course, gradebook

__all__ = ["fitted", "receive", "released_cells", "students"]

KINDS = ("code", "markdown", "raw")
PATTERN_SIGNS = set("*?[]")


def released_cells(course: Course) -> dict[str, dict[str, dict]]:
    """Per notebook the cells that nbgrader knows, by their `grade_id`, as the gradebook has them.

    Raises:
        UsageError: the part has not been released.
    """
    from nbgrader.api import MissingEntry

    with gradebook(course) as book:
        try:
            notebooks = book.find_assignment(course.part).notebooks
        except MissingEntry:
            raise UsageError(
                f"{course.part} is not in the gradebook yet. Run `hookpoint nbgrader release {course.part}` first."
            ) from None
        return {notebook.name: _cells(notebook) for notebook in sorted(notebooks, key=lambda each: each.name)}


def _cells(notebook: Any) -> dict[str, dict]:
    points = {cell.name: cell.max_score for cell in notebook.grade_cells}
    return {cell.name: _released(cell, points.get(cell.name)) for cell in notebook.source_cells}


def _released(cell: Any, points: float | None) -> dict:
    graded = points is not None
    marks = {
        "checksum": cell.checksum,
        "cell_type": cell.cell_type,
        "grade": graded,
        "grade_id": cell.name,
        "locked": graded,
        "schema_version": 3,
        "solution": not graded,
        "task": False,
        **({"points": points} if graded else {}),
    }
    return _code(cell.source, {"nbgrader": marks}) | {"id": cell.name}


def students(course: Course, inbox: Path) -> list[str]:
    """Who handed in something for this part: the folders of the inbox that hold a folder of its name.

    Raises:
        UsageError: nobody has, or a name would be a pattern to nbgrader.
    """
    names = sorted(folder.parent.name for folder in inbox.glob(f"*/{course.part}") if folder.is_dir())
    names = [name for name in names if not name.startswith(".")]
    if not names:
        raise UsageError(f"There are no submissions: put each into {inbox}/<student>/{course.part}/NN_name.ipynb.")
    for name in names:
        if PATTERN_SIGNS & set(name) or name != name.strip():
            raise UsageError(f"nbgrader cannot take `{name}` for a student: rename {inbox / name} to a plain name.")
    return names


def receive(course: Course, inbox: Path, student: str, released: Mapping[str, Mapping[str, dict]]) -> dict[str, str]:
    """Copies a student's notebooks to where nbgrader reads them, and says per notebook why it could not.

    Files of the student's that are no notebooks of this part are named with the reason too.
    """
    source, target = inbox / student / course.part, course.folder("received", student)
    for old in (target, course.folder("autograded", student)):
        shutil.rmtree(old, ignore_errors=True)
    problems = {}
    for name, expected in released.items():
        path = source / f"{name}.ipynb"
        try:
            if path.is_file():
                write_text(target / path.name, notebook_text(fitted(read_notebook(path), expected)))
            else:
                problems[name] = "not handed in"
        except HookpointError as error:
            # The rest of the message advises a learner about their own workspace.
            problems[name] = str(error).partition(" Rename it")[0].rstrip(".")
    if (source / "timestamp.txt").is_file() and target.is_dir():
        shutil.copy(source / "timestamp.txt", target)
    strangers = sorted(path.name for path in source.glob("*.ipynb") if path.stem not in released)
    return problems | {name: "no notebook of this part; not graded" for name in strangers}


def fitted(notebook: Mapping, expected: Mapping[str, dict]) -> dict:
    """The submission's text with nbgrader's marks where they belong, whatever an editor made of them.

    A check cell is put back as it was released, in the place of the last one that the student has, or at the end.

    Args:
        notebook: The submission.
        expected: The released cells by `grade_id`.
    """
    claims = [_claim(cell, expected) for cell in notebook["cells"]]
    place = {claim: at for at, claim in enumerate(claims) if claim}
    cells = [
        _marked(cell, expected[claim]) if claim and place[claim] == at else _plain(cell, at)
        for at, (cell, claim) in enumerate(zip(notebook["cells"], claims, strict=True))
    ]
    cells += [cell for id, cell in expected.items() if id not in place and _is_check(cell)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _claim(cell: Mapping, expected: Mapping[str, dict]) -> str | None:
    """The released cell that this one says it is, by its metadata or else by a check's own text."""
    metadata = cell.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, Mapping) else None
    id = marks.get("grade_id") if isinstance(marks, Mapping) else None
    if isinstance(id, str) and id in expected:
        return id
    check = CHECK.match(cell["source"]) if cell.get("cell_type") == "code" else None
    return check[1] if check and check[1] in expected and _is_check(expected[check[1]]) else None


def _is_check(cell: Mapping) -> bool:
    return cell["metadata"]["nbgrader"]["grade"]


def _marked(cell: Mapping, released: dict) -> dict:
    return released if _is_check(released) else {**released, "source": cell["source"]}


def _plain(cell: Mapping, at: int) -> dict:
    """The cell without metadata: a tag can keep a cell from running, and foreign marks can stop nbgrader."""
    kind = cell.get("cell_type")
    if kind == "code":
        return _code(cell["source"], {}) | {"id": f"cell-{at}"}
    pictures = {"attachments": cell["attachments"]} if kind == "markdown" and cell.get("attachments") else {}
    kind = kind if kind in KINDS else "raw"
    return {"cell_type": kind, "id": f"cell-{at}", "metadata": {}, "source": cell["source"], **pictures}


def _code(source: str, metadata: dict) -> dict:
    return {"cell_type": "code", "execution_count": None, "metadata": metadata, "outputs": [], "source": source}
