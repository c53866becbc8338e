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

from .nbgrader_course import Course, gradebook, not_released

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
            raise not_released(course) from None
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


def students(course: Course, inbox: Path) -> tuple[list[str], list[str]]:
    """Who handed in something for this part, and the names among them that nbgrader would read as patterns.

    Raises:
        UsageError: nobody has.
    """
    folders = (folder.parent.name for folder in inbox.glob(f"*/{course.part}") if folder.is_dir())
    names = sorted(name for name in folders if not name.startswith("."))
    if not names:
        raise UsageError(f"There are no submissions: put each into {inbox}/<student>/{course.part}/NN_name.ipynb.")
    refused = [name for name in names if PATTERN_SIGNS & set(name) or name != name.strip()]
    return [name for name in names if name not in refused], refused


def receive(course: Course, inbox: Path, student: str, released: Mapping[str, Mapping[str, dict]]) -> dict[str, str]:
    """Copies a student's notebooks to where nbgrader reads them, and says of each file that it could not use why not.

    Args:
        inbox: The folder that holds `<student>/<part>/`.
        released: What `released_cells` gives.

    Returns:
        The reason by notebook, or by file name for files that are no notebooks of this part.
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
            # The path is known to the host, and what follows is advice for a learner's own workspace.
            problems[name] = str(error).removeprefix(f"{path} ").partition(" Rename it")[0].rstrip(".")
    strangers = sorted(path.name for path in source.glob("*.ipynb") if path.stem not in released)
    problems |= {name: "no notebook of this part" for name in strangers}
    return problems | _receive_time(source / "timestamp.txt", target)


def _receive_time(stamp: Path, target: Path) -> dict[str, str]:
    """Copies the note of nbgrader's collectors on when it was handed in; one that is no date would stop nbgrader."""
    from nbgrader.utils import parse_utc

    if not (stamp.is_file() and target.is_dir()):
        return {}
    try:
        parse_utc(stamp.read_text(encoding="utf-8").strip())
    except (ValueError, OverflowError):
        return {stamp.name: "holds no date; ignored"}
    shutil.copy(stamp, target)
    return {}


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
