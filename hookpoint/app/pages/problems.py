"""Problems: the catalogue of open problems, who works on which, and a notebook to begin with."""

import streamlit as st

from hookpoint.app.research.rows import problem_rows
from hookpoint.app.research.taken import Taken
from hookpoint.content.course import course
from hookpoint.content.workspace import find_workspace
from hookpoint.errors import HookpointError
from hookpoint.hosting.writeup import template
from hookpoint.problems import starter
from hookpoint.problems.catalogue import Filter, catalogue
from hookpoint.problems.schema import CATEGORIES, DIFFICULTIES, KNOWN, Problem

LETTERS = {"A": "A, beginner", "B": "B, some weeks", "C": "C, harder", "D": "D, ambitious"}
WIDTHS = {"id": 60, "problem": 330, "difficulty": 70}
NEEDS = {"no": "no", "helps": "helps, not needed to begin", "yes": "yes"}


def page() -> None:
    workspace = find_workspace()
    taken = st.session_state.setdefault("taken", Taken(workspace))
    taken.workspace = workspace
    taken.refresh()
    st.header("Open problems", anchor=False)
    st.markdown("What nobody has answered yet, with a notebook to begin each of them on this laptop.")
    wanted, only_own = filters()
    own = frozenset(starter.own_ids())
    found = [one for one in catalogue().search(wanted) if not only_own or one.id in own]
    with st.container(key="hp-stack"):
        left, right = st.columns([1.35, 1], gap="medium")
    with left:
        choose(found, own, taken)
    with right:
        detail(catalogue().problem(chosen(found)), taken, workspace)


def filters() -> tuple[Filter, bool]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input("Search", placeholder="induction heads", key="problem_words")
        names = ["", *CATEGORIES]
        category = st.selectbox("Category", names, format_func=lambda one: CATEGORIES.get(one, "all"))
        letter = st.selectbox("Difficulty", ["", *DIFFICULTIES], format_func=lambda one: LETTERS.get(one, "any"))
    with st.container(horizontal=True):
        offline = st.toggle("Offline", help="What can be worked on without internet.")
        metric = st.toggle("Scored", help="What a program can score.")
        own = st.toggle("Own starter", help="What has a starter notebook of its own.")
    return Filter(words, category, letter, offline=offline, metric=metric), own


def choose(found: list[Problem], own: frozenset[str], taken: Taken) -> None:
    """The table; a click on a row opens it beside."""
    if not found:
        st.markdown("No problem fits. Take a filter away.")
        return
    rows = problem_rows(found, own, taken.teams)
    picked = st.dataframe(
        rows, hide_index=True, height=560, on_select="rerun", selection_mode="single-row", key="problem_table",
        column_config={name: st.column_config.TextColumn(width=wide) for name, wide in WIDTHS.items()},
    )  # fmt: skip
    st.caption(f"{len(found)} of {len(catalogue())} problems. Click the box before a row to read it.")
    if rows_picked := picked.selection.rows:
        st.query_params["problem"] = found[min(rows_picked[0], len(found) - 1)].id


def chosen(found: list[Problem]) -> str:
    """The problem that the address names, else the first that fits."""
    asked = st.query_params.get("problem", "")
    try:
        return catalogue().problem(asked).id
    except HookpointError:
        return found[0].id if found else next(iter(catalogue())).id


def detail(problem: Problem, taken: Taken, workspace) -> None:
    with st.container(border=True):
        st.markdown("**Problem** · what it asks, and how one would begin")
        st.subheader(f"{problem.id}  {problem.title}".replace("_", "\\_").replace("*", "\\*"), anchor=False)
        st.text(problem.summary)
        st.text(f"To begin: {problem.starter}" if problem.starter else "")
        for what, said in facts(problem):
            st.caption(f"**{what}:** {said}")
        write(problem, workspace)
        claims(problem, taken)


def facts(problem: Problem) -> list[tuple[str, str]]:
    names = {one.name for one in course().notebooks}
    known = [f"{one} ({KNOWN[one]})" if KNOWN[one] in names else one for one in problem.prerequisites]
    rows = [
        ("Know first", ", ".join(known)),
        ("Model", problem.model),
        ("GPU", NEEDS[problem.gpu]),
        ("Internet", NEEDS[problem.internet]),
        ("Scored by", problem.metric or "people; no honest metric is known"),
        ("Source", problem.source),
        *(("Uncertain", doubt) for doubt in problem.doubts),
    ]
    return [(what, said.replace("$", "\\$").replace("_", "\\_").replace("*", "\\*")) for what, said in rows if said]


def write(problem: Problem, workspace) -> None:
    """The starter notebook, written into the workspace or downloaded."""
    name = starter.file_name(problem)
    if workspace is None:
        st.code(f"hookpoint problem new {problem.id}", language="bash")
        return
    folder = workspace / "problems"
    if (folder / name).exists():
        st.markdown(f"Your notebook: `{folder.name}/{name}` in your workspace.")
        return
    if st.button("Write its starter notebook", type="primary", icon=":material/note_add:"):
        try:
            starter.write(problem.id, folder, template())
        except HookpointError as error:
            st.error(str(error), icon=":material/error:")
            return
        st.rerun()


def claims(problem: Problem, taken: Taken) -> None:
    if taken.trouble:
        st.warning(taken.trouble, icon=":material/wifi_off:")
    if taken.client is None:
        return
    teams = taken.teams.get(problem.id, [])
    st.text(f"Taken by {', '.join(teams)}." if teams else "No team has taken it yet.")
    ours = problem.id in taken.mine
    label = "Give it back" if ours else "Take it for your team"
    if st.button(label, icon=":material/back_hand:", help="Other teams see it. Several may work on one problem."):
        taken.change(problem.id, release=ours)
        st.rerun()


page()
