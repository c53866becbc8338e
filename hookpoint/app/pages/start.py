"""Start: the one next step, how far you are, and which parts of GPT-2 are yours."""

import streamlit as st

from hookpoint.app import drawing, session
from hookpoint.app.anatomy import pieces
from hookpoint.app.components import linked
from hookpoint.app.situation import Situation, Standing
from hookpoint.app.wording import age, count, duration, message, prose


def page() -> None:
    here = session.situation()
    if here.workspace is None:
        session.offer_workspace()
        st.caption(f"In it: {_size(here)}.")
    else:
        headline(here)
        session.tell_troubles(here)
    with st.container(key="hp-stack"):
        left, right = st.columns([1, 1.1], gap="medium")
    with left, st.container(border=True):
        st.markdown("**Progress** · a segment for each exercise; a click opens it")
        clicked = linked(drawing.progress(here), key="progress")
    if here.workspace is not None and here.next:
        with left:
            where_you_are(here.next)
    boxes = pieces(here.standings)
    if boxes:
        with right, st.container(border=True):
            st.markdown("**Your GPT-2** · solid boxes are yours, hatched ones are still ours")
            clicked = linked(drawing.anatomy(boxes), key="anatomy") or clicked
    if clicked:
        session.go_to(clicked)
    if here.workspace is not None:
        session.redraw_on_change(here)


def headline(here: Situation) -> None:
    """The next exercise with the ways into it; how much is done and left."""
    following = here.next
    if following is None:
        finished(here)
        return
    exercise = following.exercise
    st.header(f"Next: `{exercise.id}` · {duration(exercise.minutes)} · {exercise.notebook}", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        session.open_in_jupyter(here, exercise, primary=True)
        if st.button("Read here", icon=":material/menu_book:"):
            session.go_to(exercise.id)
        st.markdown(f"{_done(here)} · about {duration(here.minutes_left)} left")


def where_you_are(following: Standing) -> None:
    """What the next exercise asks, or what its last check said."""
    with st.container(border=True):
        if following.state == "changed":
            st.markdown(f"**{following.exercise.id}** · your cell has changed since it passed")
            st.markdown("Check it again, and it counts as before.")
            return
        if following.record.message and following.state == "failing":
            st.markdown(f"**{following.exercise.id}** · the last check, {age(following.record.at)}")
            st.html(drawing.message(message(following.record.message)))
        else:
            st.markdown(f"**{following.exercise.id}** · what it asks")
            st.markdown(prose(following.exercise).split("\n\n")[0])


def finished(here: Situation) -> None:
    st.header(f"All {count(len(here.standings), 'exercise')} pass: this GPT-2 is yours", anchor=False)
    last = here.course.notebooks[-1]
    st.markdown(
        f"{_done(here)}. What now: read the questions at the end of `{last.name}` and answer them in your own words. "
        "`hookpoint update` in a terminal brings notebooks that are new."
    )


def _done(here: Situation) -> str:
    passed = sum(standing.passed for standing in here.standings)
    points = f"{here.points:g} of {count(here.all_points, 'point')}"
    return f"**{points}** · {passed} of {count(len(here.standings), 'exercise')}"


def _size(here: Situation) -> str:
    exercises, minutes = count(len(here.standings), "exercise"), duration(here.minutes_left)
    return f"{count(len(here.course.notebooks), 'notebook')}, {exercises}, about {minutes}"


page()
