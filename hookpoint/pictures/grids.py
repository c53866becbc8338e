"""Pictures made of cells: attention patterns and heatmaps."""

import math

from . import colours
from .figure import colour_map, name_ticks, new_figure, numbers, quiet_frame, shown, title_of

# More names than this on one side cannot be read; every second, fifth, ... is written then.
_MOST_NAMES = 40
_MOST_PRINTED_CELLS = 400
# A pattern of more positions than this is drawn without percentages, and side by side without names.
_MOST_NAMED_POSITIONS = 16


def attention_pattern(pattern, tokens=None, title: str = ""):
    """A figure of where each position looks: rows are queries, columns the keys they read from.

    The colour is the share of attention, from 0 (white) to 1 (deep blue). Where no row looks at its future, the future
    is grey: it is not that the head does not want to look there, it cannot.

    Args:
        pattern: [T, T] for one head, drawn large with its shares in percent, or [H, T, T] for all heads side by side.
        tokens: T names, one per position; spaces and newlines are made visible. Without them positions are numbered.
        title: Written above a single head; above several it is the title of the whole.

    Raises:
        ValueError: `pattern` has another number of axes, is not square, or `tokens` has another length.
    """
    values = numbers(pattern)
    if values.ndim not in (2, 3) or values.shape[-1] != values.shape[-2]:
        raise ValueError(
            f"attention_pattern takes [T, T] or [H, T, T], not {list(values.shape)}. Of a batch, choose one row."
        )
    length = values.shape[-1]
    if tokens is not None and len(tokens) != length:
        raise ValueError(f"attention_pattern: {len(tokens)} tokens were given for a pattern of {length} positions.")
    names = [shown(token) for token in (range(length) if tokens is None else tokens)]
    if values.ndim == 2:
        return _one_head(values, names, title)
    return _many_heads(values, names, title)


def heatmap(
    values,
    rows=None,
    columns=None,
    title: str = "",
    signed: bool = True,
    limit: float | None = None,
    low: str = "",
    high: str = "",
):
    """A figure of a table of numbers as coloured cells, with the numbers that matter written in.

    Args:
        values: [rows, columns]. NaN is drawn grey.
        rows: A name per row; numbered without.
        columns: A name per column; numbered without.
        title: Written above.
        signed: True: blue below zero, white at zero, orange above. False: white at zero to deep blue.
        limit: The size at which the colour is full; the largest size in `values` without. Give it to compare pictures.
        low: What the lowest value means, in words, at the end of the scale: "against the answer".
        high: What the highest value means.

    Raises:
        ValueError: `values` does not have two axes, has negative numbers although not signed, or the names do not fit.
    """
    table = numbers(values)
    if table.ndim != 2:
        raise ValueError(f"heatmap takes [rows, columns], not {list(table.shape)}.")
    if not signed and (table < 0).any():
        raise ValueError("heatmap: some values are negative; leave signed=True, or take their size first.")
    row_names, column_names = _names(rows, table.shape[0], "rows"), _names(columns, table.shape[1], "columns")
    return _table(table, row_names, column_names, title, signed, limit or _largest(table), (low, high))


def _table(table, row_names, column_names, title, signed, limit, meanings):
    stops = colours.signed() if signed else colours.unsigned()
    printed = table.size <= _MOST_PRINTED_CELLS
    figure = new_figure(*_size_of_table(table.shape, row_names, column_names, printed))
    axes = figure.subplots()
    image = axes.imshow(table, cmap=colour_map(stops), vmin=-limit if signed else 0, vmax=limit, aspect="auto")
    name_ticks(axes, _thinned(row_names), _thinned(column_names))
    title_of(axes, title)
    quiet_frame(axes)
    if printed:
        _separate_cells(axes, table.shape)
        _print_cells(axes, table, limit, stops, signed)
    _scale(figure, axes, image, [-limit, 0, limit] if signed else [0, limit], *meanings)
    return figure


def _largest(table) -> float:
    """The largest finite size in the table, or 1 where there is none to scale by."""
    import numpy as np

    return np.abs(table[np.isfinite(table)]).max(initial=0.0) or 1.0


def _one_head(values, names, title):
    side = min(max(0.36 * len(names), 2.2), 9.0)
    name_room = 0.08 * max(map(len, names))
    figure = new_figure(side + name_room + 0.6, side + name_room + 0.8)
    axes = figure.subplots()
    image = _draw_pattern(axes, values)
    name_ticks(axes, _thinned(names), _thinned(names))
    axes.set_ylabel("query (from)", color=colours.QUIET["light"])
    axes.set_xlabel("key (looked at)", color=colours.QUIET["light"])
    axes.xaxis.set_label_position("top")
    title_of(axes, title)
    if len(names) <= _MOST_NAMED_POSITIONS:
        _separate_cells(axes, values.shape)
        _print_shares(axes, values)
    else:
        _scale(figure, axes, image, [0, 1], "", "share of attention")
    return figure


def _many_heads(values, names, title):
    # Names are written once per row and column of the grid, and only where they can be read.
    named = len(names) <= _MOST_NAMED_POSITIONS
    name_room = 0.065 * max(map(len, names)) if named else 0.0
    across = min(len(values), 4 if named else 6)
    down = math.ceil(len(values) / across)
    figure = new_figure(2.0 * across + name_room + 0.2, 2.2 * down + name_room + 0.7)
    grid = figure.subplots(down, across, squeeze=False)
    for axes in grid.flat[len(values) :]:
        axes.set_visible(False)
    for head, (axes, pattern) in enumerate(zip(grid.flat, values, strict=False)):
        image = _draw_pattern(axes, pattern)
        rows, columns = named and head % across == 0, named and head < across
        name_ticks(axes, names if rows else [], names if columns else [], size=7)
        axes.set_xlabel(f"head {head}", fontsize=9, color=colours.INK["light"])
    if title:
        figure.suptitle(title, fontsize=11, fontweight="bold", color=colours.INK["light"], parse_math=False)
    _scale(figure, grid, image, [0, 1], "", "share of attention")
    return figure


def _draw_pattern(axes, values):
    """The cells alone; gives back the image, from which a scale can be made."""
    import numpy as np

    future = np.triu(np.ones_like(values, dtype=bool), 1)
    causal = not np.abs(np.where(future, values, 0)).any()
    quiet_frame(axes, keep=("top", "left", "bottom", "right"))
    for spine in axes.spines.values():
        spine.set_color(colours.ABSENT["light"])
    cells = np.where(future & causal, np.nan, values)
    return axes.imshow(cells, cmap=colour_map(colours.unsigned()), vmin=0, vmax=1)


def _print_shares(axes, values) -> None:
    """Percentages of at least 10, in the ink that can be read on their cell."""
    for (query, key), share in _cells(values):
        if share >= 0.095:
            ink = colours.ink_on(colours.mix(colours.unsigned(), share))
            axes.text(key, query, f"{100 * share:.0f}", ha="center", va="center", fontsize=8, color=ink)


def _print_cells(axes, table, limit, stops, signed) -> None:
    """Values of at least a tenth of the limit, with as many digits as tell them apart."""
    digits = max(0, 1 - math.floor(math.log10(limit)))
    for (row, column), value in _cells(table):
        if abs(value) >= limit / 10:
            place = (value / limit + 1) / 2 if signed else value / limit
            text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
            ink = colours.ink_on(colours.mix(stops, place))
            axes.text(column, row, text.replace("-", "−"), ha="center", va="center", fontsize=8, color=ink)


def _cells(table):
    return (((row, column), value) for row, line in enumerate(table) for column, value in enumerate(line))


def _separate_cells(axes, shape) -> None:
    """Thin lines of the page's colour between the cells, and of a quiet one around them, so that zero is a cell too."""
    axes.set_xticks([column - 0.5 for column in range(shape[1] + 1)], minor=True)
    axes.set_yticks([row - 0.5 for row in range(shape[0] + 1)], minor=True)
    axes.grid(which="minor", color=colours.ABSENT["light"], linewidth=1)
    axes.tick_params(which="minor", length=0)


def _scale(figure, axes, image, ends: list[float], low: str, high: str) -> None:
    """The colour bar: of one size in every picture, with the limit in numbers and its meaning in words."""
    inches = figure.get_size_inches()[0] - 0.8
    share = min(0.9, 2.6 / inches)
    bar = figure.colorbar(
        image, ax=axes, orientation="horizontal", shrink=share, aspect=share * inches / 0.1, pad=0.02, fraction=0.04
    )
    texts = [f"{end:+.3g}" if ends[0] and end else f"{end:.3g}" for end in ends]
    texts[0], texts[-1] = f"{texts[0]}\n{low}".rstrip(), f"{texts[-1]}\n{high}".rstrip()
    bar.set_ticks(ends, labels=[text.replace("-", "−", 1) for text in texts], fontsize=8)
    bar.ax.tick_params(length=0, colors=colours.QUIET["light"])
    bar.outline.set_visible(False)
    for label in bar.ax.get_xticklabels():
        label.set_parse_math(False)


def _names(given, size: int, side: str) -> list[str]:
    if given is not None and len(given) != size:
        raise ValueError(f"heatmap: {len(given)} names were given for {size} {side}.")
    return [shown(name) for name in (range(size) if given is None else given)]


def _thinned(names: list[str]) -> list[str]:
    """The names with as many blanks as needed to read the rest; each keeps its place."""
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if len(names) / step <= _MOST_NAMES)
    return [name if index % step == 0 else "" for index, name in enumerate(names)]


def _size_of_table(shape, row_names, column_names, printed: bool) -> tuple[float, float]:
    cell_width, cell_height = (0.52, 0.34) if printed else (0.16, 0.16)
    left = 0.09 * max(map(len, row_names), default=0)
    top = 0.09 * max((len(name) for name in column_names if len(name) > 2), default=2)
    return min(max(cell_width * shape[1], 2.4) + left + 0.3, 13), min(cell_height * shape[0] + top + 1.0, 10)
