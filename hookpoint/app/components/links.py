"""Shows a picture whose links open exercises without loading the page anew; the pictures are made in `drawing`."""

from pathlib import Path

import streamlit as st

from hookpoint.pictures.colours import INK, LINES, PAGE, QUIET, TOWARDS, ink_on

HERE = Path(__file__).parent


def _colours(theme: str) -> str:
    """The theme's colours as CSS variables: blue for what is yours, orange for what fails."""
    mine, trouble = LINES[theme][0], TOWARDS[theme][1]
    values = {
        "page": PAGE[theme],
        "ink": INK[theme],
        "quiet": QUIET[theme],
        "mine": mine,
        "on-mine": ink_on(mine),
        "trouble": trouble,
    }
    return "; ".join(f"--{name}: {value}" for name, value in values.items())


CSS = f".root {{ {_colours('light')} }}\n.root[data-theme=dark] {{ {_colours('dark')} }}\n"

_links = st.components.v2.component(
    "hookpoint.links",
    html='<div class="root"></div>',
    css=CSS + (HERE / "links.css").read_text(encoding="utf-8"),
    js=(HERE / "links.js").read_text(encoding="utf-8"),
)


def linked(html: str, key: str) -> str | None:
    """Show the picture; gives the exercise whose link was clicked just now."""
    return _links(data={"html": html}, key=key, on_exercise_change=lambda: None).exercise
