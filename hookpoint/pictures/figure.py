"""What all pictures share: an empty figure, numbers from anything that holds them, and text that shows what it is."""

import io
from functools import cache

from . import colours

# Characters that a reader cannot see, and what stands for them.
_VISIBLE = str.maketrans({"\n": "↵", "\t": "⇥", "\r": "␍"})


def new_figure(width: float, height: float):
    """An empty figure of that many inches, known to nobody but the caller.

    pyplot keeps every figure it makes, and a notebook then shows it twice: once as the cell's value and once at the
    cell's end. A figure made directly is shown once, and forgotten with its last reference.
    """
    figure = _figure_class()(figsize=(width, height), layout="constrained", facecolor=colours.PAGE["light"])
    figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)
    return figure


@cache
def _figure_class():
    from matplotlib.figure import Figure

    class Picture(Figure):
        """A figure that a notebook can show without pyplot's help, sharp on dense screens."""

        def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
            png = io.BytesIO()
            self.savefig(png, format="png", dpi=192)
            width, height = (round(96 * inches) for inches in self.get_size_inches())
            return png.getvalue(), {"width": width, "height": height}

    return Picture


def colour_map(stops: tuple[str, ...]):
    """The ramp through `stops` as matplotlib wants it, with the colour of absent cells for NaN."""
    from matplotlib.colors import LinearSegmentedColormap

    # An odd number of steps, so that zero, in the middle of a signed ramp, is exactly the page's colour.
    ramp = LinearSegmentedColormap.from_list("hookpoint", stops, N=257)
    return ramp.with_extremes(bad=colours.ABSENT["light"])


def numbers(values):
    """The values as a float array; takes nested lists, arrays, and tensors of any dtype on any device."""
    import numpy as np

    if hasattr(values, "detach"):
        # NumPy has no bfloat16, and a tensor with a graph refuses to become an array.
        values = values.detach().double().cpu().numpy()
    return np.asarray(values, dtype=float)


def shown(token) -> str:
    """The token's text with newlines, tabs and the spaces at its ends as signs; a space inside a name stays one.

    What the font lacks is given as its code point.
    """
    text = token if isinstance(token, str) else str(token)
    start, end = len(text) - len(text.lstrip(" ")), len(text.rstrip(" "))
    text = ("·" * start + text[start:end] + "·" * (len(text) - max(start, end))).translate(_VISIBLE)
    return "".join(char if _in_font(char) else f"\\u{ord(char):04x}" for char in text) or "''"


@cache
def _in_font(char: str) -> bool:
    from matplotlib.font_manager import findfont, get_font

    return char.isprintable() and get_font(findfont("DejaVu Sans Mono")).get_char_index(ord(char)) != 0


def name_ticks(axes, rows, columns, size: float = 9) -> None:
    """Write the names of rows and columns at their cells, columns on top, as they are: no `$` starts a formula."""
    axes.set_yticks(range(len(rows)), rows)
    upright = max((len(name) for name in columns), default=0) > 2
    axes.set_xticks(range(len(columns)), columns, rotation=90 if upright else 0)
    axes.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False, labelsize=size)
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set(fontfamily="DejaVu Sans Mono", color=colours.INK["light"], parse_math=False)


def quiet_frame(axes, keep: tuple[str, ...] = ()) -> None:
    """Leave of the frame only the sides named in `keep`, in a quiet colour."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in keep)
        spine.set_color(colours.QUIET["light"])
    axes.tick_params(colors=colours.INK["light"])


def title_of(axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=11, fontweight="bold", color=colours.INK["light"], parse_math=False)
