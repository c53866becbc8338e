"""Ratings corrected for how harsh each judge is, with standard errors, and in words where that cannot be done.

The model: a rating = its team + the judge + the criterion + chance. What one judge gives one team is one sheet, and one
observation however many criteria it has: the criteria of a sheet lean the same way. So criteria are fitted first
(least squares) and taken off, a sheet becomes one number, and teams and judges are fitted to the sheets.

Shrinkage: teams are free, and each judge's harshness pays `shrinkage` times its square (ridge). This is the best
linear estimate if judges differ with a variance of `noise**2 / shrinkage`; it is chosen from GRID by restricted
likelihood (Patterson and Thompson 1971). A judge with few sheets is so corrected by little, and where judges do not
differ visibly the shrinkage becomes infinite and the scores are the plain means. What it does not do: correct a judge
who uses less of the scale than others, or one who favours a kind of team. Standard errors take the shrinkage as known:
right from about 20 teams on, and a quarter too small with 8 teams of two sheets each (measured).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hookpoint.errors import UsageError

from .seats import connected

__all__ = ["Corrected", "Harshness", "Rating", "TeamScore", "correct"]

GRID = (*np.geomspace(0.01, 1000, 51), math.inf)
FLAT = 4  # sheets that are all the same, from which a judge is taken to part no teams
FEW = 2  # sheets up to which a judge's harshness is mostly a guess


@dataclass(frozen=True)
class Rating:
    """What a judge gave a team on a criterion; None if nothing."""

    team: str
    judge: str
    criterion: str
    value: float | None


@dataclass(frozen=True)
class TeamScore:
    """A team's score, on the scale of the ratings; `raw` is the plain mean of its `sheets`.

    `se` is the standard error of the distance from the mean of all teams; None where there is nothing to tell it from.
    """

    team: str
    score: float
    se: float | None
    raw: float
    sheets: int


@dataclass(frozen=True)
class Harshness:
    """How much higher than others a judge rates: below 0 is harsh; the sum over judges of one group is about 0."""

    judge: str
    effect: float
    se: float | None
    sheets: int


@dataclass(frozen=True)
class Corrected:
    """`noise` is the standard deviation of a sheet without harshness, `groups` the judges that share teams."""

    teams: dict[str, TeamScore]
    judges: dict[str, Harshness]
    criteria: dict[str, float]
    shrinkage: float
    noise: float | None
    groups: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def correct(
    ratings: Iterable[Rating], weights: Mapping[str, float] | None = None, teams: Iterable[str] = ()
) -> Corrected:
    """The scores of the teams as they would be with judges of average harshness.

    Args:
        weights: of the criteria, 1 where not given; 0 leaves one out.
        teams: all who should have been rated, so that missing ones are said.

    Raises:
        UsageError: no ratings, two for the same thing, a rating that is no number, or a weight below 0.
    """
    given, weights = _checked(ratings), dict(weights or {})
    if any(not 0 <= weight < math.inf for weight in weights.values()):
        raise UsageError("A criterion has a weight below 0, or none at all: give a number from 0 on.")
    given = [one for one in given if weights.get(one.criterion, 1.0) > 0]
    if not given:
        raise UsageError("There are no ratings to rank by: wait for the first, or give a criterion a weight.")
    notes = _missing(given, teams)
    kept = _without_flat(given, notes)
    criteria = _criteria(kept)
    sheets = _sheets(kept, criteria, weights)
    groups = tuple(judges for judges, _ in connected(sheets))
    if len(groups) > 1:
        sides = "; ".join(", ".join(group) for group in groups)
        notes.append(
            f"No team joins these groups of judges: {sides}. Their teams are compared as if the groups were equally "
            "harsh: have one judge rate a team of another group."
        )
    return _fitted(sheets, criteria, groups, notes)


def _checked(ratings: Iterable[Rating]) -> list[Rating]:
    """The ratings that have a value, in an order that does not depend on how they came."""
    seen = {}
    for one in ratings:
        if one.value is None:
            continue
        if not math.isfinite(one.value):
            raise UsageError(f"{one.judge}'s rating of {one.team} on {one.criterion} is no number: enter it again.")
        if (one.team, one.judge, one.criterion) in seen:
            raise UsageError(f"{one.judge} has rated {one.team} twice on {one.criterion}: keep one of the two.")
        seen[one.team, one.judge, one.criterion] = one
    return [seen[key] for key in sorted(seen)]


def _missing(given: Sequence[Rating], teams: Iterable[str]) -> list[str]:
    """What is not there, in words."""
    notes, criteria, of_sheet, of_team = [], set(), defaultdict(set), defaultdict(set)
    for one in given:
        criteria.add(one.criterion)
        of_sheet[one.judge, one.team].add(one.criterion)
        of_team[one.team].add(one.criterion)
    notes += [f"{team} has no ratings and no score." for team in sorted(set(teams) - of_team.keys())]
    partial = [sheet for sheet in sorted(of_sheet) if of_sheet[sheet] != criteria]
    if partial:
        first = "{} of {}".format(*partial[0])
        notes.append(
            f"{len(partial)} of {len(of_sheet)} sheets lack a criterion (the first: {first}): what is usual on it is "
            "allowed for."
        )
    for team, rated in sorted(of_team.items()):
        if rated != criteria:
            notes.append(f"Nobody has rated {team} on {', '.join(sorted(criteria - rated))}: it is ranked by the rest.")
    return notes


def _without_flat(given: Sequence[Rating], notes: list[str]) -> list[Rating]:
    """Leaves out judges who gave one and the same number throughout, where their teams have others; says so."""
    teams, values = defaultdict(set), defaultdict(set)
    for one in given:
        teams[one.judge].add(one.team)
        values[one.judge].add(one.value)
    flat = sorted(judge for judge in teams if len(teams[judge]) >= FLAT and len(values[judge]) == 1)
    others = Counter(team for judge in teams.keys() - set(flat) for team in teams[judge])
    out = {judge for judge in flat if all(others[team] for team in teams[judge])}
    for judge in flat:
        what = "they part no teams, and are left out" if judge in out else "they part no teams, but some have no others"
        notes.append(f"All ratings of {judge}, of {len(teams[judge])} teams, are {min(values[judge]):g}: {what}.")
    return [one for one in given if one.judge not in out]


def _criteria(given: Sequence[Rating]) -> dict[str, float]:
    """How much higher ratings on a criterion are, by least squares within the sheets; their sum is 0."""
    names, of_sheet = sorted({one.criterion for one in given}), defaultdict(list)
    place = {name: at for at, name in enumerate(names)}
    for one in given:
        of_sheet[one.judge, one.team].append((place[one.criterion], one.value))
    inside, against = np.zeros((len(names), len(names))), np.zeros(len(names))
    for sheet in of_sheet.values():
        rows = np.array([row for row, _ in sheet])
        values = np.array([value for _, value in sheet])
        inside[rows, rows] += 1
        inside[np.ix_(rows, rows)] -= 1 / len(rows)
        against[rows] += values - values.mean()
    effects = np.linalg.lstsq(inside, against, rcond=1e-9)[0]
    return dict(zip(names, map(float, effects - effects.mean()), strict=True))


def _sheets(
    given: Sequence[Rating], criteria: Mapping[str, float], weights: Mapping[str, float]
) -> dict[tuple[str, str], float]:
    """The weighted mean of each (judge, team), as it would be if all criteria had been rated."""
    weight = {name: weights.get(name, 1.0) for name in criteria}
    level = sum(weight[name] * criteria[name] for name in criteria) / sum(weight.values())
    total, over = defaultdict(float), defaultdict(float)
    for one in given:
        total[one.judge, one.team] += weight[one.criterion] * (one.value - criteria[one.criterion])
        over[one.judge, one.team] += weight[one.criterion]
    return {sheet: total[sheet] / over[sheet] + level for sheet in sorted(total)}


def _fitted(
    sheets: Mapping[tuple[str, str], float], criteria: dict[str, float], groups: tuple, notes: list[str]
) -> Corrected:
    """Teams and judges from the sheets. The teams are eliminated, so that only judges are left in the equations."""
    judges, teams = sorted({judge for judge, _ in sheets}), sorted({team for _, team in sheets})
    given, marks = np.zeros((len(teams), len(judges))), np.zeros((len(teams), len(judges)))
    row, column = ({name: at for at, name in enumerate(names)} for names in (teams, judges))
    for (judge, team), value in sheets.items():
        given[row[team], column[judge]] = 1.0
        marks[row[team], column[judge]] = value
    count = given.sum(1)
    share = given / count[:, None]  # of a team's mean, by judge
    raw = marks.sum(1) / count
    inside = np.diag(given.sum(0)) - given.T @ share
    against = (marks - given * raw[:, None]).sum(0)
    left = float((given * (marks - raw[:, None]) ** 2).sum())
    free = len(sheets) - len(teams)
    values, vectors = np.linalg.eigh(inside)
    along = vectors.T @ against
    shrinkage, noise = _shrinkage(np.maximum(values, 0), along, left, free)
    unsure = (vectors / (np.maximum(values, 0) + shrinkage)) @ vectors.T  # of the judges, in units of noise squared
    effects = unsure @ against
    scores = raw - share @ effects
    apart = np.eye(len(teams)) - 1 / len(teams)
    spread = apart @ (np.diag(1 / count) + share @ unsure @ share.T) @ apart
    team_se = _se(noise, np.diag(spread)) if len(teams) > 1 else [None] * len(teams)
    judge_se, sat = _se(noise, np.diag(unsure)), given.sum(0).astype(int)
    notes += _said(judges, sat, effects, shrinkage, free)
    columns = teams, map(float, scores), team_se, map(float, raw), map(int, count)
    by_judge = judges, map(float, effects), judge_se, map(int, sat)
    return Corrected(
        {one[0]: TeamScore(*one) for one in zip(*columns, strict=True)},
        {one[0]: Harshness(*one) for one in zip(*by_judge, strict=True)},
        criteria, shrinkage, noise, groups, tuple(notes),
    )  # fmt: skip


def _shrinkage(values: np.ndarray, along: np.ndarray, left: float, free: int) -> tuple[float, float | None]:
    """The shrinkage with the highest restricted likelihood, the larger of equal ones, and the noise with it."""
    if free < 1:
        return math.inf, None
    best, chosen, noise = math.inf, math.inf, 0.0
    for shrinkage in reversed(GRID):
        variance = max(left - float((along**2 / (values + shrinkage)).sum()), 1e-12) / free
        deviance = free * math.log(variance) + float(np.log1p(values / shrinkage).sum())
        if deviance < best - 1e-9:
            best, chosen, noise = deviance, shrinkage, math.sqrt(variance)
    return chosen, noise


def _se(noise: float | None, spread: np.ndarray) -> list[float | None]:
    return [None if noise is None else noise * math.sqrt(max(float(each), 0.0)) for each in spread]


def _said(judges: Sequence[str], sat: np.ndarray, effects: np.ndarray, shrinkage: float, free: int) -> list[str]:
    """What a host should know of the fit, in words."""
    if free < 1:
        return ["No team has two sheets: harshness cannot be told from merit, and the scores are plain means."]
    if math.isinf(shrinkage):
        return ["Judges do not differ more than chance would have it: the scores are plain means."]
    return [
        f"{judge} has rated {n} team{'s' if n > 1 else ''}: the correction of {-effect:+.2f} is mostly a guess."
        for judge, n, effect in zip(judges, sat, effects, strict=True)
        if n <= FEW
    ]
