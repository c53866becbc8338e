"""HTML and SVG of the pages' pictures, as text. Colours are CSS variables, which `components` sets for both themes.

Everything that can be clicked is a link with `data-exercise`, so it works by keyboard and with "open in a new tab" too.
"""

from collections.abc import Iterable, Mapping
from html import escape

from hookpoint.app.anatomy import Piece
from hookpoint.app.situation import Situation, Standing
from hookpoint.app.wording import WORDS, count

# The places of the boxes: x, y, width, height. The residual stream runs down on the left.
WIDTH, HEIGHT, STREAM = 540, 592, 46
ABOVE = 72  # the room for the tokenizer, which stands above the model
MODEL, BLOCK = (4, 34, 532, 360), (18, 132, 504, 176)
PLACES = {
    "gpt2": [(384, 20, 136, 28)],
    "embed": [(84, 68, 150, 44)],
    "positions": [(252, 68, 150, 44)],
    "block": [(372, 118, 136, 28)],
    "layer_norm": [(84, 160, 124, 48), (84, 244, 124, 48), (84, 332, 124, 44)],
    "attention": [(226, 160, 280, 48)],
    "mlp": [(226, 244, 280, 48)],
    "unembed": [(226, 332, 176, 44)],
    "tokenizer": [(84, -38, 150, 44)],
    "loss": [(4, 440, 172, 44)],
    "training": [(184, 440, 172, 44)],
    "hyperparameters": [(364, 440, 172, 44)],
    "sampling": [(4, 492, 172, 44)],
    "cache": [(184, 492, 172, 44)],
    "weights": [(364, 492, 172, 44)],
    "reach": [(4, 544, 172, 44)],
    "costs": [(184, 544, 172, 44)],
    "folding": [(364, 544, 172, 44)],
}
GLYPHS = {"yours": "✓", "failing": "✕", "changed": "↻", "ours": "", "passed": "✓", "open": ""}


def anatomy(pieces: Mapping[str, Piece]) -> str:
    """GPT-2 as an SVG: solid boxes are yours, hatched ones ours, failing ones carry an icon and a word."""
    boxes = [_box(piece, place) for id, piece in pieces.items() for place in PLACES[id]]
    bottom = max(y + h for id in pieces for _, y, _, h in PLACES[id])
    around = bottom > MODEL[1] + MODEL[3]
    top, low = (ABOVE if "tokenizer" in pieces else 0), max(bottom, MODEL[1] + MODEL[3]) + 4
    label = "GPT-2 as boxes: " + "; ".join(f"{p.box.label} {p.words}" for p in pieces.values())
    size = f'viewBox="0 {-top} {WIDTH} {top + low}" width="{WIDTH}" height="{top + low}"'
    return (
        f'<svg {size} role="group" aria-label="{escape(label)}">'
        f"{DEFINITIONS}{_frames(pieces)}{_wires(pieces)}{''.join(boxes)}"
        + ('<text class="quiet" x="4" y="430">around the model</text>' if around else "")
        + "</svg>"
    )


DEFINITIONS = (
    '<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<line class="hatching" x1="0" y1="0" x2="0" y2="7"/></pattern>'
    '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto" '
    'markerUnits="userSpaceOnUse"><path class="tip" d="M 0 0 L 8 4 L 0 8 z"/></marker></defs>'
)


def _frames(pieces: Mapping[str, Piece]) -> str:
    """The two frames that the exercises `gpt2` and `block` make: what stands inside each."""
    words = f'<text class="token" x="84" y="{-52 if "tokenizer" in pieces else 18}">Mary gave the book to</text>'
    frames = [
        f'<rect class="frame {pieces[id].whose}" x="{x}" y="{y}" width="{w}" height="{h}" rx="10"/>'
        for id, (x, y, w, h) in (("gpt2", MODEL), ("block", BLOCK))
        if id in pieces
    ]
    return words + "".join(frames)


def _wires(pieces: Mapping[str, Piece]) -> str:
    """The residual stream, and how each layer reads from it and adds to it."""
    parts = [f'<path class="stream" d="M {STREAM} 82 V 354"/>']
    if "embed" in pieces:
        start = 6 if "tokenizer" in pieces else 24
        parts.append(f'<path class="wire" d="M 159 {start} V 66"/><text class="plus" x="243" y="95">+</text>')
        parts.append(f'<path class="wire" d="M 84 90 H {STREAM + 5}"/>')
    for id, y in (("attention", 184), ("mlp", 268)):
        if id in pieces:
            parts.append(f'<path class="wire" d="M {STREAM} {y} H 82"/><path class="wire" d="M 208 {y} H 224"/>')
            parts.append(f'<path class="wire" d="M 366 {y + 24} V {y + 34} H {STREAM + 11}"/>{_adds(y + 34)}')
    if "unembed" in pieces:
        parts.append(f'<path class="wire" d="M {STREAM} 354 H 82"/><path class="wire" d="M 208 354 H 224"/>')
        parts.append('<path class="wire" d="M 402 354 H 420"/>')
        parts.append('<text class="token" x="426" y="359">next word</text>')
    if "block" in pieces:
        parts.append('<text class="quiet" x="84" y="150">one of n_layers like it</text>')
    return "".join(parts)


def _adds(y: int) -> str:
    """The sign where a layer's output is added to the stream."""
    return f'<circle class="adds" cx="{STREAM}" cy="{y}" r="9"/><text class="plus" x="{STREAM}" y="{y + 5}">+</text>'


def _box(piece: Piece, place: tuple[int, int, int, int]) -> str:
    x, y, w, h = place
    glyph, middle = GLYPHS[piece.whose], x + w / 2
    label, words = escape(piece.box.label), f"{glyph} {piece.words}".strip()
    if h < 40:  # A tab on a frame: one line.
        texts = f'<text class="name" x="{middle}" y="{y + 19}">{label} <tspan class="words">{words}</tspan></text>'
    else:
        texts = (
            f'<text class="name" x="{middle}" y="{y + h / 2 - 4}">{label}</text>'
            f'<text class="words" x="{middle}" y="{y + h / 2 + 13}">{words}</text>'
        )
    told = escape(f"{piece.box.label}: {piece.words}. Opens {piece.opens}")
    return (
        f'<a class="box {piece.whose}" {_goes(piece.opens)} aria-label="{told}"><title>{told}</title>'
        f'<rect class="paper" x="{x}" y="{y}" width="{w}" height="{h}" rx="7"/>'
        f'<rect class="face" x="{x}" y="{y}" width="{w}" height="{h}" rx="7"/>{texts}</a>'
    )


def progress(situation: Situation) -> str:
    """A bar for each notebook with a segment for each exercise: filled, striped or empty, and with a sign."""
    bars = "".join(_bar(n.name, n.title, situation.of(n)) for n in situation.notebooks)
    states = [state for state in WORDS if any(s.state == state for s in situation.standings)]
    key = "".join(f'<li><span class="seg {s}" aria-hidden="true">{_sign(s)}</span>{WORDS[s]}</li>' for s in states)
    return f'<div class="bars">{bars}</div><ul class="key">{key}</ul>'


def _bar(name: str, title: str, standings: Iterable[Standing]) -> str:
    standings = list(standings)
    passed = [s for s in standings if s.passed]
    points = sum(s.exercise.points for s in passed), sum(s.exercise.points for s in standings)
    segments = "".join(_segment(standing) for standing in standings)
    return (
        f'<section><h4>{escape(name)} <span>{escape(title)}</span></h4><div class="bar">{segments}</div>'
        f"<p>{len(passed)} of {len(standings)} passed · {points[0]:g} of {count(points[1], 'point')}</p></section>"
    )


def _segment(standing: Standing) -> str:
    id, worth = standing.exercise.id, f"{standing.exercise.minutes} min, {count(standing.exercise.points, 'point')}"
    told = escape(f"{id}: {standing.words if standing.state != 'open' else WORDS['open']} ({worth})")
    sign = f'<span aria-hidden="true">{_sign(standing.state)}</span>'
    return f'<a class="seg {standing.state}" {_goes(id)} title="{told}" aria-label="{told}">{sign}</a>'


def _sign(state: str) -> str:
    return GLYPHS.get(state, "")


def _goes(exercise: str) -> str:
    return f'href="notebooks?exercise={escape(exercise)}" data-exercise="{escape(exercise)}"'


def message(lines: Iterable[tuple[str, bool]]) -> str:
    """A check's message in monospace, the line that names a slip in bold."""
    return f'<pre class="hp-message">{"".join(_line(*line) for line in lines)}</pre>'


def _line(line: str, slip: bool) -> str:
    """One line; what is indented stays so when it is broken to fit."""
    depth, text = len(line) - len(line.lstrip()), escape(line.strip())
    return f'<span style="padding-left: {depth}ch">{f"<b>{text}</b>" if slip else text}\n</span>'
