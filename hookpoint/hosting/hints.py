"""The hints of a challenge: mentors see all three, a team those that a mentor gave it. They cost nothing."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hookpoint.errors import UsageError

from . import audit, roles
from .errors import NotFound
from .offered import Card
from .store.models import Hint, Person, Team

__all__ = ["RUNGS", "give", "given_to", "handed_out"]

RUNGS = (1, 2, 3)
NO_HINT = "{title} has hints 1 to 3. Choose one of them."
THERE = "{team} has hint {rung} already."


def give(session: Session, mentor: Person, card: Card, team_id: int, rung: int, at: datetime) -> str:
    """Gives a team a hint, to be read on the challenge's page; gives the team's name.

    Raises:
        NotAllowed: the person is neither a mentor nor a host.
        NotFound: there is no such team.
        UsageError: there is no such hint, or the team has it.
    """
    roles.demand(mentor, "mentor", "host")
    if rung not in RUNGS or not card.about.get("hints"):
        raise UsageError(NO_HINT.format(title=card.title))
    team = session.scalar(select(Team).where(Team.id == team_id, Team.active).with_for_update())
    if team is None:
        raise NotFound("There is no such team. Load the page again.")
    if rung in given_to(session, team_id, card.id):
        raise UsageError(THERE.format(team=team.name, rung=rung))
    session.add(Hint(team_id=team_id, person_id=mentor.id, challenge=card.id, rung=rung, given=at))
    audit.note(session, mentor, "gave a hint", {"team": team.name, "challenge": card.id, "hint": rung}, at)
    session.flush()
    return team.name


def given_to(session: Session, team_id: int, challenge: str) -> list[int]:
    """Which hints the team has, in order."""
    rows = select(Hint.rung).where(Hint.team_id == team_id, Hint.challenge == challenge)
    return list(session.scalars(rows.order_by(Hint.rung)))


def handed_out(session: Session, challenge: str) -> list[tuple[str, int, datetime]]:
    """Who has been given which hint, and when, the last first."""
    rows = select(Team.name, Hint.rung, Hint.given).join(Hint, Hint.team_id == Team.id)
    return [tuple(row) for row in session.execute(rows.where(Hint.challenge == challenge).order_by(Hint.id.desc()))]
