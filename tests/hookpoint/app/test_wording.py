"""Words and pieces of text that the pages show."""

import doctest
from datetime import UTC, datetime

import pytest

from hookpoint.app import wording
from hookpoint.app.situation import look

NOW = datetime(2030, 1, 2, 12, 0, 0, tzinfo=UTC)


def test_examples_in_docstrings_hold():
    assert doctest.testmod(wording).failed == 0


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ("2030-01-02T11:59:30+00:00", "just now"),
        ("2030-01-02T11:58:00+00:00", "2 min ago"),
        ("2030-01-02T13:58:00+02:00", "2 min ago"),
        ("2030-01-02T11:58:00", "2 min ago"),
        ("2030-01-02T09:10:00+00:00", "2 h ago"),
        ("2030-01-01T11:00:00+00:00", "1 day ago"),
        ("2029-12-30T11:00:00+00:00", "3 days ago"),
        ("2031-01-01T00:00:00+00:00", "just now"),
        ("yesterday", ""),
    ],
)
def test_ages_are_told_as_one_would(at, says):
    assert wording.age(at, NOW) == says


def test_the_pages_own_lines_are_taken_out_of_the_prose(learner):
    text = wording.prose(look().standing("causal_mask").exercise)

    assert text.startswith("Write `causal_mask`. Let $T$") and text.endswith("$$")


def test_a_signature_keeps_all_but_the_gap(learner):
    exercise = look().standing("causal_mask").exercise

    assert wording.signature(exercise) == exercise.stub.split("    # YOUR CODE HERE")[0].rstrip()
    assert wording.promise(exercise) == "True where a query may attend to a key."


def test_only_the_line_that_names_a_slip_is_marked():
    lines = wording.message("f(1) is wrong.\n  Your numbers are exactly what you get when x.\n  Next: hookpoint hint f")

    assert lines == [("f(1) is wrong.", False), ("  Your numbers are exactly what you get when x.", True)]


def test_a_pass_that_completes_a_box_says_so(learner):
    learner.passes("embed")
    here = look()

    assert wording.built(here, here.standing("embed")) == [
        "You built `Embed`. What Embed gives.",
        "With it, *embed* in the picture of GPT-2 is yours.",
    ]


@pytest.mark.parametrize(
    ("words", "ids"), [("  MASK attend ", ["causal_mask"]), ("04_model lm", ["lm_loss"]), ("zzz", [])]
)
def test_search_wants_all_words_anywhere(learner, words, ids):
    assert [s.exercise.id for s in wording.found(look(), words)] == ids
