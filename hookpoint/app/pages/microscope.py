"""Microscope: a model of the zoo, a fetched GPT-2 or the learner's own, looked into on a prompt and its twin."""

import importlib
import sys
import threading

import streamlit as st

from hookpoint.app import session
from hookpoint.app.microscope import client
from hookpoint.app.microscope.catalogue import label
from hookpoint.app.microscope.slide import Slide
from hookpoint.app.microscope.views import ablation, circuits, overview, patching, training, writers
from hookpoint.app.situation import Situation
from hookpoint.app.yours.models import trained
from hookpoint.errors import HookpointError

TYPED = ("clean", "changed", "answer", "foil")
LABELS = {"clean": "Prompt", "changed": "Changed prompt, equally long", "answer": "Answer", "foil": "Instead of"}
VIEWS = {"Ablation": ablation.show, "QK and OV": circuits.show, "Training": training.show}
# What a widget that is not shown would forget.
REMEMBERED = (
    *("m-model", "m-family", "m-step", "m-view", "m-piece", "m-way", "m-ablation", "m-head", "m-at"),
    *("m-writers-over", "m-patching-over", "m-ablation-over", *(f"m-{name}" for name in TYPED)),
)


def page() -> None:
    if "pandas" not in sys.modules:  # Streamlit's charts import it, which takes half as long as the models to come
        threading.Thread(target=importlib.import_module, args=("pandas",), daemon=True).start()
    here = session.situation()
    st.session_state.update({key: st.session_state[key] for key in REMEMBERED if key in st.session_state})
    try:
        slide = prepare(here)
    except HookpointError as error:
        st.error(str(error), icon=":material/error:")
        return
    if slide is not None:
        draw(slide)


def prepare(here: Situation) -> Slide | None:
    """The controls, and what they ask for; if that cannot be done, why, and the last that could."""
    with st.container(key="m-choice"):
        columns = st.columns([1.5, 1.5, 1, 0.7, 0.7], gap="small", vertical_alignment="bottom")
    model = choose_model(here, columns[0])
    facts = choose_example(here, model, columns)
    with st.container(key="hp-stack-prompts"):
        sides = st.columns(2, gap="small")
    places = dict(zip(TYPED, (*sides, *columns[3:]), strict=True))
    for name, place in places.items():
        place.text_input(LABELS[name], key=f"m-{name}", max_chars=600, placeholder=_placeholder(name))
    step = training.choose(facts["steps"])
    asked = {name: st.session_state[f"m-{name}"].strip() for name in TYPED} | {"at": position(facts)}
    view = st.query_params.get("view")
    st.session_state.setdefault("m-view", view if view in VIEWS else None)
    address = {"model": model, "example": facts["family"] or "", "view": st.session_state["m-view"] or ""}
    st.query_params.from_dict({**address, **{name: asked[name] for name in TYPED}})
    return looked_at(here, model, step, asked, facts)


def _placeholder(name: str) -> str:
    return {"answer": "what it says", "foil": "the other"}.get(name, "")


def choose_model(here: Situation, place) -> str:
    names = [*client.ask(here.workspace, "models", "")["names"], *trained(here.workspace)]
    asked = st.query_params.get("model")
    st.session_state.setdefault("m-model", asked if asked in names else names[0])
    if st.session_state["m-model"] not in names:
        st.session_state["m-model"] = names[0]
    return place.selectbox("Model", names, format_func=label, key="m-model")


def choose_example(here: Situation, model: str, columns: list) -> dict:
    """The task and which of its prompts; a new choice fills the boxes."""
    number = st.session_state.setdefault("m-number", 0)
    asked = st.session_state.get("m-family", st.query_params.get("example"))
    facts = client.ask(here.workspace, "example", model, family=asked, number=number)
    known = facts["families"]
    if known:
        st.session_state["m-family"] = facts["family"]
        columns[1].selectbox("Example", list(known), format_func=known.get, key="m-family")
        columns[2].button("Another like it", on_click=_another, width="stretch")
    pair = facts.get("pair") or {"clean": "Once upon a time", "changed": "", "answer": "", "foil": "", "at": None}
    now = (model, facts["family"], number)
    if st.session_state.get("m-filled") != now:
        first = "m-filled" not in st.session_state and st.query_params.get("clean")
        typed = {name: st.query_params.get(name, "") for name in TYPED} if first else pair
        st.session_state.update({f"m-{name}": typed[name] for name in TYPED})
        st.session_state["m-at"] = pair["at"]
        st.session_state["m-filled"] = now
    return {**facts, "pair": pair}


def _another() -> None:
    st.session_state["m-number"] += 1


def position(facts: dict) -> int | None:
    """The position whose prediction is read: the last, unless an example says another one."""
    return st.session_state.get("m-at") if facts["symbols"] else None


def looked_at(here: Situation, model: str, step: int | None, asked: dict, facts: dict) -> Slide | None:
    slide = _slide(here, model, step, asked, facts)
    try:
        with st.spinner("Running …", show_time=True):
            slide.found = client.ask(here.workspace, "look", model, **slide.pair)
    except HookpointError as error:
        last = st.session_state.get("m-good")
        last = last if last and last[0] == model else (model, facts["pair"])
        st.warning(f"{error} Below: the last prompt that worked.", icon=":material/edit:")
        slide = _slide(here, model, step, last[1], facts)
        slide.found = client.ask(here.workspace, "look", model, **slide.pair)
        return slide
    st.session_state["m-good"] = (model, asked)
    return slide


def _slide(here: Situation, model: str, step: int | None, asked: dict, facts: dict) -> Slide:
    like_it = facts["family"] if asked == facts["pair"] else None
    return Slide(here.workspace, model, step, asked, like_it, facts)


def draw(slide: Slide) -> None:
    """All panels of one run; further ones run when they are chosen."""
    st.caption(slide.facts["shows"])
    with st.container(border=True):
        overview.tokens(slide)
    with st.container(key="hp-stack-panels"):
        left, right = st.columns([1.4, 1], gap="small")
    with left, st.container(border=True):
        overview.attention(slide)
    with right:
        with st.container(border=True):
            overview.following(slide)
        with st.container(border=True):
            writers.show(slide)
    with st.container(border=True):
        overview.lens(slide)
    with st.container(border=True):
        patching.show(slide)
    chosen = st.segmented_control("Look further", list(VIEWS), key="m-view")
    if chosen:
        VIEWS[chosen](slide)


page()
