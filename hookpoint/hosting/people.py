"""People: how they join and sign in, what hosts make them, and that they can be sent away.

A person is whoever has the token. It is given once, when they join, and only its hash is kept; whoever loses it asks a
host for a new one. What they do with teams stands in `teams`, `merging` and `matching_desk`, and can be had
from here.
"""

from datetime import datetime
from typing import Any, NoReturn

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from hookpoint.errors import UsageError

from . import audit, codes, limits, roles
from .errors import NotAllowed, NotSignedIn
from .event import EventNow, current
from .matching_desk import about_in, match_teams, proposed, seek_team
from .merging import merge_teams
from .store.models import ROLES, Person
from .teams import (
    disqualify,
    found_team,
    give_up_if_empty,
    hold_team_of,
    invited_to,
    join_team,
    leave_team,
    members,
    new_invitation,
    new_team,
    own,
    reinstate,
    rename_team,
)

__all__ = [
    "deactivate", "disqualify", "enrol", "found_team", "join", "join_team", "leave_team", "match_teams", "members",
    "merge_teams", "new_invitation", "new_token", "own", "proposed", "reactivate", "reinstate", "rename_team",
    "seek_team", "signed_in",
]  # fmt: skip

STAFF = tuple(role for role in ROLES if role != "participant")
WRONG_CODES = 60  # a minute, of all people together


def join(
    session: Session,
    at: datetime,
    code: str,
    name: str,
    team_name: str = "",
    invitation: str = "",
    about: Any = None,
    token: str = "",
) -> tuple[Person, str]:
    """A new participant and their token. With neither a team's name nor an invitation they want to be matched.

    It comes first in its transaction: what is refused undoes all that was done in it.

    Args:
        code: the event's, as they typed it.
        team_name: of a new team, with them in it.
        invitation: of a team that is there.
        about: what they said for the matching, see `about_in`.
        token: one that the page or program made beforehand, so that a form that is sent twice joins once, also when
            joining has ended meanwhile.

    Raises:
        NotAllowed: joining is closed.
        UsageError: wrong is the code, the name, or what was said of the team; nothing was kept.
        TooOften: the code or the invitation is wrong, as many were in this minute. Right ones are always taken: the
            code is known to the room, where anybody could else keep the others out.
    """
    event = current(session, at)
    _demand_code(session, event, code)
    token = codes.token_in(token or codes.token())
    if there := _with_token(session, codes.hashed(token)):
        return there, token
    event.demand("joining")
    if team_name.strip() and invitation.strip():
        raise UsageError("Make a new team or join one with its invitation: leave one of the two empty.")
    person = Person(name=codes.name_in(name), role="participant", about=about_in(about), joined=at)
    if there := _kept(session, person, codes.hashed(token)):
        return there, token
    if invitation.strip():
        try:
            person.team = invited_to(session, event, invitation)
        except UsageError as error:
            _refuse(session, at, error)
    elif team_name.strip():
        person.team = new_team(session, team_name, at)
    person.wants_team = person.team is None
    session.flush()
    return person, token


def signed_in(session: Session, token: str) -> Person:
    """Whoever has this token, with their team.

    Raises:
        NotSignedIn: nobody has, or they have been sent away.
    """
    try:
        person = _with_token(session, codes.hashed(token))
    except UsageError:
        person = None
    if person is None or not person.active:
        raise NotSignedIn()
    return person


def enrol(session: Session, host: Person | None, role: str, name: str, at: datetime) -> tuple[Person, str]:
    """A new judge, mentor or host, and their token.

    Args:
        host: None for the host's own commands, which make the first one.

    Raises:
        NotAllowed: `host` is none.
        UsageError: there is no such role to give, or the name cannot be shown.
    """
    _demand_host(host)
    if role not in STAFF:
        raise UsageError(f"Nobody can be made a {role!r}: choose {', '.join(STAFF)}. Participants join with the code.")
    token = codes.token()
    person = Person(name=codes.name_in(name), role=role, token_hash=codes.hashed(token), joined=at)
    session.add(person)
    session.flush()
    audit.note(session, who=host, what=f"enrolled a {role}", about={"person": person.id, "name": person.name}, at=at)
    return person, token


def new_token(session: Session, who: Person | None, person: Person) -> str:
    """A new token for the person; the old one opens nothing any more. They or a host ask for it.

    Args:
        who: None for the host's own commands.

    Raises:
        NotAllowed: somebody else asks.
    """
    if who is None or who.id != person.id:
        _demand_host(who)
        audit.note(session, who=who, what="renewed a token", about={"person": person.id, "name": person.name})
    token = codes.token()
    _held(session, person).token_hash = codes.hashed(token)
    session.flush()
    return token


def deactivate(session: Session, host: Person, person: Person) -> None:
    """Sends somebody away: their token opens nothing, and they take no place in their team. Their work stays.

    A team that nobody is in then and that handed in nothing is given up: so a name for a joke leaves the board.

    Raises:
        NotAllowed: the one who asks is no host, or asks for themselves: so there is always a host.
    """
    _demand_host(host)
    if host.id == person.id:
        raise NotAllowed("You cannot send yourself away. Ask another host.")
    query = select(Person).where(Person.role == "host", Person.active).order_by(Person.id).with_for_update()
    session.scalars(query).all()  # two hosts who send each other away: the second is none any more
    roles.known(session, host)
    hold_team_of(session, person)
    person = _held(session, person)
    person.active = False
    session.flush()
    give_up_if_empty(session, person.team)
    audit.note(session, who=host, what="sent away", about={"person": person.id, "name": person.name})
    session.flush()


def reactivate(session: Session, host: Person, person: Person) -> None:
    """Lets somebody in again who was sent away, with the token that they had, and into the team that they were in."""
    _demand_host(host)
    hold_team_of(session, person)
    person = _held(session, person)
    person.active = True
    if person.team is not None:
        person.team.active = True  # it may have been given up without them
    audit.note(session, who=host, what="let in again", about={"person": person.id, "name": person.name})
    session.flush()


def _kept(session: Session, person: Person, hash: str) -> Person | None:
    """Adds the person with this token; or gives whoever has it already, even if they got it at this very moment."""
    try:
        with session.begin_nested():
            person.token_hash = hash
            session.add(person)
    except IntegrityError:
        return _with_token(session, hash)
    return None


def _held(session: Session, person: Person) -> Person:
    """The person, active or not, whom nobody else changes until this transaction ends."""
    return session.get_one(Person, person.id, with_for_update={"key_share": True}, populate_existing=True)


def _with_token(session: Session, hash: str) -> Person | None:
    return session.scalar(select(Person).where(Person.token_hash == hash).options(joinedload(Person.team)))


def _demand_code(session: Session, event: EventNow, code: str) -> None:
    try:
        if codes.join_code_in(code) == event.row.join_code:
            return
        wrong = UsageError(f"{code!r} is not this event's join code. Look at the projector, or ask a host.")
    except UsageError as error:
        wrong = error
    _refuse(session, event.at, wrong)


def _refuse(session: Session, at: datetime, error: Exception) -> NoReturn:
    """Counts a wrong code for good, and nothing else: what raises would be rolled back with the transaction."""
    session.rollback()
    limits.spend(session, "everybody", "join", WRONG_CODES, 60, at)
    session.commit()
    raise error


def _demand_host(host: Person | None) -> None:
    if host is not None:
        roles.demand(host, "host")
