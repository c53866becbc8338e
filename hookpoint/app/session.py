"""What the pages share within one browser session: the situation, its troubles, and the way to an exercise."""

from pathlib import Path

import streamlit as st

from hookpoint.app import jupyter
from hookpoint.app.main import NOTEBOOKS
from hookpoint.app.situation import Situation, look, stamp
from hookpoint.content.course import Exercise
from hookpoint.content.workspace import create
from hookpoint.errors import HookpointError

SECONDS = 2.0  # between two looks at the dates of files


def situation() -> Situation:
    """Where the learner stands now. Without a course, the page says so and ends here."""
    damaged = st.session_state.setdefault("damaged", {})  # in the order of their telling, each once
    try:
        here = look(tell=lambda sentence: damaged.setdefault(sentence))
    except HookpointError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()
    st.session_state["seen"] = stamp(here)
    return here


def redraw_on_change(here: Situation) -> None:
    """Draw the page again as soon as a notebook or a record changes on disk."""

    @st.fragment(run_every=SECONDS)
    def poll() -> None:
        if stamp(here) != st.session_state.get("seen"):
            st.rerun()

    poll()


def tell_troubles(here: Situation) -> None:
    """A line for each file that is damaged, and for text that the learner's notebooks lack."""
    for sentence in here.troubles:
        st.error(sentence, icon=":material/error:")
    for sentence in st.session_state["damaged"]:
        st.warning(sentence, icon=":material/warning:")
    if here.absent:
        st.info(
            f"Not in your workspace: {_listed(here.absent)}. `hookpoint update` in a terminal copies it there.",
            icon=":material/download:",
        )
    if here.newer:
        st.info(
            f"The course has newer text for {_listed(here.newer)}. `hookpoint update` in a terminal brings it "
            "and keeps what you wrote.",
            icon=":material/update:",
        )


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def go_to(exercise: str) -> None:
    """Open the exercise on the page Notebooks."""
    st.switch_page(str(NOTEBOOKS), query_params={"exercise": exercise})


def open_in_jupyter(here: Situation, exercise: Exercise, primary: bool = False) -> None:
    """A link to the exercise's notebook, or, while no JupyterLab runs, where the file is and what opens it."""
    kind = "primary" if primary else "secondary"
    url = jupyter.link(here.workspace, exercise)
    if url:
        st.link_button("Open notebook", url, icon=":material/open_in_new:", type=kind)
        return
    with st.popover("Open notebook", icon=":material/open_in_new:", type=kind):
        st.markdown("JupyterLab is not running. In a terminal, in the folder of your workspace:")
        st.code("hookpoint start", language="bash")
        file = Path(here.workspace.name) / exercise.part / f"{exercise.notebook}.ipynb"
        st.markdown(f"or open `{file.as_posix()}` in the editor of your choice.")


def offer_workspace() -> None:
    """What a workspace is, and the button that makes one."""
    st.header("There is no workspace yet", anchor=False)
    st.markdown(
        "A workspace is a folder with your own copies of the notebooks. It will be `workspace`, in the folder "
        "where this app was started; files that are there already are never overwritten."
    )
    if st.button("Make my workspace", type="primary", icon=":material/create_new_folder:"):
        try:
            create(Path("workspace").resolve())
        except HookpointError as error:
            st.error(str(error), icon=":material/error:")
            return
        st.rerun()
