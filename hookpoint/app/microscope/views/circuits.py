"""A head's weights as two circuits: which token looks for which (QK), and what each token that is read writes (OV)."""

import streamlit as st

from hookpoint.app.components import board, grid
from hookpoint.app.components.grid import Grid
from hookpoint.app.microscope.drawings import logits, title
from hookpoint.app.microscope.slide import Slide
from hookpoint.app.strips import spelled

__all__ = ["show"]

SAID = {
    "QK": ("looks for", "the token that looks, and the one that it fits best"),
    "OV": ("writes", "the token that is read, and the one whose logit rises most"),
}


@st.fragment
def show(slide: Slide) -> None:
    """One head of the model, whatever the prompt."""
    with st.container(border=True):
        st.markdown(title("QK and OV", "what a head's weights alone say, without LayerNorm, positions and biases"))
        heads = slide.facts["heads"]
        names = [f"layer {layer}, head {head}" for layer in range(slide.facts["layers"]) for head in range(heads)]
        start = min(slide.found["attention"]["head"], len(names) - 1)
        if st.session_state.get("m-head", start) >= len(names):
            st.session_state["m-head"] = start
        st.session_state.setdefault("m-head", start)
        head = st.selectbox("Head", range(len(names)), format_func=names.__getitem__, key="m-head", width=260)
        found = slide.ask("circuits", head=head, **slide.pair)
        if found is None:
            return
        with st.container(key="hp-stack-circuits"):
            columns = st.columns(2, gap="large")
        for column, circuit in zip(columns, SAID, strict=True):
            with column:
                _circuit(slide, found, circuit, head)
        if found["copying"]:
            st.markdown(_copying(found["copying"]))


def _circuit(slide: Slide, found: dict, circuit: str, head: int) -> None:
    verb, clause = SAID[circuit]
    tokens = [token["text"] for token in found["tokens"]]
    values = found[circuit.lower()]
    rows = [
        [f"{a} {verb} {b}: {v:+.2f}".replace("-", "−") for b, v in zip(tokens, row, strict=True)]
        for a, row in zip(tokens, values, strict=True)
    ]
    shown = Grid(
        label=f"{circuit} circuit over the prompt's tokens",
        rows=tokens,
        columns=tokens,
        values=values,
        texts=[[logits(value, 0.5) if len(tokens) < 12 else "" for value in row] for row in values],
        tips=rows,
        signed=True,
        limit=max((abs(value) for row in values for value in row), default=1) or 1.0,
        legend=("against", "towards"),
        idle=f"Rows: {clause.split(',')[0]}. Point at a cell for its number.",
    )
    st.markdown(f"**{circuit}** among the prompt's tokens")
    grid(shown, key=f"m-{circuit}", version=f"{slide.version} {head}")
    where = "of the whole vocabulary" if found["all"] else "with the prompt's tokens"
    st.markdown(f"**Strongest pairs** {where}: {clause}")
    board(_pairs(found["pairs"][circuit], verb), key=f"m-{circuit}-pairs")


def _pairs(pairs: list[dict], verb: str) -> str:
    rows = "".join(
        f'<tr><td class="left"><code>{spelled(pair["from"]["text"])}</code></td><td class="left">{verb}</td>'
        f'<td class="left"><code>{spelled(pair["to"]["text"])}</code>{" itself" if pair["same"] else ""}</td>'
        f"<td>{pair['value']:+.1f}</td></tr>"
        for pair in pairs
    )
    return f'<div class="scroll"><table class="table">{rows}</table></div>'


def _copying(score: dict) -> str:
    return (
        (
            f"Copying: for **{score['top1']:.0%}** of all tokens the OV circuit raises the token itself most, for "
            f"{score['top5']:.0%} it is among the five raised most; eigenvalue score **{score['eigenvalue']:+.2f}** "
            "(+1 copies everything, −1 the reverse)."
        )
        .replace("%", " %")
        .replace("-", "−")
    )
