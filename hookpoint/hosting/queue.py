"""The queue of submissions to be graded: rows with leases, so that a grader may die at any moment.

    queued ── claim ── leased ── finish ── done          (or failed, if nothing could be graded)
       └── give_back ─────┘└── its time is up: whoever claims next takes it over, at most TRIES times

Who claims has a job until a time, and makes it longer while it works. After that anybody may take the job over; until
somebody does, its owner may still finish it. Only one can: whoever finishes turns `leased` by that owner into `done` in
the transaction that writes the verdicts. Notebooks come before challenges, whose scoring may take minutes.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, func, or_, select, update
from sqlalchemy.orm import Session, contains_eager

from hookpoint.errors import UsageError
from hookpoint.grading.results import Result

from . import audit, roles
from .entering import add_finals, replace_verdicts
from .errors import NotFound
from .store.columns import now
from .store.models import SPLITS, Event, Grader, Job, Person, Submission

__all__ = [
    "LONGEST_LEASE", "TRIES", "Leased", "QueueState", "any_free", "claim", "clock", "content", "enqueue",
    "extend", "finish", "give_back", "pace", "places", "requeue", "state",
]  # fmt: skip

TRIES = 3
LONGEST_LEASE = 300  # seconds; a longer one was given before the clock was set back, and nobody shall wait for it
HEARD_SECONDS = 10  # a grader that was not heard for longer, whose heart beats every two, counts as gone
TYPICAL_OF = 30  # jobs, the last ones that were done: what the next one will take
GAVE_UP = f"Grading was begun {TRIES} times and came to no end. This is a failure of ours and costs no attempt."
# Whose scoring may take minutes: quick ones do not wait for them.
CHALLENGE = Submission.kind == "challenge"
NO_GRADING = "Submission {id} is a {kind}: only notebooks and challenges are graded."


@dataclass(frozen=True)
class Leased:
    """A job that somebody has, and what there is to grade; its bytes are read by `content`.

    `split` is which instances of a challenge it meets.
    """

    job: int
    submission: int
    kind: str
    task: str
    file_name: str
    sha256: str
    seed: str
    tries: int
    split: str = SPLITS[0]


@dataclass(frozen=True)
class QueueState:
    """How the queue stands. A job whose lease has ended waits.

    `oldest_seconds` is how long the first in line has waited; `expected_seconds` how long until a submission that comes
    now has its verdicts, or None if nobody grades or nothing has been graded yet.
    """

    waiting: int
    running: int
    oldest_seconds: float
    done: int
    expected_seconds: float | None
    failed: int = 0


def enqueue(session: Session, submission_id: int, at: datetime, split: str = SPLITS[0]) -> int:
    """The job that will grade the submission: a new one, or the one that waits already.

    Args:
        split: of a challenge, which of its private instances it meets.

    Raises:
        NotFound: there is no such submission.
    """
    # Where rows can be locked: two that ask at once must not both find that nothing waits.
    there = session.scalar(select(Submission.id).where(Submission.id == submission_id).with_for_update())
    if there is None:
        raise NotFound(f"There is no submission {submission_id}.")
    waiting = session.scalar(
        select(Job.id).where(Job.submission_id == submission_id, Job.state.in_(("queued", "leased")))
    )
    if waiting is not None:
        return waiting
    session.add(job := Job(submission_id=submission_id, enqueued=at, split=split))
    session.flush()
    return job.id


def requeue(session: Session, host: Person, submission_id: int, at: datetime) -> int:
    """Grades the submission again, with the seed that it had; its verdicts stay until the new ones replace them.

    Of a challenge it is scored again on the split that it met last.

    Raises:
        NotAllowed: the person is no host.
        NotFound: there is no such submission.
        UsageError: it is a write-up, which people judge.
    """
    roles.demand(host, "host")
    kind = session.scalar(select(Submission.kind).where(Submission.id == submission_id))
    if kind == "writeup":
        raise UsageError(NO_GRADING.format(id=submission_id, kind="write-up"))
    last = select(Job.split).where(Job.submission_id == submission_id).order_by(Job.id.desc()).limit(1)
    job = enqueue(session, submission_id, at, session.scalar(last) or SPLITS[0])
    audit.note(session, host, "had a submission graded again", {"submission": submission_id, "job": job}, at)
    return job


def clock(session: Session) -> datetime:
    """The time that leases go by: a server's own where there is one, for the clocks of machines differ."""
    there = session.get_bind().dialect.name == "postgresql"
    return session.scalar(select(func.clock_timestamp())) if there else now()


def any_free(session: Session, at: datetime, challenges: bool = True) -> bool:
    """Whether a claim would find something. It may read: who only asks should not keep writers waiting.

    Args:
        challenges: whether those count too.
    """
    free = select(Job.id).join(Job.submission).where(_free(at), *(() if challenges else (~CHALLENGE,)))
    return not _paused(session) and session.scalar(free.limit(1)) is not None


def claim(
    session: Session, owner: str, count: int, seconds: float, at: datetime, challenges: int | None = None
) -> list[Leased]:
    """At most `count` jobs for `owner`, until `seconds` after `at`; none while grading is paused. Of notebooks the
    oldest first, then of challenges.

    `seconds` are at most LONGEST_LEASE. Graders on several machines agree on the time by `clock`.

    Args:
        challenges: how many of them may be challenges; all if not given.

    Jobs that nobody finished in TRIES attempts are given up here: they are `failed`, and a host can requeue them.
    """
    if _paused(session):
        return []
    for job in _taken(session, _free(at), Job.tries >= TRIES):
        job.state, job.trouble, job.finished, job.lease_until = "failed", GAVE_UP, at, None
    jobs = _taken(session, _free(at), Job.tries < TRIES, ~CHALLENGE, limit=count)
    room = min(count - len(jobs), count if challenges is None else challenges)
    jobs += _taken(session, _free(at), Job.tries < TRIES, CHALLENGE, limit=room) if room > 0 else []
    for job in jobs:
        job.state, job.lease_owner, job.lease_until = "leased", owner, at + timedelta(seconds=seconds)
        job.tries += 1
    session.flush()
    return [_leased(job) for job in jobs]


def content(session: Session, submission_id: int) -> bytes:
    """The bytes that were handed in."""
    return session.scalars(select(Submission.content).where(Submission.id == submission_id)).one()


def extend(
    session: Session, owner: str, seconds: float, at: datetime, jobs: Collection[int] | None = None
) -> frozenset[int]:
    """Makes the leases of `owner` last until `seconds` after `at`, and gives the jobs that are still theirs.

    A lease that has ended is made longer too if nobody has taken the job over.

    Args:
        jobs: those that the owner knows of, if not all. A claim whose answer got lost on the way left jobs with them
            that they know nothing of: these must not be held for ever.
    """
    theirs = [Job.state == "leased", Job.lease_owner == owner]
    if jobs is not None:
        theirs.append(Job.id.in_(jobs))
    until = at + timedelta(seconds=seconds)
    return frozenset(session.scalars(update(Job).where(*theirs).values(lease_until=until).returning(Job.id)))


def finish(session: Session, job_id: int, owner: str, result: Result, at: datetime) -> bool:
    """Writes the verdicts, in the place of older ones, if `owner` still has the job.

    False: they have not. Then somebody else has it or has finished it, or it was finished by this very call before, and
    nothing was written. A result without any verdict is a failure of ours: the older verdicts stay.
    """
    failed = bool(result.trouble) and not result.verdicts
    done = {
        "state": "failed" if failed else "done", "lease_until": None, "finished": at, "trouble": result.trouble,
        "version": result.version, "seconds": result.seconds,
    }  # fmt: skip
    theirs = (Job.id == job_id, Job.state == "leased", Job.lease_owner == owner)
    found = session.execute(update(Job).where(*theirs).values(**done).returning(Job.submission_id, Job.split)).first()
    if found is None:
        return False
    submission, split = found
    if not failed:
        (replace_verdicts if split == SPLITS[0] else add_finals)(session, submission, result.verdicts)
    session.flush()
    return True


def give_back(session: Session, owner: str, jobs: Collection[int] | None = None, tried: bool = False) -> int:
    """The jobs of `owner`, or those of them that are named, wait again in their old places; gives how many they are.

    Args:
        tried: whether the attempts count, because a process of this name has died with them.
    """
    theirs = [Job.state == "leased", Job.lease_owner == owner]
    if jobs is not None:
        theirs.append(Job.id.in_(jobs))
    waiting = {"state": "queued", "lease_owner": None, "lease_until": None}
    tries = {} if tried else {"tries": Job.tries - 1}
    return session.execute(update(Job).where(*theirs).values(**waiting, **tries)).rowcount


def state(session: Session, at: datetime) -> QueueState:
    """How the queue stands, in a few queries."""
    waiting, oldest = session.execute(select(func.count(), func.min(Job.enqueued)).where(_free(at))).one()
    counts = dict(session.execute(select(Job.state, func.count()).group_by(Job.state)).all())
    running = counts.get("queued", 0) + counts.get("leased", 0) - waiting
    return QueueState(
        waiting,
        running,
        max(0.0, (at - oldest).total_seconds()) if oldest else 0.0,
        counts.get("done", 0),
        paced.expected(waiting + running) if (paced := pace(session, at)) else None,
        counts.get("failed", 0),
    )


def places(session: Session, submission_ids: Sequence[int]) -> dict[int, int]:
    """Which in line each of the submissions is, from 1; 0 while it is graded. Those that do not wait are left out."""
    line = func.row_number().over(order_by=(case((CHALLENGE, 1), else_=0), Job.enqueued, Job.id))
    queued = select(Job.submission_id, line.label("place")).join(Job.submission).where(Job.state == "queued").subquery()
    ours = queued.c.submission_id.in_(submission_ids)
    waiting = select(queued.c.submission_id, func.min(queued.c.place)).where(ours).group_by(queued.c.submission_id)
    graded = select(Job.submission_id).where(Job.state == "leased", Job.submission_id.in_(submission_ids))
    return dict(session.execute(waiting).all()) | dict.fromkeys(session.scalars(graded), 0)


@dataclass(frozen=True)
class Pace:
    """How fast submissions of one kind are graded: the seconds that one takes, and how many are graded at once."""

    seconds: float
    workers: int

    def expected(self, ahead: int) -> float:
        """The seconds until a submission with so many `ahead` of it has its verdicts."""
        return self.seconds * (1 + ahead / self.workers)


def pace(session: Session, at: datetime, kind: str = "notebook") -> Pace | None:
    """How fast submissions of this kind are graded now, as far as can be known: nobody may, or none has been yet."""
    heard = Grader.seen > at - timedelta(seconds=HEARD_SECONDS)
    workers = session.scalar(select(func.coalesce(func.sum(Grader.workers), 0)).where(heard))
    same = CHALLENGE if kind == "challenge" else ~CHALLENGE
    done = select(Job.seconds).join(Job.submission).where(Job.state == "done", same)
    took = session.scalars(done.order_by(Job.finished.desc()).limit(TYPICAL_OF)).all()
    if not workers or not took or _paused(session):
        return None
    return Pace(sum(took) / len(took), workers)


def _free(at: datetime) -> ColumnElement[bool]:
    ended = or_(Job.lease_until <= at, Job.lease_until > at + timedelta(seconds=LONGEST_LEASE))
    return or_(Job.state == "queued", and_(Job.state == "leased", ended))


def _taken(session: Session, *rules: ColumnElement[bool], limit: int | None = None) -> list[Job]:
    """The first jobs that the rules allow, with their submissions, for this transaction alone.

    PostgreSQL locks the rows and leaves out what others have locked; SQLite has one writer at a time anyway.
    """
    found = select(Job).join(Job.submission).options(contains_eager(Job.submission)).where(*rules)
    ordered = found.order_by(Job.enqueued, Job.id).limit(limit)
    locked = ordered.with_for_update(of=Job, skip_locked=True).execution_options(populate_existing=True)
    return list(session.scalars(locked))


def _leased(job: Job) -> Leased:
    one = job.submission
    return Leased(job.id, one.id, one.kind, one.task, one.file_name, one.sha256, one.seed, job.tries, job.split)


def _paused(session: Session) -> bool:
    return bool(session.scalar(select(Event.grading_paused)))
