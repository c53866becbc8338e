"""The audit log: what hosts, judges and mentors did, in the transaction that did it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from .store.models import AuditEntry, Person

__all__ = ["latest", "note"]

SETUP = "set up"  # who did what nobody who has joined did


def note(session: Session, who: Person | None, what: str, about: Any = None, at: datetime | None = None) -> None:
    """Writes down that `who` did `what`, a verb and a thing: "paused grading". It stays if the transaction does.

    Args:
        who: None for what the host's commands do before anybody can sign in.
        about: plain values that say the rest: ids, names as they were, reasons.
        at: when, if the caller says so; else now.
    """
    name = f"{who.name} ({who.role} {who.id})" if who else SETUP
    when = {"when": at} if at else {}
    session.add(AuditEntry(who=name, what=what, about=about or {}, **when))


def latest(session: Session, count: int, role: str = "") -> Sequence[AuditEntry]:
    """The last entries, the newest first; of a role, if it is named, and of people who put its name behind theirs."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(count)
    return session.scalars(query.where(AuditEntry.who.like(f"%({role} %)")) if role else query).all()
