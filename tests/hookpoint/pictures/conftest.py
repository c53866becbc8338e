import pytest

pytest.importorskip("matplotlib")


@pytest.fixture
def drawn():
    """Lays a figure out, as showing it would, and gives back its first axes."""

    def draw(figure):
        figure.draw_without_rendering()
        return figure.axes[0]

    return draw


@pytest.fixture
def names():
    """The texts at the ticks of one axis of a picture, e.g. names(axes, "y")."""
    return lambda axes, side: [label.get_text() for label in getattr(axes, f"get_{side}ticklabels")()]


@pytest.fixture
def cell_colour():
    """The colour of one cell as it is drawn, as a hex string."""
    from matplotlib.colors import to_hex

    def colour(axes, row, column):
        image = axes.get_images()[0]
        return to_hex(image.to_rgba(image.get_array())[row, column])

    return colour
