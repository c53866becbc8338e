"""Who writes the answer: what each head and MLP adds to the logit difference, and that it adds up."""

import streamlit as st

from hookpoint.app.components import grid
from hookpoint.app.components.grid import Grid
from hookpoint.app.microscope.drawings import logits, title
from hookpoint.app.microscope.slide import OVER, Slide

__all__ = ["show"]


def show(slide: Slide) -> None:
    """The attribution, for this prompt or the mean over prompts like it."""
    answer, foil = slide.found["answer"]["text"], slide.found["foil"]["text"]
    st.markdown(title("Who writes the answer", f"logits towards `{answer}` or `{foil}`"))
    over, here = slide.over("m-writers-over"), slide.found["writers"]
    mean = slide.mean("writers", over, **slide.likes)
    found = mean if mean and over == OVER[1] else here
    grid(_grid(found, here, mean, answer, foil), key="m-writers", version=slide.version + over)
    st.caption(_sum(found))


def _grid(found: dict, here: dict, mean: dict | None, answer: str, foil: str) -> Grid:
    columns, values = found["columns"], found["mean"]
    rows = [f"layer {layer}" for layer in range(len(values))]
    tips = [[_tip(row, column, r, c, here, mean) for c, column in enumerate(columns)] for r, row in enumerate(rows)]
    one = found["n"] == 1
    return Grid(
        label="direct logit attribution",
        rows=rows,
        columns=[column.removeprefix("head ") for column in columns],
        values=values,
        texts=[[logits(value) for value in row] for row in values],
        tips=tips,
        signed=True,
        limit=max((abs(value) for row in values for value in row), default=1) or 1.0,
        legend=(foil, answer),
        help="one prompt can mislead: compare with the mean" if one else f"mean of {found['n']} prompts",
        idle="Columns are heads, the bias that belongs to no head, and the MLP. Point at a cell for its numbers.",
        strong=[at for at, column in enumerate(columns) if column == "b_O"],
    )


def _tip(row: str, column: str, r: int, c: int, here: dict, mean: dict | None) -> str:
    told = f"{row}, {column}: {here['mean'][r][c]:+.2f} logits on this prompt"
    if mean:
        told += f"; mean {mean['mean'][r][c]:+.2f} ± {mean['spread'][r][c]:.2f} over {mean['n']} like it"
    return told.replace("-", "−")


def _sum(found: dict) -> str:
    """The parts add up; if they did not, nothing above could be believed."""
    totals: dict[str, float] = {"heads": 0.0, "attention biases": 0.0, "MLPs": 0.0}
    names = {"b_O": "attention biases", "MLP": "MLPs"}
    for row in found["mean"]:
        for column, value in zip(found["columns"], row, strict=True):
            totals[names.get(column, "heads")] += value
    if "MLP" not in found["columns"]:
        del totals["MLPs"]
    totals |= {"embedding": found["embed"], "constant": found["constant"]}
    parts = " ".join(f"{'+' if value >= 0 else '−'} {name} {abs(value):.2f}" for name, value in totals.items())
    return f"{parts.removeprefix('+ ')} = **{found['total']:+.2f}**, the logit difference".replace("-", "−")
