"""What a notebook takes over from the ones before it: the learner's own parts where they pass, else ours."""

from pathlib import Path

from hookpoint.content.cells import answer_hash, load_cells
from hookpoint.content.course import Exercise, course
from hookpoint.content.execute import run_cells
from hookpoint.content.progress import Record, read
from hookpoint.content.workspace import find_workspace, learner_notebook
from hookpoint.errors import HookpointError


def earlier(**ours: object) -> tuple[object, ...]:
    """The learner's own classes and functions in the order they are asked for, each with its stand-in of ours.

    A part is the learner's once its exercise has passed and its cell has not changed since. One line for each is
    printed. Without a workspace all are ours.

    >>> LayerNorm, Attention = earlier(LayerNorm=model.LayerNorm, Attention=model.Attention)  # doctest: +SKIP
    LayerNorm: yours, from 02_embed_and_mlp
    Attention: ours, until yours passes (03_attention)
    """
    asked = {exercise.writes: exercise for exercise in course().exercises}
    workspace = find_workspace()
    records = read(workspace) if workspace else {}
    loaded: dict[Path, dict[str, object]] = {}
    return tuple(_one(name, part, asked.get(name), workspace, records, loaded) for name, part in ours.items())


def _one(
    name: str,
    ours: object,
    exercise: Exercise | None,
    workspace: Path | None,
    records: dict[str, Record],
    loaded: dict[Path, dict[str, object]],
) -> object:
    if exercise is None:
        print(f"{name}: ours")
        return ours
    record = records.get(exercise.id)
    if workspace and record and record.passed_hash:
        theirs = _theirs(workspace, exercise, record, loaded)
        if theirs is not None:
            print(f"{name}: yours, from {exercise.notebook}")
            return theirs
    until = "your changed cell passes" if record and record.first_passed_at else "yours passes"
    print(f"{name}: ours, until {until} ({exercise.notebook})")
    return ours


def _theirs(
    workspace: Path, exercise: Exercise, record: Record, loaded: dict[Path, dict[str, object]]
) -> object | None:
    """What the learner's cell defines, if it is still the text that passed and runs; each notebook is run once."""
    try:
        path = learner_notebook(workspace, exercise)
        cells = load_cells(path)
        if answer_hash(cells, exercise.id) != record.passed_hash:
            return None
        if path not in loaded:
            loaded[path] = run_cells(cells, folder=path.parent).names
    except HookpointError:
        return None
    return loaded[path].get(exercise.writes)
