"""How often somebody may do something: at most so many times within any stretch of so many seconds."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from .errors import TooOften
from .store.models import RateEvent

__all__ = ["spend"]


def spend(session: Session, who: str, kind: str, most: int, seconds: int, at: datetime) -> None:
    """Counts one more time that `who` did something of this `kind`; what is refused is not counted.

    The count is of the caller's transaction: rolled back with it, so that what failed for another reason is free.

    Raises:
        TooOften: it would be more than `most` times within `seconds`; the error says when it may be done again.
    """
    _wait_turn(session, f"{who} {kind}")
    same = RateEvent.who == who, RateEvent.kind == kind
    session.execute(delete(RateEvent).where(*same, RateEvent.when <= at - timedelta(seconds=seconds)))
    last = select(RateEvent.when).where(*same).order_by(RateEvent.when.desc()).offset(most - 1).limit(1)
    if (used := session.scalar(last)) is not None:
        # Should the clock have been set back, nobody waits longer than the whole stretch.
        left = min(float(seconds), (used - at).total_seconds() + seconds)
        times = "once" if most == 1 else f"{most} times"
        raise TooOften(f"That is too often: at most {times} in {_spoken(seconds)}. Wait {_spoken(left)}.", left)
    session.add(RateEvent(who=who, kind=kind, when=at))
    session.flush()


def _wait_turn(session: Session, what: str) -> None:
    """Lets transactions that count the same wait for each other; in SQLite all that write do so anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(what, 0))))


def _spoken(seconds: float) -> str:
    if seconds <= 120:
        return f"{max(1, -int(-seconds // 1))} s"
    return f"{-int(-seconds // 60)} min" if seconds <= 7200 else f"{-int(-seconds // 3600)} h"
