"""Notebooks: one exercise at a time, with its text, its hints and what the last check said."""

import streamlit as st

from hookpoint.app import drawing, session
from hookpoint.app.checking import Check
from hookpoint.app.situation import Situation, Standing
from hookpoint.app.wording import ICONS, WORDS, age, built, count, duration, found, message, prose, signature
from hookpoint.content.progress import open_hint
from hookpoint.errors import HookpointError, UsageError

COLOURS = {"passed": "blue", "changed": "blue", "failing": "orange", "open": "gray"}


def page() -> None:
    here = session.situation()
    if here.workspace is None:
        session.offer_workspace()
        return
    session.tell_troubles(here)
    listed, shown = st.columns([1, 2.9], gap="medium")
    with listed:
        chosen = choose(here)
    with shown:
        header(here, chosen)
        with st.container(key="hp-stack"):
            text, side = st.columns([1.15, 1], gap="medium")
        with text:
            st.markdown(prose(chosen.exercise))
            code(chosen)
        with side:
            last_check(here, chosen)
            hints(here, chosen)
    session.redraw_on_change(here)


def choose(here: Situation) -> Standing:
    """The exercise that the address names, and a list to choose another: one notebook's, or what was searched for."""
    chosen = _asked_for(here)
    words = st.text_input("Search", placeholder="Search all exercises", label_visibility="collapsed", key="search")
    if words.strip():
        rows = found(here, words)
        if not rows:
            st.markdown(f"Nothing has “{words.strip()}” in its name or text.")
            st.button("Clear the search", on_click=lambda: st.session_state.update(search=""))
            return chosen
    else:
        names = [notebook.name for notebook in here.notebooks]
        st.session_state["notebook"] = chosen.exercise.notebook
        st.selectbox("Notebook", names, key="notebook", on_change=_open_notebook, args=(here,))
        rows = here.of(here.course.notebook(chosen.exercise.notebook))
    by_id = {row.exercise.id: row for row in rows}
    st.session_state["pick"] = chosen.exercise.id if chosen.exercise.id in by_id else None
    st.radio(
        "Exercise",
        list(by_id),
        key="pick",
        format_func=lambda id: f"{_icon(by_id[id])} {id}",
        captions=[_caption(row) for row in rows],
        on_change=lambda: st.query_params.update(exercise=st.session_state["pick"]),
    )
    return chosen


def _asked_for(here: Situation) -> Standing:
    asked = st.query_params.get("exercise")
    if asked is not None:
        try:
            return here.standing(asked)
        except UsageError as error:
            st.warning(str(error), icon=":material/warning:")
    chosen = here.next or here.standings[-1]
    st.query_params["exercise"] = chosen.exercise.id
    return chosen


def _open_notebook(here: Situation) -> None:
    """Go to the first exercise of the notebook that does not pass, or to its first."""
    rows = here.of(here.course.notebook(st.session_state["notebook"]))
    row = next((row for row in rows if not row.passed), rows[0])
    st.query_params["exercise"] = row.exercise.id


def _icon(row: Standing) -> str:
    return f":{COLOURS[row.state]}[{ICONS[row.state]}]"


def _caption(row: Standing) -> str:
    return f"{WORDS[row.state]} · {row.exercise.minutes} min · {row.exercise.points:g} pt"


def header(here: Situation, chosen: Standing) -> None:
    exercise = chosen.exercise
    st.header(f"`{exercise.writes}`", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(WORDS[chosen.state], icon=ICONS[chosen.state], color=COLOURS[chosen.state])
        worth = ("★" * exercise.stars, duration(exercise.minutes), count(exercise.points, "point"), exercise.notebook)
        st.markdown(" · ".join(worth), width="stretch")
        session.open_in_jupyter(here, exercise)


def code(chosen: Standing) -> None:
    """What is to be written; once there is an answer, that answer first."""
    given = signature(chosen.exercise)
    if not chosen.answer:
        st.code(given, language="python", wrap_lines=True)
        return
    st.markdown("**Your cell** · as it is saved")
    st.code(chosen.answer, language="python", wrap_lines=True)
    with st.expander("The signature as it was given"):
        st.code(given, language="python", wrap_lines=True)


def last_check(here: Situation, chosen: Standing) -> None:
    """The card with the last verdict and the button that checks again; drawn twice a second while a check runs."""
    check: Check | None = st.session_state.get("check")
    running = check is not None and check.running

    @st.fragment(run_every=0.5 if running else session.SECONDS)
    def card() -> None:
        with st.container(border=True):
            st.markdown(f"**Last check** · {_when(chosen)}")
            _verdict(here, chosen)
            _controls(here, chosen, running)

    card()


def _when(chosen: Standing) -> str:
    record = chosen.record
    if not record.status:
        return "not checked yet"
    times = f", {record.attempts} times so far" if record.attempts > 1 else ""
    changed = "; your cell has changed since" if chosen.edited else ""
    return f"{age(record.at)}{times}{changed}"


def _verdict(here: Situation, chosen: Standing) -> None:
    if chosen.record.status == "passed":
        for sentence in built(here, chosen) if chosen.passed else ():
            st.markdown(sentence)
    elif chosen.record.message:
        st.html(drawing.message(message(chosen.record.message)))
    elif not chosen.record.status:
        st.markdown("Write the function in your notebook and save it. The check reads the saved file.")


def _controls(here: Situation, chosen: Standing, running: bool) -> None:
    check: Check | None = st.session_state.get("check")
    if running:
        if not check.running:
            st.rerun()
        st.progress(
            min(1.0, check.elapsed / check.deadline),
            text=f"Checking `{check.exercise}` · {check.elapsed:.0f} s; ends by itself after {check.deadline:.0f} s",
        )
        st.button("Stop", icon=":material/stop_circle:", on_click=check.stop)
        return
    if check is not None and check.trouble and check.exercise == chosen.exercise.id:
        st.html(drawing.message([(line, False) for line in check.trouble.splitlines()]))
    with st.container(horizontal=True):
        kind = "secondary" if chosen.passed else "primary"
        if st.button("Check now", type=kind, icon=":material/play_arrow:", help="Reads your notebook as it is saved"):
            st.session_state["check"] = Check(here.workspace, chosen.exercise.id)
            st.rerun()
        following = here.next
        if (
            chosen.passed
            and following
            and st.button(f"Next: `{following.exercise.id}`", icon=":material/arrow_forward:")
        ):
            session.go_to(following.exercise.id)


def hints(here: Situation, chosen: Standing) -> None:
    """The ladder: each rung opens after the one before it; that it was opened is remembered and costs nothing."""
    exercise, opened = chosen.exercise, chosen.record.hints
    if not exercise.hints:
        return
    with st.container(border=True):
        st.markdown("**Hints** · each says more; opening them costs nothing")
        for rung, text in enumerate(exercise.hints[:opened], start=1):
            with st.expander(f"Hint {rung}", expanded=rung == opened):
                st.markdown(text)
        with st.container(horizontal=True):
            for rung in range(opened + 1, len(exercise.hints) + 1):
                _rung(here, exercise.id, rung, ready=rung == opened + 1)


def _rung(here: Situation, id: str, rung: int, ready: bool) -> None:
    waits = None if ready else f"Opens after hint {rung - 1}"
    icon = ":material/lightbulb:" if ready else ":material/lock:"
    label = f"Open hint {rung}" if ready else f"Hint {rung}"
    if st.button(label, key=f"hint-{id}-{rung}", icon=icon, disabled=not ready, help=waits):
        try:
            open_hint(here.workspace, id, rung)
        except HookpointError as error:
            st.error(str(error), icon=":material/error:")
            return
        st.rerun()


page()
