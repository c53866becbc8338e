"""The event as it stands at a moment: what is open, what people are told, and that its interruptions are replayed."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from hookpoint.errors import UsageError
from hookpoint.hosting import event as events
from hookpoint.hosting.audit import latest
from hookpoint.hosting.errors import NotAllowed, NotFound
from hookpoint.hosting.store.models import Event, Interruption

MINUTE = timedelta(minutes=1)
PHASES = """
title = "Look inside"
place = "Hall 3"
timezone = "Europe/Berlin"
starts = "2026-05-04 13:30"
template = "three_hours"
notebooks = ["03_attention"]
phases = [
  {name = "Doors", lasts = "30 min", open = ["joining"]},
  {name = "Work", lasts = "2 h", open = ["submitting", "board"]},
  {name = "Talks", lasts = "24 h", open = []},
  {name = "More work", lasts = "1 h", open = ["submitting"]},
]
"""


@pytest.fixture
def phased(db, NOON):
    """`phased(minutes)`: an event as it stands so long after NOON, which is when its work begins."""
    with db.session() as session:
        events.create(session, PHASES, at=NOON)

    def at(minutes: float) -> events.EventNow:
        with db.reading() as session:
            return events.current(session, NOON + minutes * MINUTE)

    return at


def refusal(event, word) -> str:
    with pytest.raises(NotAllowed) as error:
        event.demand(word)
    return str(error.value)


def test_a_database_without_an_event_says_so(db, NOON):
    with pytest.raises(NotFound, match="no event here yet. `hookpoint host init`"), db.reading() as session:
        events.current(session, NOON)


def test_a_new_event_has_a_secret_and_a_join_code_and_there_is_only_one(db, event, settings_text, NOON):
    assert len(event.row.secret) == 64 and len(event.row.join_code) == 9
    with pytest.raises(UsageError, match="holds 'Look inside 2026' already"), db.session() as session:
        events.create(session, settings_text, at=NOON)


def test_mistakes_in_the_settings_are_said_and_no_event_is_made(db, settings_text, NOON):
    with pytest.raises(UsageError, match="event.toml:2: title"), db.session() as session:
        events.create(session, settings_text.replace('"Look inside 2026"', "3"), at=NOON)
    with db.reading() as session:
        assert session.get(Event, 1) is None


def test_what_is_open_follows_the_phases_up_to_the_last_second(phased):
    assert [phased(minutes).allows("joining") for minutes in (-30.1, -30, -1 / 60, 0)] == [False, True, True, False]
    assert [phased(minutes).allows("submitting") for minutes in (-1 / 60, 0, 119.99, 120)] == [False, True, True, False]


def test_who_is_refused_is_told_when_it_opens_by_the_clock_of_the_place(phased):
    assert refusal(phased(-12), "submitting") == "Submitting opens at 14:00 (in 12 min). Come back then."
    assert refusal(phased(-11.5), "submitting") == "Submitting opens at 14:00 (in 12 min). Come back then."
    assert "opens at 16:00 on Tuesday, 5 May (in 23 h)" in refusal(phased(180), "submitting")


def test_who_is_too_late_or_at_the_wrong_event_is_told_so(phased):
    assert refusal(phased(30), "joining").startswith("Joining ended at 14:00.")
    assert refusal(phased(30), "judging").startswith("Judging is no part of this event.")


def test_an_allowed_thing_is_demanded_in_silence(phased):
    assert phased(1).demand("submitting") is None


@pytest.mark.on_both
def test_a_pause_closes_all_but_the_board_and_going_on_gives_the_lost_time_back(db, phased, a_person, NOON):
    host = a_person("host")
    with db.session() as session:
        events.interrupt(session, host, "pause", NOON + 10 * MINUTE)
    assert refusal(phased(20), "submitting").startswith("The event is paused since 14:10: submitting goes on")
    assert phased(20).allows("board")

    with db.session() as session:
        events.interrupt(session, host, "resume", NOON + 40 * MINUTE)
    assert phased(149).allows("submitting") and not phased(150).allows("submitting")


@pytest.mark.on_both
def test_interruptions_add_up_in_the_order_in_which_they_came(db, phased, a_person, NOON):
    host = a_person("host")
    for what, after, minutes in [("pause", 5, 0), ("extend", 6, 15), ("resume", 15, 0), ("extend", 16, 5)]:
        with db.session() as session:
            events.interrupt(session, host, what, NOON + after * MINUTE, minutes)

    assert phased(16).schedule.phases[1].closes == NOON + (120 + 10 + 15 + 5) * MINUTE
    assert phased(16).frozen_at() == NOON + (27 * 60 - 20 + 10 + 15 + 5) * MINUTE  # before the end of all submitting


steps = st.lists(st.tuples(st.sampled_from(["pause", "resume", "extend"]), st.integers(1, 60)), max_size=8)


@given(steps=steps)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_hosts_press_is_refused_or_can_be_replayed(db, event, a_person, NOON, steps):
    host, at = a_person("host"), NOON
    for what, minutes in steps:
        at += minutes * MINUTE
        try:
            with db.session() as session:
                events.interrupt(session, host, what, at, minutes if what == "extend" else 0)
        except UsageError:
            continue
    with db.session() as session:
        assert events.current(session, at).schedule.phases
        session.query(Interruption).delete()  # for the next example


@pytest.mark.on_both
def test_two_hosts_who_pause_at_once_pause_once(db, event, a_person, together, NOON):
    hosts = [a_person("host"), a_person("host")]

    def pause(host) -> None:
        with db.session() as session:
            events.interrupt(session, host, "pause", NOON)

    raised = together([lambda host=host: pause(host) for host in hosts])

    assert [type(error) for error in raised] == [UsageError] and "paused since 12:00" in str(raised[0])
    with db.reading() as session:
        assert session.scalars(select(Interruption.what)).all() == ["pause"]


@pytest.mark.parametrize(
    ("what", "minutes"), [("extend", 0), ("extend", -5), ("extend", 20_000), ("pause", 5), ("stop", 0), ("resume", 0)]
)
def test_a_senseless_interruption_is_refused(db, event, a_person, NOON, what, minutes):
    with pytest.raises(UsageError), db.session() as session:
        events.interrupt(session, a_person("host"), what, NOON, minutes)


@pytest.mark.parametrize("role", ["participant", "judge", "mentor"])
def test_hosts_alone_interrupt_and_switch(db, event, a_person, NOON, role):
    person = a_person(role)
    with db.session() as session:
        with pytest.raises(NotAllowed, match="Only a host"):
            events.interrupt(session, person, "pause", NOON)
        with pytest.raises(NotAllowed, match="Only a host"):
            events.switch(session, person, "thawed", True)


def test_a_switch_is_turned_and_noted_once(db, event, a_person, NOON):
    host = a_person("host", "Ada")
    for _ in range(2):
        with db.session() as session:
            events.switch(session, host, "grading_paused", True)

    with db.reading() as session:
        assert events.current(session, NOON).row.grading_paused
        noted = [(entry.who, entry.what) for entry in latest(session, 9)]
    assert noted == [(f"Ada (host {host.id})", "paused grading"), ("set up", "created the event")]


def test_an_unknown_switch_is_refused(db, event, a_person):
    with pytest.raises(UsageError, match="no switch 'secret'"), db.session() as session:
        events.switch(session, a_person("host"), "secret", True)


def test_the_board_freezes_unless_it_is_thawed(db, event, a_person, NOON):
    assert event.frozen_at() == NOON.replace(hour=19)
    with db.session() as session:
        events.switch(session, a_person("host"), "thawed", True)
        assert events.current(session, NOON).frozen_at() is None


def test_a_task_has_one_seed_which_the_secret_decides(event, db):
    seeds = {events.seed_of(event.row, task) for task in ("03_attention", "04_model_and_loss", "")}
    other = Event(secret=event.row.secret[:-1] + "x")

    assert len(seeds) == 3 and events.seed_of(event.row, "") in seeds
    assert event.row.secret not in seeds and events.seed_of(other, "") not in seeds
