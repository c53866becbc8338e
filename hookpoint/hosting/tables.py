"""What an event leaves, as tables for a spreadsheet: boards and the judges' ranking, and for hosts all behind them.

Cells that a spreadsheet would take for formulas are made harmless, as `grading.results` does.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hookpoint.errors import UsageError
from hookpoint.grading.results import harmless

from . import standings
from .boards import SPLITS, Board
from .event import EventNow
from .judging.outcome import results
from .judging.ranking import Ranking
from .store.models import AuditEntry, Job, Person, Rating, Review, Submission, Team, Verdict

__all__ = ["PRIVATE", "Table", "board_table", "boards_of", "judged", "judged_table", "private_tables", "write_table"]

PRIVATE = ("teams", "people", "submissions", "verdicts", "ratings", "reviews", "audit_log")  # in the order they come


@dataclass(frozen=True)
class Table:
    """One table: the stem of its file, its header, and its rows."""

    name: str
    header: tuple[str, ...]
    rows: Sequence[Sequence[Any]]


def write_table(table: Table, folder: Path) -> Path:
    """Writes the table as a CSV file; gives where it is."""
    path = folder / f"{table.name}.csv"
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        rows = csv.writer(file)
        rows.writerows([harmless(cell) for cell in row] for row in (table.header, *table.rows))
    return path


def boards_of(session: Session, now: EventNow) -> tuple[dict[str, Board], list[str]]:
    """The boards by split, never frozen, and a line for each that cannot be made."""
    boards, notes = {}, []
    for split in SPLITS:
        try:
            boards[split] = standings.host_board(session, now, split)
        except UsageError as error:
            notes.append(f"There is no {split} board: {error}")
    return boards, notes


def board_table(board: Board, now: EventNow) -> Table:
    """The ranked teams of a board, with what each challenge gave them; the disqualified are not in it."""
    challenges = sorted({name for one in board.standings for name, _ in one.best})
    header = ("rank", "tied", "team", "score", "lowest", "highest", "attempts", "reached", *challenges)
    rows = []
    for one in board.standings:
        best = dict(one.best)
        reached = "" if one.reached is None else _time(now, datetime.fromtimestamp(one.reached, now.at.tzinfo))
        cells = (one.rank, one.tied, one.team, one.score, *one.interval, one.attempts, reached)
        rows.append((*cells, *(best.get(name, "") for name in challenges)))
    return Table(f"board_{board.split}", header, rows)


def judged(session: Session, now: EventNow) -> Ranking | None:
    """The judges' ranking as a host sees it; None if nobody has rated."""
    try:
        return results(session, Person(name="", role="host"), now)
    except UsageError:
        return None


def judged_table(ranking: Ranking) -> Table:
    """The ranked teams, with the ranks that chance leaves open, and the automatic score beside it."""
    header = ("rank", "team", "score", "best_place", "worst_place", "uncorrected", "automatic")
    rows = [(one.rank, one.team, one.score, *one.places, one.raw, one.automatic) for one in ranking.teams]
    return Table("judged", header, rows)


def private_tables(session: Session, now: EventNow) -> Iterator[Table]:
    """What is the hosts' alone, table by table as in PRIVATE; no token, no hash of one, no invitation."""
    teams = {team.id: team.name for team in session.scalars(select(Team))}
    people = {person.id: person.name for person in session.scalars(select(Person))}
    yield _teams(session, now)
    yield _people(session, now, teams)
    yield _submissions(session, now, teams, people)
    yield _verdicts(session, teams)
    yield from _judging(session, now, teams, people)
    entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id))
    rows = [(_time(now, one.when), one.who, one.what, _words(one.about)) for one in entries]
    yield Table("audit_log", ("when", "who", "what", "about"), rows)


def _teams(session: Session, now: EventNow) -> Table:
    rows = [
        (team.id, team.name, team.alias, team.active, team.disqualified, _time(now, team.created))
        for team in session.scalars(select(Team).order_by(Team.id))
    ]
    return Table("teams", ("id", "team", "alias", "active", "disqualified", "created"), rows)


def _people(session: Session, now: EventNow, teams: dict[int, str]) -> Table:
    header = ("id", "name", "role", "team", "active", "wants_team", "about", "joined")
    rows = [
        (one.id, one.name, one.role, teams.get(one.team_id, ""), one.active, one.wants_team, _words(one.about),
         _time(now, one.joined))
        for one in session.scalars(select(Person).order_by(Person.id))
    ]  # fmt: skip
    return Table("people", header, rows)


def _submissions(session: Session, now: EventNow, teams: dict[int, str], people: dict[int, str]) -> Table:
    header = ("id", "team", "person", "kind", "task", "file_name", "sha256", "bytes", "received", "grading", "trouble",
              "version", "seconds")  # fmt: skip
    latest = select(func.max(Job.id)).group_by(Job.submission_id).scalar_subquery()
    query = (
        select(Submission, func.length(Submission.content), Job)
        .outerjoin(Job, (Job.submission_id == Submission.id) & Job.id.in_(latest))
        .order_by(Submission.id)
    )
    rows = [
        (one.id, teams[one.team_id], people[one.person_id], one.kind, one.task, one.file_name, one.sha256, size,
         _time(now, one.received), *((job.state, job.trouble, job.version, job.seconds) if job else ("", "", "", "")))
        for one, size, job in session.execute(query)
    ]  # fmt: skip
    return Table("submissions", header, rows)


def _verdicts(session: Session, teams: dict[int, str]) -> Table:
    header = ("submission", "team", "task", "exercise", "status", "points", "max_points", "public", "public_se",
              "final", "final_se", "slip", "message")  # fmt: skip
    query = select(Verdict, Submission.team_id, Submission.task).join(
        Submission, Verdict.submission_id == Submission.id
    )
    rows = [
        (one.submission_id, teams[team], task, one.exercise, one.status, one.points, one.max_points, one.public,
         one.public_se, one.final, one.final_se, one.slip, one.message)
        for one, team, task in session.execute(query.order_by(Verdict.submission_id, Verdict.id))
    ]  # fmt: skip
    return Table("verdicts", header, rows)


def _judging(session: Session, now: EventNow, teams: dict[int, str], people: dict[int, str]) -> Iterator[Table]:
    rows = [
        (people[one.judge_id], teams[one.team_id], one.criterion, one.score)
        for one in session.scalars(select(Rating).order_by(Rating.id))
    ]
    yield Table("ratings", ("judge", "team", "criterion", "score"), rows)
    rows = [
        (people[one.judge_id], teams[one.team_id], one.state, one.rated and _time(now, one.rated), one.to_team,
         one.to_hosts)
        for one in session.scalars(select(Review).order_by(Review.id))
    ]  # fmt: skip
    yield Table("reviews", ("judge", "team", "state", "rated", "to_team", "to_hosts"), rows)


def _time(now: EventNow, instant: datetime) -> str:
    """By the clock of the place, with its distance from UTC."""
    return now.schedule.local(instant).isoformat(timespec="seconds")


def _words(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
