"""The hint ladder: rungs are opened in order unless one is asked for by number."""

from pathlib import Path

from hookpoint.content import progress
from hookpoint.content.course import course
from hookpoint.errors import UsageError


def open_hint(workspace: Path | None, id: str, rung: int | None) -> str:
    """The text of a rung, the next one if none is named; that it was opened is kept in the workspace.

    Raises:
        UsageError: there is no such exercise or rung.
    """
    exercise = course().exercise(id)
    id, hints = exercise.id, exercise.hints
    if not hints:
        raise UsageError(f"`{id}` has no hints.")
    opened = progress.read(workspace).get(id, progress.Record(id)).hints if workspace else 0
    rung = rung if rung is not None else min(opened + 1, len(hints))
    if not 1 <= rung <= len(hints):
        raise UsageError(f"`{id}` has hints 1 to {len(hints)}; there is no hint {rung}.")
    if workspace:
        progress.open_hint(workspace, id, rung)
    more = f"\n\nMore: `hookpoint hint {id} {rung + 1}`" if rung < len(hints) else ""
    return f"Hint {rung} of {len(hints)} for `{id}`\n\n{hints[rung - 1]}{more}"
