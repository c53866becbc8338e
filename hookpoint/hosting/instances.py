"""The private instances of an event's challenges: made before it begins, in processes of their own, and kept in its
database. Their seeds come from the event's secret, so that nobody can know them beforehand.

Whoever is interrupted goes on where it ended: each instance is kept as soon as it is made.
"""

import hashlib
import hmac
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from hookpoint.errors import HookpointError

from .event import EventNow
from .making import card_of, instance_of, stand_back
from .settings import EventSettings
from .store.database import Database
from .store.models import SPLITS, Challenge, Event, Instance

__all__ = [
    "Step", "cards_of", "contents", "keep_cards", "make", "makers", "may_be_published", "missing", "private_seed",
    "published", "steps", "wanted",
]  # fmt: skip

SEED_BITS = 62
ENDED = "The process that makes the instances of {id} has ended. Is there enough memory? The same command goes on."
FAILED = "An instance of {id} cannot be made: {why}. Leave it out of `challenges` in event.toml, and report it."
OTHER = "{id}, {split} {number}, is another one than it was: scores from before do not compare with new ones."


@dataclass(frozen=True)
class Step:
    """One instance that is still to be made. `sha256` is what it was, in an event that was imported."""

    challenge: str
    split: str
    number: int
    seed: int
    sha256: str = ""


def private_seed(event: Event, challenge: str, split: str, number: int) -> int:
    """The seed of a private instance: 62 bits that nobody knows who has not the event's secret."""
    said = f"instance {number} of {challenge} for {split}".encode()
    digest = hmac.new(event.secret.encode(), said, hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - SEED_BITS)


def wanted(about: Mapping[str, Any]) -> dict[str, int]:
    """How many instances a challenge needs of each split. Where nothing is ranked, nothing is scored twice."""
    count = 0 if about["standing"] == "demo" else about["private"]
    return {split: count if split == SPLITS[0] or about["counts"] else 0 for split in SPLITS}


def missing(session: Session, settings: EventSettings) -> list[str]:
    """The challenges that the event offers and cannot score yet, in the order of its settings."""
    cards = dict(session.execute(select(Challenge.name, Challenge.about)).all())
    there = (Instance.challenge, Instance.split)
    rows = session.execute(select(*there, func.count()).where(Instance.content.is_not(None)).group_by(*there))
    made = {(challenge, split): count for challenge, split, count in rows}
    return [
        id
        for id in settings.challenges
        if id not in cards or any(made.get((id, split), 0) < count for split, count in wanted(cards[id]).items())
    ]


def steps(session: Session, cards: Mapping[str, Mapping[str, Any]]) -> list[Step]:
    """What is still to be made of these challenges. A row that is there keeps its seed, whatever the secret is now."""
    event = session.get_one(Event, 1)
    columns = (Instance.challenge, Instance.split, Instance.number, Instance.seed, Instance.sha256)
    rows = session.execute(select(*columns, Instance.content.is_not(None))).all()
    there = {(challenge, split, number): (int(seed), sha, made) for challenge, split, number, seed, sha, made in rows}
    found = []
    for id, about in cards.items():
        for split, count in wanted(about).items():
            for number in range(count):
                seed, sha, made = there.get((id, split, number), (private_seed(event, id, split, number), "", False))
                found += [] if made else [Step(id, split, number, seed, sha)]
    return found


def contents(session: Session, challenge: str, split: str) -> list[bytes]:
    """The instances of a split, as their bytes, in order; those that are made."""
    rows = select(Instance.content).where(Instance.challenge == challenge, Instance.split == split)
    return list(session.scalars(rows.where(Instance.content.is_not(None)).order_by(Instance.number)))


def may_be_published(now: EventNow) -> bool:
    """Whether the seeds are no secret any more: the event is over, and its final board open."""
    return now.row.final_open and not now.now.paused and now.now.phase is None and now.now.next is None


def published(session: Session) -> dict[str, Any]:
    """For each challenge the seeds of its instances by split, with the fingerprint of what was made of them."""
    rows = select(Instance.challenge, Instance.split, Instance.seed, Instance.sha256)
    found: dict[str, Any] = {}
    for challenge, split, seed, sha256 in session.execute(
        rows.order_by(Instance.challenge, Instance.split, Instance.number)
    ):
        found.setdefault(challenge, {}).setdefault(split, []).append({"seed": int(seed), "sha256": sha256})
    return found


@contextmanager
def makers(workers: int) -> Iterator[Executor]:
    """Processes that make challenges; they end with the block, whatever they are at."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, stand_back)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in list((getattr(pool, "_processes", None) or {}).values()):
            process.terminate()


def cards_of(ids: Sequence[str], pool: Executor) -> dict[str, tuple[dict[str, Any], str]]:
    """What there is to say of each challenge, and its starter.

    Raises:
        HookpointError: a challenge cannot be loaded.
    """
    asked = {id: pool.submit(card_of, id) for id in ids}
    return {id: _result(one, id) for id, one in asked.items()}


def keep_cards(database: Database, cards: Mapping[str, tuple[dict[str, Any], str]], at: datetime) -> None:
    """Writes down what pages show of the challenges, in the place of what was there."""
    with database.session() as session:
        there = {one.name: one for one in session.scalars(select(Challenge))}
        for id, (about, starter) in cards.items():
            row = there.get(id) or Challenge(name=id)
            row.about, row.starter, row.made = about, starter, at
            session.add(row)


def make(
    database: Database, todo: Sequence[Step], pool: Executor, tell: Callable[[Step], object] = lambda step: None
) -> list[str]:
    """Makes the instances and keeps each as soon as it is there; gives what a host should know.

    Args:
        tell: is told of each when it is kept.

    Raises:
        HookpointError: one cannot be made; those before it are kept.
    """
    asked = {pool.submit(instance_of, step.challenge, step.seed): step for step in todo}
    notes = []
    for done in as_completed(asked):
        step = asked[done]
        content, given = _result(done, step.challenge)
        sha256 = hashlib.sha256(content).hexdigest()
        if step.sha256 and step.sha256 != sha256:
            notes.append(OTHER.format(id=step.challenge, split=step.split, number=step.number))
        _keep(database, step, sha256, content, given)
        tell(step)
    return notes


def _keep(database: Database, step: Step, sha256: str, content: bytes, given: bytes | None) -> None:
    """Writes the instance, unless somebody else has meanwhile: the same seed makes the same one."""
    place = {"challenge": step.challenge, "split": step.split, "number": step.number}
    kept = {"sha256": sha256, "content": content, "given": given}
    same = (getattr(Instance, name) == value for name, value in place.items())
    with database.session() as session:
        session.scalars(select(Event).with_for_update()).one()  # two that make the same one wait for each other
        if not session.execute(update(Instance).where(*same).values(**kept)).rowcount:
            session.add(Instance(**place, seed=str(step.seed), **kept))


def _result(done: Future, id: str) -> Any:
    try:
        return done.result()
    except HookpointError:
        raise
    except BrokenProcessPool:
        raise HookpointError(ENDED.format(id=id)) from None
    except Exception as error:  # whatever a generator stumbles over; its text may hold a seed
        raise HookpointError(FAILED.format(id=id, why=type(error).__name__)) from error
