"""From the learner's notebooks to `Parts`: each notebook's cells run once, with the right parts under its names.

What a notebook takes over from earlier ones (`content.earlier`) is what runs here too, so a part that is switched to
ours is ours in every later notebook.
"""

import contextlib
from collections.abc import Collection, Iterator
from pathlib import Path

from hookpoint.content import earlier as earlier_module
from hookpoint.content.course import Exercise, Notebook, course
from hookpoint.content.execute import Loaded, load_cells, run_cells
from hookpoint.errors import HookpointError

from .guard import Guard
from .parts import Parts

CELL_SECONDS = 3.0  # a learner's own experiment in a cell of theirs must not keep the page waiting


def assemble(workspace: Path | None, wanted: Collection[str], guard: Guard) -> Parts:
    """The parts, with those of these exercises the learner's own."""
    parts = Parts()
    if workspace is None or not wanted:
        return parts
    with _taking_over(parts):
        for notebook in course().notebooks:
            asked = [exercise for exercise in notebook.exercises if exercise.id in wanted]
            if asked:
                _load(workspace, notebook, asked, parts, guard)
    return parts


def _load(workspace: Path, notebook: Notebook, asked: list[Exercise], parts: Parts, guard: Guard) -> None:
    path = workspace / notebook.file
    try:
        loaded = run_cells(load_cells(path), limit=CELL_SECONDS, folder=path.parent)
    except HookpointError as error:
        parts.broken.update(dict.fromkeys((exercise.id for exercise in asked), str(error)))
        return
    for exercise in asked:
        _take(exercise, loaded, parts, guard)
    # All names of the notebook, not only those asked for: what calls them finds them by name.
    for exercise in notebook.exercises:
        if (found := parts.get(exercise.writes)) is not None:
            loaded.names[exercise.writes] = found


def _take(exercise: Exercise, loaded: Loaded, parts: Parts, guard: Guard) -> None:
    problem, thing = loaded.problems.get(exercise.id), loaded.names.get(exercise.writes)
    if problem is not None:
        parts.broken[exercise.id] = problem.message
    elif thing is None:
        parts.broken[exercise.id] = f"your notebook defines no {exercise.writes}"
    else:
        parts.take(exercise.id, exercise.writes, guard.around(exercise.id, thing), loaded.names)


@contextlib.contextmanager
def _taking_over(parts: Parts) -> Iterator[None]:
    """While it lasts, a notebook that asks for earlier parts gets these."""

    def earlier(**ours: object) -> tuple[object, ...]:
        return tuple(parts.get(name) or stand_in for name, stand_in in ours.items())

    before, earlier_module.earlier = earlier_module.earlier, earlier
    try:
        yield
    finally:
        earlier_module.earlier = before
