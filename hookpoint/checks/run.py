"""What a notebook's check cell calls."""

import os
import sys
from pathlib import Path
from typing import Any

from hookpoint.content import progress
from hookpoint.content.cells import typed_in
from hookpoint.content.course import course
from hookpoint.content.files import fingerprint
from hookpoint.content.workspace import find_workspace
from hookpoint.errors import CheckFailed, HookpointError

from .exercise import Verdict
from .find import exercise as find_exercise
from .judge import judge
from .protocol.in_process import InProcess

__all__ = ["run"]


def run(exercise_id: str, names: dict[str, Any] | None = None) -> None:
    """Checks what the calling notebook has defined, prints the verdict and keeps it in the workspace's progress.

    Everything goes to stdout: nbgrader gives no points to a cell that wrote to stderr. Returns None, for nbgrader
    reads a number as the last value of a cell as partial credit.

    Args:
        exercise_id: the id in the exercise's heading.
        names: the learner's names; the caller's globals if not given.

    Raises:
        CheckFailed: the answer is not right yet; the message says what happened.
        UsageError: there is no exercise of this id.
    """
    names = sys._getframe(1).f_globals if names is None else names
    verdict = judge(exercise_id, InProcess(names))
    for note in verdict.notes:
        print(f"Note: {note}")
    keep(verdict, names)
    if not verdict.passed:
        raise CheckFailed(verdict.message)
    count = len(find_exercise(exercise_id).checks)
    print(f"{exercise_id} passes {'its check' if count == 1 else f'all {count} checks'}.")


def keep(verdict: Verdict, names: dict[str, Any]) -> None:
    """Records the verdict in the workspace that the notebook lies in, if it lies in one.

    What cannot be saved is said, and never hides the verdict.
    """
    here = Path.cwd().resolve()
    workspace = find_workspace(here)
    if workspace is None or not here.is_relative_to(workspace) or "NBGRADER_EXECUTION" in os.environ:
        return  # a grader's folder is no workspace, wherever it lies
    exercise = find_exercise(verdict.exercise)
    try:
        released = course().exercise(verdict.exercise)
        source, points = typed_in(names, released.writes) or typed_in(names, exercise.writes), released.points
        progress.record(
            workspace,
            {
                "exercise": verdict.exercise,
                "status": verdict.status,
                "points": points if verdict.passed else 0,
                "max_points": points,
                "slip": verdict.slip,
                "message": verdict.message,
                "source_hash": fingerprint(source) if source else "",
            },
            tell=print,
        )
    except HookpointError as error:
        print(f"Note: {error}")
