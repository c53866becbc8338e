"""Bringing a newer release into a workspace, notebook by notebook, without losing what the learner wrote.

How one notebook is merged is said in `merge`.
"""

from dataclasses import dataclass
from pathlib import Path

from hookpoint.content.course import Notebook, course
from hookpoint.content.files import back_up, notebook_text, read_notebook, write_text
from hookpoint.content.merge import merge
from hookpoint.content.workspace import create, learner_notebooks
from hookpoint.errors import HookpointError


@dataclass(frozen=True)
class Change:
    """What happened to one notebook: `state` is new, updated, current or failed; `notes` says more."""

    notebook: Path
    state: str
    notes: tuple[str, ...] = ()
    backup: Path | None = None

    def __str__(self) -> str:
        saved = (f"the old one is saved as {self.backup}",) if self.backup else ()
        return "\n  ".join([f"{self.state:<8} {self.notebook}", *self.notes, *saved])


def update(workspace: Path) -> list[Change]:
    """What was brought into each notebook of the workspace. Notebooks that are not there yet are copied.

    One notebook that cannot be read or written is told as `failed` and costs the others nothing.
    """
    changes = []
    for notebook, path in learner_notebooks(workspace):
        try:
            changes.append(_update_one(workspace, notebook, path))
        except HookpointError as error:
            changes.append(Change(path, "failed", (str(error),)))
    return changes + [Change(path, "new") for path in create(workspace)] + _left_alone(workspace)


def _update_one(workspace: Path, notebook: Notebook, path: Path) -> Change:
    mine = read_notebook(path)
    merged = merge(mine, read_notebook(notebook.path))
    if merged.notebook == mine:
        return Change(path, "current")
    backup = back_up(workspace, path.name, path.read_text(encoding="utf-8"))
    write_text(path, notebook_text(merged.notebook))
    return Change(path, "updated", merged.notes, backup)


def _left_alone(workspace: Path) -> list[Change]:
    """Notebooks of parts of ours that the release no longer has; the learner's own have other names."""
    known = {workspace / notebook.file for notebook in course().notebooks}
    parts = {notebook.part for notebook in course().notebooks}
    paths = sorted(path for part in parts for path in (workspace / part).glob("[0-9][0-9]_*.ipynb"))
    return [
        Change(path, "kept", ("the release has no such notebook; yours is untouched",))
        for path in paths
        if path not in known
    ]
