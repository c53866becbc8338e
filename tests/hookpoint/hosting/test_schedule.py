"""The timer of an event is right to the second: over power cuts and changes of the clock, and for every template."""

from datetime import datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookpoint.errors import UsageError
from hookpoint.hosting.schedule import extend, from_template, now, pause, resume, run_sheet
from hookpoint.hosting.schedule_templates import TEMPLATES, PhasePlan, Span

BERLIN = ZoneInfo("Europe/Berlin")
FRIDAY = datetime(2026, 12, 4, 18, tzinfo=BERLIN)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
FOR_ALL = settings(max_examples=40, deadline=None)

names = st.sampled_from(sorted(TEMPLATES))
# Starts in the fortnight around both changes of the clock in Berlin in 2027 (28 March, 31 October), and after.
starts = st.builds(
    lambda day, minutes: (datetime(2027, *day, 6) + timedelta(minutes=minutes)).replace(tzinfo=BERLIN),
    st.sampled_from([(3, 20), (10, 23), (6, 1)]),
    st.integers(0, 10 * 1440),
)
schedules = st.builds(from_template, names, starts)
minutes_in = st.integers(-60, 15 * 1440)


def after(schedule, minutes):
    return schedule.phases[0].opens + minutes * MINUTE


def at_step(schedule, words):
    return next(step for step in run_sheet(schedule) if step.what.startswith(words))


@pytest.mark.parametrize("text", ["2 h", "90 min", "1 h 30 min", "3 days", "1 day 2 h", "2h", " 90min "])
def test_a_span_is_read_as_it_is_written(text):
    assert Span.read(str(Span.read(text))) == Span.read(text)


def test_spans_have_the_length_that_they_say():
    read = [Span.read(text) for text in ("2 h", "90 min", "1 h 30 min", "1 day 2 h")]

    assert read == [Span(0, 120), Span(0, 90), Span(0, 90), Span(1, 120)]


@pytest.mark.parametrize("text", ["", "2", "h", "2 hours ago", "-2 h", "1.5 h", "2 h 3 days", "٢ h"])
def test_what_is_no_span_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match='Write it like "2 h"'):
        Span.read(text)


@FOR_ALL
@given(st.integers(0, 400), st.integers(0, 100_000))
def test_every_span_survives_writing(days, minutes):
    assert Span.read(str(Span(days, minutes))) == Span(days, minutes)


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("three_hours", datetime(2026, 12, 4, 21, tzinfo=BERLIN)),
        ("one_day", datetime(2026, 12, 5, 6, tzinfo=BERLIN)),
        ("weekend", datetime(2026, 12, 6, 18, tzinfo=BERLIN)),
        ("class_two_weeks", datetime(2026, 12, 18, 19, 30, tzinfo=BERLIN)),
    ],
)
def test_a_template_lasts_as_long_as_its_name_says(name, ends):
    assert from_template(name, FRIDAY).phases[-1].closes == ends


def test_the_weekend_keeps_the_time_boxes():
    weekend = from_template("weekend", FRIDAY)
    begin, end = next((phase.opens, phase.closes) for phase in weekend.phases if "submitting" in phase.open)

    assert at_step(weekend, "Baseline").at == begin + 2 * HOUR
    assert at_step(weekend, "Question").at == begin + 4 * HOUR
    assert at_step(weekend, "Midpoint").at == begin + (end - begin) / 2
    assert at_step(weekend, "Writing").at == end - 8 * HOUR
    assert at_step(weekend, "The public board freezes").at == weekend.freezes == end - 2 * HOUR


@FOR_ALL
@given(schedules)
def test_every_run_sheet_brings_the_time_boxes_in_order(schedule):
    boxes = ["Baseline", "Question", "Midpoint", "Writing", "The public board", "Ten minutes left", "Submitting has"]

    times = [at_step(schedule, words).at for words in boxes]

    assert times == sorted(times)


@FOR_ALL
@given(schedules)
def test_every_announcement_can_be_read_out(schedule):
    for step in run_sheet(schedule):
        assert step.who and step.what and not set("{}") & set(step.say)
        assert step.at == schedule.phases[0].opens + step.offset
        assert step.offset.total_seconds() % 60 == 0


def test_announcements_say_the_times_that_hold_after_a_power_cut():
    cut = extend(from_template("three_hours", FRIDAY), FRIDAY + 5 * MINUTE, 40 * MINUTE)

    assert "from 19:05 to 21:00" in at_step(cut, "Ten minutes: the aim").say


def test_a_long_event_says_the_day_as_well():
    assert "to Sunday 16:00" in at_step(from_template("weekend", FRIDAY), "Ten minutes: the aim").say
    assert "Tuesday 15 December, 18:30" in at_step(from_template("class_two_weeks", FRIDAY), "Writing").say


def test_a_weekend_has_48_hours_when_clocks_are_put_forward():
    schedule = from_template("weekend", datetime(2027, 3, 26, 18, tzinfo=BERLIN))

    closes = schedule.phases[-1].closes

    assert closes - schedule.phases[0].opens == 48 * HOUR
    assert f"{schedule.local(closes):%A %H:%M}" == "Sunday 19:00"


def test_a_class_meets_at_the_same_time_of_day_when_clocks_are_put_forward():
    schedule = from_template("class_two_weeks", datetime(2027, 3, 22, 18, tzinfo=BERLIN))

    meetings = [step for step in run_sheet(schedule) if step.what.startswith("Meeting")]

    assert [f"{schedule.local(step.at):%a %H:%M}" for step in meetings] == ["Thu 18:00", "Mon 18:00", "Thu 18:00"]
    assert meetings[1].offset == timedelta(days=7) - HOUR


def test_seconds_left_are_those_that_pass_over_the_hour_that_comes_twice():
    plans = [PhasePlan("night", Span.read("4 h"), ("submitting",))]
    schedule = from_template("one_day", datetime(2027, 10, 31, 1, tzinfo=BERLIN), plans)
    first, second = (datetime(2027, 10, 31, 2, 30, tzinfo=BERLIN, fold=fold) for fold in (0, 1))

    assert [now(schedule, at).seconds for at in (first, second)] == [9000, 5400]


def test_a_pause_over_the_hour_that_comes_twice_costs_an_hour():
    schedule = from_template("weekend", datetime(2027, 10, 29, 18, tzinfo=BERLIN))
    first, second = (datetime(2027, 10, 31, 2, 30, tzinfo=BERLIN, fold=fold) for fold in (0, 1))

    assert resume(pause(schedule, first), second) == extend(schedule, first, HOUR)


def test_the_time_zone_of_the_question_does_not_matter():
    schedule = from_template("weekend", FRIDAY)
    at = FRIDAY + 2 * HOUR

    assert now(schedule, at) == now(schedule, at.astimezone(timezone(-11 * HOUR)))


def test_what_is_open_follows_the_phases():
    schedule = from_template("three_hours", FRIDAY)

    seen = [now(schedule, FRIDAY + minutes * MINUTE) for minutes in (-1, 0, 25, 140, 165, 180)]

    assert [sorted(one.open) for one in seen] == [
        [], ["joining"], ["board", "joining", "submitting"], ["board", "judging"], ["board"], [],
    ]  # fmt: skip
    assert [one.then for one in seen] == ["arrival", "opening", "judging", "awards", "", ""]
    assert [one.seconds for one in seen] == [60, 900, 6900, 1500, 900, None]


@FOR_ALL
@given(schedules, minutes_in)
def test_the_next_change_is_where_the_next_phase_begins(schedule, minutes):
    at = after(schedule, minutes)

    seen = now(schedule, at)

    if seen.next is None:
        assert at >= schedule.phases[-1].closes
    else:
        later = now(schedule, at + timedelta(seconds=seen.seconds))
        assert seen.seconds > 0 and seen.next == at + timedelta(seconds=seen.seconds)
        assert (later.phase.name if later.phase else "") == seen.then
        assert now(schedule, seen.next - timedelta(microseconds=1)).phase == seen.phase


@FOR_ALL
@given(schedules, minutes_in, st.integers(0, 600))
def test_phases_never_overlap_nor_leave_gaps_after_a_power_cut(schedule, minutes, lost):
    at = min(after(schedule, minutes), schedule.phases[-1].closes - MINUTE)

    cut = extend(schedule, at, lost * MINUTE)

    assert all(one.closes == other.opens for one, other in pairwise(cut.phases))
    assert all(one.opens < one.closes for one in cut.phases)
    assert [when for when, _ in cut.cues] == sorted(when for when, _ in cut.cues)


@FOR_ALL
@given(schedules, minutes_in, st.integers(0, 600))
def test_a_power_cut_moves_all_that_comes_after_it_and_nothing_before(schedule, minutes, lost):
    at = min(after(schedule, minutes), schedule.phases[-1].closes - MINUTE)

    cut = extend(schedule, at, lost * MINUTE)

    instants = [
        [instant for phase in one.phases for instant in (phase.opens, phase.closes)]
        + [when for when, _ in one.cues]
        + [one.freezes]
        for one in (schedule, cut)
    ]
    for was, then in zip(*instants, strict=True):
        assert then == (was + lost * MINUTE if was > at else was)


@FOR_ALL
@given(schedules, minutes_in, st.integers(0, 600))
def test_the_timer_stands_still_while_the_event_is_paused(schedule, minutes, lost):
    at = min(after(schedule, minutes), schedule.phases[-1].closes - MINUTE)
    paused = pause(schedule, at)

    before, while_dark = now(schedule, at), now(paused, at + lost * MINUTE)

    assert while_dark.paused and while_dark.seconds == before.seconds
    assert while_dark.open <= {"board"} and while_dark.then == before.then
    assert resume(paused, at + lost * MINUTE) == extend(schedule, at, lost * MINUTE)


def test_a_power_cut_as_a_phase_opens_makes_that_phase_longer():
    opens = FRIDAY + 25 * MINUTE

    cut = extend(from_template("three_hours", FRIDAY), opens, 30 * MINUTE)

    hacking = next(phase for phase in cut.phases if phase.name == "hacking")
    assert (hacking.opens, hacking.closes) == (opens, opens + 145 * MINUTE)


def test_time_given_during_a_pause_is_added_to_the_time_lost():
    at = FRIDAY + 30 * MINUTE
    schedule = from_template("three_hours", FRIDAY)

    given_more = extend(pause(schedule, at), at + 300 * MINUTE, 10 * MINUTE)

    assert resume(given_more, at + 300 * MINUTE) == extend(schedule, at, 310 * MINUTE)


def test_steps_that_find_no_place_in_other_phases_are_left_out():
    plans = [
        PhasePlan("all", Span.read("3 h"), ("joining", "submitting")),
        PhasePlan("jury", Span(0, 20), ("judging",)),
    ]

    sheet = run_sheet(from_template("weekend", FRIDAY, plans))

    assert not [step for step in sheet if step.what.startswith(("Baseline", "Writing"))]
    assert [step.offset for step in sheet if step.what.startswith("Judging opens")] == [185 * MINUTE]


def test_an_event_without_submitting_still_opens_and_closes():
    schedule = from_template("one_day", FRIDAY, [PhasePlan("talk", Span.read("1 h"), ())])

    assert schedule.freezes is None
    assert [step.offset for step in run_sheet(schedule)] == [-60 * MINUTE, 0 * MINUTE, 55 * MINUTE]


@pytest.mark.parametrize("name", ["work", "middle", "end", "freeze", "doors", "close"])
def test_no_name_of_a_phase_confuses_the_run_sheet(name):
    plans = [PhasePlan(name, Span.read("1 h"), ("joining",)), PhasePlan("b", Span.read("8 h"), ("submitting",))]

    schedule = from_template("one_day", FRIDAY, plans, freeze=Span())

    assert schedule.freezes is None
    assert at_step(schedule, "Submitting opens").at == FRIDAY + HOUR
    assert run_sheet(from_template("one_day", FRIDAY, plans[:1]))


def test_no_freeze_means_none_on_the_run_sheet():
    schedule = from_template("one_day", FRIDAY, freeze=Span())

    assert schedule.freezes is None
    assert not [step for step in run_sheet(schedule) if "freezes" in step.what]


@pytest.mark.parametrize(
    ("mistake", "says"),
    [
        (lambda s: from_template("week_end", FRIDAY), "nearest is `weekend`"),
        (lambda s: from_template("weekend", FRIDAY.replace(tzinfo=None)), "ZoneInfo"),
        (lambda s: from_template("weekend", FRIDAY, []), "at least one phase"),
        (lambda s: now(s, datetime(2026, 12, 4)), "give it a time zone"),
        (lambda s: extend(s, FRIDAY + 3 * HOUR, HOUR), "over"),
        (lambda s: extend(s, FRIDAY, -HOUR), "only be made longer"),
        (lambda s: pause(pause(s, FRIDAY), FRIDAY), "paused since 18:00"),
        (lambda s: pause(s, FRIDAY + 3 * HOUR), "over"),
        (lambda s: resume(s, FRIDAY), "not paused"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_reason(mistake, says):
    with pytest.raises(UsageError, match=says):
        mistake(from_template("three_hours", FRIDAY))
