"""What is there before any question: both prompts as tokens, attention, what comes next, and the lens."""

import streamlit as st

from hookpoint.app import strips
from hookpoint.app.components import attention as heads
from hookpoint.app.components import board, grid
from hookpoint.app.components.grid import Grid
from hookpoint.app.microscope.drawings import prompt, title
from hookpoint.app.microscope.slide import Slide

__all__ = ["attention", "following", "lens", "tokens"]


def tokens(slide: Slide) -> None:
    """Both prompts; what differs is marked."""
    found, different = slide.found, slide.found["different"]
    rows = [prompt(found["tokens"]["clean"], different, found["at"], found["next"]["clean"], "the prompt")]
    if not found["pairing"] or different:
        changed = found["tokens"]["changed"]
        rows.append(prompt(changed, different, found["at"], found["next"]["changed"], "the changed prompt"))
    board('<div class="prompts">' + "".join(rows) + "</div>", key="m-tokens")


def attention(slide: Slide) -> None:
    """Every head on the prompt."""
    st.markdown(title("Attention", "where each token of the prompt looks"))
    found = slide.found["attention"]
    heads(slide.tokens, **found, key=f"m-attention-{found['layers']}-{found['heads']}")


def following(slide: Slide) -> None:
    """What comes next after each prompt."""
    st.markdown(title("What comes next", "after the prompt, and after the changed one"))
    found = slide.found["next"]
    left, right = st.columns(2, gap="medium")
    with left:
        board(strips.bars(found["clean"]), key="m-next-clean")
    with right:
        if not slide.found["pairing"]:
            board(strips.bars(found["changed"]), key="m-next-changed")


def lens(slide: Slide) -> None:
    """The logit lens, late layers on top."""
    st.markdown(title("Logit lens", "what the model would say if it stopped here"))
    found, columns = slide.found["lens"], slide.tokens
    labels, shares, words = (list(reversed(found[name])) for name in ("labels", "shares", "words"))
    tips = [
        [_tip(label, token, *cell) for token, *cell in zip(columns, row_shares, row_words, strict=True)]
        for label, row_shares, row_words in zip(labels, shares, words, strict=True)
    ]
    shown = Grid(
        label="logit lens",
        rows=labels,
        columns=columns,
        values=[[cell[0] for cell in row] for row in shares],
        texts=[[cell[0] for cell in row] for row in words],
        tips=tips,
        signed=False,
        limit=1.0,
        legend=("0 %", "100 %"),
        idle="Point at a cell, or walk with the arrow keys: the five likeliest words stand here.",
        help="colour: probability of the word shown · early rows are often nonsense",
        changed=slide.found["different"],
        from_end=True,
    )
    grid(shown, key="m-lens", version=slide.version)


def _tip(label: str, token: str, shares: list[float], words: list[str]) -> str:
    likeliest = " · ".join(f"{word} {strips.percent(share)}" for word, share in zip(words, shares, strict=True))
    return f"after {label}, at {token}: {likeliest}"
