"""Generate: the prompt continued, with every knob, and what each knob cut at each step."""

import streamlit as st

from hookpoint.app import strips
from hookpoint.app.bench import Bench
from hookpoint.app.components import board

WAYS = ("sample", "greedy", "beam")


def show(bench: Bench, text: str) -> None:
    side, main = st.columns([1, 2.6], gap="medium")
    with side, st.container(border=True):
        st.markdown("**Knobs**")
        way = st.segmented_control("How", WAYS, default="sample", key="way", required=True) or "sample"
        length = st.slider("New tokens", 1, 60, 24, key="length")
        knobs = _beam_knobs() if way == "beam" else _knobs(way == "sample")
    with main, st.container(border=True):
        if way == "beam":
            _beams(bench, text, length, knobs)
        else:
            _story(bench, text, length, knobs)


def _knobs(sampling: bool) -> dict:
    """The settings of `generate`; greedy takes the likeliest token and needs none of the others."""
    penalty = st.slider(
        "Repetition penalty",
        0.0,
        3.0,
        0.0,
        0.1,
        key="penalty",
        help="Taken off a logit for each time the token has occurred",
    )
    if not sampling:
        return {"temperature": 0.0, "top_k": None, "top_p": None, "penalty": penalty, "seed": 0}
    temperature = st.slider("Temperature", 0.05, 2.0, 0.8, 0.05, key="temperature")
    top_k = st.slider("Top-k", 0, 50, 0, key="top_k", help="How many tokens stay in the draw; 0 keeps all")
    top_p = st.slider("Top-p", 0.05, 1.0, 1.0, 0.05, key="top_p", help="The probability that must stay; 1 keeps all")
    seed = st.number_input("Seed", 0, 10_000, 0, key="seed")
    return {
        "temperature": temperature,
        "top_k": top_k or None,
        "top_p": top_p if top_p < 1 else None,
        "penalty": penalty,
        "seed": int(seed),
    }


def _story(bench: Bench, text: str, length: int, knobs: dict) -> None:
    found = bench.ask("generate", text=text, n=length, **knobs)
    if found is None:
        return
    own = "your `generate`" if found["own"] else "our loop around your parts" if bench.yours else "ours"
    st.markdown(f"**Continued** by {own} · the stronger the colour, the more probable")
    html, frames = strips.story(found["prompt"], found["steps"])
    board(html, key="story", frames=frames)
    if len(found["prompt"]) + length > found["n_ctx"]:
        limit = found["n_ctx"]
        st.markdown(f"The text outgrows the model's {limit} positions; from there on it sees the last {limit} tokens.")


def _beam_knobs() -> dict:
    return {
        "k": st.slider("Beams", 1, 8, 4, key="beams"),
        "length_penalty": st.slider("Length penalty", 0.0, 2.0, 0.0, 0.1, key="length_penalty"),
    }


def _beams(bench: Bench, text: str, length: int, knobs: dict) -> None:
    found = bench.ask("beam", text=text, n=length, **knobs)
    if found is None:
        return
    whose = "your" if bench.runs("beam_search") else "our"
    st.markdown(f"**{knobs['k']} beams** by {whose} `beam_search` · best first, with their scores")
    board(strips.beams(found["beams"]), key="beam")
