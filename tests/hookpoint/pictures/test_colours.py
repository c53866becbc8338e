"""Promises of the ramps, by the definitions of WCAG 2 where there is one."""

import pytest

from hookpoint.pictures import colours
from hookpoint.pictures.colours import contrast, ink_on, mix, signed, unsigned

PLACES = [step / 100 for step in range(101)]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_zero_is_the_page(theme):
    assert mix(signed(theme), 0.5) == colours.PAGE[theme]
    assert mix(unsigned(theme), 0.0) == colours.PAGE[theme]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_further_from_zero_the_further_from_the_page(theme):
    ramps = [unsigned(theme), signed(theme)[2:], signed(theme)[2::-1]]
    for ramp in ramps:
        distances = [contrast(mix(ramp, place), colours.PAGE[theme]) for place in PLACES]
        assert distances == sorted(distances)
        assert distances[-1] > 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_negative_is_blue_and_positive_is_orange(theme):
    def red_minus_blue(colour):
        return int(colour[1:3], 16) - int(colour[5:7], 16)

    assert all(red_minus_blue(mix(signed(theme), place)) < 0 for place in (0.0, 0.2, 0.4))
    assert all(red_minus_blue(mix(signed(theme), place)) > 0 for place in (0.6, 0.8, 1.0))


def test_ink_can_be_read_on_every_colour_of_every_ramp():
    for theme in ("light", "dark"):
        for ramp in (signed(theme), unsigned(theme)):
            for place in PLACES:
                colour = mix(ramp, place)
                assert contrast(ink_on(colour), colour) >= 4.5


def test_mix_goes_through_its_stops_and_stays_inside():
    stops = ("#000000", "#ff0000", "#ff8000")
    assert [mix(stops, place) for place in (-1, 0, 0.5, 1, 9)] == [
        "#000000",
        "#000000",
        "#ff0000",
        "#ff8000",
        "#ff8000",
    ]
    assert mix(stops, 0.25) == "#800000"


def test_contrast_has_the_values_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert contrast("#b35806", "#b35806") == 1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lines_can_be_seen_on_the_page(theme):
    assert all(contrast(line, colours.PAGE[theme]) > 2.4 for line in colours.LINES[theme])
