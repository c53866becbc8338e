"""The models that a learner has trained, as files: where they are, when they changed, and the history of the run."""

import json
import math
from pathlib import Path

from hookpoint.app.situation import Situation

COLUMNS = ("train_loss", "val_loss", "lr")


def trained(workspace: Path | None) -> tuple[str, ...]:
    """The learner's models, as paths in the workspace."""
    if workspace is None:
        return ()
    return tuple(sorted(path.relative_to(workspace).as_posix() for path in workspace.glob("*/mine/model.safetensors")))


def stamp(here: Situation) -> tuple:
    """A value that changes when a notebook or a trained model does."""
    if here.workspace is None:
        return ()
    notebooks = [here.workspace / notebook.file for notebook in here.course.notebooks]
    files = [path for path in here.workspace.glob("*/mine/*") if path.is_file()]
    return tuple((str(path), *_dates(path)) for path in (*notebooks, *sorted(files)))


def _dates(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_size


def history(workspace: Path, model: str) -> tuple[dict[str, list[tuple[float, float]]], str]:
    """The columns of the run that made the model, and "" or a sentence that says why there are none.

    A column is a list of points (step, value). In the file it may be that too, as validation is, which is measured less
    often, or a list of values for the `steps` there. `bigram` is the loss of knowing pairs of tokens and no more.
    """
    path = (workspace / model).with_name("history.json")
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        columns = {name: _points(stored["steps"], stored[name]) for name in COLUMNS if stored.get(name)}
        if "train_loss" not in columns:
            raise ValueError
        bigram = stored.get("reference", {}).get("bigram")
        if bigram is not None:
            ends = columns["train_loss"][0][0], columns["train_loss"][-1][0]
            columns["bigram"] = [(step, float(bigram)) for step in ends]
    except FileNotFoundError:
        return {}, f"{path.parent.name}/{path.name} is not there: notebook 06 writes it with the model."
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}, f"{path.parent.name}/{path.name} is damaged; notebook 06 writes it anew."
    return columns, ""


def _points(steps: list, values: list) -> list[tuple[float, float]]:
    """The points of one column.

    >>> _points([0, 1], [5.0, None]), _points([0, 1], [[2, 4.5]])
    ([(0.0, 5.0), (1.0, nan)], [(2.0, 4.5)])
    """
    pairs = values if isinstance(values[0], list) else zip(steps, values, strict=False)
    # JSON has no number that is not finite, so one that is missing is NaN.
    return [(float(step), math.nan if value is None else float(value)) for step, value in pairs]
