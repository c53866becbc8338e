"""HTML of the page Your GPT-2: chips, tokens, bars, a continued text; `components/board.js` brings it to life."""

from collections.abc import Iterable, Sequence
from html import escape

from hookpoint.app.drawing import GLYPHS
from hookpoint.app.theme import level
from hookpoint.app.yours.choice import Piece

SIGNS = {**GLYPHS, "mixed": "✓", "switched": "", "broken": "✕"}
LOSS_AT_FULL = 10.0  # nats at which the colour of a loss is deepest


def chips(pieces: Iterable[Piece]) -> str:
    """A chip for each piece of the model. What is yours or was is a button that swaps it; what is ours, a link."""
    return f'<ul class="chips">{"".join(f"<li>{_chip(piece)}</li>" for piece in pieces)}</ul>'


def _chip(piece: Piece) -> str:
    id, words = piece.chip.id, f"{SIGNS[piece.whose]} {piece.words}".strip()
    inner = f"<b>{escape(piece.chip.label)}</b><span>{escape(words)}</span>"
    told = escape(f"{piece.chip.label}: {piece.words}. " + "; ".join(piece.lines))
    if piece.whose in ("yours", "mixed", "switched", "broken"):
        pressed = "false" if piece.whose == "switched" else "true"
        return (
            f'<button class="chip {piece.whose}" data-press="{id}" data-key="{id}" aria-pressed="{pressed}" '
            f'aria-label="{told}" title="{told}">{inner}</button>'
        )
    opens = next(part.exercise for part in piece.parts if part.whose == piece.whose)
    return (
        f'<a class="chip {piece.whose}" href="notebooks?exercise={opens}" data-exercise="{opens}" data-key="{id}" '
        f'aria-label="{told} Opens {opens}" title="{told}">{inner}</a>'
    )


def whys(pieces: Iterable[Piece]) -> str:
    """A line for each exercise that passes its check and does not run here; empty if there is none."""
    parts = [part for piece in pieces for part in piece.parts if part.whose in ("broken", "changed")]
    rows = "".join(
        f'<li class="{p.whose}"><b><code>{p.exercise}</code></b> {escape(p.why)}; ours runs.</li>' for p in parts
    )
    return f'<ul class="whys">{rows}</ul>' if rows else ""


def spelled(text: str) -> str:
    """A token's text with the signs for white space in pale."""
    return "".join(f'<span class="sp">{c}</span>' if c in "·↵⇥␍" else escape(c) for c in text)


def tokens(tokens: Sequence[dict], start: int = 0) -> str:
    """The tokens as chips, each with its position under it."""
    items = "".join(
        f'<li><span class="token{" special" if t["special"] else ""}" title="id {t["id"]}">{spelled(t["text"])}</span>'
        f"<small>{start + at}</small></li>"
        for at, t in enumerate(tokens)
    )
    return f'<ol class="tokens" aria-label="what the model reads">{items}</ol>'


def percent(share: float) -> str:
    """
    >>> percent(0.931), percent(0.0312), percent(0.0004), percent(1.0)
    ('93 %', '3.1 %', '< 0.1 %', '100 %')
    """
    if share < 0.001:
        return "< 0.1 %"
    return f"{share:.0%}".replace("%", " %") if share >= 0.0995 else f"{100 * share:.1f} %"


def bars(rows: Sequence[dict]) -> str:
    """A bar for each token; a row with `kept` false is hatched and struck out, the `chosen` one underlined."""
    largest = max((row["share"] for row in rows), default=0) or 1
    return f'<div class="bars" role="list">{"".join(_bar(row, largest) for row in rows)}</div>'


def _bar(row: dict, largest: float) -> str:
    state = ("" if row.get("kept", True) else " cut") + (" chosen" if row.get("chosen") else "")
    said = percent(row["share"]) + ("" if row.get("kept", True) else ", cut")
    return (
        f'<div class="row{state}" role="listitem" aria-label="{escape(row["text"])}: {said}">'
        f'<span class="word">{spelled(row["text"])}</span>'
        f'<span class="rail"><i style="width:{100 * row["share"] / largest:.1f}%"></i></span>'
        f'<span class="share">{percent(row["share"])}</span></div>'
    )


def story(prompt: Sequence[dict], steps: Sequence[dict]) -> tuple[str, list[str]]:
    """A continued text that can be walked through, and for each new token what could have come instead."""
    before = "".join(
        f'<li><span class="token{" special" if t["special"] else ""}">{spelled(t["text"])}</span></li>' for t in prompt
    )
    new = "".join(f"<li>{_new(at, step)}</li>" for at, step in enumerate(steps))
    walks = (("play", "▶ Play"), ("stop", "■ Stop"), ("back", "← Step back"), ("on", "Step →"), ("end", "Show all"))
    buttons = "".join(f'<button data-walk="{walk}" data-key="walk-{walk}">{label}</button>' for walk, label in walks)
    first = min(range(len(steps)), key=lambda at: steps[at]["token"]["share"])  # the boldest choice is worth a look
    html = (
        f'<ol class="tokens prose" data-rove data-first="{first}" aria-label="the text so far">{before}{new}</ol>'
        f'<p class="tip" role="status" data-idle="Point at a new token to see what else could have come."></p>'
        f'<div class="controls">{buttons}</div><div class="frame"></div>'
    )
    return html, [_frame(step) for step in steps]


def _new(at: int, step: dict) -> str:
    token = step["token"]
    others = ", ".join(f"{row['text']} {percent(row['share'])}" for row in step["others"])
    tip = escape(f"{token['text']} {percent(token['share'])}. Instead: {others}")
    return (
        f'<button class="token a{level(token["share"])}" data-frame="{at}" data-key="t{at}" data-tip="{tip}" '
        f'tabindex="-1" aria-label="{tip}">{spelled(token["text"])}</button>'
    )


def _frame(step: dict) -> str:
    chosen = step["token"]["id"]
    rows = [{**row, "chosen": row["id"] == chosen} for row in step["bars"]]
    if all(row["id"] != chosen for row in rows):
        rows.append({**step["token"], "chosen": True})
    kept = "The knobs cut nothing."
    if step["kept"] < step["of"]:
        kept = (
            f"{step['kept']} of {step['of']} tokens are in the draw, {percent(step['kept_share'])} of the probability."
        )
    return f'<h4>What could come at this place</h4>{bars(rows)}<p class="quiet">{kept}</p>'


def beams(found: Sequence[dict]) -> str:
    """The continuations of a beam search, best first, each token coloured by its probability."""
    rows = "".join(
        f'<li><b>{beam["score"]:.2f}</b><ol class="tokens prose">{"".join(map(_likely, beam["tokens"]))}</ol></li>'
        for beam in found
    )
    return f'<ul class="beams">{rows}</ul>'


def _likely(token: dict) -> str:
    said = percent(token["share"])
    return f'<li><span class="token a{level(token["share"])}" title="{said}">{spelled(token["text"])}</span></li>'


def losses(tokens: Sequence[dict], losses: Sequence[float], expected: Sequence[dict]) -> str:
    """Each token coloured by what it cost; the first one is nobody's prediction."""
    items = [f'<li><span class="token special">{spelled(t["text"])}</span></li>' for t in tokens[:1]]
    for at, (token, loss, likely) in enumerate(zip(tokens[1:], losses, expected, strict=True)):
        tip = escape(f"{token['text']} cost {loss:.2f}; expected was {likely['text']} with {percent(likely['share'])}")
        items.append(
            f'<li><span class="token a{level(loss / LOSS_AT_FULL)}" tabindex="{0 if at == 0 else -1}" data-tip="{tip}" '
            f'aria-label="{tip}">{spelled(token["text"])}</span><small>{loss:.1f}</small></li>'
        )
    return (
        f'<ol class="tokens" data-rove aria-label="the loss of each token">{"".join(items)}</ol>'
        '<p class="tip" role="status" data-idle="Point at a token to see what was expected there."></p>'
    )


def merges(step: dict) -> str:
    """The text after some merges: each word in its parts, those that the last merge made marked."""
    words = "".join(
        '<span class="word">'
        + "".join(f'<span class="part{" new" if part["new"] else ""}">{spelled(part["text"])}</span>' for part in word)
        + "</span>"
        for word in step["words"]
    )
    return f'<div class="merges">{words}</div>'


def pairs(pairs: Sequence[Sequence[str]]) -> str:
    """Merges in the order in which they were learned, each as the two parts that it joins."""
    plus = '<span class="sp"> + </span>'
    items = "".join(
        f'<li><span class="token">{spelled(left)}{plus}{spelled(right)}</span><small>{at}</small></li>'
        for at, (left, right) in enumerate(pairs, start=1)
    )
    return f'<ol class="tokens">{items}</ol>'


def table(tokens: Sequence[dict]) -> str:
    """Each token with its id and its bytes."""
    rows = "".join(
        f'<tr><td>{at}</td><td class="left"><code>{spelled(t["text"])}</code></td><td>{t["id"]}</td>'
        f'<td class="left"><code>{t["bytes"]}</code></td></tr>'
        for at, t in enumerate(tokens)
    )
    head = '<tr><th>position</th><th class="left">token</th><th>id</th><th class="left">bytes, hexadecimal</th></tr>'
    return f'<div class="scroll"><table class="table">{head}{rows}</table></div>'
