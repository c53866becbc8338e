"""Loss: what each token of a text cost the model, and how the loss fell while the learner's own model was trained."""

import streamlit as st

from hookpoint.app import curves, strips
from hookpoint.app.bench import SHIPPED, Bench
from hookpoint.app.components import board
from hookpoint.app.yours.models import history

EXAMPLE = (
    "Hank and Hazel met David at the park. Later David slept. Hazel offered it to Hank. "
    "The people of Boston live in America. The people of Boston live in Spain."
)


def show(bench: Bench, _text: str) -> None:
    with st.container(border=True):
        st.markdown("**Loss per token** · how surprised the model was, in nats; the stronger the colour, the dearer")
        text = st.text_area("Text", EXAMPLE, key="loss-text", height=90, max_chars=4000)
        if text.strip():
            _tokens(bench, text)
        else:
            st.markdown("Type a text, and see what each of its tokens costs.")
    if bench.model != SHIPPED and bench.here.workspace is not None:
        with st.container(border=True):
            st.markdown("**Your run** · the loss while your model was trained")
            _run(bench)


def _tokens(bench: Bench, text: str) -> None:
    found = bench.ask("loss", text=text)
    if found is None or not found["losses"]:
        return
    board(strips.losses(found["tokens"], found["losses"], found["expected"]), key="losses")
    cut = (
        f" The first {found['dropped']} tokens do not fit into the context and were left out."
        if found["dropped"]
        else ""
    )
    st.markdown(
        f"Mean **{found['mean']:.2f} nats**, by {'your' if bench.runs('lm_loss') else 'our'} `lm_loss`; "
        f"guessing among all tokens costs {found['guessing']:.2f}.{cut}"
    )


def _run(bench: Bench) -> None:
    columns, trouble = history(bench.here.workspace, bench.model)
    if trouble:
        st.markdown(trouble)
        return
    names = {"val_loss": "validation", "bigram": "knowing pairs alone", "train_loss": "training"}
    lines = [
        curves.Line(label, *zip(*curves.thinned(columns[name]), strict=True))
        for name, label in names.items()
        if name in columns
    ]
    board(curves.chart(lines, "step", "loss in nats", "{:.2f} nats".format, dots=False), key="run")
