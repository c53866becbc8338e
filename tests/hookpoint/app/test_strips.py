"""The drawings of the page Your GPT-2, as text."""

import re

import pytest

from hookpoint.app import strips
from hookpoint.app.situation import look
from hookpoint.app.yours.choice import pieces

NASTY = {"id": 3, "text": "·<b>&", "bytes": "20", "special": False}


def row(text: str, share: float, kept: bool = True, id: int = 0) -> dict:
    return {"id": id, "text": text, "share": share, "after": share, "kept": kept}


def step(chosen: dict, *others: dict, kept: int = 9, of: int = 9) -> dict:
    rows = [chosen, *others]
    return {"token": chosen, "others": list(others), "bars": rows, "kept": kept, "of": of, "kept_share": 0.5}


def test_each_chip_says_its_state_in_words_and_what_a_click_does(learner):
    learner.passes("embed", "causal_mask", "mlp", "pos_embed")
    learner.types("mlp", "def MLP(x):\n    return 0")

    html = strips.chips(pieces(look().standings, {"embed"}, {"pos_embed": "it raised <b>"}))

    assert re.search(r'<button class="chip switched" data-press="embed".*?aria-pressed="false"', html)
    assert re.search(r'<button class="chip broken" data-press="positions".*?✕ stopped here', html)
    assert re.search(r'<button class="chip mixed" data-press="attention".*?yours · 1 of 3', html)
    assert re.search(r'<a class="chip changed" href="notebooks\?exercise=mlp".*?↻ check again', html)
    assert re.search(r'<a class="chip ours" href="notebooks\?exercise=block"', html)
    assert "it raised &lt;b&gt;" in html


def test_what_passes_and_does_not_run_is_told_line_by_line(learner):
    learner.passes("embed", "mlp")
    standings = look().standings

    assert strips.whys(pieces(standings)) == ""
    assert "<code>embed</code></b> gave &lt;a&gt;; ours runs." in strips.whys(
        pieces(standings, (), {"embed": "gave <a>"})
    )


def test_tokens_are_text_whatever_they_hold_and_count_from_where_they_start():
    html = strips.tokens([NASTY, {**NASTY, "special": True}], start=7)

    assert '<span class="sp">·</span>&lt;b&gt;&amp;' in html and "<b>" not in html
    assert "<small>7</small>" in html and "<small>8</small>" in html and 'class="token special"' in html


def test_a_bar_is_as_long_as_its_share_of_the_largest_and_says_whether_it_was_cut():
    html = strips.bars([row("·a", 0.5), row("·b", 0.25, kept=False)])

    assert re.findall(r"width:([\d.]+)%", html) == ["100.0", "50.0"]
    assert 'class="row cut"' in html and 'aria-label="·b: 25 %, cut"' in html


def test_a_story_has_a_frame_for_each_new_token_and_opens_at_the_boldest():
    steps = [step(row("·a", 0.9)), step(row("·b", 0.1), row("·c", 0.8)), step(row("·d", 0.5))]

    html, frames = strips.story([NASTY], steps)

    assert len(frames) == 3 and html.count("data-frame=") == 3 and 'data-first="1"' in html
    assert 'data-tip="·b 10 %. Instead: ·c 80 %"' in html


def test_a_frame_marks_the_token_that_came_also_when_it_is_none_of_the_likeliest():
    rare = {**step(row("·z", 0.01, id=9)), "bars": [row("·a", 0.6, id=1), row("·b", 0.3, id=2)]}

    _, frames = strips.story([], [rare])

    assert re.search(r'class="row chosen"[^>]*aria-label="·z: 1.0 %"', frames[0])


def test_a_frame_says_how_much_the_knobs_left():
    _, frames = strips.story([], [step(row("·a", 0.9), kept=3, of=9), step(row("·a", 0.9))])

    assert "3 of 9 tokens are in the draw, 50 % of the probability" in frames[0] and "cut nothing" in frames[1]


def test_losses_stand_under_the_tokens_that_were_predicted():
    tokens = [{**NASTY, "text": text} for text in ("·a", "·b", "·c")]

    html = strips.losses(tokens, [0.25, 12.0], [row("·x", 0.5), row("·y", 0.5)])

    assert html.count("<small>") == 2 and "·b cost 0.25; expected was ·x with 50 %" in html
    assert html.count('tabindex="0"') == 1 and "a20" in html


@pytest.mark.parametrize(("share", "says"), [(0.931, "93 %"), (0.0312, "3.1 %"), (0.0004, "< 0.1 %"), (0.0996, "10 %")])
def test_a_share_is_said_with_two_digits(share, says):
    assert strips.percent(share) == says


def test_a_merge_marks_what_it_made():
    html = strips.merges({"words": [[{"text": "·t", "new": False}, {"text": "he", "new": True}]]})

    assert html.count('class="part new"') == 1 and '<span class="part new">he</span>' in html
