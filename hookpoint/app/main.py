"""The frame around the pages: navigation, and the few styles that all of them share."""

from pathlib import Path

import streamlit as st

PAGES = Path(__file__).with_name("pages")
START, NOTEBOOKS, YOUR_GPT2 = PAGES / "start.py", PAGES / "notebooks.py", PAGES / "your_gpt2.py"
MICROSCOPE, EVENT = PAGES / "microscope.py", PAGES / "event.py"
PROBLEMS, CHALLENGES = PAGES / "problems.py", PAGES / "challenges.py"

STYLE = Path(__file__).with_name("style.css")


def main() -> None:
    """Draw the page that the address names."""
    st.set_page_config(page_title="hookpoint", page_icon="🪝", layout="wide")
    st.html(STYLE)  # a path to a .css file is put into a <style>
    pages = [
        st.Page(START, title="Start", icon=":material/home:", default=True),
        st.Page(NOTEBOOKS, title="Notebooks", icon=":material/menu_book:"),
        st.Page(YOUR_GPT2, title="Your GPT-2", icon=":material/neurology:"),
        st.Page(MICROSCOPE, title="Microscope", icon=":material/biotech:"),
        st.Page(PROBLEMS, title="Problems", icon=":material/help_center:"),
        st.Page(CHALLENGES, title="Challenges", icon=":material/flag:"),
        st.Page(EVENT, title="Event", icon=":material/groups:"),
    ]
    st.navigation(pages, position="top").run()
