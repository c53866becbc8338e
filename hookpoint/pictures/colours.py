"""The colours of every picture, in the notebooks and in the app; no plotting library is needed to read them.

Signed values run from blue (against) through the page's own colour (zero) to orange (towards), unsigned ones from the
page to deep blue. Both stay apart for people who do not tell red from green, and both get steadily further from the
page, so a grey print keeps the order of the sizes.
"""

PAGE = {"light": "#ffffff", "dark": "#0e1117"}
INK = {"light": "#262730", "dark": "#fafafa"}
QUIET = {"light": "#6b6f7a", "dark": "#a3a8b4"}
# Cells that hold no value: the future of an attention pattern, NaN.
ABSENT = {"light": "#f1f1f2", "dark": "#23262e"}

# Anchors from the page outwards.
AGAINST = {"light": ("#6ea3d8", "#174a8c"), "dark": ("#3c6ca6", "#a6cbf3")}
TOWARDS = {"light": ("#f2b36b", "#b35806"), "dark": ("#a9662a", "#ffcd94")}
AMOUNT = {"light": ("#5f97d0", "#0b2a66"), "dark": ("#3c6ca6", "#c4defa")}

# Lines that can be told apart; each also gets a dash of its own, so that colour is never the only difference.
LINES = {
    "light": ("#1f5fa8", "#b35806", "#6b6f7a", "#6ea3d8", "#dd9338"),
    "dark": ("#7fb2e8", "#f2b36b", "#a3a8b4", "#4a7fbd", "#c7843c"),
}


def signed(theme: str = "light") -> tuple[str, ...]:
    """Five equally spaced colours from the most negative value to the most positive; the third, zero, is the page."""
    return (*reversed(AGAINST[theme]), PAGE[theme], *TOWARDS[theme])


def unsigned(theme: str = "light") -> tuple[str, ...]:
    """Three equally spaced colours from zero, the page, to the largest value."""
    return (PAGE[theme], *AMOUNT[theme])


def mix(stops: tuple[str, ...], position: float) -> str:
    """The colour at `position` (0 to 1, clipped) of a ramp through equally spaced stops.

    >>> mix(("#000000", "#ff0000"), 0.5)
    '#800000'
    """
    place = min(max(position, 0.0), 1.0) * (len(stops) - 1)
    left = min(int(place), len(stops) - 2)
    share = place - left
    pairs = zip(_channels(stops[left]), _channels(stops[left + 1]), strict=True)
    return "#" + "".join(f"{int(a + (b - a) * share + 0.5):02x}" for a, b in pairs)


def ink_on(colour: str) -> str:
    """Black or white, whichever is easier to read on `colour`: the contrast is at least 4.5 to 1 on any colour."""
    return "#000000" if contrast(colour, "#000000") >= contrast(colour, "#ffffff") else "#ffffff"


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours as WCAG 2 defines it, from 1 (equal) to 21 (black on white)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it: 0 for black, 1 for white."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in _channels(colour))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
