"""What a grader found is entered: verdicts take the place of older ones, final scores are added to them."""

from collections.abc import Iterable

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from hookpoint.grading.results import Graded

from .store.models import Verdict

__all__ = ["add_finals", "replace_verdicts"]

CARRIED = ("status", "points", "max_points", "slip", "message", "public", "public_se", "value", "value_se", "cost")


def replace_verdicts(session: Session, submission: int, verdicts: Iterable[Graded]) -> None:
    """The verdicts of a grading, in the place of those from before; a final score stays with the answer it is of."""
    finals = select(Verdict.exercise, Verdict.final, Verdict.final_se).where(Verdict.submission_id == submission)
    kept = {exercise: {"final": final, "final_se": error} for exercise, final, error in session.execute(finals)}
    session.execute(delete(Verdict).where(Verdict.submission_id == submission))
    session.add_all(
        Verdict(
            submission_id=submission,
            exercise=one.exercise,
            **{name: getattr(one, name) for name in CARRIED},
            **kept.get(one.exercise, {}),
        )
        for one in verdicts
    )


def add_finals(session: Session, submission: int, verdicts: Iterable[Graded]) -> None:
    """The scores on the final split. What was scored before and now cannot be is worth nothing there."""
    for one in verdicts:
        theirs = (Verdict.submission_id == submission, Verdict.exercise == one.exercise)
        score = {"final": one.final or 0.0, "final_se": one.final_se if one.final is not None else 0.0}
        session.execute(update(Verdict).where(*theirs).values(**score))
