"""For the tests of an event: databases of both kinds, an event that is open at NOON, and people and files to fill it.

A test marked `on_both` runs twice, with `db` (and all that comes from it) in SQLite and in PostgreSQL.
"""

import contextlib
import json
import shutil
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from hookpoint.challenges import registry
from hookpoint.hosting import codes, instances
from hookpoint.hosting import event as events
from hookpoint.hosting.store.database import Database, open_database
from hookpoint.hosting.store.models import Person, Team

BACKENDS = ("sqlite", "postgresql")
AT_NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
SETTINGS = """
title = "Look inside 2026"
place = "Hall 3"
timezone = "UTC"
starts = "2026-05-04 08:00"
template = "one_day"
notebooks = ["02_embed_and_mlp", "03_attention"]

[[phases]]
name = "All"
lasts = "12 h"
open = ["joining", "submitting", "judging", "board"]

[teams]
largest = 4

[board]
freeze = "1 h"
"""


def pytest_configure(config):
    config.addinivalue_line("markers", "on_both: runs in SQLite and in PostgreSQL")


def pytest_generate_tests(metafunc):
    if metafunc.definition.get_closest_marker("on_both"):
        metafunc.parametrize("db", BACKENDS, indirect=True)


@pytest.fixture(scope="module")
def master(postgres) -> str:
    """The name of an upgraded database on the PostgreSQL server, to be copied."""
    with contextlib.closing(open_database(postgres.make("event_master"))) as made:
        made.upgrade()
    return "event_master"


@pytest.fixture(scope="session")
def master_file(tmp_path_factory) -> Path:
    """An upgraded SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("master") / "event.db"
    with contextlib.closing(open_database(path)) as made:
        made.upgrade()
    return path


@pytest.fixture
def db(request, tmp_path):
    """An upgraded database with nothing in it; in SQLite unless the test is for both."""
    with contextlib.closing(made(request, tmp_path)) as one:
        yield one


@pytest.fixture(scope="module", params=BACKENDS)
def shared_db(request, tmp_path_factory):
    """An upgraded database of each kind for a whole module."""
    with contextlib.closing(made(request, tmp_path_factory.mktemp("shared"))) as one:
        yield one


def made(request, folder) -> Database:
    if getattr(request, "param", "sqlite") == "postgresql":
        template = request.getfixturevalue("master")
        return open_database(request.getfixturevalue("postgres").make(template=template))
    return open_database(shutil.copy(request.getfixturevalue("master_file"), folder))


@pytest.fixture(scope="session")
def NOON() -> datetime:
    """A moment at which everything is open at the `event`, which runs from 8:00 to 20:00 UTC and freezes at 19:00."""
    return AT_NOON


@pytest.fixture(scope="session")
def settings_text() -> str:
    """What stands in the `event.toml` of the `event`."""
    return SETTINGS


@pytest.fixture
def event(db, NOON) -> events.EventNow:
    """The event in `db`, as it stands at NOON."""
    with db.session() as session:
        events.create(session, SETTINGS, at=NOON)
        return events.current(session, NOON)


@pytest.fixture
def a_team(db, NOON):
    """`a_team("Owls")`: a new team in `db`."""
    numbers = count(1)

    def make(name: str = "", **columns) -> Team:
        team = Team(name=name or f"Team {next(numbers)}", invitation=codes.invitation(), created=NOON, **columns)
        with db.session() as session:
            session.add(team)
        return team

    return make


@pytest.fixture
def a_person(db, NOON):
    """`a_person("judge")`: a new person in `db`, whose token is their `.token`. `team` is the team they are in."""
    numbers = count(1)

    def make(role: str = "participant", name: str = "", team: Team | None = None, **columns) -> Person:
        token = codes.token()
        person = Person(
            name=name or f"{role.title()} {next(numbers)}",
            role=role,
            token_hash=codes.hashed(token),
            team_id=team and team.id,
            joined=NOON,
            **columns,
        )
        with db.session() as session:
            session.add(person)
        person.token = token
        return person

    return make


@pytest.fixture(scope="session")
def together():
    """`together(jobs)`: runs them all at the same time; gives what they raised."""

    def run(jobs) -> list[BaseException]:
        raised, start = [], threading.Barrier(len(jobs))

        def one(job) -> None:
            start.wait()
            try:
                job()
            except BaseException as error:
                raised.append(error)

        threads = [threading.Thread(target=one, args=[job]) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return raised

    return run


@pytest.fixture
def waiting_for(db):
    """`waiting_for(first, second)`: runs both with sessions of `db`; the second waits until the first is committed."""

    def run(first, second) -> None:
        first_is_done, done = threading.Event(), []

        def wait_and_run() -> None:
            first_is_done.wait()
            with db.session() as session:
                second(session)
            done.append(second)

        thread = threading.Thread(target=wait_and_run)
        thread.start()
        with db.session() as session:
            first(session)
            first_is_done.set()
            thread.join(0.1)
            assert not done
        thread.join(60)
        assert done

    return run


@pytest.fixture(scope="session")
def a_notebook(small):
    """`a_notebook()`: the bytes of a notebook with one answer, to `causal_mask` of 03_attention."""

    def make(answer: str = "def causal_mask(T):\n    return None", name: str = "03_attention") -> bytes:
        about = {"part": "part1_build_gpt2", "notebook": name, "title": "Attention"}
        cells = [
            small.cell("prose", "# 03 · Attention"),
            small.cell("exercise", answer, "causal_mask", exercise="causal_mask", writes="causal_mask", minutes=10),
            small.cell("check", 'checks.run("causal_mask")', "check-causal_mask", exercise="causal_mask", points=2),
        ]
        notebook = {"cells": cells, "metadata": {"hookpoint": about}, "nbformat": 4, "nbformat_minor": 5}
        return json.dumps(notebook).encode()

    return make


# Challenges


def toy_challenge(**other):
    """Guess the number that an instance was made of: 1 for it, 0 for one that is 50 away. It takes no time."""
    from hookpoint.challenges import BadAnswer, Challenge, Instance, Mark

    def score(instance, answer):
        said = answer(instance.facts["hint"]) if callable(answer) else answer
        if not isinstance(said, int | float):
            raise BadAnswer("A number was expected.")
        return Mark(max(0.0, 1 - abs(said - instance.facts["key"]) / 50), cost=3.0)

    def generate(seed):
        return Instance("toy", seed, {}, {"hint": seed % 10, "key": seed % 100})

    usual = {
        "id": "toy", "title": "The toy", "asks": "Guess.", "why": "Digits.", "standing": "ranked",
        "difficulty": "beginner", "answer": "guess", "contract": "def guess(hint): ...", "unit": "nearness",
        "floor": 0.0, "ceiling": 1.0, "seconds": 1.0, "generate": generate, "score": score, "make_seconds": 0.1,
        "hints": ("Look at it.", "It ends in the hint.", "Say 45 and the hint."), "private": 2,
    }  # fmt: skip
    return Challenge(**usual | other)


@pytest.fixture
def toy(monkeypatch):
    """`toy(standing="demo")`: the registry has a challenge `toy`, and no other tests see it."""

    def make(**other):
        one = toy_challenge(**other)
        monkeypatch.setattr(registry, "IDS", (*registry.IDS, "toy") if "toy" not in registry.IDS else registry.IDS)
        monkeypatch.setitem(sys.modules, "hookpoint.challenges.toy", SimpleNamespace(CHALLENGE=one))
        return one

    return make


@pytest.fixture
def offer(db, toy, NOON):
    """`offer()`: an event in `db` that offers the toy, as it stands at NOON; `made=False`: without its instances."""

    def make(made: bool = True, text: str = SETTINGS, limits: str = "", **other) -> events.EventNow:
        toy(**other)
        settings = text.replace("[[phases]]", f'challenges = ["toy"]\n{limits}\n[[phases]]', 1)
        with db.session() as session:
            events.create(session, settings, at=NOON)
        if made:
            make_all(db, NOON)
        with db.reading() as session:
            return events.current(session, NOON)

    return make


def make_all(db, at) -> list[str]:
    """Makes all instances of the toy, in this process."""
    with ThreadPoolExecutor(1) as pool:
        cards = instances.cards_of(["toy"], pool)
        instances.keep_cards(db, cards, at)
        with db.reading() as session:
            todo = instances.steps(session, {id: about for id, (about, _) in cards.items()})
        return instances.make(db, todo, pool)
