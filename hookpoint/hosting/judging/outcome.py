"""What the judges' ratings come to: for the hosts the ranking and how far it is, for a team what was written to it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from hookpoint.hosting import roles, standings
from hookpoint.hosting.errors import NotAllowed
from hookpoint.hosting.event import EventNow
from hookpoint.hosting.store.models import Person, Rating, Review, Submission, Team

from . import bias
from .ranking import Criterion, Ranking, Viewer, may_see, ranking
from .seating import HELD, entries, labels

__all__ = ["Automatic", "Desk", "JudgeLine", "TeamLine", "automatic", "notes_to", "overview", "results", "unseated"]


@dataclass(frozen=True)
class Automatic:
    """What a team has on the board by machine: points, and its rank among `teams`; None if it is not ranked."""

    score: float
    rank: int | None
    teams: int


@dataclass(frozen=True)
class JudgeLine:
    """How far a judge is."""

    id: int
    name: str
    rated: int
    total: int


@dataclass(frozen=True)
class TeamLine:
    """Who judges a team's write-up, and which of them have."""

    id: int
    name: str
    alias: str
    judges: tuple[str, ...]
    rated: int
    notes: tuple[tuple[str, str], ...]  # of judges, to the hosts


@dataclass(frozen=True)
class Desk:
    """How far judging is."""

    judges: tuple[JudgeLine, ...]
    teams: tuple[TeamLine, ...]

    @property
    def rated(self) -> int:
        return sum(team.rated for team in self.teams)

    @property
    def total(self) -> int:
        return sum(len(team.judges) for team in self.teams)

    @property
    def open(self) -> bool:
        """Whether write-ups have been handed out."""
        return self.total > 0


def automatic(session: Session, now: EventNow) -> dict[str, Automatic]:
    """What each team has by machine, by its name: the public split, never frozen."""
    rows = standings.host_board(session, now, "public").standings
    return {row.team: Automatic(row.score, row.rank, len(rows)) for row in rows}


def results(session: Session, host: Person, now: EventNow) -> Ranking:
    """The teams by the judges' ratings, corrected for harshness, with the automatic score beside it.

    Raises:
        NotAllowed: the person may not see it.
        UsageError: nobody has rated yet.
    """
    if not may_see("ranking", Viewer(role=host.role, results_open=now.row.final_open)):
        raise NotAllowed("The judges' ranking is for the hosts until the final board is open. Wait for the awards.")
    teams = {team_id: entry.team.name for team_id, entry in entries(session).items()}
    who = labels(session.scalars(select(Person).where(Person.id.in_(select(Review.judge_id)))))
    criteria = {one.name: Criterion(one.name, one.weight) for one in now.settings.judging.criteria}
    finished = (
        select(Rating)
        .join(Review, (Review.judge_id == Rating.judge_id) & (Review.team_id == Rating.team_id))
        .where(Review.state == "rated")
    )
    ratings = [
        bias.Rating(teams[one.team_id], who[one.judge_id], one.criterion, float(one.score))
        for one in session.scalars(finished)
        if one.team_id in teams and one.criterion in criteria
    ]
    machine = {team: one.score for team, one in automatic(session, now).items()} if ratings else {}
    return ranking(ratings, list(criteria.values()), machine, teams.values())


def overview(session: Session, host: Person) -> Desk:
    """How far each judge is, and who has judged which team.

    Raises:
        NotAllowed: the person is no host.
    """
    roles.demand(host, "host")
    teams = {team_id: entry.team for team_id, entry in entries(session).items()}
    of_judge, of_team = defaultdict(list), defaultdict(list)
    for row in session.scalars(select(Review).where(Review.state.in_(HELD), Review.team_id.in_(teams))):
        of_judge[row.judge_id].append(row)
        of_team[row.team_id].append(row)
    people = session.scalars(
        select(Person)
        .where((Person.role == "judge") & Person.active | Person.id.in_(of_judge))
        .order_by(Person.name, Person.id)
    )
    who = labels(people)
    judges = tuple(JudgeLine(id, name, *_counted(of_judge[id])) for id, name in who.items())
    by_name = sorted(teams.values(), key=lambda team: team.folded)
    return Desk(judges, tuple(_team_line(team, of_team[team.id], who) for team in by_name))


def unseated(session: Session) -> int:
    """How many write-ups that can be judged nobody has to rate."""
    entered = (
        select(Submission.team_id).join(Submission.team)
        .where(Submission.kind == "writeup", Team.active, Team.disqualified == "")
        .where(~exists().where(Review.team_id == Submission.team_id, Review.state.in_(HELD)))
    )  # fmt: skip
    return session.scalar(select(func.count()).select_from(entered.distinct().subquery()))


def notes_to(session: Session, team: Team, now: EventNow) -> list[str]:
    """What judges wrote to a team, without their names, once the results are open."""
    if not now.row.final_open:
        return []
    rated = select(Review.to_team).where(Review.team_id == team.id, Review.state == "rated").order_by(Review.id)
    return [text for text in session.scalars(rated) if text]


def _counted(reviews: Sequence[Review]) -> tuple[int, int]:
    states = [review.state for review in reviews]
    return states.count("rated"), len(states)


def _team_line(team: Team, reviews: list[Review], who: Mapping[int, str]) -> TeamLine:
    notes = tuple((who[row.judge_id], row.to_hosts) for row in reviews if row.to_hosts)
    judges = tuple(who[row.judge_id] for row in reviews)
    return TeamLine(team.id, team.name, team.alias or "", judges, _counted(reviews)[0], notes)
