"""The event as everyone sees it, in plain JSON values: pure functions from the event and its boards.

Figures are rounded here, once, so that the page that the server writes and the one that the script draws are the same.
Times are seconds since 1970; `timer` counts to one of them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hookpoint.content.course import course
from hookpoint.errors import HookpointError

from .boards import Board, Scored, Standing
from .event import EventNow
from .settings import EventSettings

__all__ = ["DIGITS", "Baseline", "board", "event", "graded", "progress", "task_name", "timer"]

DIGITS = 1  # of points


@dataclass(frozen=True)
class Baseline:
    """What a method that is no team would have: it stands on the board without a rank."""

    name: str
    points: float


def event(now: EventNow) -> dict[str, Any]:
    """What the event is, what is open, and what the clock counts down to."""
    phases = now.schedule.phases
    return {
        "title": now.settings.title,
        "place": now.settings.place,
        "zone": now.settings.timezone,
        "rehearsal": now.row.rehearsal,
        "join_code": now.row.join_code,
        "open": sorted(now.now.open),
        "timer": timer(now),
        "schedule": [
            {"name": one.name, "opens": one.opens.timestamp(), "closes": one.closes.timestamp()} for one in phases
        ],
    }


def timer(now: EventNow) -> dict[str, Any]:
    """What the big clock shows: it runs to `until`, or stands still at `left` seconds while the event is paused."""
    state = now.now
    what = state.then or "the event ends"
    return {
        "phase": state.phase.name if state.phase else "",
        "what": what if state.next else "",
        "until": state.next.timestamp() if state.next and not state.paused else None,
        "left": state.seconds if state.paused else None,
        "over": state.phase is None and state.next is None,
        "paused": state.paused,
    }


def board(
    now: EventNow,
    current: Board,
    before: Board,
    rows: Iterable[Scored],
    teams: Mapping[str, tuple[int, str]],
    baselines: Sequence[Baseline] = (),
) -> dict[str, Any]:
    """The ranking: teams with rank, movement since `before`, points with interval, and percent of each task.

    Baselines stand among the teams in order of points, without a rank.
    """
    visible = now.allows("board") or (now.now.phase is None and now.now.next is None)  # after the end it stays
    tasks = _tasks(rows, current, now.settings)
    ranks = {one.team: one.rank for one in before.standings if one.score > 0}
    listed = [_row(one, teams[one.team][0], ranks.get(one.team), tasks) for one in current.standings]
    listed += [_baseline(number, one) for number, one in enumerate(baselines)]
    freezes = now.frozen_at()
    return {
        "shown": visible,
        "freezes": freezes.timestamp() if freezes and not now.now.paused else None,
        "scored": any(one.score > 0 for one in current.standings),
        "teams": len(current.standings),
        "most": max((row["high"] for row in listed), default=0) or 1,
        "tasks": [{"id": id, "name": task_name(id)} for id in tasks],
        "intervals": visible and any(row["low"] != row["high"] for row in listed if "low" in row),
        "rows": _in_place(listed) if visible else [],
    }


def _tasks(rows: Iterable[Scored], current: Board, settings: EventSettings) -> dict[str, float]:
    """The most points of each task: the notebooks that count, in order, then challenges that have results to show."""
    most: dict[str, float] = {}
    for row in rows:
        most[row.challenge] = max(row.max_points, most.get(row.challenge, 0.0))
    seen = {_task_of(challenge) for one in current.standings for challenge, _ in one.best}
    of_task = dict.fromkeys(settings.notebooks, 0.0) | {id: 0.0 for id in settings.challenges if id in seen}
    for challenge in sorted(most):
        task = _task_of(challenge)
        if task in of_task or task in seen:
            of_task[task] = of_task.get(task, 0.0) + most[challenge]
    return of_task


def _task_of(challenge: str) -> str:
    return challenge.partition("/")[0]


def _row(one: Standing, id: int, before: int | None, tasks: Mapping[str, float]) -> dict[str, Any]:
    got = defaultdict(float)
    for challenge, points in one.best:
        got[_task_of(challenge)] += points
    return {
        "id": id,
        "team": one.team,
        "rank": one.rank,
        "tied": one.tied,
        "moved": before - one.rank if before and one.score > 0 else 0,
        "points": round(one.score, DIGITS),
        "low": max(0.0, round(one.interval[0], DIGITS)),
        "high": round(one.interval[1], DIGITS),
        "squares": [percent(got[task], most) if task in got else None for task, most in tasks.items()],
    }


def _baseline(number: int, one: Baseline) -> dict[str, Any]:
    points = round(one.points, DIGITS)
    return {"id": f"b{number}", "team": one.name, "rank": None, "points": points, "high": points}


def _in_place(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The teams in their order; each baseline before the first team that has fewer points."""
    placed = [row for row in rows if row["rank"] is not None]
    for line in (row for row in rows if row["rank"] is None):
        below = (place for place, row in enumerate(placed) if row["points"] < line["points"])
        placed.insert(next(below, len(placed)), line)
    return placed


def percent(points: float, most: float) -> int:
    """Whole percent; 100 is all of it, 0 nothing at all."""
    if points <= 0 or most <= 0:
        return 0
    return 100 if points >= most else min(99, max(1, round(100 * points / most)))


def graded(team: str, task: str, points: float, most: float, at: float) -> dict[str, Any]:
    """That a submission has been graded."""
    return {"team": team, "task": task_name(task), "percent": percent(points, most), "at": at}


def progress(people: int, passed: Mapping[str, int], notebooks: Iterable[str]) -> dict[str, Any]:
    """How many of the people who tell it have passed each exercise by their own check. It is not graded."""
    lists = {name: [one.id for one in found.exercises] for name in notebooks if (found := _notebook(name))}
    return {
        "people": people,
        "notebooks": [
            {"name": task_name(name), "exercises": [[id, passed.get(id, 0)] for id in ids]}
            for name, ids in lists.items()
            if any(id in passed for id in ids)
        ],
    }


def task_name(id: str) -> str:
    """What a notebook or a challenge is called."""
    found = _notebook(id)
    return found.title if found else id.replace("_", " ").capitalize()


def _notebook(name: str) -> Any:
    try:
        return course().notebook(name)
    except HookpointError:  # the course is not here: its names are not worth a blank board
        return None
