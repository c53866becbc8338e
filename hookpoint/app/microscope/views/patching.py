"""Activation patching: the whole grid at once; a click puts a piece back, several clicks combine."""

import streamlit as st

from hookpoint.app import strips
from hookpoint.app.components import board, grid
from hookpoint.app.components.grid import Cell, Grid
from hookpoint.app.microscope.drawings import share, title
from hookpoint.app.microscope.slide import OVER, Slide
from hookpoint.app.strips import spelled

__all__ = ["show"]

PIECES = ("residual stream", "attention out", "MLP out", "head output")
WAYS = ("restore", "break")
CLAUSES = {
    "restore": "run the changed prompt and put back pieces of the original",
    "break": "run the original and put in pieces of the changed prompt",
}


@st.fragment
def show(slide: Slide) -> None:
    """The grid and what the chosen cells do."""
    way = st.session_state.get("m-way") or WAYS[0]
    st.markdown(title("Activation patching", CLAUSES[way]))
    slide = _last_that_worked(slide)
    if slide is None:
        return
    piece, restore, over = _controls(slide)
    found = slide.ask("patch", piece=piece, restore=restore, **slide.pair)
    mean = slide.mean("patch_mean", over, piece=piece, restore=restore, **slide.likes)
    if found is None:
        return
    with st.container(key="hp-stack-patching"):
        left, right = st.columns([2.7, 1], gap="medium")
    with left:
        shown = _grid(slide, piece, restore, found, mean, over)
        version = f"{slide.version} {piece} {restore}"
        cells = grid(shown, key="m-patching", version=version, chooses=True)
    with right:
        _result(slide, piece, restore, cells, found, shown)


def _last_that_worked(slide: Slide) -> Slide | None:
    """The slide if its prompts can be compared; else a line that says what to change, and the last one that could."""
    if not slide.found["pairing"]:
        st.session_state["m-pair"] = slide
        return slide
    last = st.session_state.get("m-pair")
    if last is not None and last.model != slide.model:
        last = None
    below = f" Below: {last.asked['clean']!r}, the last pair that worked." if last else ""
    st.info(slide.found["pairing"] + below, icon=":material/edit:")
    return last


def _controls(slide: Slide) -> tuple[str, bool, str]:
    pieces = [piece for piece in PIECES if piece != "MLP out" or not slide.facts["attn_only"]]
    for key, start in (("m-piece", pieces[0]), ("m-way", WAYS[0])):
        st.session_state.setdefault(key, start)
    if st.session_state["m-piece"] not in pieces:
        st.session_state["m-piece"] = pieces[0]
    with st.container(horizontal=True, gap="medium"):
        piece = st.segmented_control("Piece", pieces, key="m-piece", label_visibility="collapsed", required=True)
        way = st.segmented_control("Direction", WAYS, key="m-way", label_visibility="collapsed", required=True)
        over = slide.over("m-patching-over")
    return piece or pieces[0], (way or WAYS[0]) == "restore", over


def _grid(slide: Slide, piece: str, restore: bool, found: dict, mean: dict | None, over: str) -> Grid:
    values = mean["mean"] if mean and over == OVER[1] else found["mean"]
    by_head = piece == "head output"
    columns = [f"head {head}" for head in range(len(values[0]))] if by_head else slide.tokens
    rows = [f"layer {layer}" for layer in range(len(values))]
    done = "restored" if restore else "broken"
    tips = [
        [_tip(f"{row}, {column}", r, c, found, mean, done) for c, column in enumerate(columns)]
        for r, row in enumerate(rows)
    ]
    heads = "a head is exchanged at all positions · " if by_head else ""
    return Grid(
        label=f"activation patching, {piece}",
        rows=rows,
        columns=columns,
        values=values,
        texts=[[share(value) for value in row] for row in values],
        tips=tips,
        signed=True,
        limit=1.0,
        legend=("further away", done),
        help=f"{heads}click: one piece · Shift+click or Space: several · Esc: none",
        idle="Each cell is a run of the model: its number is the share of the logit difference, in percent.",
        changed=[] if by_head else slide.found["different"],
    )


def _tip(place: str, r: int, c: int, found: dict, mean: dict | None, done: str) -> str:
    told = f"{place}: {found['mean'][r][c]:.0%} {done} on this prompt"
    if mean:
        told += f"; {mean['mean'][r][c]:.0%} over {mean['n']} prompts like it"
    return told.replace("%", " %").replace("-", "−")


def _result(slide: Slide, piece: str, restore: bool, cells: list[Cell], found: dict, shown: Grid) -> None:
    """What comes next before and after."""
    base, other = ("changed", "clean") if restore else ("clean", "changed")
    names = {"clean": "the original", "changed": "the changed prompt"}
    before = slide.found["next"][base]
    if not cells:
        st.markdown(f"**{names[base].capitalize()}**, nothing exchanged")
        told = f"{_difference(slide)}: <b>{_signed(found[base])}</b> ({names[other]}: {_signed(found[other])})"
        board(strips.bars(before) + _lines(told, "Click a cell to exchange that piece."), key="m-patched")
        return
    after = slide.ask("patched", piece=piece, restore=restore, cells=[list(cell) for cell in cells], **slide.pair)
    if after is None:
        return
    named = [f"{shown.rows[row]} at `{shown.columns[column]}`" for row, column in cells[:3]]
    more = f" + {len(cells) - 3} more" if len(cells) > 3 else ""
    st.markdown(f"**After**: {' + '.join(named)}{more} {'put back' if restore else 'put in'}")
    share_done = f"<b>{after['share']:.0%}</b> {'restored' if restore else 'broken'}".replace("%", " %")
    told = (
        f"{_difference(slide)}: {_signed(after[base])} → <b>{_signed(after['difference'])}</b> "
        f"({names[other]}: {_signed(after[other])})"
    )
    first = f"Before: {spelled(before[0]['text'])} {strips.percent(before[0]['share'])}"
    board(strips.bars(after["next"]) + _lines(share_done, told, first), key="m-patched")


def _lines(*lines: str) -> str:
    return "".join(f'<p class="said">{line}</p>' for line in lines)


def _difference(slide: Slide) -> str:
    answer, foil = (spelled(slide.found[name]["text"]) for name in ("answer", "foil"))
    return f"logit difference <code>{answer}</code> − <code>{foil}</code>"


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")
