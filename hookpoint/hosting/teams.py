"""Teams: who is in which, under what name, and with what invitation. Never too many in one, never one name twice.

Whatever changes a team, or counts on who is in it, holds its row until the transaction ends (`held`, `own`): so of two
people who take the last place one is told that it is taken, and nothing is handed in for a team that is just merged
into another. Only people who are in no team are held before a team is, so that nobody waits in a circle.
"""

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hookpoint.errors import UsageError

from . import audit, codes, roles
from .errors import NotAllowed, NotFound
from .event import EventNow, current
from .store.models import Person, Submission, Team
from .texts import text_in

__all__ = [
    "disqualify", "found_team", "held", "invited_to", "join_team", "leave_team", "members",
    "new_invitation", "new_team", "own", "reinstate", "rename_team",
]  # fmt: skip

NO_TEAM = "You are in no team yet. Join one with its invitation, or make one on the team page."
TAKEN = "There is a team {name!r} already. Choose another name, such as {free!r}; if it is yours, use its invitation."
FULL = "{name!r} is full: a team has at most {most} people. Join another team, or make one."
LAST = "You are the last one in {name!r}, and what it handed in would count for nobody. Ask a host to merge teams."


def members(session: Session, team: Team) -> list[Person]:
    """The active people of the team, the first to join first."""
    query = select(Person).where(Person.team_id == team.id, Person.active).order_by(Person.joined, Person.id)
    return list(session.scalars(query))


def held(session: Session, team_id: int) -> Team:
    """The team as it is now, which nobody else changes until this transaction ends.

    Raises:
        NotFound: there is no such team.
    """
    query = select(Team).where(Team.id == team_id).with_for_update(key_share=True)
    team = session.scalar(query.execution_options(populate_existing=True))
    if team is None:
        raise NotFound("There is no such team. Go back to the list of teams.")
    return team


def own(session: Session, person: Person) -> Team:
    """The team that the person is in now, held: it is neither merged away nor left by them until then.

    Raises:
        NotAllowed: they are in none.
    """
    roles.known(session, person)
    team = hold_team_of(session, person)
    if team is None:
        raise NotAllowed(NO_TEAM)
    return team


def hold_team_of(session: Session, person: Person) -> Team | None:
    """The team that somebody is in now, even if they were sent away, held; None if they are in none."""
    query, team = select(Person.team_id).where(Person.id == person.id), None
    while (at := session.scalar(query)) != (team and team.id):  # they may be moved while we wait for the row
        team = held(session, at) if at else None
    roles.fresh(session, person)
    return team


def give_up_if_empty(session: Session, team: Team | None) -> None:
    """Makes a team inactive that nobody is in and that handed in nothing."""
    if team is not None and not members(session, team) and not _handed_in(session, team):
        team.active = False
        session.flush()


def new_team(session: Session, name: str, at: datetime) -> Team:
    """A team with this name and nobody in it yet.

    Raises:
        UsageError: the name cannot be shown, or another team has it; the text suggests one that is free.
    """
    name = codes.name_in(name)
    there = session.scalar(select(Team.id).where(Team.folded == codes.name_key(name), ~Team.active))
    given_up = held(session, there) if there else None
    if given_up is None or given_up.active or members(session, given_up) or _handed_in(session, given_up):
        return _called(session, Team(invitation=codes.invitation(), created=at), name)
    for sent_away in session.scalars(select(Person).where(Person.team_id == given_up.id)):
        sent_away.team = None  # who is let in again is not let in to other people
    given_up.name, given_up.invitation, given_up.active, given_up.created = name, codes.invitation(), True, at
    session.flush()
    return given_up  # those who left it, or others, may have the name again


def found_team(session: Session, person: Person, name: str, at: datetime) -> Team:
    """A new team with the person in it, who was in none.

    Raises:
        NotAllowed: joining is closed, or they are in a team.
        UsageError: as for `new_team`.
    """
    _open_to(session, person, at)
    return _enter(session, person, new_team(session, name, at))


def join_team(session: Session, person: Person, invitation: str, at: datetime) -> Team:
    """The team of the invitation, which the person is in from now on.

    Raises:
        NotAllowed: joining is closed, or they are in a team.
        UsageError: nobody has sent this invitation, or the team is full.
    """
    event = _open_to(session, person, at)
    return _enter(session, person, invited_to(session, event, invitation))


def invited_to(session: Session, event: EventNow, invitation: str) -> Team:
    """The team of the invitation, held, with room for one more.

    Raises:
        UsageError: it is no invitation, or nobody has sent it, or the team is full.
    """
    code = codes.invitation_in(invitation)
    found = session.scalar(select(Team.id).where(Team.invitation == code, Team.active))
    team = held(session, found) if found else None
    if team is None or team.invitation != code or not team.active:  # it may have changed while we waited for the row
        raise UsageError(f"No team has the invitation {code}. Look at it again, or ask the team for the present one.")
    if len(members(session, team)) >= event.settings.teams.largest:
        raise UsageError(FULL.format(name=team.name, most=event.settings.teams.largest))
    return team


def leave_team(session: Session, person: Person, at: datetime) -> None:
    """Takes the person out of their team. A team that nobody is in and that handed in nothing is given up.

    Raises:
        NotAllowed: they are in none, the board is frozen, or what the team handed in would be left behind.
    """
    team, event = own(session, person), current(session, at)
    _demand_unfrozen(event, "who is in which team stays as it is")
    if len(members(session, team)) == 1 and _handed_in(session, team):
        raise NotAllowed(LAST.format(name=team.name))
    person = roles.known(session, person)
    person.team = None
    session.flush()
    give_up_if_empty(session, team)


def rename_team(session: Session, person: Person, name: str, at: datetime, team: Team | None = None) -> Team:
    """The person's team under its new name, or any team for a host, who may do it at any time.

    Raises:
        NotAllowed: they are in none, name one that they are no host for, or the board is frozen: people know the names
            that stand on it.
        UsageError: the name cannot be shown, or another team has it.
    """
    if team is None:
        _demand_unfrozen(current(session, at), "names stay as they are")
        return _called(session, own(session, person), codes.name_in(name))
    roles.demand(person, "host")
    team, name = held(session, team.id), codes.name_in(name)
    audit.note(session, who=person, what="renamed a team", about={"from": team.name, "to": name}, at=at)
    return _called(session, team, name)


def new_invitation(session: Session, person: Person, team: Team | None = None) -> str:
    """A new invitation of the person's team, or of any team for a host. The old one opens nothing any more.

    Raises:
        NotAllowed: they are in no team, or name one that is not theirs.
    """
    if team is None:
        team = own(session, person)
    else:
        if roles.known(session, person).team_id != team.id:
            roles.demand(person, "host")
            audit.note(session, who=person, what="renewed an invitation", about={"team": team.name})
        team = held(session, team.id)
    team.invitation = codes.invitation()
    session.flush()
    return team.invitation


def disqualify(session: Session, host: Person, team: Team, reason: str) -> None:
    """Takes a team off the boards, with the reason that the team is shown.

    Raises:
        NotAllowed: the person is no host.
        UsageError: there is no reason.
    """
    roles.demand(host, "host")
    team, reason = held(session, team.id), text_in(reason, 500, "The reason")
    team.disqualified = reason
    audit.note(session, who=host, what="disqualified a team", about={"team": team.name, "reason": reason})
    session.flush()


def reinstate(session: Session, host: Person, team: Team) -> None:
    """Puts a disqualified team back on the boards."""
    roles.demand(host, "host")
    team = held(session, team.id)
    if team.disqualified:
        audit.note(session, who=host, what="reinstated a team", about={"team": team.name, "was": team.disqualified})
        team.disqualified = ""
        session.flush()


def _open_to(session: Session, person: Person, at: datetime) -> EventNow:
    """The event, where joining is open to this person, who is held and in no team."""
    event = current(session, at)
    event.demand("joining")
    roles.demand(person, "participant")
    if roles.held(session, person).team_id is not None:
        raise NotAllowed("You are in a team. Leave it first, on the team page.")
    return event


def _enter(session: Session, person: Person, team: Team) -> Team:
    person = roles.known(session, person)
    person.team, person.wants_team = team, False
    session.flush()
    return team


def _demand_unfrozen(event: EventNow, what: str) -> None:
    frozen = event.frozen_since()
    if frozen is not None:
        raise NotAllowed(f"The board is frozen since {event.spoken(frozen)}: {what}. Ask a host if that is wrong.")


def _handed_in(session: Session, team: Team) -> bool:
    return bool(session.scalar(select(exists().where(Submission.team_id == team.id))))


def _called(session: Session, team: Team, name: str) -> Team:
    """The team under this name, unless another has it: one that was there, or one that comes at the same moment."""
    try:
        with session.begin_nested():
            team.name = name
            session.add(team)
    except IntegrityError:
        raise UsageError(TAKEN.format(name=name, free=_free(session, name))) from None
    return team


def _free(session: Session, name: str) -> str:
    """A name like this one that no team has."""
    for number in range(2, 1000):
        one = f"{name[: codes.LONGEST_NAME - 4].rstrip()} {number}"
        if not session.scalar(select(exists().where(Team.folded == codes.name_key(one)))):
            return one
    return codes.join_code()
