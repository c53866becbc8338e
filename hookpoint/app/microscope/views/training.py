"""Checkpoints: how the task was learned, and the step at which all panels look."""

import streamlit as st

from hookpoint.app import curves
from hookpoint.app.components import board
from hookpoint.app.microscope.drawings import title
from hookpoint.app.microscope.slide import Slide

__all__ = ["choose", "show"]

LINES = {
    "probability": "probability of answer",
    "answer": "to the place of change",
    "previous": "to the token before",
}


def choose(steps: list[int]) -> int | None:
    """The checkpoint that all panels show; None is the trained model."""
    if not steps:
        return None
    ends = [*steps, None]
    if st.session_state.get("m-step") not in ends:
        st.session_state["m-step"] = None
    return st.select_slider(
        "Checkpoint: updates of training",
        ends,
        key="m-step",
        format_func=lambda step: "trained" if step is None else f"{step:,}",
        help="All panels follow. Arrow keys move it.",
    )


def show(slide: Slide) -> None:
    """The curves over all checkpoints."""
    with st.container(border=True):
        st.markdown(title("Training", "the same prompts at every checkpoint"))
        if not slide.facts["steps"]:
            st.markdown("The zoo keeps no checkpoints of this model. The induction model has some.")
            return
        if slide.family is None:
            st.markdown("Take an example: the curves are means over prompts like it.")
            return
        found = slide.ask("training", family=slide.family)
        if found is None:
            return
        lines = [curves.Line(label, found["steps"], found[name]) for name, label in LINES.items()]
        board(curves.chart(lines, "updates", "share", "{:.2f}".format), key="m-training")
        st.markdown(
            f"Means over {found['n']} prompts: how probable the answer is, and how much the strongest head attends, "
            "at the last position to the place where the twin differs, and everywhere to the token before."
        )
