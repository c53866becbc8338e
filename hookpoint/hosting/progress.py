"""Progress: which checks passed in people's own workspaces, as far as these may tell. It is never graded."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from hookpoint.content.course import course

from . import roles
from .store.models import Person, Progress

__all__ = ["allow", "passed", "told", "where_people_are"]


def told(session: Session, person: Person, exercises: Iterable[str], at: datetime) -> int:
    """Keeps which exercises passed; gives how many are new. What the course does not have is left out.

    A workspace tells all it has each time, so that nothing is lost with a message that did not arrive.
    """
    person = roles.held(session, person)  # a workspace that tells the same twice at once is heard once
    known = {exercise.id for exercise in course().exercises}
    new = sorted((known & {one for one in exercises if isinstance(one, str)}) - passed(session, person))
    session.add_all(Progress(person_id=person.id, exercise=exercise, passed=at) for exercise in new)
    session.flush()
    return len(new)


def allow(session: Session, person: Person, tells: bool) -> None:
    """Lets the person's workspace tell, or no longer: then what it has told is forgotten."""
    person = roles.held(session, person)
    person.tells_progress = tells
    if not tells:
        session.execute(delete(Progress).where(Progress.person_id == person.id))
    session.flush()


def passed(session: Session, person: Person) -> set[str]:
    """The exercises that passed in the person's workspace."""
    return set(session.scalars(select(Progress.exercise).where(Progress.person_id == person.id)))


def where_people_are(session: Session) -> dict[str, int]:
    """How many active people passed each exercise that anybody did."""
    query = select(Progress.exercise, func.count()).join(Person, Person.id == Progress.person_id)
    return {
        exercise: people for exercise, people in session.execute(query.where(Person.active).group_by(Progress.exercise))
    }
