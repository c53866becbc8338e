"""What can be undone by one press: which action takes back an entry of the log, as long as it still stands."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hookpoint.hosting.event import EventNow
from hookpoint.hosting.store.models import AuditEntry, Person, Team

__all__ = ["Undo", "by_host", "undoable"]

BY_HOST = re.compile(r".*\(host \d+\)", re.DOTALL)  # how the log names one


@dataclass(frozen=True)
class Undo:
    """A form that is one button."""

    path: str
    text: str
    hold: dict[str, str] = field(default_factory=dict)


def by_host(entry: AuditEntry) -> bool:
    """Whether a host did it, and not a judge, a mentor or a command."""
    return BY_HOST.fullmatch(entry.who) is not None


def undoable(session: Session, entries: Sequence[AuditEntry], now: EventNow) -> list[Undo | None]:
    """For each entry, the newest first, what takes it back, or None. Of several that say the same it is the newest."""
    found, known = [], set()
    for entry in entries:
        undo = _switch(entry.what, now) or _of_somebody(session, entry.what, entry.about)
        key = undo and (undo.path, *undo.hold.items())
        found.append(None if key in known else undo)
        known.add(key)
    return found


def _switch(what: str, now: EventNow) -> Undo | None:
    row = now.row
    match what:
        case "thawed the public board" if row.thawed:
            return Undo("/host/board", "Freeze again", {"thawed": ""})
        case "froze the public board" if not row.thawed:
            return Undo("/host/board", "Let it move", {"thawed": "yes"})
        case "paused grading" if row.grading_paused:
            return Undo("/host/grading", "Start again", {"paused": ""})
        case "started grading again" if not row.grading_paused:
            return Undo("/host/grading", "Pause again", {"paused": "yes"})
        case "paused the event" if now.schedule.paused is not None:
            return Undo("/host/event", "Resume", {"what": "resume"})
        case "opened the final board" if row.final_open:
            return Undo("/host/final", "Close it", {"open": ""})
    return None


def _of_somebody(session: Session, what: str, about: Any) -> Undo | None:
    if not isinstance(about, dict):
        return None
    if what == "disqualified a team":
        team = session.scalar(select(Team).where(Team.name == str(about.get("team")), Team.active))
        return Undo(f"/host/teams/{team.id}/reinstate", "Reinstate") if team and team.disqualified else None
    if what == "sent away" and isinstance(about.get("person"), int):
        person = session.get(Person, about["person"])
        return Undo(f"/host/people/{person.id}/back", "Let in again") if person and not person.active else None
    return None
