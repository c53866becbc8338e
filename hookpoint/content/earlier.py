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
    workspace = find_workspace()
    records = read(workspace) if workspace else {}
    loaded: dict[Path, dict[str, object]] = {}
    return tuple(_one(name, part, _made_by(name), workspace, records, loaded) for name, part in ours.items())


def _made_by(name: str) -> list[Exercise]:
    """The exercises that give this name: its own, or those that write the methods of a class."""
    return [exercise for exercise in course().exercises if name in (exercise.writes, exercise.extends)]


def _one(
    name: str,
    ours: object,
    exercises: list[Exercise],
    workspace: Path | None,
    records: dict[str, Record],
    loaded: dict[Path, dict[str, object]],
) -> object:
    if not exercises:
        print(f"{name}: ours")
        return ours
    kept = [records.get(exercise.id, Record(exercise.id)) for exercise in exercises]
    if workspace and all(record.passed_hash for record in kept):
        theirs = _theirs(workspace, name, exercises, kept, loaded)
        if theirs is not None:
            print(f"{name}: yours, from {exercises[0].notebook}")
            return theirs
    until = "your changed cell passes" if all(record.first_passed_at for record in kept) else "yours passes"
    print(f"{name}: ours, until {until} ({exercises[0].notebook})")
    return ours


def _theirs(
    workspace: Path, name: str, exercises: list[Exercise], kept: list[Record], loaded: dict[Path, dict[str, object]]
) -> object | None:
    """What the learner's cells define, if they are still the text that passed; each notebook is run once."""
    try:
        path = learner_notebook(workspace, exercises[0])
        cells = load_cells(path)
        if any(
            answer_hash(cells, exercise.id) != record.passed_hash
            for exercise, record in zip(exercises, kept, strict=True)
        ):
            return None
        if path not in loaded:
            loaded[path] = run_cells(cells, folder=path.parent).names
    except HookpointError:
        return None
    return loaded[path].get(name)
