"""Tokens: how the text is cut, and how bytes are merged into tokens step by step."""

import streamlit as st

from hookpoint.app import strips
from hookpoint.app.bench import Bench
from hookpoint.app.components import board


def show(bench: Bench, text: str) -> None:
    found = bench.ask("tokens", text=text)
    if found is None:
        return
    steps = found["steps"]
    with st.container(key="hp-stack-tokens"):
        left, right = st.columns([1.35, 1], gap="medium")
    with left, st.container(border=True):
        st.markdown("**Merges** · every word starts as single bytes; the pair that was learned first is merged first")
        at = len(steps) - 1
        if at:
            at = st.slider("Merges so far", 0, at, 0, key=f"merges-{len(steps)}")
        board(strips.merges(steps[at]), key="merges")
        st.markdown(_said(steps, at))
        if found["words"] > len(steps[0]["words"]):
            st.markdown(f"Of {found['words']} words the first {len(steps[0]['words'])} are shown.")
    with left, st.container(border=True):
        whose = "your" if bench.runs("train_bpe") else "our"
        st.markdown(f"**Trained on this text alone** · the first merges that {whose} `train_bpe` would learn")
        board(strips.pairs(found["learned"]), key="learned")
    with right, st.container(border=True):
        st.markdown(f"**Ids and bytes** · {len(found['tokens'])} tokens")
        board(strips.table(found["tokens"]), key="table")
        same = found["back"].strip() == text.strip()
        st.markdown(
            "Decoded, they are the text again." if same else f"Decoded, they are `{found['back']}`, not the text."
        )


def _said(steps: list[dict], at: int) -> str:
    """The last merge in words."""
    parts = sum(len(word) for word in steps[at]["words"])
    if not at:
        return f"{parts} bytes, nothing merged yet."
    left, right = steps[at]["pair"]
    rank = steps[at]["rank"] + 1
    return (
        f"Merge {at} of {len(steps) - 1}: `{left}` + `{right}`, the {_th(rank)} that training learned. {parts} parts."
    )


def _th(number: int) -> str:
    """
    >>> _th(1), _th(12), _th(23)
    ('1st', '12th', '23rd')
    """
    ends = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if 10 < number % 100 < 14 else ends.get(number % 10, 'th')}"
