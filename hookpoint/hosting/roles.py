"""Who may do what, asked in one way; and people as the database has them now."""

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from .errors import NotAllowed, NotSignedIn
from .store.models import Person

__all__ = ["demand", "fresh", "held", "known"]


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
    return _found(session, person, select(Person))


def held(session: Session, person: Person) -> Person:
    """The same, and nobody else changes them until this transaction ends."""
    return _found(session, person, select(Person).with_for_update(key_share=True))


def fresh(session: Session, person: Person) -> Person | None:
    """The person as the database has them now, sent away or not."""
    return _read(session, person, select(Person))


def _read(session: Session, person: Person, query: Select) -> Person | None:
    return session.scalar(query.where(Person.id == person.id).execution_options(populate_existing=True))


def _found(session: Session, person: Person, query: Select) -> Person:
    found = _read(session, person, query)
    if found is None or not found.active:
        raise NotSignedIn()
    return found
