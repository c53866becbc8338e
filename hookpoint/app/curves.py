"""Line charts as SVG text: few points, direct labels, words for every point, a dash for every line."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 660, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 168, 34, 46


@dataclass(frozen=True)
class Line:
    """One curve: a name that stands at its end, and its points in order of x."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


def chart(
    lines: Sequence[Line], x_label: str, y_label: str, tell: Callable[[float], str] = "{:g}".format, dots: bool = True
) -> str:
    """The lines over common axes; y starts at 0.

    Args:
        tell: says a y value in words and unit, for the point it belongs to.
        dots: marks each point, for curves of few of them.
    """
    points = [(x, y) for line in lines for x, y in zip(line.x, line.y, strict=True) if math.isfinite(y)]
    if not points:
        return ""
    low, high = min(x for x, _ in points), max(x for x, _ in points)
    top = _ticks(max(y for _, y in points) or 1)[-1]

    def place(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (x - low) / ((high - low) or 1) * (WIDTH - LEFT - RIGHT)
        return across, HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM)

    # The first line is the one that matters most, so it is drawn last and lies on top.
    drawn = "".join(_line(number, line, place, tell, dots) for number, line in reversed(list(enumerate(lines))))
    names = _names(lines, place)
    told = escape(f"{y_label} over {x_label}: " + "; ".join(_ends(line, tell) for line in lines))
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{told}">'
        f"{_axes(low, high, top, place, x_label, y_label)}{drawn}{names}</svg>"
        '<p class="tip" role="status" data-idle=""></p>'
    )


def thinned(points: Sequence[tuple[float, float]], most: int = 80) -> list[tuple[float, float]]:
    """At most so many points: the mean of each run of neighbours, so that noise does not hide the course of a curve.

    >>> thinned([(0, 5.0), (1, 3.0), (2, 2.0), (3, 2.0)], 2)
    [(0.5, 4.0), (2.5, 2.0)]
    """
    size = math.ceil(len(points) / most)
    if size <= 1:
        return list(points)
    runs = [points[at : at + size] for at in range(0, len(points), size)]
    return [tuple(sum(part) / len(run) for part in zip(*run, strict=True)) for run in runs]


def _line(number: int, line: Line, place: Callable, tell: Callable[[float], str], dots: bool) -> str:
    good = [(x, y) for x, y in zip(line.x, line.y, strict=True) if math.isfinite(y)]
    spots = [place(x, y) for x, y in good]
    path = " ".join(f"{'M' if at == 0 else 'L'} {x:.1f} {y:.1f}" for at, (x, y) in enumerate(spots))
    tips = [escape(f"{line.name} at {x:g}: {tell(y)}") for x, y in good]
    marks = "".join(
        f'<circle class="dot c{number}" cx="{x:.1f}" cy="{y:.1f}" r="5" data-tip="{tip}"/>'
        for (x, y), tip in zip(spots, tips, strict=True)
    )
    return f'<path class="curve c{number}" d="{path}"/>{marks if dots else ""}'


def _names(lines: Sequence[Line], place: Callable) -> str:
    """Each name at the height where its line ends, moved apart where two ends meet."""
    ends = sorted((place(line.x[-1], _last(line))[1], line.name) for line in lines if len(line.x))
    texts, above = [], -math.inf
    for y, name in ends:
        above = max(y + 4, above + 17)
        texts.append(f'<text class="name" x="{WIDTH - RIGHT + 11}" y="{above:.1f}">{escape(name)}</text>')
    return "".join(texts)


def _last(line: Line) -> float:
    return next((y for y in reversed(line.y) if math.isfinite(y)), 0.0)


def _ends(line: Line, tell: Callable[[float], str]) -> str:
    return f"{line.name} from {tell(line.y[0])} to {tell(line.y[-1])}" if len(line.y) else f"{line.name} is empty"


def _axes(low: float, high: float, top: float, place: Callable, x_label: str, y_label: str) -> str:
    parts = []
    for tick in _ticks(top):
        x, y = place(low, tick)
        parts.append(f'<path class="axis" d="M {LEFT} {y:.1f} H {WIDTH - RIGHT}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in [tick for tick in _ticks(high) if low <= tick <= high]:
        x, y = place(tick, 0)
        parts.append(f'<text class="tick" x="{x:.1f}" y="{y + 18:.1f}" text-anchor="middle">{tick:g}</text>')
    parts.append(f'<text class="tick" x="{LEFT}" y="{TOP - 16}">{escape(y_label)}</text>')
    parts.append(f'<text class="tick" x="{WIDTH - RIGHT}" y="{HEIGHT - 8}" text-anchor="end">{escape(x_label)}</text>')
    return "".join(parts)


def _ticks(largest: float) -> list[float]:
    """Round numbers from 0 to at least `largest`, four to six of them.

    >>> _ticks(84), _ticks(0.3)
    ([0.0, 25.0, 50.0, 75.0, 100.0], [0.0, 0.1, 0.2, 0.3])
    """
    rough = largest / 4
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough)
    return [round(step * n, 10) for n in range(math.ceil(round(largest / step, 6)) + 1)]
