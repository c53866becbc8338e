"""From the tables to the boards, and to the state of the event that everyone may see.

How teams are ranked is `boards`, how that is shown is `shown`; here are the queries: a fixed number of them, however
many teams there are. Exercises are told apart by `task/exercise`: two notebooks may have exercises of the same name.
A challenge has verdicts of 100 points, and weighs on the board what the settings say.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from hookpoint.errors import UsageError

from . import boards, shown
from .boards import Board, Rules, Scored
from .event import EventNow
from .handed_in import SubmissionView, VerdictView, of_team
from .progress import where_people_are
from .shown import Baseline
from .store.models import Announcement, Job, Person, Progress, Submission, Team, Verdict

__all__ = [
    "Baseline", "SubmissionView", "VerdictView", "frozen_since", "host_board", "marker", "of_team", "public_board",
    "scored", "snapshot", "teams",
]  # fmt: skip

MOVED_IN = timedelta(minutes=30)  # over how long the arrows beside the ranks look back
LATEST = 6  # gradings and announcements
HUNDRED = 100.0  # points of a challenge, in its verdicts and on its own board
MARKED_FOR = 300  # seconds after which the state is computed again in any case: arrows go out of date


def scored(session: Session, per_challenge: float = HUNDRED) -> list[Scored]:
    """All verdicts of active teams, disqualified ones too, in one query. What a challenge could not score is none.

    Args:
        per_challenge: what all 100 points of a challenge are worth.
    """
    query = (
        select(
            Team.name, Submission.task, Verdict.exercise, Verdict.points, Verdict.max_points, Submission.received,
            Submission.id, Verdict.public, Verdict.final, Verdict.public_se, Verdict.final_se, Verdict.status,
            Submission.kind,
        )
        .join(Submission, Verdict.submission_id == Submission.id)
        .join(Team, Submission.team_id == Team.id)
        .where(Team.active, or_(Submission.kind != "challenge", Verdict.public.is_not(None)))
    )  # fmt: skip
    by = per_challenge / HUNDRED
    return [
        _of_challenge(Scored(team, task, points, most, received.timestamp(), *rest), by)
        if kind == "challenge"
        else Scored(team, f"{task}/{exercise}", points, most, received.timestamp(), *rest)
        for team, task, exercise, points, most, received, *rest, kind in session.execute(query)
    ]


def _of_challenge(row: Scored, by: float) -> Scored:
    """The row in the points of the event's board."""
    final = None if row.final is None else row.final * by
    return replace(
        row, points=row.points * by, max_points=row.max_points * by, public=row.public * by, final=final,
        public_se=row.public_se * by, final_se=row.final_se * by,
    )  # fmt: skip


def teams(session: Session) -> dict[str, tuple[int, str]]:
    """All active teams by name, with their id and why they are disqualified, or nothing."""
    query = select(Team.name, Team.id, Team.disqualified).where(Team.active)
    return {name: (id, why) for name, id, why in session.execute(query)}


def frozen_since(now: EventNow) -> datetime | None:
    """Since when the public board stands still; None while it moves."""
    return now.frozen_since()


def rules(now: EventNow, there: dict[str, tuple[int, str]]) -> Rules:
    """By what the board is made at this moment; `there` is from `teams`."""
    since = frozen_since(now)
    return Rules(
        ties=now.settings.board.ties,
        freeze=since and since.timestamp(),
        final_open=now.row.final_open,
        disqualified=frozenset(name for name, (_, why) in there.items() if why),
    )


def public_board(session: Session, now: EventNow) -> Board:
    """The board that everyone may see: the public split, as it stood when it was frozen; or the final one, once open.

    Raises:
        UsageError: the final board is open, and a result has no final score yet.
    """
    there = teams(session)
    split = "final" if now.row.final_open else "public"
    return boards.board(_rows(session, now), rules(now, there), split=split, teams=there)


def host_board(session: Session, now: EventNow, split: str = "public") -> Board:
    """The board as the hosts see it: never frozen, and with the disqualified teams apart.

    Raises:
        UsageError: there is no such split, or a result has no score in it yet.
    """
    there = teams(session)
    return boards.board(_rows(session, now), rules(now, there), split=split, host=True, teams=there)


def _rows(session: Session, now: EventNow) -> list[Scored]:
    return scored(session, now.settings.board.points_per_challenge)


def snapshot(session: Session, now: EventNow, baselines: Sequence[Baseline] = ()) -> dict[str, Any]:
    """All that everyone may know of the event at this moment, as plain JSON values; nothing private, no secret."""
    there, rows = teams(session), boards.checked(_rows(session, now))
    since = frozen_since(now)
    kept = rules(now, there)
    final = now.row.final_open
    try:
        board = boards.board(rows, kept, split="final" if final else "public", teams=there)
    except UsageError:  # the final split is not scored everywhere yet: the host's page says so, the board stays
        final, board = False, boards.board(rows, kept, teams=there)
    then = (since or now.at) - MOVED_IN
    before = boards.board(rows, Rules(kept.ties, then.timestamp(), disqualified=kept.disqualified), teams=there)
    seen = shown.board(now, board, before, rows, there, baselines)
    seen |= {"frozen": None if final or since is None else since.timestamp(), "final": final}
    return shown.event(now) | {
        "board": seen,
        "announcements": _announcements(session, now.at),
        "graded": _graded(session, None if final else since) if seen["shown"] else [],
        "progress": shown.progress(*_progress(session), now.settings.notebooks),
        "changes": _changes(session),
    }


def _announcements(session: Session, at: datetime) -> list[dict[str, Any]]:
    """What everyone is told: the pinned first, then the latest."""
    query = (
        select(Announcement.id, Announcement.text, Announcement.posted, Announcement.pinned)
        .where(Announcement.audience == "everyone", Announcement.posted <= at)
        .order_by(Announcement.pinned.desc(), Announcement.posted.desc(), Announcement.id.desc())
        .limit(LATEST)
    )
    return [
        {"id": id, "text": text, "at": posted.timestamp(), "pinned": pinned}
        for id, text, posted, pinned in session.execute(query)
    ]


def _graded(session: Session, since: datetime | None) -> list[dict[str, Any]]:
    """The latest gradings, the last first: of work that was handed in before the board was frozen."""
    jobs = (
        select(Job.id, Job.finished, Job.submission_id, Submission.task, Team.name)
        .join(Submission, Job.submission_id == Submission.id)
        .join(Team, Submission.team_id == Team.id)
        .where(Job.state == "done", Job.split == "board", Team.active, Team.disqualified == "")
        .order_by(Job.finished.desc(), Job.id.desc())
        .limit(LATEST)
    )
    if since is not None:
        jobs = jobs.where(Submission.received <= since)
    last = jobs.subquery()
    query = (
        select(last.c.name, last.c.task, func.sum(Verdict.points), func.sum(Verdict.max_points), last.c.finished)
        .join(Verdict, Verdict.submission_id == last.c.submission_id)
        .where(Verdict.max_points > 0)
        .group_by(last.c.id, last.c.name, last.c.task, last.c.finished)
        .order_by(last.c.finished.desc(), last.c.id.desc())
    )
    return [shown.graded(*rest, at.timestamp()) for *rest, at in session.execute(query)]


def _progress(session: Session) -> tuple[int, dict[str, int]]:
    """How many people tell of their progress, and how many of them have passed each exercise."""
    people = select(func.count(Progress.person_id.distinct())).join(Person).where(Person.active)
    return session.scalar(people), where_people_are(session)


def _changes(session: Session) -> dict[str, int]:
    """For each team a number that changes when something happens to its work: its pages then ask what."""
    query = (
        select(Submission.team_id, func.count() + func.coalesce(func.sum(Job.tries), 0) + func.count(Job.finished))
        .outerjoin(Job, Job.submission_id == Submission.id)
        .group_by(Submission.team_id)
    )
    return {str(team): number for team, number in session.execute(query)}


def marker(session: Session, now: EventNow) -> str:
    """A word that changes when anything in the snapshot may have: one query, and what `now` knows."""
    told = (Announcement.audience == "everyone", Announcement.posted <= now.at)
    query = select(
        *_one(Verdict, func.count(), func.max(Verdict.id), func.sum(Verdict.points)),
        *_one(Verdict, func.sum(Verdict.public), func.count(Verdict.final), func.sum(Verdict.final)),
        *_one(Submission, func.count()),
        *_one(Job, func.count(), func.sum(Job.tries), func.count(Job.finished), func.max(Job.finished)),
        *_one(Progress, func.count(), func.max(Progress.id)),
        *_one(Person, func.count().filter(Person.active)),
        *_one(Team, func.count(), func.aggregate_strings(Team.name + Team.disqualified, "\n")),
        *_one(Team, func.count().filter(Team.active), func.sum(Team.id).filter(Team.active)),
        *_one(Announcement, func.count(), func.aggregate_strings(Announcement.text, "\n"), where=told),
        *_one(Announcement, func.count().filter(Announcement.pinned), where=told),
        *_one(Announcement, func.sum(Announcement.id).filter(Announcement.pinned), where=told),
    )
    state = now.now
    known = [
        *session.execute(query).one(),
        *(now.row.settings, now.row.join_code, now.row.thawed, now.row.final_open, now.row.rehearsal),
        *(state.phase, state.paused, now.schedule, frozen_since(now), int(now.at.timestamp()) // MARKED_FOR),
    ]
    return hashlib.sha256("\0".join(map(str, known)).encode()).hexdigest()[:16]


def _one(table: type, *columns: Any, where: tuple = ()) -> list[Any]:
    return [select(column).select_from(table).where(*where).scalar_subquery() for column in columns]
