"""Challenges: what is asked, what reference answers got, and what your own is worth on the public instances."""

from pathlib import Path

import streamlit as st

from hookpoint.app import drawing
from hookpoint.app.research.rows import in_short, reference_rows
from hookpoint.app.scoring import Scoring
from hookpoint.challenges.definition import Challenge
from hookpoint.challenges.proof import read
from hookpoint.challenges.registry import challenges
from hookpoint.challenges.starter import starter
from hookpoint.content.files import notebook_text, write_text
from hookpoint.content.workspace import find_workspace
from hookpoint.errors import HookpointError

SUFFIXES = {"function": (".ipynb", ".py"), "json": (".json",), "safetensors": (".safetensors",)}
FOLDER = "challenges"


def page() -> None:
    st.header("Challenges", anchor=False)
    st.markdown("Problems with an answer key. What you hand in is scored on models that nobody has seen.")
    all_of_them = {one.id: one for one in challenges()}
    listed, shown = st.columns([1, 2.9], gap="medium")
    with listed:
        one = all_of_them[choose(all_of_them)]
    with shown:
        st.subheader(one.title, anchor=False)
        st.caption(in_short(one))
        with st.container(key="hp-stack"):
            left, right = st.columns([1.1, 1], gap="medium")
        with left:
            asked(one)
        with right:
            yours(one)
            references(one)


def choose(all_of_them: dict[str, Challenge]) -> str:
    """The challenge that the address names, and a list to choose another."""
    named = st.query_params.get("challenge", "")
    st.session_state["challenge"] = named if named in all_of_them else next(iter(all_of_them))
    return st.radio(
        "Challenge",
        list(all_of_them),
        key="challenge",
        format_func=lambda id: all_of_them[id].title,
        captions=[f"{one.standing} · {one.difficulty}" for one in all_of_them.values()],
        on_change=lambda: st.query_params.update(challenge=st.session_state["challenge"]),
    )


def asked(one: Challenge) -> None:
    with st.container(border=True):
        st.markdown("**What is asked** · and why it is not easy")
        st.text(one.asks)
        st.text(one.why)
        st.markdown("**What you hand in**")
        st.code(one.contract, language="python", wrap_lines=True)
        st.text(
            f"Score: {one.unit}. {one.floor:g} gives no points, {one.ceiling:g} gives all."
            if one.ranked
            else f"Score: {one.unit}."
        )
        if one.pass_mark is not None:
            st.text(f"The mark is {one.pass_mark:g}.")


def references(one: Challenge) -> None:
    proof = read(one.id)
    if proof is None:
        return
    with st.container(border=True):
        st.markdown("**Reference answers** · measured beforehand, on other instances")
        st.dataframe(
            reference_rows(one, proof), hide_index=True,
            column_config={
                "score": st.column_config.NumberColumn(width="small"),
                "points": st.column_config.ProgressColumn(min_value=0, max_value=100, format="%.0f", width="small"),
            },
        )  # fmt: skip
        st.caption(
            f"The score is {one.unit}: means over {len(proof.seeds)} instances that no method was made on. "
            "An attacker is an answer that must not win."
        )


def yours(one: Challenge) -> None:
    """The starter notebook, and what the answer in a file is worth."""
    with st.container(border=True):
        st.markdown("**Your answer** · scored here, on the public instances")
        workspace = find_workspace()
        if workspace is None:
            st.code(
                f"hookpoint challenge new {one.id}\nhookpoint challenge score {one.id} {one.id}.ipynb", language="bash"
            )
            return
        folder = workspace / FOLDER
        begin(one, folder / f"{one.id}.ipynb")
        files = [path for path in sorted(folder.glob("*")) if path.suffix in SUFFIXES[one.form]]
        if not files:
            return
        first = next((at for at, path in enumerate(files) if path.stem == one.id), 0)
        file = st.selectbox("File", files, index=first, format_func=lambda path: path.name)
        run(one, file)
        st.caption(f"To hand it in at an event: `hookpoint submit {FOLDER}/{file.name}`")


def begin(one: Challenge, path: Path) -> None:
    if path.exists():
        st.markdown(f"Your notebook: `{FOLDER}/{path.name}` in your workspace.")
        return
    if st.button("Write its starter notebook", type="primary", icon=":material/note_add:"):
        try:
            write_text(path, notebook_text(starter(one.id)))
        except HookpointError as error:
            st.error(str(error), icon=":material/error:")
            return
        st.rerun()


def run(one: Challenge, file: Path) -> None:
    scoring: Scoring | None = st.session_state.get("scoring")
    mine = scoring is not None and scoring.challenge == one.id
    running = mine and scoring.running

    @st.fragment(run_every=0.5 if running else None)
    def card() -> None:
        if running:
            if not scoring.running:
                st.rerun()
            st.progress(
                min(1.0, scoring.elapsed / scoring.deadline), text=f"Scoring {file.name} · {scoring.elapsed:.0f} s"
            )
            st.button("Stop", icon=":material/stop_circle:", on_click=scoring.stop)
            return
        if mine and scoring.trouble:
            st.html(drawing.message([(line, False) for line in scoring.trouble.splitlines()]))
        if mine and scoring.result:
            result(one, scoring.result)
        if st.button("Score it", icon=":material/play_arrow:", help="Reads the file as it is saved"):
            st.session_state["scoring"] = Scoring(one.id, file)
            st.rerun()

    card()


def result(one: Challenge, found: dict) -> None:
    st.metric(one.unit, f"{found['value']:.3f}", help="The mean over the public instances.")
    points = f" · {found['points']:.0f} of 100 points" if one.counts else ""
    st.text(f"95 % interval {found['low']:.3f} to {found['high']:.3f}{points}")
    st.dataframe([{"public instance": at, **row} for at, row in enumerate(found["instances"])], hide_index=True)


page()
