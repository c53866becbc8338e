"""Claims: which open problems teams say they work on, so that others see it. Several may work on one."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from hookpoint.errors import UsageError
from hookpoint.problems.catalogue import catalogue

from . import teams
from .errors import NotFound
from .store.models import Claim, Person, Team

__all__ = ["claim", "claimed", "of_team", "release"]

MOST = 5  # at a time by one team: a claim is a promise to the others
LONGEST_ID = 40  # characters that are looked at


def claim(session: Session, person: Person, problem: str, at: datetime) -> Claim:
    """The claim of the person's team on a problem. Again changes nothing.

    Raises:
        NotAllowed: they are in no team.
        UsageError: the catalogue has no such problem, or the team claims too many.
    """
    problem = catalogue().problem(problem[:LONGEST_ID]).id
    team = teams.own(session, person)
    row = _row(session, team, problem)
    if row is not None and row.released is None:
        return row
    count = session.scalar(select(func.count()).where(Claim.team_id == team.id, Claim.released.is_(None)))
    if count >= MOST:
        raise UsageError(f"Your team claims {count} problems. Release one first: the others count on what you claim.")
    row = row or Claim(team_id=team.id, problem=problem)
    row.claimed, row.released = at, None
    session.add(row)
    session.flush()
    return row


def release(session: Session, person: Person, problem: str, at: datetime) -> Claim:
    """The claim of the person's team, given up.

    Raises:
        NotAllowed: they are in no team.
        NotFound: the team never claimed this.
    """
    team = teams.own(session, person)
    row = _row(session, team, problem)
    if row is None:
        raise NotFound("Your team has not claimed this. Look at your claims on the team page.")
    row.released = row.released or at
    session.flush()
    return row


def claimed(session: Session) -> dict[str, list[Team]]:
    """The teams that work on each problem, the first to claim it first."""
    query = select(Claim).join(Claim.team).where(Claim.released.is_(None), Team.active, Team.disqualified == "")
    found: dict[str, list[Team]] = {}
    for row in session.scalars(query.options(joinedload(Claim.team)).order_by(Claim.claimed, Claim.id)):
        found.setdefault(row.problem, []).append(row.team)
    return found


def of_team(session: Session, team_id: int) -> list[str]:
    """The problems that a team works on, the first claimed first."""
    query = select(Claim.problem).where(Claim.team_id == team_id, Claim.released.is_(None))
    return list(session.scalars(query.order_by(Claim.claimed, Claim.id)))


def _row(session: Session, team: Team, problem: str) -> Claim | None:
    return session.scalar(select(Claim).where(Claim.team_id == team.id, Claim.problem == problem))
