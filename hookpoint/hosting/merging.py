"""Two teams become one, while people hand in: see `teams` for how those who change a team wait for each other."""

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session, aliased

from hookpoint.errors import UsageError

from . import audit, roles
from .errors import NotAllowed
from .store.models import Claim, Conflict, Person, Review, Submission, Team
from .teams import held

__all__ = ["merge_teams"]

IN_STEP = {"synchronize_session": "fetch"}  # what the session has loaded follows what the database changed


def merge_teams(session: Session, host: Person, gone: Team, into: Team) -> Team:
    """The team `into`, to which all that `gone` had now belongs: people, what was handed in, claims, conflicts.

    The host decides, so there may be more people in it than the settings allow.

    Raises:
        NotAllowed: the person is no host, judging has begun for one of them, or one is disqualified.
        UsageError: they are one team, or one is not there any more.
    """
    roles.demand(host, "host")
    if gone.id == into.id:
        raise UsageError("A team cannot be merged with itself. Choose two.")
    found = {id: held(session, id) for id in sorted((gone.id, into.id))}  # in one order for all who hold two
    gone, into = found[gone.id], found[into.id]
    _demand_mergeable(session, gone, into)
    session.execute(update(Person).where(Person.team_id == gone.id).values(team_id=into.id), execution_options=IN_STEP)
    _first_receipt_counts(session, gone, into)
    for table, same in ((Submission, ("sha256", "task")), (Claim, ("problem",)), (Conflict, ("judge_id",))):
        _move(session, gone, into, table, same)
    gone.active = False
    audit.note(session, who=host, what="merged teams", about={"from": gone.name, "into": into.name})
    session.flush()
    session.expire(gone, ["members"])
    session.expire(into, ["members"])
    return into


def _demand_mergeable(session: Session, gone: Team, into: Team) -> None:
    both = (gone.id, into.id)
    if not (gone.active and into.active):
        raise UsageError("One of the teams is there no more. Load the list of teams again.")
    if gone.disqualified or into.disqualified:
        raise NotAllowed("One of the teams is disqualified. Reinstate it first, or leave it alone.")
    if session.scalar(select(func.count()).where(Review.team_id.in_(both))):
        raise NotAllowed("Judges have been given these teams. Teams cannot be merged after that.")


def _first_receipt_counts(session: Session, gone: Team, into: Team) -> None:
    """Where both handed in the same bytes for the same task, one stays; it counts from when the first was received."""
    theirs, ours = aliased(Submission), aliased(Submission)
    same = (theirs.sha256 == ours.sha256) & (theirs.task == ours.task)
    twins = select(ours, theirs.received).join(theirs, same).where(ours.team_id == into.id, theirs.team_id == gone.id)
    for kept, received in session.execute(twins):
        kept.received = min(kept.received, received)
    session.flush()


def _move(session: Session, gone: Team, into: Team, table: type, same: tuple[str, ...]) -> None:
    """Moves a team's rows to another, but for those that it has already: they are left with the team that is gone."""
    other = aliased(table)
    twin = exists().where(other.team_id == into.id, *(getattr(other, name) == getattr(table, name) for name in same))
    session.execute(
        update(table).where(table.team_id == gone.id, ~twin).values(team_id=into.id), execution_options=IN_STEP
    )
