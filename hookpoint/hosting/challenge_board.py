"""The board of one challenge: teams with their intervals, and among them, without a rank, what was measured of methods.

Teams are ranked as on the event's board, by the points of this challenge alone; of equal exact scores the one that cost
less is first. Where nothing gives points, the table is in order of the scores and has no ranks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from hookpoint.errors import UsageError

from . import boards, standings
from .boards import Scored, Standing
from .event import EventNow
from .offered import Card
from .store.models import Submission, Team, Verdict

__all__ = ["Line", "OwnBoard", "own_board", "summaries"]

Z = boards.Z


@dataclass(frozen=True)
class Line:
    """A row: a team, or a reference, which has a `role` and how many instances of its own it was measured on.

    `value` is on the challenge's own scale, with half the width of its 95 % interval; `points` are None where there are
    none to have. `rank` is None for references, and where nothing is ranked.
    """

    name: str
    value: float | None
    half: float
    points: float | None
    low: float
    high: float
    cost: float
    rank: int | None = None
    tied: bool = False
    attempts: int | None = None
    role: str = ""
    instances: int = 0


@dataclass(frozen=True)
class OwnBoard:
    """`split` is public or final; `frozen` whether it stands still; `teams` how many have a score."""

    split: str
    frozen: bool
    lines: tuple[Line, ...]
    teams: int

    @property
    def best(self) -> Line | None:
        """The first team, if there is one."""
        return next((line for line in self.lines if not line.role), None)

    @property
    def intervals(self) -> bool:
        return any(line.half > 0 for line in self.lines)


@dataclass(frozen=True)
class Tried:
    """What a team got for one submission, on the challenge's scale too."""

    row: Scored
    value: float
    value_se: float
    cost: float


def own_board(session: Session, now: EventNow, card: Card, host: bool = False) -> OwnBoard:
    """The board as participants may see it, or as hosts do: never frozen."""
    return _made(now, card, _tried(session, [card.id]).get(card.id, []), standings.teams(session), host)


def summaries(session: Session, now: EventNow, cards: Sequence[Card], host: bool = False) -> dict[str, OwnBoard]:
    """The boards of several challenges, in two queries."""
    tried, there = _tried(session, [card.id for card in cards]), standings.teams(session)
    return {card.id: _made(now, card, tried.get(card.id, []), there, host) for card in cards}


def _tried(session: Session, ids: Sequence[str]) -> dict[str, list[Tried]]:
    """What was scored, by challenge."""
    query = (
        select(
            Submission.task, Team.name, Submission.id, Submission.received, Verdict.points, Verdict.max_points,
            Verdict.public, Verdict.final, Verdict.public_se, Verdict.final_se, Verdict.value, Verdict.value_se,
            Verdict.cost,
        )
        .join(Submission, Verdict.submission_id == Submission.id)
        .join(Team, Submission.team_id == Team.id)
        .where(Team.active, Submission.kind == "challenge", Submission.task.in_(ids), Verdict.value.is_not(None))
    )  # fmt: skip
    found: dict[str, list[Tried]] = {}
    for task, team, id, received, points, most, *splits, value, value_se, cost in session.execute(query):
        row = Scored(team, task, points, most, received.timestamp(), id, *splits)
        found.setdefault(task, []).append(Tried(row, value, value_se, cost))
    return found


def _made(now: EventNow, card: Card, tried: list[Tried], there: dict, host: bool) -> OwnBoard:
    rules = standings.rules(now, there)
    since = None if host else rules.freeze
    final = card.counts and rules.final_open
    known = [one for one in tried if final or since is None or one.row.at <= since]
    known = [one for one in known if host or one.row.team not in rules.disqualified]
    split, lines = "public", _by_value(known)
    if card.counts:
        rows, by_attempt = [one.row for one in known], {one.row.attempt: one for one in known}
        try:
            made = boards.board(rows, rules, split="final" if final else "public", host=host)
            split = made.split
        except UsageError:  # the final split is not scored everywhere yet
            made = boards.board(rows, rules, host=host)
        chosen = {row.team: by_attempt[row.attempt] for row in boards.counting(rows)}
        lines = _parted([_line(one, chosen[one.team], split) for one in made.standings])
    frozen = since is not None and split == "public"
    return OwnBoard(split, frozen, tuple(_among(lines, _references(card))), len(lines))


def _line(one: Standing, tried: Tried, split: str) -> Line:
    low, high = one.interval
    value = tried.value if split == "public" else None  # that of the final split is told in points alone
    half = Z * tried.value_se if split == "public" else 0.0
    return Line(one.team, value, half, one.score, low, high, tried.cost, one.rank, one.tied, one.attempts)


def _parted(lines: list[Line]) -> list[Line]:
    """Teams of one rank with the same exact score are parted by what it cost them."""
    found: list[Line] = []
    for rank in dict.fromkeys(line.rank for line in lines):
        group = [line for line in lines if line.rank == rank]
        exact = len(group) > 1 and len({(line.low, line.high) for line in group}) == 1 and group[0].low == group[0].high
        if exact:
            costs = sorted(line.cost for line in group)
            parted = [
                replace(line, rank=rank + costs.index(line.cost), tied=costs.count(line.cost) > 1) for line in group
            ]
            group = sorted(parted, key=lambda line: (line.cost, line.name))
        found += group
    return found


def _by_value(tried: list[Tried]) -> list[Line]:
    """The best of each team, in order of the scores; there are no points to have."""
    best: dict[str, Tried] = {}
    counts: dict[str, int] = {}
    for one in sorted(tried, key=lambda one: (one.row.at, one.row.attempt)):
        counts[one.row.team] = counts.get(one.row.team, 0) + 1
        if one.row.team not in best or one.value > best[one.row.team].value:
            best[one.row.team] = one
    lines = [
        Line(team, one.value, Z * one.value_se, None, 0.0, 0.0, one.cost, attempts=counts[team])
        for team, one in best.items()
    ]
    return sorted(lines, key=lambda line: (-line.value, line.cost, line.name))


def _references(card: Card) -> list[Line]:
    counts = card.counts
    return [
        Line(one["label"], one["value"], Z * one["value_se"], one["points"] if counts else None, 0.0, 0.0, one["cost"],
             role=one["role"], instances=one["instances"])
        for one in card.about.get("references", ())
    ]  # fmt: skip


def _among(teams: list[Line], references: list[Line]) -> list[Line]:
    """The teams in their order; each reference before the first team that has less."""

    def worth(line: Line) -> float:
        return line.points if line.points is not None else line.value or 0.0

    placed = list(teams)
    for line in sorted(references, key=lambda line: (-worth(line), line.value is None, -(line.value or 0.0))):
        below = (at for at, other in enumerate(placed) if not other.role and worth(other) < worth(line))
        placed.insert(next(below, len(placed)), line)
    return placed
