"""Making an event: all of it or nothing, once; and the settings that it begins with."""

import contextlib
import stat
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from hookpoint.errors import HookpointError, UsageError
from hookpoint.hosting import event, people, setup
from hookpoint.hosting.folder import EventFolder, find_event
from hookpoint.hosting.schedule_templates import TEMPLATES
from hookpoint.hosting.settings import read_settings
from hookpoint.hosting.store.database import Database, open_database
from hookpoint.hosting.store.models import AuditEntry, Person

STARTS = datetime(2026, 5, 4, 8)


@pytest.fixture
def settings():
    return setup.settings_for("Night", "Hall 3", "Europe/Berlin", STARTS, "one_day", ("03_attention",))


@pytest.fixture
def folder(tmp_path):
    return EventFolder(tmp_path / "event")


@contextlib.contextmanager
def reading(folder):
    with contextlib.closing(open_database(folder.database)) as database, database.reading() as session:
        yield session


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_event_has_settings_a_database_and_a_host_who_can_sign_in(folder, settings, NOON):
    made = setup.make(folder, settings, NOON, host="Ada")

    with reading(folder) as session:
        now = event.current(session, NOON)
        host = people.signed_in(session, made.token)
    assert (host.name, host.role) == ("Ada", "host")
    assert (now.settings, now.row.join_code, made.name) == (settings, made.join_code, "Night")
    assert read_settings(folder.settings_path) == settings


def test_nobody_else_reads_the_database_and_the_token_is_in_no_file_and_no_repr(folder, settings, NOON):
    made = setup.make(folder, settings, NOON)

    assert mode(folder.path / "event.db") == 0o600
    assert made.token not in repr(made)
    assert not any(made.token.encode() in path.read_bytes() for path in folder.path.iterdir())


def test_a_second_event_in_the_same_folder_is_refused_and_changes_nothing(folder, settings, NOON):
    setup.make(folder, settings, NOON)
    before = {path.name: path.read_bytes() for path in folder.path.iterdir()}

    with pytest.raises(UsageError, match="event already"):
        setup.make(folder, settings, NOON)

    assert {path.name: path.read_bytes() for path in folder.path.iterdir()} == before


def test_a_database_that_holds_an_event_already_is_refused_and_nothing_is_left_behind(folder, settings, NOON, tmp_path):
    other = EventFolder(tmp_path / "other")
    setup.make(other, settings, NOON)

    with pytest.raises(UsageError, match="already"):
        setup.make(folder, settings, NOON, url=f"sqlite:///{other.database}")

    assert list(folder.path.iterdir()) == []


def test_what_failed_can_be_tried_again(folder, settings, NOON, monkeypatch):
    def full(*_):
        raise HookpointError("The disk is full.")

    with monkeypatch.context() as patch, pytest.raises(HookpointError):
        patch.setattr(setup, "write_settings", full)
        setup.make(folder, settings, NOON)
    assert list(folder.path.iterdir()) == []
    setup.make(folder, settings, NOON)

    with reading(folder) as session:
        assert len(session.scalars(select(Person)).all()) == 1


def test_a_database_that_fails_at_the_last_moment_leaves_no_settings_behind(folder, settings, NOON, monkeypatch):
    real = Database.session

    @contextlib.contextmanager
    def fails_to_commit(database):
        with real(database) as session:
            yield session
            raise HookpointError("The disk is full.")

    monkeypatch.setattr(Database, "session", fails_to_commit)
    with pytest.raises(HookpointError, match="full"):
        setup.make(folder, settings, NOON)

    assert list(folder.path.iterdir()) == []


def test_the_address_of_another_database_is_for_its_owner_alone(folder, settings, NOON, postgres):
    url = postgres.make()

    setup.make(folder, settings, NOON, url=url)

    assert mode(folder.url_path) == 0o600 and folder.database == url
    with reading(folder) as session:
        assert event.current(session, NOON).settings.title == "Night"


def test_a_folder_that_cannot_be_made_is_said_in_one_line(folder, settings, NOON):
    folder.path.write_text("a file is in the way")

    with pytest.raises(HookpointError, match="cannot be made: File exists"):
        setup.make(folder, settings, NOON)


# Which event


def test_an_event_is_found_from_inside_from_beside_and_by_name(tmp_path, monkeypatch):
    (tmp_path / "event" / "logs").mkdir(parents=True)
    (tmp_path / "event" / "event.toml").touch()
    found = EventFolder(tmp_path / "event")

    assert find_event(start=tmp_path) == find_event(start=tmp_path / "event" / "logs") == found
    assert find_event(tmp_path / "event", start=tmp_path.parent) == found
    monkeypatch.setenv("HOOKPOINT_EVENT", str(tmp_path / "event"))
    assert find_event(start=tmp_path.parent) == found


def test_where_there_is_none_the_command_that_makes_one_is_named(tmp_path):
    for given in (None, tmp_path):
        with pytest.raises(UsageError, match="hookpoint host init"):
            find_event(given, start=tmp_path)


def test_a_folder_without_an_event_in_its_database_is_refused(folder, settings, NOON, tmp_path):
    folder.path.mkdir()
    for _ in ("no file", "an empty one"):
        with pytest.raises(UsageError, match="no event yet"):
            setup.opened(folder)
        with contextlib.closing(open_database(folder.database)) as database:
            database.upgrade()


# Changed settings


def changed(folder, NOON, old: str, new: str) -> bool:
    folder.settings_path.write_text(folder.settings_path.read_text().replace(old, new))
    with contextlib.closing(setup.opened(folder)) as database, database.session() as session:
        return setup.in_step(session, folder, NOON)


def test_what_was_changed_in_the_file_holds_and_stands_in_the_log(folder, settings, NOON):
    setup.make(folder, settings, NOON)

    assert changed(folder, NOON, "Hall 3", "Hall 4") is True
    assert changed(folder, NOON, "", "") is False

    with reading(folder) as session:
        assert event.current(session, NOON).settings.place == "Hall 4"
        said = [entry.what for entry in session.scalars(select(AuditEntry))]
    assert said.count("changed event.toml") == 1


def test_a_mistake_in_the_file_changes_nothing_and_is_said_with_its_line(folder, settings, NOON):
    setup.make(folder, settings, NOON)

    with pytest.raises(UsageError, match=r"event\.toml:\d+: place"):
        changed(folder, NOON, '"Hall 3"', "3")

    with reading(folder) as session:
        assert event.current(session, NOON).settings == settings


# What an event begins with


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Auckland", "America/St_Johns"])
def test_an_event_that_starts_now_takes_submissions_now(template, zone):
    at = datetime(2026, 5, 4, 12, 34, 56, tzinfo=UTC)

    starts = setup.starts_in("now", zone, template, at)

    made = setup.settings_for("T", "P", zone, starts, template, ("03_attention",))
    now = event.schedule.now(made.schedule(), at)
    assert "submitting" in now.open
    assert "submitting" not in event.schedule.now(made.schedule(), at - timedelta(minutes=2)).open


def test_notebooks_are_named_with_commas_or_spaces_and_all_are_all():
    assert setup.notebooks_in("03_attention, 02_embed_and_mlp 03_attention") == ("03_attention", "02_embed_and_mlp")
    assert setup.notebooks_in("all") == setup.notebooks_in("") == setup.all_notebooks()
    with pytest.raises(UsageError, match="nearest is 03_attention"):
        setup.notebooks_in("attention")


@pytest.mark.parametrize("text", ["tomorrow", "2026-05-04", "2026-13-04 12:00", ""])
def test_a_time_that_is_none_is_refused_with_the_right_form(text, NOON):
    with pytest.raises(UsageError, match="2027-03-05 18:00.*now"):
        setup.starts_in(text, "UTC", "one_day", NOON)


def test_a_time_zone_that_is_none_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="Europe/Berlin"):
        setup.timezone_in("Berlin")


def test_this_machine_s_time_zone_is_one(monkeypatch):
    assert ZoneInfo(setup.local_timezone())
    monkeypatch.setenv("TZ", ":Asia/Kathmandu")
    assert setup.local_timezone() == "Asia/Kathmandu"


def test_the_next_hour_is_by_the_clock_of_the_place():
    at = datetime(2026, 5, 4, 12, 20, tzinfo=UTC)

    assert setup.next_hour("Asia/Kathmandu", at) == datetime(2026, 5, 4, 19)  # 18:05 there
