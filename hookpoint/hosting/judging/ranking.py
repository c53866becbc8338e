"""The ranking by judges, with the automatic score beside it and not mixed in, and who may see what when.

A judge who knows what the machine gave rates the machine's score: so it is shown when the judge has rated on all
criteria, and from then on the rating stands.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hookpoint.errors import UsageError

from .bias import Corrected, Rating, TeamScore, correct

__all__ = ["SIGHTS", "Criterion", "Ranked", "Ranking", "Viewer", "may_change", "may_see", "ranking"]

DIGITS = 2  # scores are shown with so many, and those that look equal are equal
Z = 1.96  # of a 95 % interval
ROLES = ("host", "judge", "mentor", "participant")
SIGHTS = ("submission", "own ratings", "automatic score", "other ratings", "team names", "ranking")


@dataclass(frozen=True)
class Criterion:
    """What is rated, from `lowest` to `highest`, and how much it counts beside the others."""

    name: str
    weight: float = 1.0
    lowest: float = 1.0
    highest: float = 5.0


@dataclass(frozen=True)
class Ranked:
    """A team in the ranking: equal scores share a rank, as in 1, 2, 2, 4.

    `places` are the best and worst rank that chance leaves open (pairwise, 95 %); `raw` is the score without the
    correction for harshness; `automatic` is None where nothing was scored by machine.
    """

    team: str
    rank: int
    score: float
    places: tuple[int, int]
    raw: float
    automatic: float | None


@dataclass(frozen=True)
class Ranking:
    """The ranked teams, those that nobody has rated, the fit behind it, and what the host should know."""

    teams: tuple[Ranked, ...]
    unrated: tuple[str, ...]
    fit: Corrected
    notes: tuple[str, ...]


def ranking(
    ratings: Iterable[Rating],
    criteria: Sequence[Criterion],
    automatic: Mapping[str, float] | None = None,
    teams: Iterable[str] = (),
) -> Ranking:
    """The teams by the judges' ratings alone, corrected for harshness.

    Args:
        automatic: the machine's score of each team, to be shown beside.
        teams: all who should have been rated.

    Raises:
        UsageError: a rating is off its scale or of an unknown criterion, or what `correct` refuses.
    """
    ratings, automatic, teams = list(ratings), dict(automatic or {}), sorted(set(teams))
    known = {criterion.name: criterion for criterion in criteria}
    for one in ratings:
        _check(one, known)
    fit = correct(ratings, {criterion.name: criterion.weight for criterion in criteria}, teams)
    shown = {team: round(score.score, DIGITS) for team, score in fit.teams.items()}
    rows = [
        Ranked(
            team=team,
            rank=1 + sum(other > shown[team] for other in shown.values()),
            score=shown[team],
            places=_places(score, fit.teams.values()),
            raw=round(score.raw, DIGITS),
            automatic=automatic.get(team),
        )
        for team, score in fit.teams.items()
    ]
    rows.sort(key=lambda row: (row.rank, row.team))
    unrated = tuple(team for team in teams if team not in fit.teams)
    return Ranking(tuple(rows), unrated, fit, (*fit.notes, *_shared(rows)))


def _check(rating: Rating, criteria: Mapping[str, Criterion]) -> None:
    criterion = criteria.get(rating.criterion)
    if criterion is None:
        raise UsageError(f"There is no criterion {rating.criterion}: it is one of {', '.join(criteria)}.")
    if rating.value is not None and not criterion.lowest <= rating.value <= criterion.highest:
        raise UsageError(
            f"{rating.judge} gave {rating.team} {rating.value:g} on {rating.criterion}: "
            f"give from {criterion.lowest:g} to {criterion.highest:g}."
        )


def _places(score: TeamScore, all_scores: Iterable[TeamScore]) -> tuple[int, int]:
    """The ranks between the teams that are surely above and those surely below."""
    others = [other for other in all_scores if other is not score]
    if score.se is None:
        return 1, 1 + len(others)
    # The errors of two teams are nearly independent, a little less so when they share judges: this errs to the wide.
    unsure = [Z * math.hypot(score.se, other.se) for other in others]
    gaps = [other.score - score.score for other in others]
    above = sum(gap > width for gap, width in zip(gaps, unsure, strict=True))
    below = sum(-gap > width for gap, width in zip(gaps, unsure, strict=True))
    return 1 + above, 1 + len(others) - below


def _shared(rows: Sequence[Ranked]) -> list[str]:
    """The ties for the first three places, in words."""
    by_rank = {}
    for row in rows:
        by_rank.setdefault(row.rank, []).append(row.team)
    return [
        f"{', '.join(tied)} share place {rank}: share the prize, or let all judges discuss these teams."
        for rank, tied in by_rank.items()
        if rank <= 3 and len(tied) > 1
    ]


@dataclass(frozen=True)
class Viewer:
    """Who looks at one team, and when. A host who also rates looks as a judge.

    `assigned`: this judge rates this team; `rated`: on all criteria; `own`: it is the viewer's team.
    """

    role: str
    assigned: bool = False
    rated: bool = False
    own: bool = False
    judging_over: bool = False
    results_open: bool = False


def may_see(what: str, viewer: Viewer) -> bool:
    """Whether the viewer may see this of the team now; `what` is one of SIGHTS.

    Raises:
        UsageError: there is no such thing to see, or no such role.
    """
    if what not in SIGHTS or viewer.role not in ROLES:
        raise UsageError(f"What is seen is one of {', '.join(SIGHTS)}, and a role one of {', '.join(ROLES)}.")
    if viewer.role == "host":
        return True
    judge = viewer.role == "judge" and viewer.assigned and not viewer.own
    if viewer.results_open:
        return {"own ratings": judge, "other ratings": judge or viewer.own}.get(what, True)
    return {
        "submission": judge or viewer.own,
        "own ratings": judge,
        "automatic score": (judge and viewer.rated) or viewer.own,
        "other ratings": judge and viewer.rated and viewer.judging_over,
        "team names": viewer.own or (judge and viewer.judging_over),
        "ranking": False,
    }[what]


def may_change(viewer: Viewer, has_seen_automatic: bool) -> bool:
    """Whether a judge may still enter or change ratings of the team: not once the automatic score has been shown."""
    judge = viewer.role == "judge" and viewer.assigned and not viewer.own
    return judge and not (has_seen_automatic or viewer.judging_over or viewer.results_open)
