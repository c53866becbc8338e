"""The matching desk: who looks for a team, what they said of themselves, and the teams that are made of them."""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from itertools import chain, count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hookpoint.errors import UsageError

from . import audit, codes, matching, roles
from .errors import NotAllowed
from .event import current
from .matching import SKILLS, Matching
from .store.models import Person, Team
from .teams import new_team

__all__ = ["about_in", "looking", "match_teams", "proposed", "seek_team"]

MOST_LISTED = 10  # languages or wishes of one person
# What new teams are called until they call themselves something.
BIRDS = (
    "Avocets Bitterns Buntings Choughs Cranes Curlews Dippers Dunlins Egrets Finches Goldcrests Grebes Harriers Herons "
    "Hoopoes Ibises Jays Kestrels Kites Lapwings Larks Linnets Martins Nightjars Nuthatches Orioles Ospreys Plovers "
    "Puffins Rails Redstarts Sandpipers Shrikes Siskins Swifts Terns Thrushes Treecreepers Wagtails Wrens"
).split()


def about_in(about: Any) -> dict[str, Any]:
    """What somebody said of themselves for the matching, as it is kept: only what was said, and only what makes sense.

    Args:
        about: None, or some of the fields of `matching.Person` but its name: `skills` (each of SKILLS from 0 to 3),
            `utc_offset` in hours, `languages`, `wishes` (names of people), `team_size`, `awake` (two hours).

    Raises:
        UsageError: the first thing that is wrong.
    """
    if about is not None and not isinstance(about, dict):
        raise UsageError("What you say of yourself is not a list of fields. Fill in the form, or leave it empty.")
    kept = {}
    for name, value in (about or {}).items():
        if name not in FIELDS:
            raise UsageError(f"{str(name)[:40]!r} is not asked for. Leave it out; known are {', '.join(FIELDS)}.")
        try:
            kept[name] = FIELDS[name](value)
        except (AttributeError, TypeError, ValueError, OverflowError):
            raise UsageError(f"What you wrote for {name.replace('_', ' ')} makes no sense. {WANTED[name]}") from None
    return kept


def looking(session: Session, hold: bool = False) -> list[Person]:
    """The people who want to be matched, the first to join first; nobody else changes them if they are to be held."""
    query = select(Person).where(Person.wants_team, Person.active, Person.team_id.is_(None))
    query = query.where(Person.role == "participant").order_by(Person.joined, Person.id)
    if hold:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return list(session.scalars(query))


def seek_team(session: Session, person: Person, about: Any, at: datetime, wants: bool = True) -> None:
    """Puts the person on the list of those who want to be matched, or takes them off it.

    Raises:
        NotAllowed: they are in a team, or joining is closed.
        UsageError: as for `about_in`.
    """
    current(session, at).demand("joining")
    roles.demand(person, "participant")
    person = roles.held(session, person)
    if person.team_id is not None:
        raise NotAllowed("You are in a team. Leave it first, on the team page.")
    person.wants_team, person.about = wants, about_in(about) or person.about
    session.flush()


def proposed(session: Session, at: datetime, seed: int) -> Matching:
    """The teams that `match_teams` would make now; nothing is changed.

    Raises:
        UsageError: nobody looks for a team.
    """
    return _matched(session, _named(looking(session)), at, seed)


def match_teams(session: Session, host: Person, at: datetime, seed: int) -> Matching:
    """Makes teams of all who look for one, and puts them in. The same people and seed give the same teams.

    Raises:
        NotAllowed: the person is no host.
        UsageError: nobody looks for a team.
    """
    roles.demand(host, "host")
    people = _named(looking(session, hold=True))
    found, made = _matched(session, people, at, seed), {}
    for team in found.teams:
        row = _new_team(session, at)
        made[row.name] = list(team.members)
        for member in team.members:
            people[member].team, people[member].wants_team = row, False
    audit.note(session, who=host, what="matched teams", about={"teams": made, "seed": seed}, at=at)
    session.flush()
    return found


def _named(people: Sequence[Person]) -> dict[str, Person]:
    """The people by names that are theirs alone: two with the same get their number behind it."""
    times = Counter(person.name for person in people)
    return {p.name if times[p.name] == 1 else f"{p.name} ({p.id})": p for p in people}


def _matched(session: Session, people: dict[str, Person], at: datetime, seed: int) -> Matching:
    if not people:
        raise UsageError("Nobody looks for a team. People ask for one when they join, or on the team page.")
    by_key = {codes.name_key(person.name): name for name, person in people.items()}
    asked = []
    for name, person in people.items():
        said = dict(person.about or {})
        said["wishes"] = [by_key.get(codes.name_key(wish), wish) for wish in said.get("wishes", ())]
        asked.append({"name": name, **said})
    teams = current(session, at).settings.teams
    return _match(json.dumps(asked), (teams.smallest, teams.largest), seed)


@lru_cache(maxsize=4)
def _match(asked: str, size: tuple[int, int], seed: int) -> Matching:
    """What `matching` makes of it, which takes seconds for hundreds: what a host looked at is then made at once."""
    return matching.match([matching.Person(**each) for each in json.loads(asked)], size, seed)


def _new_team(session: Session, at: datetime) -> Team:
    """A team with nobody in it, called by the first name of ours that no other team has."""
    taken = set(session.scalars(select(Team.folded)))
    for name in chain(BIRDS, (f"Team {number}" for number in count(1))):
        if codes.name_key(name) not in taken:
            with suppress(UsageError):  # somebody else takes it at this very moment
                return new_team(session, name, at)
    raise AssertionError("numbers do not end")


def _skills(value: dict) -> dict[str, int]:
    return {_one_of(skill, SKILLS): _within(int(level), 0, 3) for skill, level in value.items()}


def _names(value: list) -> list[str]:
    if not isinstance(value, list) or len(value) > MOST_LISTED:
        raise ValueError
    return [codes.name_in(str(name)) for name in value]


def _languages(value: list) -> list[str]:
    return _names(value) or _one_of(value, ())


def _hours(value: list) -> list[int]:
    first, last = value
    return [_within(int(first), 0, 24), _within(int(last), 0, 24)]


def _one_of(value: Any, known: Sequence[Any]) -> Any:
    if value not in known:
        raise ValueError
    return value


def _within(value: float, least: float, most: float) -> float:
    if not least <= value <= most:
        raise ValueError
    return value


# Each field of `matching.Person` that people fill in: how it is read, and what to write there.
FIELDS = {
    "skills": _skills,
    "utc_offset": lambda value: _within(float(value), -12, 14),
    "languages": _languages,
    "wishes": _names,
    "team_size": lambda value: _within(int(value), 0, 50),
    "awake": _hours,
}
WANTED = {
    "skills": f"Give each of {', '.join(SKILLS)} a level from 0 (none) to 3 (very well).",
    "utc_offset": "Write the hours that your clock is ahead of UTC, from -12 to 14.",
    "languages": f"Write at least one and at most {MOST_LISTED}.",
    "wishes": f"Write the names of at most {MOST_LISTED} people.",
    "team_size": "Write how many you want to be, 1 to work alone, or 0 if you do not mind.",
    "awake": "Write two full hours of your clock, such as 9 and 22.",
}
