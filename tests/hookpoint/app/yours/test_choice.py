"""Which exercises run as the learner wrote them, and what each chip says."""

from collections import Counter

from hookpoint.app.situation import look
from hookpoint.app.yours.choice import CHIPS, pieces, wanted


def chip(id: str, **choice):
    return next(piece for piece in pieces(look().standings, **choice) if piece.chip.id == id)


def test_no_exercise_is_in_two_chips():
    assert set(Counter(id for each in CHIPS for id in each.exercises).values()) == {1}


def test_only_what_passes_as_it_is_now_is_yours(learner):
    learner.passes("embed", "causal_mask")
    learner.types("causal_mask", "def causal_mask(q, k):\n    return None")

    assert wanted(pieces(look().standings)) == ("embed",)
    assert (chip("embed").words, chip("attention").words, chip("mlp").words) == ("yours", "check again", "ours")
    assert "check it again" in chip("attention").lines[0]


def test_a_chip_in_part_yours_counts(learner):
    learner.passes("causal_mask", "apply_mask")

    assert (chip("attention").whose, chip("attention").words) == ("mixed", "yours · 2 of 3")


def test_a_click_makes_a_whole_chip_ours(learner):
    learner.passes("causal_mask", "apply_mask", "embed")

    assert chip("attention", switched={"attention"}).words == "ours, by your click"
    assert wanted(pieces(look().standings, switched={"attention"})) == ("embed",)


def test_what_broke_is_told_and_asked_for_again(learner):
    learner.passes("embed")
    broken = {"embed": "ValueError: no"}

    assert chip("embed", broken=broken).words == "stopped here" and chip("embed", broken=broken).lines == (
        "embed: ValueError: no",
    )
    assert wanted(pieces(look().standings, broken=broken)) == ("embed",)


def test_a_chip_that_the_course_has_no_exercise_for_is_left_out(course):
    assert {piece.chip.id for piece in pieces(look().standings)} >= {"embed", "attention", "gpt2"}
    assert "beam" not in {piece.chip.id for piece in pieces(look().standings)}
