"""Shows a drawing made of text; one script, `board.js`, brings all of them to life."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import streamlit as st

from hookpoint.app import theme

HERE = Path(__file__).parent

_board = st.components.v2.component(
    "hookpoint.board",
    html='<div class="root"></div>',
    css=theme.CSS + (HERE / "board.css").read_text(encoding="utf-8"),
    js=theme.SCRIPT + (HERE / "board.js").read_text(encoding="utf-8"),
)


def board(html: str, key: str, frames: Sequence[str] = ()) -> SimpleNamespace:
    """Show the drawing; `press` and `exercise` are what was clicked just now, None otherwise.

    Args:
        frames: one piece of HTML for each `data-frame` in the drawing, shown in its `.frame`.
    """
    clicked = _board(
        data={"html": html, "frames": list(frames)},
        key=key,
        on_press_change=lambda: None,
        on_exercise_change=lambda: None,
    )
    return SimpleNamespace(press=clicked.press, exercise=clicked.exercise)
