"""What the event's database keeps through upgrades, crashes and crowds, on SQLite and on PostgreSQL."""

import contextlib
import shutil
import sqlite3
import threading
import time

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, event, inspect, select, text

from hookpoint.errors import HookpointError, UsageError
from hookpoint.hosting.store import database
from hookpoint.hosting.store.database import Database, open_database
from hookpoint.hosting.store.models import Base, Person, RateEvent, Team


def team(name: str = "Owls") -> Team:
    return Team(name=name, invitation=f"join {name}")


def put(db: Database, *rows) -> None:
    with db.session() as session:
        session.add_all(rows)


def one_line(error) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


# Opening and upgrading


def test_an_empty_file_becomes_an_event_and_a_second_upgrade_changes_nothing(tmp_path):
    path = tmp_path / "event.db"
    path.touch()
    one = open_database(path)
    assert one.version() is None
    one.upgrade()
    put(one, team())
    one.upgrade()
    with one.reading() as session:
        assert session.scalars(select(Team.name)).all() == ["Owls"]
    assert one.version() == database._versions()[0]


def test_opening_makes_no_file_and_upgrading_makes_one_for_its_owner_alone(tmp_path):
    one = open_database(tmp_path / "event.db")
    assert list(tmp_path.iterdir()) == []

    one.upgrade()
    put(one, team())
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("event.db*")} == {0o600}


def test_two_that_upgrade_at_once_make_one_event(tmp_path, together):
    both = [open_database(tmp_path / "event.db") for _ in range(2)]
    assert together([one.upgrade for one in both]) == []
    put(both[0], team())
    with both[1].reading() as session:
        assert session.scalars(select(Team.name)).all() == ["Owls"]


def test_an_upgrade_waits_for_a_program_that_has_the_file(tmp_path, monkeypatch):
    path = tmp_path / "event.db"
    one = open_database(f"sqlite:///{path}?timeout=0.01")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(time, "sleep", lambda _: other.execute("ROLLBACK"))
        one.upgrade()
        assert not other.in_transaction
    put(one, team())


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_an_upgrade_that_fails_halfway_leaves_nothing(backend, tmp_path, monkeypatch, request):
    sqlite = backend == "sqlite"
    one = open_database(tmp_path / "event.db" if sqlite else request.getfixturevalue("postgres").make())
    broken = shutil.copytree(database.MIGRATIONS, tmp_path / "migrations") / "versions" / "0001_first.py"
    broken.write_text(broken.read_text().replace("    make_log()", "    op.execute('nonsense')"))
    with monkeypatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", broken.parents[1])
        with pytest.raises(HookpointError, match="cannot be used: .*syntax error") as error:
            one.upgrade()
    assert one_line(error) and one.version() is None and inspect(one.engine).get_table_names() == []

    one.upgrade()
    put(one, team())


@pytest.mark.on_both
def test_the_migrations_make_what_the_models_say(db):
    with db.engine.connect() as connection:
        options = {"version_table": database.VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []


@pytest.mark.on_both
def test_the_migrations_make_the_checks_that_the_models_say(db):
    """Alembic's comparison leaves these out; both sides are read back from a database."""
    there = inspect(db.engine)
    for table in Base.metadata.tables.values():
        ours = {constraint.name for constraint in table.constraints if constraint.name.startswith("ck_")}
        assert {check["name"] for check in there.get_check_constraints(table.name)} == ours


def test_the_migrations_write_every_table_as_the_models_do(db):
    """Word for word, with the rules of checks and of partial indexes, but for the order of the lines."""
    made = create_engine("sqlite://")
    Base.metadata.create_all(made)
    query = "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index') AND tbl_name <> 'hookpoint_version'"

    def schema(engine) -> dict[str, list[str]]:
        with engine.connect() as connection:
            rows = connection.exec_driver_sql(query)
            return {name: sorted(line.strip(" ,\t") for line in (sql or "").splitlines()) for name, sql in rows}

    assert schema(db.engine) == schema(made)


PRAGMAS = {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2, "busy_timeout": 30_000}


@pytest.mark.parametrize(("pragma", "value"), PRAGMAS.items(), ids=PRAGMAS)
def test_every_connection_is_set_up(db, pragma, value):
    again = open_database(db.place)
    with again.reading() as first, again.session() as second:
        assert {one.execute(text(f"PRAGMA {pragma}")).scalar() for one in (first, second)} == {value}


# What is refused


@pytest.mark.parametrize("content", [b"hello " * 1000, b"no", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(HookpointError) as error:
        open_database(path).upgrade()

    assert "notes.txt cannot be used: file is not a database" in one_line(error)
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (content, [path])


def test_a_database_of_others_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "gradebook.db"
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.executescript("CREATE TABLE alembic_version (version_num TEXT); CREATE TABLE student (id TEXT)")
    before = path.read_bytes()
    with pytest.raises(HookpointError, match="holds other tables and is no event of ours") as error:
        open_database(path)

    assert one_line(error) and path.read_bytes() == before


@pytest.mark.on_both
def test_a_newer_database_is_refused_and_left_as_it_is(db):
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE hookpoint_version SET version_num = '9999'"))
    with pytest.raises(HookpointError, match=r"from a newer hookpoint \(9999\).*Update hookpoint") as error:
        Database(db.engine.url).upgrade()

    assert one_line(error)
    with pytest.raises(HookpointError, match="from a newer hookpoint"), Database(db.engine.url).session():
        pass


def test_an_empty_or_older_database_wants_an_upgrade_before_it_is_used(tmp_path, db, monkeypatch):
    with pytest.raises(HookpointError, match="holds no event yet. `hookpoint host init`") as error:
        put(open_database(tmp_path / "new.db"), team())
    assert one_line(error)

    monkeypatch.setattr(database, "_versions", lambda: ("0002", "0001"))
    with pytest.raises(HookpointError, match=r"from an older hookpoint \(0001\)") as error:
        put(open_database(db.place), team())
    assert one_line(error)


def test_what_cannot_be_reached_is_one_line_without_the_password(tmp_path):
    with pytest.raises(HookpointError, match="cannot be used: .*Connection refused") as error:
        open_database("postgresql://me:sesame@127.0.0.1:1/event?password=sesame")
    assert "sesame" not in one_line(error)

    with pytest.raises(HookpointError, match="cannot be used: No such file or directory") as error:
        open_database(tmp_path / "nowhere" / "event.db").upgrade()
    assert one_line(error)


WRONG = [
    "mysql://me:sesame@here/event", "postgresql://me:sesame@here", "post gres://sesame", "://", "sqlite://",
    "sqlite:///:memory:", "postgresql://me:sesame@here:port/event",
]  # fmt: skip


@pytest.mark.parametrize("address", WRONG)
def test_an_address_of_no_database_is_refused_without_its_password(address):
    with pytest.raises(UsageError, match="is the path of an SQLite file or postgresql://") as error:
        open_database(address)

    assert "sesame" not in one_line(error)


# Transactions


def test_two_writers_that_read_first_wait_for_each_other_and_lose_nothing(db, together):
    """Each of 400 transactions counts what is there and writes the next number: a lost turn would show twice."""
    second = open_database(db.place)

    def write(one: Database) -> None:
        for _ in range(200):
            with one.session() as session:
                count = session.execute(text("SELECT count(*) FROM rate_event")).scalar_one()
                session.add(RateEvent(who="Owls", kind=str(count)))

    assert together([lambda: write(db), lambda: write(second)]) == []
    with db.reading() as session:
        assert sorted(session.scalars(select(RateEvent.kind)), key=int) == [str(number) for number in range(400)]


def test_writers_of_one_process_wait_in_line_and_not_at_the_file_where_they_would_sleep(db):
    begun = []
    event.listen(db.engine, "before_cursor_execute", lambda *about: begun.append(about[2]))
    waiting = threading.Thread(target=put, args=[db, team("Bats")])
    with pytest.raises(KeyError), db.session() as session:  # also if the one before them fails
        session.add(team())
        session.flush()
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive() and begun.count("BEGIN IMMEDIATE") == 1
        raise KeyError
    waiting.join(20)

    assert begun.count("BEGIN IMMEDIATE") == 2
    with db.reading() as session:
        assert set(session.scalars(select(Team.name))) == {"Bats"}


@pytest.mark.on_both
def test_a_block_that_raises_leaves_nothing(db):
    with pytest.raises(KeyError), db.session() as session:
        session.add(team())
        session.flush()
        raise KeyError
    with db.reading() as session:
        assert session.scalars(select(Team)).all() == []


@pytest.mark.on_both
def test_a_reader_waits_for_no_writer_sees_one_moment_and_cannot_write(db):
    with db.reading() as reader:
        assert reader.scalars(select(Team.name)).all() == []
        put(db, team())
        assert reader.scalars(select(Team.name)).all() == []
    with pytest.raises(HookpointError, match="(?i)read-?only"), db.reading() as reader:
        reader.add(team("Elks"))
        reader.flush()
    put(db, team("Bats"))  # the same connection writes again

    with db.reading() as reader:
        assert set(reader.scalars(select(Team.name))) == {"Owls", "Bats"}


def test_a_writer_that_waits_too_long_is_told_in_one_line_and_can_try_again(db):
    hasty = open_database(f"sqlite:///{db.place}?timeout=0.01")
    with db.session() as session:
        session.add(team())
        session.flush()
        with pytest.raises(HookpointError, match="cannot be used: database is locked") as error:
            put(hasty, team("Bats"))
    assert one_line(error)
    put(hasty, team("Bats"))


@pytest.mark.on_both
def test_what_was_loaded_can_be_read_after_the_block(db):
    put(db, person := Person(name="Ada", role="host", token_hash="a", team=team()))

    assert (person.team_id, person.team.name, person.active) == (person.team.id, "Owls", True)
