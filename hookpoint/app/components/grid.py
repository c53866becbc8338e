"""A grid of coloured cells that can be read and chosen by pointer and by keyboard; it is one stop for Tab."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

from hookpoint.app import theme

HERE = Path(__file__).parent
Cell = tuple[int, int]

_grid = st.components.v2.component(
    "hookpoint.grid",
    html='<div class="root"></div>',
    css=theme.CSS + (HERE / "grid.css").read_text(encoding="utf-8"),
    js=theme.SCRIPT + (HERE / "grid.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Grid:
    """What there is to see.

    Attributes:
        label: What the grid shows, for those who hear it.
        values: [row][column]; the colour of a cell.
        texts: [row][column]; what stands in a cell.
        tips: [row][column]; the line under the grid while the pointer or the focus is on the cell.
        signed: Whether colours run from blue through the page to orange, or from the page to deep blue.
        limit: The value of the deepest colour.
        legend: What the two ends of the colours mean.
        idle: The line under the grid while no cell is pointed at.
        help: Said beside the legend.
        changed: Columns whose heads are marked.
        strong: Columns that are set apart by a gap on their left.
        from_end: Whether a grid that is too wide shows its last columns first.
    """

    label: str
    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[float]]
    texts: Sequence[Sequence[str]]
    tips: Sequence[Sequence[str]]
    signed: bool
    limit: float
    legend: tuple[str, str]
    idle: str = ""
    help: str = ""
    changed: Sequence[int] = ()
    strong: Sequence[int] = ()
    from_end: bool = False


def grid(shown: Grid, key: str, version: str = "", chooses: bool = False, chosen: Iterable[Cell] = ()) -> list[Cell]:
    """Show the grid; gives the cells that are chosen, in the order of choice.

    Args:
        version: What the cells are about; those chosen under another version are forgotten.
        chooses: Whether cells can be chosen: a click or Enter one, Shift and click or Space several, Esc none.
        chosen: What is chosen at first.
    """
    start = {"version": version, "cells": [list(cell) for cell in chosen]}
    state = _grid(
        data={**asdict(shown), "version": version, "chooses": chooses, "start": start["cells"]},
        key=key,
        default={"chosen": start},
        on_chosen_change=lambda: None,
    ).chosen
    cells = (state if state and state["version"] == version else start)["cells"]
    inside = [(int(row), int(column)) for row, column in cells]
    return [(row, column) for row, column in inside if row < len(shown.rows) and column < len(shown.columns)]
