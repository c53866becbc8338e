"""The final scores of challenges: after submitting has ended, what counts of each team meets the second split, once.

Attempts were chosen by their public scores, so these flatter whoever tried often; the second split has seen nobody.
"""

from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from hookpoint.errors import UsageError

from . import audit, boards, queue, standings
from .errors import NotAllowed
from .event import EventNow
from .store.models import Job, Person, Submission

__all__ = ["Finals", "begin", "state"]

WAITS = "Answers to challenges still wait for their public score: {count}. Try again when the queue is empty."
OPEN = "Final scores come when submitting has ended, so that nobody can choose by them. {then}"


@dataclass(frozen=True)
class Finals:
    """How the final scores stand: how many count, how many of these have theirs, how many wait, how many failed."""

    counting: int
    scored: int
    waiting: int
    failed: int

    @property
    def done(self) -> bool:
        return self.scored == self.counting


def begin(session: Session, host: Person | None, now: EventNow) -> int:
    """Lets all that counts and has no final score yet wait for it; gives how many these are.

    Raises:
        NotAllowed: submitting is open, or opens again.
        UsageError: something still waits for its public score.
    """
    if now.allows("submitting") or any("submitting" in one.open and one.opens > now.at for one in now.schedule.phases):
        raise NotAllowed(OPEN.format(then="Wait, or shorten the event."))
    if now.now.paused:
        raise NotAllowed(OPEN.format(then="The event is paused: resume it first."))
    waiting = session.scalar(_open_jobs("board"))
    if waiting:
        raise UsageError(WAITS.format(count=waiting))
    lacking = [id for id, verdict in _counting(session).items() if verdict.final is None]
    before = session.scalar(_open_jobs("final"))
    for id in lacking:
        queue.enqueue(session, id, now.at, "final")
    count = len(lacking) - before
    if count > 0:
        audit.note(session, host, "began the final scores", {"submissions": count}, now.at)
    return max(0, count)


def state(session: Session) -> Finals:
    """How far the final scores are."""
    counting = _counting(session)
    latest = select(func.max(Job.id)).where(Job.split == "final").group_by(Job.submission_id).scalar_subquery()
    failed = select(func.count(Job.id)).where(Job.id.in_(latest), Job.state == "failed")
    scored = sum(verdict.final is not None for verdict in counting.values())
    return Finals(len(counting), scored, session.scalar(_open_jobs("final")), session.scalar(failed))


def _counting(session: Session) -> dict[int, boards.Scored]:
    """What counts of each team and challenge, by submission."""
    rows = [row for row in standings.scored(session) if row.public is not None]
    return {row.attempt: row for row in boards.counting(rows)}


def _open_jobs(split: str) -> Select:
    there = select(func.count(Job.id)).join(Job.submission).where(Submission.kind == "challenge", Job.split == split)
    return there.where(Job.state.in_(("queued", "leased")))
