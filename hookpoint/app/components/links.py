"""Shows a picture whose links open exercises without loading the page anew; the pictures are made in `drawing`."""

from pathlib import Path

import streamlit as st

from hookpoint.app import theme

HERE = Path(__file__).parent

_links = st.components.v2.component(
    "hookpoint.links",
    html='<div class="root"></div>',
    css=theme.CSS + (HERE / "links.css").read_text(encoding="utf-8"),
    js=theme.SCRIPT + (HERE / "links.js").read_text(encoding="utf-8"),
)


def linked(html: str, key: str) -> str | None:
    """Show the picture; gives the exercise whose link was clicked just now."""
    return _links(data={"html": html}, key=key, on_exercise_change=lambda: None).exercise
