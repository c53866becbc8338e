"""Who rates what, from the database and back into it: the assignment of write-ups to judges as rows of `Review`.

What is handed out stays: seating again, for late write-ups, new judges and new conflicts, adds what is missing.
"""

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from hookpoint.errors import UsageError
from hookpoint.hosting.codes import name_key
from hookpoint.hosting.event import seed_of
from hookpoint.hosting.store.models import Conflict, Event, Person, Review, Submission, Team

from . import assignment

__all__ = ["HELD", "Seating", "entries", "labels", "seat", "seats_per_team"]

HELD = ("open", "rated")  # states of a review in which its judge sits there


@dataclass(frozen=True)
class Seating:
    """What handing out gave: how many new seats, and what the host should know, in words."""

    new: int
    notes: tuple[str, ...]


def entries(session: Session, team_id: int | None = None) -> dict[int, Submission]:
    """The write-up that counts of each team that can be judged, or of one: by the team's id, the last one handed in."""
    rows = (
        select(Submission)
        .join(Submission.team)
        .where(Submission.kind == "writeup", Team.active, Team.disqualified == "")
        .order_by(Submission.received, Submission.id)
        .options(selectinload(Submission.team).selectinload(Team.members))
    )
    if team_id is not None:
        rows = rows.where(Submission.team_id == team_id)
    return {submission.team_id: submission for submission in session.scalars(rows)}


def labels(people: Iterable[Person]) -> dict[int, str]:
    """A name for each person, by id, that no other has: people may be called the same."""
    people = list(people)
    keys = [person.name.casefold() for person in people]
    return {p.id: p.name if keys.count(p.name.casefold()) == 1 else f"{p.name} ({p.id})" for p in people}


def seat(session: Session, event: Event, each: int) -> Seating:
    """Gives each team with a write-up `each` judges and an alias; what is handed out already stays.

    Raises:
        UsageError: it is impossible: for which team, and why.
    """
    session.scalars(select(Event).with_for_update()).one()  # two hosts at once wait for each other
    teams = {team_id: submission.team for team_id, submission in entries(session).items()}
    if not teams:
        raise UsageError("No team has handed in a write-up yet: there is nothing to judge. Wait for the first.")
    reviews = session.scalars(select(Review)).all()
    judges = session.scalars(select(Person).where(Person.role == "judge", Person.active).order_by(Person.id)).all()
    if not judges:
        raise UsageError("Nobody is a judge yet. Invite judges first.")
    known = session.scalars(select(Person).where(Person.id.in_({review.judge_id for review in reviews}))).all()
    who = labels({person.id: person for person in (*judges, *known)}.values())
    against = _against(session, judges, teams.values(), who)
    held = {(r.judge_id, r.team_id): r for r in reviews if r.team_id in teams and r.state in HELD}
    named = {team_id: team.name for team_id, team in teams.items()}
    seed = seed_of(event, "judging")
    old = {named[team]: tuple(who[j] for j, t in held if t == team) for team in teams}
    done = {(who[judge], named[team]) for (judge, team), review in held.items() if review.state == "rated"}
    mine = [who[judge.id] for judge in judges]
    new = assignment.repair(assignment.Assignment(old), named.values(), mine, each, seed, against, done=done)
    _name(session, teams.values(), seed)
    before = len(held)
    for (judge, team), review in held.items():
        if who[judge] not in new.judges_of[named[team]]:
            review.state = "conflict" if (who[judge], named[team]) in against else "withdrawn"
            before -= 1
    _write(session, new, {name: id for id, name in who.items()}, {name: id for id, name in named.items()}, seed)
    return Seating(sum(map(len, new.judges_of.values())) - before, new.notes)


def seats_per_team(session: Session) -> int:
    """How many judges most teams have now: a host may have handed out with another number than the settings say."""
    seated = Counter(session.scalars(select(Review.team_id).where(Review.state.in_(HELD))))
    return statistics.mode(seated.values()) if seated else 0


def _against(
    session: Session, judges: Sequence[Person], teams: Iterable[Team], who: Mapping[int, str]
) -> dict[tuple[str, str], str]:
    """Why which judge must not rate which team: a member, one of the same name, a tie in common, or declared."""
    teams = {team.id: team for team in teams}
    named = {}
    for conflict in session.scalars(select(Conflict)):
        if conflict.judge_id in who and conflict.team_id in teams:
            named[who[conflict.judge_id], teams[conflict.team_id].name] = "a conflict was declared"
    for judge in judges:
        for team in teams.values():
            if any(name_key(judge.name) == name_key(member.name) for member in team.members):
                named.setdefault((who[judge.id], team.name), "a member has the same name")
    own = {judge.id: teams[judge.team_id].name if judge.team_id in teams else "" for judge in judges}
    return assignment.conflicts(
        [assignment.Judge(who[judge.id], own[judge.id], _ties(judge)) for judge in judges],
        [
            assignment.Team(team.name, frozenset().union(*(_ties(member) for member in team.members)))
            for team in teams.values()
        ],
        named,
    )


def _ties(person: Person) -> frozenset[str]:
    """The employers, schools and laboratories that somebody named."""
    about = person.about if isinstance(person.about, dict) else {}
    ties = about.get("ties")
    return frozenset(tie for tie in ties if isinstance(tie, str)) if isinstance(ties, list) else frozenset()


def _name(session: Session, teams: Iterable[Team], seed: str) -> None:
    """An alias for each team that has none."""
    known = {name: alias for name, alias in session.execute(select(Team.name, Team.alias)) if alias}
    teams = list(teams)
    given = assignment.aliases([team.name for team in teams], seed, known)
    for team in teams:
        team.alias = given[team.name]
    session.flush()


def _write(
    session: Session, new: assignment.Assignment, judges: Mapping[str, int], teams: Mapping[str, int], seed: str
) -> None:
    """The seats as reviews: new ones come behind those that a judge has, in an order of the judge's own."""
    rows = {(review.judge_id, review.team_id): review for review in session.scalars(select(Review))}
    for name in new.judges:
        judge = judges[name]
        place = max((review.place for (owner, _), review in rows.items() if owner == judge), default=0)
        for team in new.teams_of(name, seed):
            review = rows.get((judge, teams[team]))
            if review is None:
                place += 1
                session.add(Review(judge_id=judge, team_id=teams[team], place=place, state="open"))
            elif review.state not in HELD:
                review.state = "rated" if review.rated else "open"
    session.flush()
