"""What was handed in and could not be graded: failures of ours, which cost no attempt, and grading them again."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hookpoint.errors import UsageError

from . import queue, roles
from .store.models import Job, Person, Submission, Team

__all__ = ["NotCounted", "not_counted", "requeue_all"]


@dataclass(frozen=True)
class NotCounted:
    """A submission whose last grading failed, and why."""

    submission: int
    team: str
    task: str
    received: datetime
    trouble: str


def not_counted(session: Session) -> list[NotCounted]:
    """All that could not be graded, the last to fail first; what a merged team left behind, its twin is graded for."""
    latest = select(func.max(Job.id)).group_by(Job.submission_id).scalar_subquery()
    query = (
        select(Submission.id, Team.name, Submission.task, Submission.received, Job.trouble)
        .join(Job, Job.submission_id == Submission.id)
        .join(Team, Submission.team_id == Team.id)
        .where(Job.id.in_(latest), Job.state == "failed", Team.active)
        .order_by(Job.finished.desc(), Job.id.desc())
    )
    return [NotCounted(*row) for row in session.execute(query)]


def requeue_all(session: Session, host: Person, at: datetime) -> int:
    """Grades again all that could not be graded; gives how many.

    Raises:
        NotAllowed: the person is no host.
        UsageError: there is none.
    """
    roles.demand(host, "host")
    found = not_counted(session)
    if not found:
        raise UsageError("Everything that was handed in has been graded or waits. There is nothing to grade again.")
    for one in reversed(found):
        queue.requeue(session, host, one.submission, at)
    return len(found)
