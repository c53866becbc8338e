"""Line charts as text."""

import math
import re
from xml.etree import ElementTree

import pytest

from hookpoint.app.curves import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Line, _ticks, chart, thinned


def svg(*lines: Line, **options):
    html = chart(lines, "length", "milliseconds", **options)
    return ElementTree.fromstring(re.match(r"<svg.*</svg>", html, re.DOTALL).group())


def dots(drawn) -> list[tuple[float, float]]:
    return [(float(dot.get("cx")), float(dot.get("cy"))) for dot in drawn.iter("circle")]


def test_points_lie_where_their_values_say():
    places = dots(svg(Line("a", [0, 5, 10], [0.0, 50.0, 100.0])))

    left, right, low, high = LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM, TOP
    assert places == [(left, low), ((left + right) / 2, (low + high) / 2), (right, high)]


def test_a_value_that_is_not_a_number_leaves_the_others():
    assert len(dots(svg(Line("a", [0, 1, 2], [1.0, math.nan, 2.0])))) == 2


def test_names_stand_apart_where_lines_end_together():
    drawn = svg(Line("one", [0, 1], [1, 5.0]), Line("two", [0, 1], [2, 5.1]))

    heights = sorted(float(text.get("y")) for text in drawn.iter("text") if text.get("class") == "name")
    assert heights[1] - heights[0] >= 16


def test_the_chart_says_in_words_what_it_shows():
    drawn = svg(Line("with <cache>", [8, 64], [5.0, 40.0]), tell="{:.0f} ms".format)

    assert drawn.get("aria-label") == "milliseconds over length: with <cache> from 5 ms to 40 ms"
    assert [dot.get("data-tip") for dot in drawn.iter("circle")] == [
        "with <cache> at 8: 5 ms",
        "with <cache> at 64: 40 ms",
    ]


@pytest.mark.parametrize("lines", [[], [Line("a", [], [])], [Line("a", [0], [math.nan])]])
def test_without_a_point_there_is_no_chart(lines):
    assert chart(lines, "x", "y") == ""


def test_many_points_become_means_of_neighbours_and_few_stay():
    many = [(float(at), float(at % 2)) for at in range(200)]

    assert thinned(many, 100) == [(2 * at + 0.5, 0.5) for at in range(100)]
    assert thinned(many[:5], 5) == many[:5]


@pytest.mark.parametrize("largest", [0.003, 0.3, 1, 7, 84, 99, 101, 12345])
def test_ticks_are_few_and_reach_the_largest(largest):
    ticks = _ticks(largest)

    assert 4 <= len(ticks) <= 6 and ticks[0] == 0 and ticks[-1] >= largest > ticks[-2]
