"""Event: the timer, what is announced, your team, what you handed in, and a way to ask."""

import time

import streamlit as st

from hookpoint.app import session
from hookpoint.app.event import panels
from hookpoint.app.event.line import Line
from hookpoint.content.workspace import find_workspace
from hookpoint.errors import HookpointError
from hookpoint.hosting.client import EventClient, address_in
from hookpoint.hosting.joined import Joined, joined, remember

EVERY = 5.0  # seconds between two looks at the event
SHOWN = 8  # submissions


def page() -> None:
    workspace = find_workspace()
    try:
        found = joined(workspace)
    except HookpointError as error:
        st.error(str(error), icon=":material/error:")
        return
    if found is None or st.session_state.get("event_again"):
        join(workspace, found[0] if found else None)
        return
    line = line_to(found[0], workspace)
    if line.heard is None:
        line.refresh(all=True)
    event_now(line)
    with st.container(key="hp-stack"):
        left, right = st.columns([1.2, 1], gap="medium")
    with left:
        work(line)
    with right:
        room(line)
        ask(line)


def line_to(one: Joined, workspace) -> Line:
    """The line of this browser session, a new one when one has joined elsewhere."""
    line = st.session_state.get("event_line")
    if line is None or line.joined != one:
        line = st.session_state["event_line"] = Line(one, workspace)
    return line


def join(workspace, known: Joined | None) -> None:
    """The form to join with. What was typed stays after an error."""
    st.header("Join an event", anchor=False)
    st.markdown("The address and the code stand on the projector.")
    with st.form("join"):
        address = st.text_input("Address", value=known.address if known else "", placeholder="192.168.0.12:8000")
        code = st.text_input("Join code", placeholder="K7MF-2RXW")
        name = st.text_input("Your name", value=known.person if known else "")
        team = st.text_input("New team", help="Leave it empty to join a team that is there, or to be matched.")
        invitation = st.text_input("Invitation to a team", help="A member sees it on their team's page.")
        sent = st.form_submit_button("Join", type="primary")
    if not sent:
        return
    try:
        place, in_link = address_in(address)
        with EventClient(place, patience=0) as client:
            title = client.event().get("title", "")
            said = client.join(code or in_link, name, team, invitation)
        remember(Joined(place, said["token"], title, said.get("person", ""), said.get("team", "")), workspace)
    except HookpointError as error:
        st.error(str(error), icon=":material/error:")
        return
    st.session_state.pop("event_again", None)
    st.rerun()


@st.fragment(run_every=EVERY)
def event_now(line: Line) -> None:
    """Timer, rank and news; asks the server, and draws the whole page again when one's own work has changed."""
    before = line.mark(), line.me
    line.refresh()
    if line.trouble:
        old = f" What you see is from {panels.ago(line.heard)}." if line.heard else ""
        st.warning(f"{line.trouble}{old}", icon=":material/wifi_off:")
    if not line.event:
        return
    st.header(panels.heading(line.event), anchor=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.text(panels.timer(line.event, time.time()))
        st.text(panels.standing(line.me.get("standing"), line.event.get("board", {}).get("scored", False)))
        st.link_button("Open the event's site", line.joined.address, icon=":material/open_in_new:")
    if (line.mark(), line.me) != before:
        st.rerun()


def work(line: Line) -> None:
    with st.container(border=True):
        st.markdown("**Handed in** · the same as on your team's page")
        mine = line.me.get("submissions", [])
        if not mine:
            st.markdown("Nothing yet. In a terminal, in your workspace:")
            st.code("hookpoint submit 03_attention.ipynb", language="bash")
        for one in mine[:SHOWN]:
            said = panels.message_of(one)
            if said:
                with st.expander(panels.submission_line(one).replace("_", "\\_")):
                    st.text(said)
            else:
                st.text(panels.submission_line(one))
        if left := line.me.get("limits"):
            st.caption(f"{left.get('left', 0)} of {left.get('submissions_per_hour', 0)} submissions left in this hour.")


def room(line: Line) -> None:
    with st.container(border=True):
        unread = line.me.get("unread", 0)
        st.markdown(f"**Announcements** · {unread} new" if unread else "**Announcements** · what the hosts tell")
        st.html(panels.announcements(line.news))
        if unread and st.button("Mark as read"):
            try:
                line.client.mark_news_read()
                line.refresh(all=True)
                st.rerun()
            except HookpointError as error:
                st.error(str(error), icon=":material/error:")
    with st.container(border=True):
        st.markdown("**Your team** · who is in it, and how others come in")
        st.text(line.me.get("team") or "You have no team yet: the hosts match those who look for one.")
        if line.me.get("members"):
            st.text(", ".join(line.me["members"]))
        if line.me.get("invitation"):
            st.code(line.me["invitation"], language=None)
        told = "The board counts which of your exercises pass." if line.me.get("tells_progress") else (
            "The board does not know which of your exercises pass. Your team's page of the event's site allows it."
        )  # fmt: skip
        st.caption(told)
        if st.button("Join another event"):
            st.session_state["event_again"] = True
            st.rerun()


def ask(line: Line) -> None:
    with st.container(border=True):
        st.markdown("**Ask a mentor** · they see what it is about, and where you sit")
        here = session.situation()
        about = [""] + [standing.exercise.id for standing in here.standings]
        following = here.next.exercise.id if here.workspace and here.next else ""
        with st.form("ask", clear_on_submit=False):
            text = st.text_area("Your question", key="event_question")
            which = st.selectbox("About", about, index=about.index(following) if following in about else 0)
            place = st.text_input("Where you sit")
            sent = st.form_submit_button("Ask")
        if sent and text.strip():
            try:
                line.client.ask(text, which, place)
                line.refresh(all=True)
                st.success("Asked. The answer appears here.", icon=":material/check:")
            except HookpointError as error:
                st.error(str(error), icon=":material/error:")
        for one in line.questions.get("mine", []):
            st.text(panels.question_line(one))


page()
