"""Pictures made of points: how two numbers go together, and where a classifier draws its border."""

from itertools import cycle

from . import colours
from .charts import finish_axes
from .figure import colour_map, new_figure, numbers

_MARKERS = ("o", "s", "^", "D", "v")


def scatter(
    groups,
    lines=None,
    ground=None,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    xlog: bool = False,
    ylog: bool = False,
):
    """A figure of points in groups, each with its colour and mark.

    Args:
        groups: Name -> (x, y), two sequences of one length.
        lines: Name -> (x, y): drawn as a line through these places, such as a fit.
        ground: (values, (left, right, bottom, top)): numbers behind the points, [rows, columns] with the lowest row
            first; below zero blue, above zero orange.
        xlabel: What the horizontal axis measures, with its unit; `ylabel` for the vertical one.
        title: Written above.
        xlog: Equal ratios, not differences, are equally far apart on the horizontal axis; `ylog` on the vertical one.

    Raises:
        ValueError: There are no points, or x and y of a group differ in length.
    """
    if not groups:
        raise ValueError("scatter: there is nothing to draw; groups is empty.")
    figure = new_figure(5.4, 4.0)
    axes = figure.subplots()
    if ground is not None:
        _paint_ground(axes, *ground)
    styles = zip(cycle(colours.LINES["light"]), cycle(_MARKERS), strict=False)
    for (name, (x, y)), (colour, marker) in zip(groups.items(), styles, strict=False):
        x, y = numbers(x), numbers(y)
        if len(x) != len(y):
            raise ValueError(f"scatter: {name!r} has {len(x)} places in x and {len(y)} in y.")
        axes.scatter(x, y, s=26, color=colour, marker=marker, label=name, edgecolors=colours.PAGE["light"], lw=0.6)
    for name, (x, y) in (lines or {}).items():
        axes.plot(numbers(x), numbers(y), color=colours.QUIET["light"], linewidth=1.4, label=name)
    finish_axes(axes, xlabel, ylabel, title, legend=len(groups) + len(lines or {}) > 1, xlog=xlog, ylog=ylog)
    return figure


def _paint_ground(axes, values, extent) -> None:
    values = numbers(values)
    limit = abs(values).max() or 1.0
    ramp = colour_map(colours.signed("light"))
    axes.imshow(values, cmap=ramp, vmin=-limit, vmax=limit, extent=extent, origin="lower", aspect="auto", alpha=0.45)
