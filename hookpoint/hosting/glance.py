"""How an event stands, at a glance: phase, people, queue, graders."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from . import event, queue
from .store.models import Grader, Person, Question, Submission, Team

__all__ = ["Glance", "glance"]


@dataclass(frozen=True)
class Glance:
    """What a host asks first. Times are seconds; `left` is until the phase ends, None where nothing comes."""

    title: str
    join_code: str
    phase: str
    paused: bool
    left: float | None
    then: str
    teams: int
    people: dict[str, int]
    submissions: int
    unanswered: int
    waiting: int
    running: int
    oldest: float
    failed: int
    grading_paused: bool
    graders: tuple[tuple[str, int, str, float], ...]  # name, workers, sandbox, seconds since it was heard

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def grading(self) -> bool:
        """Whether somebody grades now."""
        return any(ago <= queue.HEARD_SECONDS for *_, ago in self.graders)


def glance(session: Session, at: datetime) -> Glance:
    """How the event stands at `at`.

    Raises:
        NotFound: there is no event.
    """
    now, jobs = event.current(session, at), queue.state(session, at)
    roles = select(Person.role, func.count()).where(Person.active).group_by(Person.role)
    recent = select(Grader).where(Grader.seen > at - timedelta(hours=1)).order_by(Grader.name)
    return Glance(
        title=now.settings.title,
        join_code=now.row.join_code,
        phase=now.now.phase.name if now.now.phase else "",
        paused=now.now.paused,
        left=now.now.seconds,
        then=now.now.then,
        teams=_count(session, Team.active),
        people=dict(session.execute(roles).all()),
        submissions=_count(session, Submission.team_id.in_(select(Team.id).where(Team.active))),
        unanswered=_count(session, Question.answered.is_(None)),
        waiting=jobs.waiting,
        running=jobs.running,
        oldest=jobs.oldest_seconds,
        failed=jobs.failed,
        grading_paused=now.row.grading_paused,
        graders=tuple(
            (one.name, one.workers, one.level, max(0.0, (at - one.seen).total_seconds()))
            for one in session.scalars(recent)
        ),
    )


def _count(session: Session, rule: Any) -> int:
    return session.scalar(select(func.count()).where(rule))
