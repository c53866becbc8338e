"""Whose code each box of GPT-2 runs, and the picture of it."""

import itertools
from collections import Counter
from xml.etree import ElementTree

import pytest

from hookpoint.app import drawing
from hookpoint.app.anatomy import BOXES, box_of, pieces
from hookpoint.app.situation import look
from hookpoint.content.course import course as released_course

SVG = "{http://www.w3.org/2000/svg}"


def now():
    return pieces(look().standings)


def test_no_exercise_stands_in_two_boxes_and_every_box_has_exercises_of_the_course():
    exercises = {exercise.id for exercise in released_course().exercises}
    placed = Counter(id for box in BOXES for id in box.exercises)

    assert set(placed.values()) == {1} and set(placed) <= exercises


def test_a_box_is_yours_when_all_that_makes_it_passes(learner):
    learner.passes("causal_mask", "apply_mask")
    assert (now()["attention"].whose, now()["attention"].words) == ("ours", "ours · 2 of 3")

    learner.passes("attention")

    assert (now()["attention"].whose, now()["attention"].words) == ("yours", "yours")


def test_a_box_fails_with_any_of_its_exercises_and_opens_that_one(learner):
    learner.passes("causal_mask", "attention")
    learner.checks("apply_mask", "timeout", "It did not come back.")

    attention = now()["attention"]

    assert (attention.whose, attention.words, attention.opens) == ("failing", "failing · 2 of 3", "apply_mask")


def test_a_box_opens_the_first_exercise_that_is_left(learner):
    learner.passes("causal_mask")

    assert now()["attention"].opens == "apply_mask"


def test_a_box_whose_answer_changed_since_it_passed_asks_for_a_check(learner):
    learner.passes("embed")
    learner.types("embed", "def Embed(x):\n    return 0")

    assert (now()["embed"].whose, now()["embed"].words) == ("changed", "check again")


def test_boxes_without_an_exercise_in_the_course_are_left_out(course):
    assert "reach" not in now() and box_of("loss_reach").id == "reach" and box_of("nothing") is None


def test_the_picture_marks_each_box_by_class_and_word_and_links_it(learner):
    learner.passes("embed")
    learner.checks("apply_mask", "failed", "wrong")

    svg = ElementTree.fromstring(drawing.anatomy(now()).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" '))

    links = {link.get("aria-label").split(":")[0]: link for link in svg.iter(f"{SVG}a")}
    assert links["embed"].get("class") == "box yours" and "✓ yours" in "".join(links["embed"].itertext())
    assert links["attention"].get("class") == "box failing" and "✕ failing" in "".join(links["attention"].itertext())
    assert links["attention"].get("href") == "notebooks?exercise=apply_mask"
    assert links["GPT2"].get("class") == "box ours"


def test_every_box_has_a_place_and_no_two_overlap():
    assert set(drawing.PLACES) == {box.id for box in BOXES}
    places = [place for several in drawing.PLACES.values() for place in several]
    for (x, y, w, h), (x2, y2, w2, h2) in itertools.combinations(places, 2):
        assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y
    assert all(x + w <= drawing.WIDTH and y + h <= drawing.HEIGHT for x, y, w, h in places)


def test_the_bars_have_a_segment_for_each_exercise_that_says_its_state(learner):
    learner.passes("embed")
    learner.checks("causal_mask", "failed", "wrong")

    html = drawing.progress(look())

    assert html.count("data-exercise=") == 11
    assert 'aria-label="embed: passed (10 min, 2 points)"' in html
    assert 'aria-label="causal_mask: failed (10 min, 2 points)"' in html
    assert "1 of 4 passed · 2 of 8 points" in html


@pytest.mark.parametrize("slip", [True, False])
def test_a_message_is_shown_as_text_whatever_it_holds(slip):
    html = drawing.message([("  <script>x & y</script>", slip)])

    assert "&lt;script&gt;x &amp; y&lt;/script&gt;" in html and "<script" not in html and ("<b>" in html) == slip
