"""Your GPT-2: the learner's own functions run here; what does not pass yet is ours, and marked so."""

import streamlit as st

from hookpoint.app import session, strips
from hookpoint.app.bench import SHIPPED, Bench
from hookpoint.app.components import board
from hookpoint.app.situation import Situation
from hookpoint.app.tabs import attention, generate, loss, speed, tokens
from hookpoint.app.wording import duration
from hookpoint.app.yours.models import trained

EXAMPLE = "Ray and Bruce talked in the park. Then Ray gave the ball to"
EXAMPLES = {
    "Who gets the ball?": EXAMPLE,
    "Where is the school?": "The school in Madrid is in",
    "Say it again": "Say after me: Laura Diana Rose Nancy. Once more: Laura Diana",
}
# What a view that is not shown would forget.
REMEMBERED = (
    *("prompt", "view", "way", "length", "penalty", "temperature", "top_k", "top_p", "seed", "beams", "length_penalty"),
    *("loss-text", "model"),
)
VIEWS = {
    "Attention": attention.show,
    "Generate": generate.show,
    "Tokens": tokens.show,
    "Speed": speed.show,
    "Loss": loss.show,
}


def page() -> None:
    here = session.situation()
    st.session_state.update({key: st.session_state[key] for key in REMEMBERED if key in st.session_state})
    session.tell_troubles(here)
    bench = Bench(here, _switched())
    bench.model = choose_model(here)
    text = prompt()
    with st.container(border=True):
        st.markdown(
            "**What runs** · solid is yours; a click swaps yours for ours and back, a hatched box opens its exercise"
        )
        place = st.container()
    if text:
        look(bench, text)
        view(bench, text)
    else:
        st.info("The prompt is empty. Type one above, or take an example, and the model goes on from there.")
    # The chips come last, because only now is known what failed; they stand above what they explain.
    with place:
        chips(bench)
    session.redraw_on_change(here)


def choose_model(here: Situation) -> str:
    """The weights to run on: the shipped ones, or one that the learner has trained."""
    names = (SHIPPED, *trained(here.workspace))
    if len(names) == 1:
        return SHIPPED
    asked = st.query_params.get("model", SHIPPED)
    st.session_state.setdefault("model", asked if asked in names else SHIPPED)
    if st.session_state["model"] not in names:
        st.session_state["model"] = SHIPPED
    labels = {
        SHIPPED: "stories · 3 layers, shipped",
        **{name: f"your own · {name.removesuffix('/model.safetensors')}" for name in names[1:]},
    }
    chosen = st.segmented_control("Weights", names, format_func=labels.get, key="model", required=True) or SHIPPED
    st.query_params["model"] = chosen
    return chosen


def prompt() -> str:
    """The prompt box with its examples; what it holds stands in the address too."""
    st.session_state.setdefault("prompt", st.query_params.get("text", EXAMPLE))
    text = st.text_input("Prompt", key="prompt", placeholder="Type the beginning of a text", max_chars=4000).strip()
    with st.container(horizontal=True, gap="medium", vertical_alignment="center"):
        st.markdown(":gray[or one of ours:]", width="content")
        for label, example in EXAMPLES.items():
            st.button(label, type="tertiary", on_click=lambda text=example: st.session_state.update(prompt=text))
    st.query_params["text"] = text
    return text


def look(bench: Bench, text: str) -> None:
    """Tokens, what comes next, and how far yours is from ours."""
    found = bench.ask("logits", text=text)
    if found is None:
        return
    with st.container(key="hp-stack-look"):
        left, right = st.columns([1.5, 1], gap="medium")
    with left, st.container(border=True):
        st.markdown(f"**Tokens** · what the model reads: {len(found['tokens'])} of at most {found['n_ctx']}")
        board(strips.tokens(found["tokens"], found["dropped"]), key="tokens")
        if found["dropped"]:
            st.markdown(
                f"The text is longer than the {found['n_ctx']} positions that the model has: its first "
                f"{found['dropped']} tokens are left out."
            )
        st.markdown(_difference(bench, found))
    with right, st.container(border=True):
        st.markdown("**What comes next**")
        board(strips.bars(found["next"]), key="next")


def _difference(bench: Bench, found: dict) -> str:
    if not bench.yours:
        return "All of it is ours, so there is nothing to compare."
    size, difference = max(found["size"], 1.0), found["difference"]
    if difference == 0:
        return "Difference to ours on this prompt: **none**, to the last digit."
    if difference <= 1e-3 * size:
        return f"Largest difference to ours on this prompt: **{difference:.0e}**. That is rounding."
    return (
        f"Largest difference to ours on this prompt: **{difference:.2g}**. That is more than rounding: swap one box "
        "after the other for ours to find where it comes from."
    )


def view(bench: Bench, text: str) -> None:
    """One of the views; the others do not run."""
    asked = st.query_params.get("view", "Attention")
    st.session_state.setdefault("view", asked if asked in VIEWS else "Attention")
    chosen = st.segmented_control("View", list(VIEWS), key="view", label_visibility="collapsed", required=True)
    st.query_params["view"] = chosen or "Attention"
    VIEWS[chosen or "Attention"](bench, text)


def chips(bench: Bench) -> None:
    pieces = bench.pieces
    clicked = board(strips.chips(pieces) + strips.whys(pieces), key="chips")
    if clicked.press:
        if clicked.press in bench.switched:
            bench.running.retry(next(piece.chip.exercises for piece in pieces if piece.chip.id == clicked.press))
        changed = set(bench.switched) ^ {clicked.press}
        st.query_params["ours"] = sorted(changed)
        st.rerun()
    if clicked.exercise:
        session.go_to(clicked.exercise)
    banner(bench)


def _switched() -> frozenset[str]:
    return frozenset(st.query_params.get_all("ours"))


def banner(bench: Bench) -> None:
    """While nothing is the learner's: what the first thing would be."""
    here = bench.here
    if any(piece.yours or piece.whose in ("switched", "broken") for piece in bench.pieces):
        return
    if here.workspace is None:
        st.info("There is no workspace yet, so all of it is ours. The page Start makes one.", icon=":material/info:")
        return
    runs = [part.exercise for piece in bench.pieces for part in piece.parts]
    first = next((s.exercise for s in here.standings if s.exercise.id in runs), None)
    if first is not None:
        st.info(f"None of this is yours yet. `{first.id}` is {duration(first.minutes)} away.", icon=":material/info:")


page()
