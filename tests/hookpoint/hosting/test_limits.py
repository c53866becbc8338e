"""At most so many times in any stretch of time, also for many at once; and what the audit log and texts keep."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from hookpoint.errors import UsageError
from hookpoint.hosting import audit, limits
from hookpoint.hosting.errors import TooOften
from hookpoint.hosting.store.models import RateEvent
from hookpoint.hosting.texts import text_in

SECOND = timedelta(seconds=1)


@pytest.fixture
def spend(db, NOON):
    """`spend(after, most=2, seconds=60)`: seconds after NOON; gives the seconds to wait, or 0."""

    def one(after: float, who: str = "team 1", kind: str = "submit", most: int = 2, seconds: int = 60) -> int:
        try:
            with db.session() as session:
                limits.spend(session, who, kind, most, seconds, NOON + after * SECOND)
        except TooOften as error:
            return error.seconds
        return 0

    return one


@pytest.mark.on_both
def test_who_has_used_up_the_limit_is_told_when_the_first_falls_out_of_it(spend):
    assert [spend(0), spend(10), spend(20), spend(59.5), spend(60), spend(61), spend(70)] == [0, 0, 40, 1, 0, 9, 0]


def test_others_and_other_kinds_have_limits_of_their_own(spend):
    spend(0), spend(0)

    assert (spend(0), spend(0, who="team 2"), spend(0, kind="question")) == (60, 0, 0)


def test_what_is_rolled_back_was_free(db, spend, NOON):
    with pytest.raises(KeyError), db.session() as session:
        limits.spend(session, "team 1", "submit", 2, 60, NOON)
        raise KeyError

    assert [spend(0), spend(0), spend(0)] == [0, 0, 60]


def test_what_fell_out_of_the_stretch_is_forgotten(db, spend):
    for after in range(0, 600, 100):
        spend(after)
    with db.reading() as session:
        assert len(session.scalars(select(RateEvent)).all()) == 1


def test_a_clock_that_was_set_back_lets_nobody_wait_longer_than_the_stretch(spend):
    spend(5000), spend(5000)

    assert spend(0) == 60


@pytest.mark.parametrize(("seconds", "said"), [(60, "in 60 s. Wait 60 s"), (3600, "in 60 min. Wait 60 min")])
def test_the_refusal_says_how_long_in_words(db, NOON, seconds, said):
    with pytest.raises(TooOften, match=f"at most once {said}"), db.session() as session:
        for _ in range(2):
            limits.spend(session, "team 1", "submit", 1, seconds, NOON)


@pytest.mark.on_both
def test_ten_at_once_get_no_more_than_the_limit(spend, together):
    waits = []
    assert together([lambda: waits.append(spend(0, most=3)) for _ in range(10)]) == []

    assert sorted(waits) == [0] * 3 + [60] * 7


@given(times=st.lists(st.integers(0, 40), max_size=30), most=st.integers(1, 4), seconds=st.integers(1, 20))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_stretch_holds_more_than_the_limit_and_nobody_waits_in_vain(db, spend, times, most, seconds):
    who, taken = f"{times} {most} {seconds}", []
    for after in sorted(times):
        inside = sum(after - one < seconds for one in taken)
        wait = spend(after, who, most=most, seconds=seconds)
        assert (wait > 0) == (inside >= most)
        taken += [after] * (wait == 0)


# The audit log


def test_an_entry_says_who_it_was_whatever_becomes_of_them(db, a_person, NOON):
    ada = a_person("mentor", "Ada")
    with db.session() as session:
        audit.note(session, ada, "took a question", {"question": 3}, NOON)
        audit.note(session, None, "made a copy")
    with db.session() as session:
        newest, first = audit.latest(session, 9)

    assert (first.who, first.what, first.about, first.when) == (
        f"Ada (mentor {ada.id})", "took a question", {"question": 3}, NOON
    )  # fmt: skip
    assert (newest.who, newest.about) == ("set up", {})


def test_what_was_noted_goes_with_the_transaction(db, a_person, NOON):
    with pytest.raises(KeyError), db.session() as session:
        audit.note(session, None, "paused the event", at=NOON)
        raise KeyError
    with db.reading() as session:
        assert audit.latest(session, 9) == []


# Texts


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("  one\r\ntwo\rthree \n", "one\ntwo\nthree"),
        ("a\tb\x00\x1b[31m", "a\tb[31m"),
        ("x\u202egnp\u2066", "xgnp"),
        ("half \ud800 a pair", "half  a pair"),
        ("👩\u200d🔬 שלום", "👩\u200d🔬 שלום"),
        ("<b>&amp;", "<b>&amp;"),
    ],
)
def test_a_text_keeps_what_can_be_drawn(text, kept):
    assert text_in(text, 50, "The text") == kept


@pytest.mark.parametrize("text", ["", " \n ", "\x00", "x" * 51, "x" * 1_000_000])
def test_a_text_that_is_empty_or_too_long_is_refused_in_one_line(text):
    with pytest.raises(UsageError, match="^The text (is empty|has [0-9]+ characters. Write at most 50)") as error:
        text_in(text, 50, "The text")

    assert "\n" not in str(error.value)
