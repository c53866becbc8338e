"""A board from scored submissions: pure functions that always give the same board for the same rows, in any order.

The result that counts for a team and a challenge is its best one on the public split, the first of equal ones, and that
on both boards: a final score that chose among all attempts would reward many of them. What we failed to grade has no
verdict, and so is neither a result nor an attempt; an exercise that was not in what was handed in (`missing`) is none.

Where scores carry a standard error, teams whose intervals overlap share one rank, and so do the teams between: whoever
stands in a lower group has an interval wholly below every one of the upper. Two 95 % intervals that overlap can still
differ (equally wide ones part at 2.8 standard errors, not 2): the board separates teams only where it is sure.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from hookpoint.errors import UsageError

__all__ = [
    "SPLITS",
    "TIES",
    "Z",
    "Board",
    "Checked",
    "Rules",
    "Scored",
    "Standing",
    "attempts",
    "board",
    "checked",
    "counting",
]

TIES = ("earlier", "fewer attempts", "shared")
SPLITS = ("public", "final")
NOT_AN_ATTEMPT = "missing"
Z = 1.96  # of a 95 % interval
NO_FINAL = (
    "Attempt {row.attempt} of {row.team} at {row.challenge} has no final score. When submitting has ended,"
    " `hookpoint host finals` gives it one."
)
DIGITS = 9  # sums of points that differ by less are the same score


@dataclass(frozen=True)
class Scored:
    """One verdict: what one attempt of a team at a challenge, or an exercise, was given.

    `points` count where there is no split; else `public` and `final` do, in points of `max_points` as well. `final` is
    None until that split has been scored. `at` is when the work was handed in, in seconds; `attempt` tells the attempts
    of a team at a challenge apart; the standard errors are in points, 0 for exact scores; `status` is the grader's.
    """

    team: str
    challenge: str
    points: float
    max_points: float
    at: float
    attempt: int
    public: float | None = None
    final: float | None = None
    public_se: float = 0.0
    final_se: float = 0.0
    status: str = "passed"


@dataclass(frozen=True)
class Rules:
    """What the host has decided: `freeze` is a time in seconds, or None while the board is live."""

    ties: str = "earlier"
    freeze: float | None = None
    final_open: bool = False
    disqualified: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Standing:
    """A team on a board. `rank` is None for a disqualified one, whom only the host sees.

    `attempts` are those up to the results that count, and `reached` is when the last of these was handed in (None
    without points). `interval` is the 95 % one of `score`. `tied`: others share the rank. `since`: the team has handed
    in after the freeze. `best` has the points for each challenge.
    """

    team: str
    rank: int | None
    score: float
    interval: tuple[float, float]
    attempts: int
    reached: float | None
    tied: bool = False
    since: bool = False
    best: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Board:
    """The teams, the first ones first; `frozen` is the time at which the board was frozen, None if it is live."""

    split: str
    frozen: float | None
    standings: tuple[Standing, ...]
    disqualified: tuple[Standing, ...] = ()


def board(
    rows: Iterable[Scored], rules: Rules, *, split: str = "public", host: bool = False, teams: Iterable[str] = ()
) -> Board:
    """The board of one split, as participants may see it, or as the host does: never frozen, with the disqualified.

    Args:
        teams: all who take part: those without a result stand at 0.

    Raises:
        UsageError: the final board is not open, a result has no final score yet, or rows contradict each other.
    """
    if split not in SPLITS or rules.ties not in TIES:
        raise UsageError(f"A board is one of {', '.join(SPLITS)}, and its ties go by one of {', '.join(TIES)}.")
    if split == "final" and not (host or rules.final_open):
        raise UsageError("The final board is not open yet: the host opens it.")
    rows = rows if isinstance(rows, Checked) else checked(rows)
    frozen = None if host or split == "final" else rules.freeze
    of_team = defaultdict(list, {team: [] for team in teams})
    for row in rows:
        of_team[row.team].append(row)
    standings = [_standing(team, of_team[team], split, frozen) for team in sorted(of_team)]
    placed = _ranked([one for one in standings if one.team not in rules.disqualified], rules.ties)
    out = tuple(one for one in standings if one.team in rules.disqualified) if host else ()
    return Board(split, frozen, tuple(placed), out)


def attempts(rows: Iterable[Scored]) -> dict[tuple[str, str], int]:
    """How often each team has tried each challenge, by (team, challenge); what is missing is no attempt."""
    tried = defaultdict(set)
    for row in rows:
        if row.status != NOT_AN_ATTEMPT:
            tried[row.team, row.challenge].add(row.attempt)
    return {key: len(numbers) for key, numbers in tried.items()}


def counting(rows: Iterable[Scored]) -> list[Scored]:
    """The results that count, for each team and challenge one."""
    of_team = defaultdict(list)
    for row in checked(rows):
        if row.status != NOT_AN_ATTEMPT:
            of_team[row.team].append(row)
    return [row for team in sorted(of_team) for row in _counting(of_team[team]).values()]


class Checked(list[Scored]):
    """Rows that `checked` has looked at: several boards can be made of them without looking again."""


def checked(rows: Iterable[Scored]) -> Checked:
    """The rows in order of time; of each attempt one verdict.

    Raises:
        UsageError: they contradict each other, or one has a score that cannot be.
    """
    kept, verdict = dict.fromkeys(rows), {}
    for row in kept:
        what = f"Attempt {row.attempt} of {row.team} at {row.challenge}"
        if not (math.isfinite(row.at) and 0 <= row.public_se < math.inf and 0 <= row.final_se < math.inf):
            raise UsageError(f"{what} has a time or a standard error that is no number: score it again.")
        values = [value for value in (row.points, row.public, row.final) if value is not None]
        if not all(0 <= value <= row.max_points < math.inf for value in values):
            raise UsageError(f"{what} has a score outside 0 to {row.max_points:g}: mend its scorer and score it again.")
        if verdict.setdefault((row.team, row.challenge, row.attempt), row) != row:
            raise UsageError(f"{what} has two different verdicts: keep the one that is right.")
    return Checked(sorted(kept, key=lambda row: (row.at, row.attempt, row.challenge, row.team, row.status)))


def _worth(row: Scored, split: str) -> tuple[float, float]:
    """What a row counts on a split, and its standard error."""
    if row.public is None and row.final is None:
        return (row.points, row.public_se) if split == "public" else (row.points, row.final_se)
    if split == "public":
        return (row.points if row.public is None else row.public), row.public_se
    if row.final is None:
        raise UsageError(NO_FINAL.format(row=row))
    return row.final, row.final_se


def _counting(rows: Sequence[Scored]) -> dict[str, Scored]:
    """Of each challenge the best row on the public split, the first of equal ones; `rows` are a team's, by time."""
    found = {}
    for row in rows:
        best = found.setdefault(row.challenge, row)
        if _worth(row, "public")[0] > _worth(best, "public")[0]:
            found[row.challenge] = row
    return found


def _standing(team: str, rows: Sequence[Scored], split: str, frozen: float | None) -> Standing:
    """A team without its rank; `rows` are in order of time."""
    known = [row for row in rows if (frozen is None or row.at <= frozen) and row.status != NOT_AN_ATTEMPT]
    counting = _counting(known)
    # What brings nothing, on the public split as on the other, must not cost a tie.
    gained = [row for row in counting.values() if _worth(row, "public")[0] > 0]
    upto = {row.challenge: (row.at, row.attempt) for row in gained}
    tries = [row for row in known if row.challenge in upto and (row.at, row.attempt) <= upto[row.challenge]]
    worth = {challenge: _worth(counting[challenge], split) for challenge in sorted(counting)}
    score = round(math.fsum(value for value, _ in worth.values()), DIGITS)
    half = Z * math.sqrt(math.fsum(se * se for _, se in worth.values()))
    return Standing(
        team=team,
        rank=None,
        score=score,
        interval=(round(score - half, DIGITS), round(score + half, DIGITS)),
        attempts=len(tries),
        reached=max((row.at for row in gained), default=None),
        since=frozen is not None and any(row.at > frozen for row in rows),
        best=tuple((challenge, value) for challenge, (value, _) in worth.items()),
    )


def _ranked(standings: Sequence[Standing], ties: str) -> list[Standing]:
    """With ranks as in 1, 2, 2, 4; teams that share one are in order of score, then of name."""
    placed = []
    for group in _overlapping(standings):
        keys = {one.team: _tie_key(one, ties) for one in group}
        if any(low < high for low, high in (one.interval for one in group)):
            keys = dict.fromkeys(keys, 0.0)  # no tie rule parts what the scores cannot
        group = sorted(group, key=lambda one: (keys[one.team], -one.score, one.team))
        same = [keys[one.team] for one in group]
        first = len(placed) + 1
        for one, key in zip(group, same, strict=True):
            placed.append(replace(one, rank=first + same.index(key), tied=same.count(key) > 1))
    return placed


def _overlapping(standings: Sequence[Standing]) -> list[list[Standing]]:
    """The standings in groups that no gap divides, the highest first; exact scores overlap where they are equal."""
    groups, lowest = [], math.inf
    for one in sorted(standings, key=lambda one: (-one.interval[1], -one.interval[0], one.team)):
        if not groups or one.interval[1] < lowest:
            groups.append([])
            lowest = math.inf
        groups[-1].append(one)
        lowest = min(lowest, one.interval[0])
    return groups


def _tie_key(standing: Standing, ties: str) -> float:
    if ties == "earlier":
        return math.inf if standing.reached is None else standing.reached
    return float(standing.attempts) if ties == "fewer attempts" else 0.0
