"""Attention: where each token looks, in every head."""

import streamlit as st

from hookpoint.app.bench import Bench
from hookpoint.app.components import attention


def show(bench: Bench, text: str) -> None:
    found = bench.ask("attention", text=text)
    if found is None:
        return
    with st.container(border=True):
        st.markdown(f"**Attention** · {_whose(bench, found['whose'])}")
        shape = {name: found[name] for name in ("tokens", "layers", "heads", "patterns", "notes", "head")}
        attention(**shape, key=f"attention-{found['layers']}-{found['heads']}")


def _whose(bench: Bench, seen: str) -> str:
    """Where the patterns come from: an `Attention` may take its softmax elsewhere than in `attn_pattern`."""
    if seen == "recomputed":
        if bench.runs("attention"):
            return "your `Attention` does not call `attn_pattern`, so ours was given the same input and weights"
        return "where each token looks, computed by ours"
    if bench.runs("attn_pattern"):
        return "where each token looks, as your `attn_pattern` gave it"
    return "where each token looks, in your `Attention` with our `attn_pattern`"
