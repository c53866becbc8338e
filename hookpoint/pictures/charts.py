"""Pictures made of lines and bars: how a number moves, and how numbers compare."""

from itertools import cycle

from . import colours
from .figure import new_figure, numbers, quiet_frame, shown, title_of

_DASHES = ("solid", "dashed", "dotted", "dashdot", (0, (5, 1, 1, 1, 1, 1)))


def curve(
    ys,
    x=None,
    xlabel: str = "step",
    ylabel: str = "",
    title: str = "",
    xlog: bool = False,
    ylog: bool = False,
    levels=None,
):
    """A figure of one or several lines over a common axis, named in a legend where there are several.

    Args:
        ys: Name -> sequence of numbers. NaN leaves a gap.
        x: Places on the horizontal axis; 0, 1, 2, ... without.
        xlabel: What the horizontal axis counts.
        ylabel: What is measured, with its unit.
        title: Written above.
        xlog: Equal ratios, not differences, are equally far apart on the horizontal axis; `ylog` on the vertical one.
        levels: Name -> number: a thin horizontal line for each, with its name, to compare the curves with.

    Raises:
        ValueError: There is no line, or one has another length than `x`.
    """
    if not ys:
        raise ValueError("curve: there is nothing to draw; ys is empty.")
    places = None if x is None else numbers(x)
    figure = new_figure(6.4, 3.6)
    axes = figure.subplots()
    styles = zip(cycle(colours.LINES["light"]), cycle(_DASHES), strict=False)
    for (name, y), (colour, dash) in zip(ys.items(), styles, strict=False):
        y = numbers(y)
        if places is not None and len(y) != len(places):
            raise ValueError(f"curve: {name!r} has {len(y)} values for {len(places)} places on the x axis.")
        marker = "o" if len(y) == 1 else None  # a line through one point cannot be seen
        at = range(len(y)) if places is None else places
        axes.plot(at, y, color=colour, linestyle=dash, label=name, linewidth=1.8, marker=marker)
    for name, level in (levels or {}).items():
        axes.axhline(level, color=colours.QUIET["light"], linewidth=0.9)
        place = {"xy": (1, level), "xycoords": axes.get_yaxis_transform(), "xytext": (0, 2)}
        style = {"textcoords": "offset points", "ha": "right", "va": "bottom", "fontsize": 8.5, "parse_math": False}
        axes.annotate(name, color=colours.QUIET["light"], **place, **style)
    finish_axes(axes, xlabel, ylabel, title, legend=len(ys) > 1, xlog=xlog, ylog=ylog)
    return figure


def bars(values, labels, title: str = "", xlabel: str = "", highlight: int | None = None):
    """A figure of one horizontal bar per value, the first on top, with the number written at its end.

    Where all values are positive the bars are blue and the highlighted one is orange. Where some are negative, colour
    is the sign: orange for what pushes up, blue for what pushes down.

    Args:
        values: One number per bar.
        labels: One name per bar; spaces and newlines in tokens are made visible.
        title: Written above.
        xlabel: What is measured, with its unit.
        highlight: Index of a bar to point out; its name becomes bold.

    Raises:
        ValueError: There is another number of labels than of values.
    """
    sizes = numbers(values)
    if sizes.ndim != 1 or len(sizes) != len(labels):
        raise ValueError(f"bars: {len(labels)} labels were given for values of shape {list(sizes.shape)}.")
    up, down = colours.TOWARDS["light"][1], colours.LINES["light"][0]
    is_signed = (sizes < 0).any()
    warm = [size > 0 if is_signed else index == highlight for index, size in enumerate(sizes)]
    figure = new_figure(5.2, 0.3 * len(sizes) + 0.9)
    axes = figure.subplots()
    drawn = axes.barh(range(len(sizes)), sizes, color=[up if w else down for w in warm], height=0.72)
    axes.bar_label(drawn, [_short(size) for size in sizes], padding=4, fontsize=8.5, color=colours.INK["light"])
    axes.set_yticks(range(len(sizes)), [shown(label) for label in labels], fontfamily="DejaVu Sans Mono", fontsize=9)
    axes.invert_yaxis()
    axes.margins(x=0.16)  # room for the numbers
    axes.axvline(0, color=colours.QUIET["light"], linewidth=0.8)
    _label_axes(axes, xlabel, "", title)
    quiet_frame(axes, keep=("bottom",))
    axes.tick_params(axis="y", length=0)
    for index, label in enumerate(axes.get_yticklabels()):
        label.set(parse_math=False, fontweight="bold" if index == highlight else "normal")
    return figure


def finish_axes(
    axes, xlabel: str, ylabel: str, title: str, legend: bool, xlog: bool = False, ylog: bool = False
) -> None:
    """What every chart over two axes of numbers ends with: scales, names, a quiet grid, a legend."""
    axes.set_xscale("log" if xlog else "linear")
    axes.set_yscale("log" if ylog else "linear")
    _label_axes(axes, xlabel, ylabel, title)
    axes.grid(axis="y", color=colours.ABSENT["light"])
    axes.set_axisbelow(True)
    if legend:
        shown_legend = axes.legend(frameon=False, fontsize=9, labelcolor=colours.INK["light"], handlelength=2.8)
        for text in shown_legend.get_texts():
            text.set_parse_math(False)


def _label_axes(axes, xlabel: str, ylabel: str, title: str) -> None:
    quiet_frame(axes, keep=("bottom", "left"))
    axes.set_xlabel(xlabel, color=colours.INK["light"], parse_math=False)
    axes.set_ylabel(ylabel, color=colours.INK["light"], parse_math=False)
    title_of(axes, title)


def _short(number: float) -> str:
    """Three digits at most, with a true minus sign."""
    return f"{number:.3g}".replace("-", "−")
