"""Who may do what: one question, asked in one way."""

from sqlalchemy.orm import Session

from .errors import NotAllowed, NotSignedIn
from .store.models import Person

__all__ = ["demand", "known"]


def demand(person: Person, *roles: str) -> None:
    """Refuses whoever has none of these roles.

    Raises:
        NotAllowed: the text says who may.
    """
    if person.role not in roles:
        raise NotAllowed(f"Only a {' or a '.join(roles)} can do this. Ask one of them.")


def known(session: Session, person: Person) -> Person:
    """The person as the database has them now: they may come from another transaction.

    Raises:
        NotSignedIn: they have been sent away since.
    """
    found = session.get(Person, person.id, populate_existing=True)
    if found is None or not found.active:
        raise NotSignedIn()
    return found
