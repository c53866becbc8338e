"""The learner's own folder: where it is, what is copied into it, and how one answer starts afresh.

Nothing here overwrites what the learner wrote without saving it first. Bringing newer text is left to `update`.
"""

from dataclasses import dataclass
from pathlib import Path

from hookpoint.content.cells import load_cells
from hookpoint.content.course import Course, Exercise, Notebook, course, course_root
from hookpoint.content.files import back_up, hookpoint_of, notebook_text, read_notebook, write_text
from hookpoint.errors import HookpointError, UsageError


@dataclass(frozen=True)
class Reset:
    """What a reset did: where the old cell lies now, and which other cells (from 1) still define the name."""

    notebook: Path
    backup: Path | None
    others: tuple[int, ...]


def find_workspace(start: Path | None = None) -> Path | None:
    """The workspace that `start` (the current folder) is in or above, or the checkout's own; None if there is none."""
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        for candidate in (folder, folder / "workspace"):
            if _is_workspace(candidate):
                return candidate
    beside_course = course_root().resolve().parent / "workspace"
    return beside_course if _is_workspace(beside_course) else None


def workspace(start: Path | None = None) -> Path:
    """The workspace.

    Raises:
        UsageError: there is none yet.
    """
    found = find_workspace(start)
    if found is None:
        raise UsageError("There is no workspace here yet. `hookpoint start` makes one in ./workspace.")
    return found


def _is_workspace(folder: Path) -> bool:
    return (folder / ".hookpoint").is_dir()


def create(path: Path) -> list[Path]:
    """The notebooks that were copied into the workspace; those already there are left alone."""
    copied = []
    try:
        (path / ".hookpoint").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HookpointError(f"The workspace {path} cannot be made: {error.strerror or error}.") from None
    for notebook in course().notebooks:
        target = path / notebook.file
        # lexists: a link whose target is away for the moment is still the learner's.
        if not (target.exists() or target.is_symlink()):
            write_text(target, notebook.path.read_text(encoding="utf-8"))
            copied.append(target)
    return copied


def learner_notebook(workspace: Path, exercise: Exercise) -> Path:
    """The learner's notebook that holds the exercise.

    Raises:
        UsageError: it has not been copied, or was moved away.
    """
    path = workspace / exercise.part / f"{exercise.notebook}.ipynb"
    if not path.exists():
        raise UsageError(f"{path} is not there. `hookpoint start` brings a fresh copy.")
    return path


def learner_notebooks(workspace: Path, released: Course | None = None) -> list[tuple[Notebook, Path]]:
    """The course's notebooks that the workspace has, in order."""
    pairs = [(notebook, workspace / notebook.file) for notebook in (released or course()).notebooks]
    return [(notebook, path) for notebook, path in pairs if path.exists()]


def reset(workspace: Path, id: str) -> Reset:
    """Put the stub back into the learner's notebook; the old cell is saved under `.hookpoint/backups/` first."""
    exercise = course().exercise(id)
    id, path = exercise.id, learner_notebook(workspace, exercise)
    notebook = read_notebook(path)
    answers = [cell for cell in load_cells(path) if cell.kind == "exercise" and cell.exercise == id]
    if not answers:
        write_text(path, notebook_text(_with_stub(notebook, exercise)))
        return Reset(path, None, ())
    marked = [answer for answer in answers if hookpoint_of(notebook["cells"][answer.index]).get("exercise") == id]
    old = (marked or answers)[0]
    others = tuple(answer.index + 1 for answer in answers if answer is not old)
    if old.source.rstrip() == exercise.stub.rstrip():
        return Reset(path, None, others)
    backup = back_up(workspace, f"{id}.py", old.source + "\n")
    cells = list(notebook["cells"])
    cells[old.index] = _afresh(cells[old.index], old.source, exercise.stub)
    write_text(path, notebook_text({**notebook, "cells": cells}))
    return Reset(path, backup, others)


def _afresh(cell: dict, old: str, stub: str) -> dict:
    """The cell with the stub in place of the old answer; what else the learner keeps in that cell stays."""
    source = cell["source"].replace(old, stub + old[len(old.rstrip()) :], 1)
    return {**cell, "source": source, "outputs": [], "execution_count": None}


def _with_stub(notebook: dict, exercise: Exercise) -> dict:
    """The notebook with the released answer cell put back before its check cell, or at the end."""
    released = read_notebook(course().notebook(exercise.notebook).path)
    stub = next(
        c
        for c in released["cells"]
        if hookpoint_of(c).get("kind") == "exercise" and exercise.id == hookpoint_of(c)["exercise"]
    )
    cells, about = notebook["cells"], [hookpoint_of(cell) for cell in notebook["cells"]]
    checks = [i for i, meta in enumerate(about) if meta.get("kind") == "check" and meta.get("exercise") == exercise.id]
    at = checks[0] if checks else len(cells)
    taken = {cell.get("id") for cell in cells}
    stub = {**stub, "id": f"{stub['id']}-again"} if stub.get("id") in taken else stub
    return {**notebook, "cells": [*cells[:at], stub, *cells[at:]]}
