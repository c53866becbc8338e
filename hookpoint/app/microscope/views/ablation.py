"""Ablation: every head and MLP silenced in turn."""

import streamlit as st

from hookpoint.app.components import grid
from hookpoint.app.components.grid import Grid
from hookpoint.app.microscope.drawings import logits, title
from hookpoint.app.microscope.slide import OVER, Slide

__all__ = ["show"]

WAYS = {
    "zero": "it writes nothing at all",
    "mean": "it writes what it writes on average over prompts like it",
    "resample": "it writes what it writes on another prompt like it",
}


@st.fragment
def show(slide: Slide) -> None:
    """What the logit difference gains or loses without each part."""
    with st.container(border=True):
        way = st.session_state.get("m-ablation") or "zero"
        st.markdown(title("Ablation", f"one part is silenced: {WAYS[way]}"))
        st.session_state.setdefault("m-ablation", "zero")
        with st.container(horizontal=True, gap="medium"):
            ways = list(WAYS) if slide.family else ["zero"]
            if way not in ways:
                st.session_state["m-ablation"] = way = ways[0]
            way = (
                st.segmented_control("How", ways, key="m-ablation", label_visibility="collapsed", required=True) or way
            )
            over = slide.over("m-ablation-over")
        given = {"way": way, "family": slide.family, **slide.pair}
        here = slide.ask("ablate", over="this", **given)
        mean = slide.mean("ablate", over, **{**given, "over": "mean"})
        if here is None:
            return
        found = mean if mean and over == OVER[1] else here
        grid(_grid(found, here, mean), key="m-ablated", version=slide.version + way + over)
        whose = "this prompt" if found["n"] == 1 else f"{found['n']} prompts like it, on average"
        st.markdown(
            f"The logit difference with nothing silenced: **{found['total']:+.2f}** ({whose}).".replace("-", "−")
        )


def _grid(found: dict, here: dict, mean: dict | None) -> Grid:
    values = found["mean"]
    mlp = len(values[0]) > found["heads"]
    columns = [*map(str, range(found["heads"])), *(["MLP"] if mlp else [])]
    rows = [f"layer {layer}" for layer in range(len(values))]
    return Grid(
        label="ablation",
        rows=rows,
        columns=columns,
        values=values,
        texts=[[logits(value) for value in row] for row in values],
        tips=[[_tip(row, name, r, c, here, mean) for c, name in enumerate(columns)] for r, row in enumerate(rows)],
        signed=True,
        limit=max((abs(value) for row in values for value in row), default=1) or 1.0,
        legend=("the answer needs it", "the answer is better without"),
        help="change of the logit difference · heads left, the MLP right",
        idle="Blue: without this part the answer loses. Point at a cell for its numbers.",
        strong=[len(columns) - 1] if mlp else [],
    )


def _tip(row: str, name: str, r: int, c: int, here: dict, mean: dict | None) -> str:
    part = name if name == "MLP" else f"head {name}"
    told = f"without {row}, {part}: {here['mean'][r][c]:+.2f} logits on this prompt"
    if mean:
        told += f"; mean {mean['mean'][r][c]:+.2f} ± {mean['spread'][r][c]:.2f} over {mean['n']} like it"
    return told.replace("-", "−")
