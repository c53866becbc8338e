"""What a team has handed in, as its own pages show it."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from .store.models import Job, Person, Submission, Verdict

__all__ = ["SubmissionView", "VerdictView", "of_team"]

STATUS = {"queued": "queued", "leased": "running", "done": "scored", "failed": "not counted"}  # of a job's states


@dataclass(frozen=True)
class VerdictView:
    """What a team is told of one exercise."""

    exercise: str
    status: str
    points: float
    max_points: float
    slip: str
    message: str


@dataclass(frozen=True)
class SubmissionView:
    """What a team is told of what it handed in.

    `status` is received, queued, running, scored or not counted; `trouble` is why it could not be graded, or empty.
    While it is graded again, the verdicts are those from before.
    """

    id: int
    task: str
    kind: str
    file_name: str
    sha256: str
    by: str
    received: datetime
    status: str
    trouble: str
    verdicts: tuple[VerdictView, ...]

    @property
    def points(self) -> float:
        return sum(one.points for one in self.verdicts)

    @property
    def max_points(self) -> float:
        return sum(one.max_points for one in self.verdicts)


def of_team(session: Session, team_id: int) -> list[SubmissionView]:
    """What the team has handed in, the latest first, each with what became of it."""
    # Not of the final split: that nobody hears of before it is shown.
    theirs = (Job.submission_id == Submission.id, Job.split == "board")
    latest = select(func.max(Job.id)).where(*theirs).correlate(Submission).scalar_subquery()
    query = (
        select(
            Submission.id, Submission.task, Submission.kind, Submission.file_name, Submission.sha256, Person.name,
            Submission.received, Job.state, Job.trouble,
        )
        .join(Person, Submission.person_id == Person.id)
        .outerjoin(Job, Job.id == latest)
        .where(Submission.team_id == team_id)
        .order_by(Submission.received.desc(), Submission.id.desc())
    )  # fmt: skip
    verdicts = _verdicts(session, team_id)
    return [
        SubmissionView(*row, _status(state), trouble or "", tuple(verdicts[row[0]]))
        for *row, state, trouble in session.execute(query)
    ]


def _verdicts(session: Session, team_id: int) -> dict[int, list[VerdictView]]:
    """The verdicts of a team's submissions, by submission, in the order in which they were given."""
    query = (
        select(
            Verdict.submission_id, Verdict.exercise, Verdict.status, Verdict.points, Verdict.max_points, Verdict.slip,
            Verdict.message,
        )
        .join(Submission, Verdict.submission_id == Submission.id)
        .where(Submission.team_id == team_id)
        .order_by(Verdict.id)
    )  # fmt: skip
    found = defaultdict(list)
    for submission, *rest in session.execute(query):
        found[submission].append(VerdictView(*rest))
    return found


def _status(state: str | None) -> str:
    return "received" if state is None else STATUS[state]
