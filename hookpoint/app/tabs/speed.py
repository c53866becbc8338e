"""Speed: the same text written with and without a key-value cache."""

import streamlit as st

from hookpoint.app import curves
from hookpoint.app.bench import Bench
from hookpoint.app.components import board


def show(bench: Bench, _text: str) -> None:
    with st.container(border=True):
        st.markdown(f"**Writing time over length** · {_whose(bench)}; each point is the median of three runs")
        if st.button("Measure again", icon=":material/timer:"):
            st.session_state["measured"] = st.session_state.get("measured", 0) + 1
        found = bench.ask("speed", nonce=st.session_state.get("measured", 0))
        if found is None:
            return
        rows = found["rows"]
        with st.container(key="hp-stack-speed"):
            left, right = st.columns([1.5, 1], gap="medium")
        with left:
            board(_chart(rows), key="speed")
        with right:
            st.markdown(_said(found))


def _whose(bench: Bench) -> str:
    names = {"generate": "generate", "generate_cached": "generate_cached"}
    said = [f"{'your' if bench.runs(id) else 'our'} `{name}`" for id, name in names.items()]
    return " and ".join(said)


def _chart(rows: list[dict]) -> str:
    lengths = [row["length"] for row in rows]
    lines = [curves.Line(f"{way} cache", lengths, [row[way] for row in rows]) for way in ("with", "without")]
    return curves.chart(lines, "tokens in the text", "milliseconds of CPU", "{:.0f} ms".format)


def _said(found: dict) -> str:
    rows = found["rows"]
    last = rows[-1]
    ratio = last["without"] / last["with"]
    lines = [
        f"At {last['length']} tokens the cache makes it **{ratio:.1f} times as fast**."
        if ratio >= 1.05
        else f"At {last['length']} tokens the cache saves nothing.",
        f"It holds **{last['bytes'] / 1024:,.0f} KiB** then: keys and values of every layer, head and position, "
        f"{rows[0]['bytes'] // rows[0]['length']:,} bytes for each token.",
        "Both wrote the same text."
        if found["same"]
        else "**They did not write the same text**: a cache may change the time and nothing else.",
    ]
    if len(rows) < len(found["lengths"]):
        lines.append(f"Longer texts were left out: this took long enough at {last['length']} tokens.")
    return "\n\n".join(lines)
