"""What the page Event shows of the event. Text of other people is shown as it is: never as HTML, never as Markdown."""

import html
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from hookpoint.app.wording import duration

__all__ = ["ago", "announcements", "heading", "message_of", "question_line", "standing", "submission_line", "timer"]

SIGNS = {"passed": "✓", "failed": "✗", "error": "!", "timeout": "…", "missing": "·"}


def timer(event: Mapping[str, Any], now: float) -> str:
    """What ends or begins next, and in how long."""
    clock = event.get("timer") or {}
    if clock.get("over"):
        return "The event is over."
    if clock.get("paused"):
        return "The event is paused."
    if not clock.get("until"):
        return ""
    left = max(0, int((clock["until"] - now) // 60))
    what = clock.get("what") or "it ends"
    return f"{what[:1].upper()}{what[1:]} in {duration(left) if left else 'less than a minute'}"


def heading(event: Mapping[str, Any]) -> str:
    phase = (event.get("timer") or {}).get("phase")
    return " · ".join(filter(None, (event.get("title", "The event"), phase, event.get("place"))))


def ago(then: float, now: float | None = None) -> str:
    seconds = max(0, int((time.time() if now is None else now) - then))
    return f"{seconds} s ago" if seconds < 60 else f"{duration(seconds // 60)} ago"


def standing(row: Mapping[str, Any] | None, shown: bool) -> str:
    """The team's rank and points, as the public board has them."""
    if row is None or not shown:
        return "Not on the board yet: the first graded notebook brings you there."
    tied = " (shared)" if row.get("tied") else ""
    return f"Rank {row['rank']}{tied}, {row['points']:g} points"


def announcements(told: Iterable[Mapping[str, Any]]) -> str:
    """The announcements as HTML, the new ones marked."""
    lines = []
    for one in told:
        mark = '<b class="hp-new">new</b> ' if one.get("new") else ""
        when = datetime.fromtimestamp(one["at"]).strftime("%H:%M")
        lines.append(f'<p class="hp-news"><small>{when}</small> {mark}<bdi>{html.escape(str(one["text"]))}</bdi></p>')
    return "".join(lines) or '<p class="hp-news">Nothing was announced yet.</p>'


def submission_line(one: Mapping[str, Any]) -> str:
    """One submission in a line: what it is and where it stands."""
    when = datetime.fromtimestamp(one["received"]).strftime("%H:%M")
    status = one["status"]
    if status in ("queued", "running"):
        place = f", place {one['place']}" if one.get("place") else ""
        about = f", about {one['expected_seconds']:.0f} s" if one.get("expected_seconds") else ""
        return f"{when} {one['task']}: {status}{place}{about}"
    if status == "scored":
        signs = " ".join(SIGNS.get(verdict["status"], "?") for verdict in one.get("verdicts", ()))
        points = sum(verdict["points"] for verdict in one.get("verdicts", ()))
        most = sum(verdict["max_points"] for verdict in one.get("verdicts", ()))
        return f"{when} {one['task']}: {points:g} of {most:g} points  {signs}"
    return f"{when} {one['task']}: {status}"


def message_of(one: Mapping[str, Any]) -> str:
    """All messages of a submission, as plain text."""
    parts = [one["trouble"]] if one.get("trouble") else []
    parts += [verdict["message"] for verdict in one.get("verdicts", ()) if verdict.get("message")]
    return "\n\n".join(parts)


def question_line(one: Mapping[str, Any]) -> str:
    if one.get("answer"):
        return f"{one['text']}\n\n→ {one['answer']}"
    if one.get("taken"):
        return f"{one['text']}\n\nA mentor is on it."
    return f"{one['text']}\n\nWaiting" + (f", number {one['position']} in the queue." if one.get("position") else ".")
