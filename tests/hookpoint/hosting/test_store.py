"""What the event's database keeps and refuses, on SQLite and on PostgreSQL."""

import contextlib
import shutil
import sqlite3
import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, inspect, select, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm.attributes import set_committed_value

from hookpoint.errors import HookpointError, UsageError
from hookpoint.hosting.codes import name_key
from hookpoint.hosting.store import database
from hookpoint.hosting.store.database import Database, open_database
from hookpoint.hosting.store.models import (
    AuditEntry,
    Base,
    Conflict,
    Event,
    Job,
    Person,
    Question,
    RateEvent,
    Rating,
    Submission,
    Team,
    Verdict,
)

SHA = "ab" * 32
CONTENT = bytes(range(256))
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
on_both = pytest.mark.parametrize("db", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(scope="module")
def master(postgres) -> str:
    """The name of an upgraded database on the PostgreSQL server, to be copied."""
    with contextlib.closing(open_database(postgres.make("event_master"))) as made:
        made.upgrade()
    return "event_master"


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request, tmp_path_factory):
    """A database to which tests add audit entries alone, and the ids of a team, a member, and what was handed in."""
    with contextlib.closing(made(request, tmp_path_factory.mktemp("filled"))) as one:
        yield one, fill(one)


def made(request, folder) -> Database:
    if getattr(request, "param", "sqlite") == "postgresql":
        template = request.getfixturevalue("master")
        return open_database(request.getfixturevalue("postgres").make(template=template))
    return open_database(shutil.copy(request.getfixturevalue("master_file"), folder))


def a_team(name: str = "Owls") -> Team:
    return Team(name=name, join_code_hash=f"join {name}")


def a_person(name: str = "Ada", team: Team | None = None, role: str = "participant") -> Person:
    return Person(name=name, role=role, token_hash=f"token {name}", team=team)


def a_submission(team_id: int, person_id: int, **other) -> Submission:
    usual = {"notebook": "03_attention", "file_name": "mine.ipynb", "sha256": SHA, "content": CONTENT, "seed": "s"}
    return Submission(team_id=team_id, person_id=person_id, **usual | other)


def put(db: Database, *rows) -> None:
    with db.session() as session:
        session.add_all(rows)


def fill(db: Database) -> tuple[int, int, int]:
    """A team, a member, and what was handed in: their ids."""
    put(db, person := a_person(team=a_team()))
    put(db, submission := a_submission(person.team_id, person.id))
    return person.team_id, person.id, submission.id


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
    put(one, a_team())
    one.upgrade()
    with one.reading() as session:
        assert session.scalars(select(Team.name)).all() == ["Owls"]
    assert one.version() == database._versions()[0]


def test_opening_makes_no_file_and_upgrading_makes_one_for_its_owner_alone(tmp_path):
    one = open_database(tmp_path / "event.db")
    assert list(tmp_path.iterdir()) == []

    one.upgrade()
    put(one, a_team())
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("event.db*")} == {0o600}


def test_two_that_upgrade_at_once_make_one_event(tmp_path):
    both = [open_database(tmp_path / "event.db") for _ in range(2)]
    assert in_threads([one.upgrade for one in both]) == []
    put(both[0], a_team())
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
    put(one, a_team())


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
    put(one, a_team())


@on_both
def test_the_migrations_make_what_the_models_say(db):
    with db.engine.connect() as connection:
        options = {"version_table": database.VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []


@on_both
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


@on_both
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
        put(open_database(tmp_path / "new.db"), a_team())
    assert one_line(error)

    monkeypatch.setattr(database, "_versions", lambda: ("0002", "0001"))
    with pytest.raises(HookpointError, match=r"from an older hookpoint \(0001\)") as error:
        put(open_database(db.place), a_team())
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


def in_threads(jobs) -> list[BaseException]:
    """Runs all at the same time; gives what they raised."""
    raised, start = [], threading.Barrier(len(jobs))

    def run(job) -> None:
        start.wait()
        try:
            job()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return raised


def test_two_writers_that_read_first_wait_for_each_other_and_lose_nothing(db):
    """Each of 400 transactions counts what is there and writes the next number: a lost turn would show twice."""
    second = open_database(db.place)
    team = a_team()
    put(db, team)

    def write(one: Database) -> None:
        for _ in range(200):
            with one.session() as session:
                count = session.execute(text("SELECT count(*) FROM rate_event")).scalar_one()
                session.add(RateEvent(team_id=team.id, kind=str(count)))

    assert in_threads([lambda: write(db), lambda: write(second)]) == []
    with db.reading() as session:
        assert sorted(session.scalars(select(RateEvent.kind)), key=int) == [str(number) for number in range(400)]


@on_both
def test_a_block_that_raises_leaves_nothing(db):
    with pytest.raises(KeyError), db.session() as session:
        session.add(a_team())
        session.flush()
        raise KeyError
    with db.reading() as session:
        assert session.scalars(select(Team)).all() == []


@on_both
def test_a_reader_waits_for_no_writer_sees_one_moment_and_cannot_write(db):
    with db.reading() as reader:
        assert reader.scalars(select(Team.name)).all() == []
        put(db, a_team())
        assert reader.scalars(select(Team.name)).all() == []
    with pytest.raises(HookpointError, match="(?i)read-?only"), db.reading() as reader:
        reader.add(a_team("Elks"))
        reader.flush()
    put(db, a_team("Bats"))  # the same connection writes again

    with db.reading() as reader:
        assert set(reader.scalars(select(Team.name))) == {"Owls", "Bats"}


def test_a_writer_that_waits_too_long_is_told_in_one_line_and_can_try_again(db):
    hasty = open_database(f"sqlite:///{db.place}?timeout=0.01")
    with db.session() as session:
        session.add(a_team())
        session.flush()
        with pytest.raises(HookpointError, match="cannot be used: database is locked") as error:
            put(hasty, a_team("Bats"))
    assert one_line(error)
    put(hasty, a_team("Bats"))


@on_both
def test_what_was_loaded_can_be_read_after_the_block(db):
    put(db, person := a_person(team=a_team()))

    assert (person.team_id, person.team.name, person.active) == (person.team.id, "Owls", True)


# What the tables forbid


def verdict(submission_id: int, **other) -> Verdict:
    usual = {"exercise": "causal_mask", "status": "passed", "points": 2, "max_points": 2}
    return Verdict(submission_id=submission_id, **usual | other)


def rating(team_id: int, judge_id: int, score: int = 3) -> Rating:
    return Rating(team_id=team_id, judge_id=judge_id, criterion="rigour", score=score)


# What is refused, by which rule, as SQLite or PostgreSQL calls it; `t`, `p`, `s` are the ids of a team, a member of it
# and what that member handed in.
def unchecked(row, **values):
    """The row with values that the models' own rules have not seen: the database has to refuse them."""
    for name, value in values.items():
        set_committed_value(row, name, value)
    return row


FORBIDDEN = {
    "a second event": ("ck_event_only_one", lambda t, p, s: Event(id=2, name="b", settings={}, secret="s")),
    "a team's name in other case": ("team.folded|uq_team_folded", lambda t, p, s: a_team("  OWLS ")),
    "a team without a name": ("ck_team_named", lambda t, p, s: unchecked(a_team("Cats"), name="  ")),
    "a join code again": (
        "team.join_code_hash|uq_team_join_code_hash", lambda t, p, s: Team(name="Bats", join_code_hash="join Owls")
    ),
    "a token again": (
        "person.token_hash|uq_person_token_hash", lambda t, p, s: Person(name="B", role="host", token_hash="token Ada")
    ),
    "an unknown role": ("ck_person_role", lambda t, p, s: a_person("Bob", role="king")),
    "a team that is not there": (
        "FOREIGN KEY|fk_person_team_id", lambda t, p, s: Person(name="B", role="host", token_hash="b", team_id=99)
    ),
    "a replay": (
        "submission.sha256|uq_submission_team_id_sha256_notebook", lambda t, p, s: a_submission(t, p, file_name="b")
    ),
    "half a hash": ("ck_submission_sha256", lambda t, p, s: a_submission(t, p, sha256="ab")),
    "an unknown state": ("ck_job_state", lambda t, p, s: Job(submission_id=s, state="lost")),
    "a lease of nobody": ("ck_job_lease", lambda t, p, s: Job(submission_id=s, state="leased", lease_until=NOON)),
    "an endless lease": ("ck_job_lease", lambda t, p, s: Job(submission_id=s, state="leased", lease_owner="w")),
    "done at no time": ("ck_job_finished", lambda t, p, s: Job(submission_id=s, state="done")),
    "queued and finished": ("ck_job_finished", lambda t, p, s: Job(submission_id=s, finished=NOON)),
    "fewer tries than none": ("ck_job_tries", lambda t, p, s: Job(submission_id=s, tries=-1)),
    "an unknown status": ("ck_verdict_status", lambda t, p, s: verdict(s, status="good")),
    "more points than there are": ("ck_verdict_points", lambda t, p, s: verdict(s, points=3)),
    "fewer points than none": ("ck_verdict_points", lambda t, p, s: verdict(s, points=-1)),
    "an answer of nobody": (
        "ck_question_answered", lambda t, p, s: Question(person_id=p, text="?", answer="!", answered=NOON)
    ),
    "a helper without an answer": (
        "ck_question_answered", lambda t, p, s: Question(person_id=p, text="?", answered_by_id=p)
    ),
    "a rating of 0": ("ck_rating_score", lambda t, p, s: rating(t, p, 0)),
    "a rating of 6": ("ck_rating_score", lambda t, p, s: rating(t, p, 6)),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "row"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_what_must_never_be_is_refused_by_the_database(filled, rule, row):
    db, ids = filled
    with pytest.raises(IntegrityError, match=rule):
        put(db, row(*ids))


TWICE = {
    "a verdict": lambda t, p, s: verdict(s),
    "a waiting job": lambda t, p, s: Job(submission_id=s),
    "a rating": lambda t, p, s: rating(t, p),
    "a conflict": lambda t, p, s: Conflict(judge_id=p, team_id=t),
    "the event": lambda t, p, s: Event(name="a", settings={}, secret="s"),
}


@pytest.mark.parametrize("row", TWICE.values(), ids=TWICE)
def test_what_is_there_once_is_not_there_twice(filled, row):
    db, ids = filled
    with db.session() as session:
        session.add(row(*ids))
        session.flush()
        session.expunge_all()  # or the session itself would refuse the event's second row
        session.add(row(*ids))
        with pytest.raises(IntegrityError, match="(?i)unique"):
            session.flush()
        session.rollback()


@pytest.mark.parametrize("table", ["team", "person"])
def test_what_others_refer_to_is_not_deleted(filled, table):
    with pytest.raises(IntegrityError, match="(?i)foreign key"), filled[0].session() as session:
        session.execute(text(f"DELETE FROM {table}"))


@on_both
def test_a_submission_can_be_graded_again_when_the_last_grading_is_over(db):
    _, _, id = fill(db)
    over = [Job(submission_id=id, state=state, finished=NOON) for state in ("done", "failed", "done")]
    put(db, *over, Job(submission_id=id, state="leased", lease_owner="w", lease_until=NOON))
    with pytest.raises(IntegrityError, match="job.submission_id|uq_job_waiting"):
        put(db, Job(submission_id=id))


def test_the_next_job_is_found_by_the_index(filled):
    db, _ = filled
    query = "SELECT id FROM job WHERE state = 'queued' ORDER BY enqueued, id LIMIT 1"
    with db.session() as session:
        explain = "EXPLAIN QUERY PLAN"
        if not db.is_sqlite:
            session.execute(text("SET enable_seqscan = off"))  # it rightly reads an empty table from end to end
            explain = "EXPLAIN"
        assert "ix_job_next" in str(session.execute(text(f"{explain} {query}")).all())


# The audit log

CHANGES = {
    "update": "UPDATE audit_entry SET who = 'nobody'",
    "delete": "DELETE FROM audit_entry",
}
CHANGES_BY = {
    "sqlite": {
        "replace": """INSERT OR REPLACE INTO audit_entry SELECT id, "when", 'nobody', what, about FROM audit_entry""",
        "replace by name": """REPLACE INTO audit_entry SELECT id, "when", 'nobody', what, about FROM audit_entry""",
    },
    "postgresql": {
        "truncate": "TRUNCATE audit_entry",
        "upsert": """INSERT INTO audit_entry SELECT * FROM audit_entry ON CONFLICT (id) DO UPDATE SET who = 'nobody'""",
    },
}
ATTEMPTS = [
    pytest.param(backend, statement, id=f"{name} in {backend}")
    for backend, more in CHANGES_BY.items()
    for name, statement in (CHANGES | more).items()
]


@pytest.mark.parametrize(("filled", "change"), ATTEMPTS, indirect=["filled"])
def test_an_audit_entry_is_neither_changed_nor_deleted(filled, change):
    db, _ = filled
    put(db, AuditEntry(when=NOON, who="ada", what="froze the board", about={"board": "public"}))
    before = entries(db)
    with pytest.raises(IntegrityError, match="the audit log only grows"), db.session() as session:
        session.execute(text(change))

    put(db, AuditEntry(when=NOON, who="bob", what="thawed it", about=None))
    assert entries(db) == [*before, (NOON, "bob", "thawed it", None)] and before


def entries(db: Database) -> list[tuple]:
    columns = AuditEntry.when, AuditEntry.who, AuditEntry.what, AuditEntry.about
    with db.reading() as session:
        return [tuple(row) for row in session.execute(select(*columns).order_by(AuditEntry.id))]


# Columns


def test_a_moment_comes_back_in_utc_whatever_zone_it_was_given_in(filled):
    db, _ = filled
    put(db, AuditEntry(when=NOON.astimezone(timezone(timedelta(hours=-7))), who="ada", what="looked", about=None))
    when = entries(db)[-1][0]

    assert (when, when.tzinfo) == (NOON, UTC)


def test_a_time_without_a_zone_is_refused(db):
    with pytest.raises(StatementError, match="has no time zone"):
        put(db, AuditEntry(when=datetime(2026, 5, 4), who="ada", what="looked", about=None))


@given(words=st.text(st.characters(codec=None)))
@settings(max_examples=25, deadline=None)
def test_odd_text_is_kept_but_for_what_no_database_keeps(filled, words):
    db, _ = filled
    put(db, AuditEntry(who="ada", what=words, about={words: [words]}))
    *_, what, about = entries(db)[-1]

    assert about == {words: [words]}
    assert what == "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in words)


SAME = [("Owls", "  oWLS "), ("Straße 9", "STRASSE  9"), ("Ａｂ", "ab"), ("É", "e\u0301"), ("a\u00a0b", "A\tB")]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_names_that_people_take_for_one_fold_to_one(one, other):
    assert name_key(one) == name_key(other) != name_key(one + "2")


def test_a_submissions_bytes_come_back_as_they_were(filled):
    db, (_, _, id) = filled
    with db.reading() as session:
        submission = session.get(Submission, id)
        assert "content" not in vars(submission)  # a list of submissions reads no files
        assert submission.content == CONTENT
