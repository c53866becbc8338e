"""From the tables to the boards, and to the state of the event that everyone may see.

How teams are ranked is `boards`, how that is shown is `shown`; here are the queries: a fixed number of them, however
many teams there are. Exercises are told apart by `task/exercise`: two notebooks may have exercises of the same name.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hookpoint.errors import UsageError

from . import boards, shown
from .boards import Board, Rules, Scored
from .event import EventNow
from .handed_in import SubmissionView, VerdictView, of_team
from .schedule import resume
from .shown import Baseline
from .store.models import (
    Announcement, Event, Interruption, Job, Person, Progress, Submission, Team, Verdict,
)  # fmt: skip

__all__ = [
    "Baseline", "SubmissionView", "VerdictView", "frozen_since", "host_board", "marker", "of_team", "public_board",
    "scored", "snapshot", "teams",
]  # fmt: skip

MOVED_IN = timedelta(minutes=30)  # over how long the arrows beside the ranks look back
LATEST = 6  # gradings and announcements
MARKED_FOR = 300  # seconds after which the state is computed again in any case: arrows go out of date


def scored(session: Session) -> list[Scored]:
    """All verdicts of active teams, disqualified ones too, in one query."""
    query = (
        select(
            Team.name, Submission.task, Verdict.exercise, Verdict.points, Verdict.max_points, Submission.received,
            Submission.id, Verdict.public, Verdict.final, Verdict.public_se, Verdict.final_se, Verdict.status,
        )
        .join(Submission, Verdict.submission_id == Submission.id)
        .join(Team, Submission.team_id == Team.id)
        .where(Team.active)
    )  # fmt: skip
    return [
        Scored(team, f"{task}/{exercise}", points, most, received.timestamp(), *rest)
        for team, task, exercise, points, most, received, *rest in session.execute(query)
    ]


def task_of(challenge: str) -> str:
    """The notebook or the challenge that a `Scored.challenge` belongs to."""
    return challenge.partition("/")[0]


def teams(session: Session) -> dict[str, tuple[int, str]]:
    """All active teams by name, with their id and why they are disqualified, or nothing."""
    query = select(Team.name, Team.id, Team.disqualified).where(Team.active)
    return {name: (id, why) for name, id, why in session.execute(query)}


def frozen_since(now: EventNow) -> datetime | None:
    """Since when the public board stands still; None while it moves.

    While the event is paused the moment of freezing comes no nearer.
    """
    if now.now.paused:
        when = None if now.row.thawed else resume(now.schedule, now.at).freezes
    else:
        when = now.frozen_at()
    return when if when is not None and when <= now.at else None


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
    return boards.board(scored(session), rules(now, there), split=split, teams=there)


def host_board(session: Session, now: EventNow, split: str = "public") -> Board:
    """The board as the hosts see it: never frozen, and with the disqualified teams apart.

    Raises:
        UsageError: there is no such split, or a result has no score in it yet.
    """
    there = teams(session)
    return boards.board(scored(session), rules(now, there), split=split, host=True, teams=there)


def snapshot(session: Session, now: EventNow, baselines: Sequence[Baseline] = ()) -> dict[str, Any]:
    """All that everyone may know of the event at this moment, as plain JSON values; nothing private, no secret."""
    there, rows = teams(session), scored(session)
    since = frozen_since(now)
    kept = rules(now, there)
    final = now.row.final_open
    try:
        board = boards.board(rows, kept, split="final" if final else "public", teams=there)
    except UsageError:  # the final split is not scored everywhere yet: the host's page says so, the board stays
        final, board = False, boards.board(rows, kept, teams=there)
    then = (since or now.at) - MOVED_IN
    before = boards.board(rows, Rules(kept.ties, then.timestamp(), disqualified=kept.disqualified), teams=there)
    return shown.event(now) | {
        "board": shown.board(now, board, before, rows, there, baselines)
        | {"frozen": None if final or since is None else since.timestamp(), "final": final},
        "announcements": _announcements(session, now.at),
        "graded": _graded(session, since),
        "progress": shown.progress(*_progress(session), now.settings.notebooks),
        "changes": _changes(session),
    }


def marker(session: Session, at: datetime) -> str:
    """A word that changes when anything in the snapshot may have. One query, whatever is in the tables."""

    def one(*columns: Any) -> Any:
        return [select(column).scalar_subquery() for column in columns]

    query = select(
        *one(
            *(func.count(Verdict.id), func.max(Verdict.id), func.sum(Verdict.points), func.sum(Verdict.public)),
            *(func.count(Verdict.final), func.sum(Verdict.final)),
            *(func.count(Submission.id), func.count(Job.finished), func.max(Job.id), func.max(Job.finished)),
            *(func.count(Progress.id), func.max(Progress.id), func.count(Interruption.id)),
            func.aggregate_strings(Team.name, "\n"),
            *(func.count(Team.id), func.count(Team.id).filter(Team.active), func.sum(func.length(Team.disqualified))),
            *(Event.thawed, Event.final_open, Event.rehearsal, Event.settings, Event.join_code),
        ),
        *(column.scalar_subquery() for column in _of_announcements(at)),
        select(func.count(Job.id)).where(Job.state == "leased").scalar_subquery(),
    )
    found = session.execute(query).one()
    told = [str(value) for value in found] + [str(int(at.timestamp()) // MARKED_FOR)]
    return hashlib.sha256("\0".join(told).encode()).hexdigest()[:16]
