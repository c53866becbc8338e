"""Attention patterns: every head small, one head large; the pointer and the arrow keys never wait for Python."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from hookpoint.app import theme

HERE = Path(__file__).parent

_attention = st.components.v2.component(
    "hookpoint.attention",
    html='<div class="root"></div>',
    css=theme.CSS + (HERE / "attention.css").read_text(encoding="utf-8"),
    js=theme.SCRIPT + (HERE / "attention.js").read_text(encoding="utf-8"),
)


def attention(
    tokens: Sequence[str], layers: int, heads: int, patterns: str, notes: Sequence[str], key: str, head: int = 0
) -> int:
    """Show the patterns; gives the head that is kept large, counted through all layers.

    Args:
        tokens: as they are to be shown.
        patterns: base64 of one byte for each weight, in the order layer, head, query, key; 255 is 1.
        notes: for each head what it does on this prompt, in words.
        head: the one that is large at first.
    """
    data = {"tokens": list(tokens), "layers": layers, "heads": heads, "patterns": patterns, "notes": list(notes)}
    return _attention(data={**data, "head": head}, key=key, default={"head": head}, on_head_change=lambda: None).head
