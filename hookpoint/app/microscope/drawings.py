"""HTML of the page Microscope: two prompts as tokens, and the numbers in its grids as text."""

from collections.abc import Sequence
from html import escape

from hookpoint.app.strips import percent, spelled

__all__ = ["logits", "prompt", "share", "title"]


def prompt(tokens: Sequence[dict], marked: Sequence[int], at: int, says: Sequence[dict], name: str) -> str:
    """A prompt's tokens with their positions, those that tell it from its twin marked, and what the model says."""
    items = "".join(_token(token, place, place in marked, place == at) for place, token in enumerate(tokens))
    best = says[0]
    said = f'<li><span class="says">→ <b>{spelled(best["text"])}</b> {percent(best["share"])}</span></li>'
    return f'<ol class="tokens" aria-label="{escape(name)}">{items}{said}</ol>'


def _token(token: dict, place: int, marked: bool, read: bool) -> str:
    mark = ' aria-current="true"' if marked else ""
    special = " special" if token["special"] else ""
    told = f"{place} ↗" if read else str(place)
    title = "the position whose prediction is read" if read else f"position {place}"
    return (
        f'<li><span class="token{special}"{mark} title="{title}">{spelled(token["text"])}</span>'
        f'<small title="{title}">{told}</small></li>'
    )


def share(value: float) -> str:
    """A share of the way, for a cell; nothing where it is next to nothing.

    >>> share(0.342), share(-0.07), share(0.02)
    ('34', '−7', '')
    """
    rounded = round(100 * value)
    return "" if abs(rounded) < 5 else str(rounded).replace("-", "−")


def logits(value: float, least: float = 0.05) -> str:
    """A difference in logits with its sign, for a cell.

    >>> logits(2.44), logits(-0.6), logits(0.01)
    ('+2.4', '−0.6', '')
    """
    return "" if abs(value) < least else f"{value:+.1f}".replace("-", "−")


def title(noun: str, clause: str) -> str:
    """A card's title, in Markdown."""
    return f"**{noun}** · {clause}"
