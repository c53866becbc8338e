"""Private instances: nobody can know them before, they are made once, and an imported event makes the same ones."""

import hashlib
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from hookpoint.challenges.instance import from_bytes, to_bytes
from hookpoint.errors import HookpointError
from hookpoint.hosting import event as events
from hookpoint.hosting import instances
from hookpoint.hosting.archive import export_archive, import_archive
from hookpoint.hosting.leaving import leave
from hookpoint.hosting.store.database import open_database
from hookpoint.hosting.store.models import Event, Instance

from .conftest import make_all, toy_challenge

SPOTS = st.tuples(st.sampled_from(["toy", "trojan"]), st.sampled_from(["board", "final"]), st.integers(0, 9))


@given(st.sets(SPOTS, min_size=2), st.text("0123456789abcdef", min_size=64, max_size=64))
def test_seeds_have_62_bits_and_no_two_instances_or_events_share_one(spots, secret):
    one, other = (Event(name="a", settings="", secret=text, join_code="c") for text in (secret, "x" + secret))
    seeds = [instances.private_seed(event, *spot) for event in (one, other) for spot in sorted(spots)]

    assert len(set(seeds)) == len(seeds) and all(0 <= seed < 2**62 for seed in seeds)


@pytest.mark.on_both
def test_all_that_is_missing_is_made_and_then_nothing_is(db, offer, NOON):
    event = offer(made=False)
    with db.reading() as session:
        assert instances.missing(session, event.settings) == ["toy"]
    make_all(db, NOON)
    with db.reading() as session:
        rows = session.scalars(select(Instance).order_by(Instance.id)).all()
        made = {(one.split, one.number): from_bytes(one.content) for one in rows}
        assert instances.missing(session, event.settings) == []
        assert instances.steps(session, {"toy": {"standing": "ranked", "private": 2, "counts": True}}) == []
    assert made.keys() == {(split, number) for split in ("board", "final") for number in (0, 1)}
    assert all(one.seed == instances.private_seed(event.row, "toy", *spot) for spot, one in made.items())
    assert all(one.sha256 == hashlib.sha256(one.content).hexdigest() for one in rows)


def test_what_was_made_before_it_broke_is_kept(db, offer, toy, NOON):
    event, right, calls = offer(made=False), toy_challenge(), []

    def breaks(seed):
        calls.append(seed)
        return right.generate(seed) if len(calls) < 3 else 1 / 0

    toy(generate=breaks)
    with pytest.raises(HookpointError, match="toy cannot be made: ZeroDivisionError"):
        make_all(db, NOON)
    toy()
    with db.reading() as session:
        assert len(instances.contents(session, "toy", "board")) == 2 and instances.missing(session, event.settings)
    make_all(db, NOON)
    with db.reading() as session:
        assert instances.missing(session, event.settings) == []


WANTED = {"ranked": (4, 4), "pass mark": (4, 4), "live table": (4, 0), "demo": (0, 0)}


@pytest.mark.parametrize("standing", WANTED)
def test_a_second_split_is_made_where_points_are_to_be_had_alone(standing):
    about = {"standing": standing, "private": 4, "counts": standing in ("ranked", "pass mark")}

    assert tuple(instances.wanted(about).values()) == WANTED[standing]


@pytest.fixture
def imported(db, offer, tmp_path):
    """The event of `db`, after all its instances were made, in another database."""
    offer()
    with db.reading() as session:
        export_archive(session, tmp_path / "event.zip")
    other = open_database(tmp_path / "other.db")
    import_archive(tmp_path / "event.zip", other)
    yield other
    other.close()


def test_the_archive_holds_no_instance(imported, tmp_path):
    with zipfile.ZipFile(tmp_path / "event.zip") as file:
        rows = [json.loads(line) for line in file.read("tables/instance.jsonl").splitlines()]

    assert len(rows) == 4 and not any({"content", "given"} & row.keys() for row in rows)


def test_an_imported_event_makes_the_same_instances_whatever_its_secret_is(db, imported, NOON):
    with imported.reading() as session:
        assert instances.contents(session, "toy", "board") == []
    assert make_all(imported, NOON) == []
    with db.reading() as before, imported.reading() as after:
        for split in ("board", "final"):
            assert instances.contents(after, "toy", split) == instances.contents(before, "toy", split)


def test_an_instance_that_has_become_another_one_is_named(imported, NOON):
    with imported.session() as session:
        session.execute(update(Instance).where(Instance.split == "final", Instance.number == 1).values(sha256="0" * 64))

    assert make_all(imported, NOON) == [instances.OTHER.format(id="toy", split="final", number=1)]


def test_a_process_of_its_own_makes_what_this_one_would(db):
    with instances.makers(1) as pool:
        about, starter = instances.cards_of(["feature_recovery"], pool)["feature_recovery"]

    assert about["id"] == "feature_recovery" and len(about["hints"]) == 3
    with ThreadPoolExecutor(1) as here:
        assert instances.cards_of(["feature_recovery"], here)["feature_recovery"] == (about, starter)


def test_the_seeds_are_published_when_all_is_over_and_make_the_same_instances(db, offer, a_person, NOON, tmp_path):
    offer()
    end, host = NOON + timedelta(hours=10), a_person("host")
    assert seeds_left(db, tmp_path / "during", NOON) is None and seeds_left(db, tmp_path / "closed", end) is None
    with db.session() as session:
        events.switch(session, host, "final_open", True)
    assert seeds_left(db, tmp_path / "open during", NOON) is None
    told = seeds_left(db, tmp_path / "over", end)

    again = [
        hashlib.sha256(to_bytes(toy_challenge().generate(one["seed"]))).hexdigest() for one in told["toy"]["final"]
    ]
    assert again == [one["sha256"] for one in told["toy"]["final"]] and len(told["toy"]["board"]) == 2


def seeds_left(db, folder, at):
    with db.reading() as session:
        leave(session, events.current(session, at), folder)
    path = folder / "results" / "instances.json"
    return json.loads(path.read_text()) if path.exists() else None
