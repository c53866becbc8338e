"""Who is here: the teams with their people, and everybody else, as the host sees them."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from . import standings
from .errors import NotFound
from .event import EventNow
from .store.models import Person, Submission, Team

__all__ = ["TeamRow", "crew", "one_of", "teams", "without_team"]


@dataclass(frozen=True)
class TeamRow:
    """A team with its active people, what it has handed in, and its points on the board that never freezes."""

    id: int
    name: str
    people: tuple[Person, ...]
    submissions: int
    points: float
    rank: int | None
    disqualified: str
    invitation: str


def teams(session: Session, now: EventNow) -> list[TeamRow]:
    """All teams that there are, by name."""
    board = standings.host_board(session, now, "public")
    scores = {one.team: one for one in (*board.standings, *board.disqualified)}
    counts = Counter(dict(session.execute(select(Submission.team_id, func.count()).group_by(Submission.team_id)).all()))
    people = defaultdict(list)
    there = select(Person).where(Person.team_id.is_not(None), Person.active).order_by(Person.joined, Person.id)
    for one in session.scalars(there):
        people[one.team_id].append(one)
    rows = session.scalars(select(Team).where(Team.active).order_by(Team.folded))
    return [
        TeamRow(
            id=team.id,
            name=team.name,
            people=tuple(people[team.id]),
            submissions=counts[team.id],
            points=scores[team.name].score if team.name in scores else 0.0,
            rank=scores[team.name].rank if team.name in scores else None,
            disqualified=team.disqualified,
            invitation=team.invitation,
        )
        for team in rows
    ]


def one_of(rows: Iterable[TeamRow], team_id: int) -> TeamRow:
    """One of them.

    Raises:
        NotFound: there is no such team, or it is there no more.
    """
    found = next((team for team in rows if team.id == team_id), None)
    if found is None:
        raise NotFound("There is no such team, or it was merged into another. Go back to the list of teams.")
    return found


def crew(session: Session) -> list[Person]:
    """Hosts, judges and mentors, those who were sent away last."""
    query = select(Person).where(Person.role != "participant").order_by(Person.active.desc(), Person.role, Person.name)
    return list(session.scalars(query))


def without_team(session: Session) -> list[Person]:
    """Participants who are in no team, and those who were sent away, whatever team they are in."""
    alone = or_(Person.team_id.is_(None), ~Person.active)
    query = select(Person).where(Person.role == "participant", alone).order_by(Person.active.desc(), Person.joined)
    return list(session.scalars(query))
