"""One learner's notebook and one newer release, made into one notebook that loses nothing the learner wrote.

Pure: dicts in, a new dict out. Ours is what still has the text that its stored hash names; everything else is the
learner's. Files and backups are left to `update`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hookpoint.content.cells import CHECK, definitions
from hookpoint.content.files import fingerprint, hookpoint_of

GONE = "## Answers to exercises that are no longer in this notebook"


@dataclass(frozen=True)
class Merged:
    """The merged notebook and what changed in it, as lines for the learner."""

    notebook: dict
    notes: tuple[str, ...]


@dataclass
class _Mine:
    """A cell of the learner's notebook: what it is to us, and its place in the release once that is found."""

    cell: dict
    meta: dict
    ours: bool
    key: tuple[str, ...]
    place: int | None = None
    gone: bool = False


@dataclass
class _Plan:
    """The release's cells, each with what takes its place and what comes after it; -1 is before the first."""

    cells: list[dict]
    after: dict[int, list[dict]] = field(default_factory=dict)
    end: list[dict] = field(default_factory=list)

    def keep_after(self, place: int, cell: dict) -> None:
        self.after.setdefault(place, []).append(_as_own(cell))


def merge(mine: Mapping, release: Mapping) -> Merged:
    """The release's notebook with the learner's answers, edits and own cells in it.

    Answers take the place of the stubs. Own cells stay after the cell they followed. Our cells that the learner has
    edited stay as they are where the release did not change them, and stand after the new text where it did.
    """
    new = [dict(cell) for cell in release["cells"]]
    olds = _read(mine["cells"], new)
    _match(olds, new)
    _pair(olds, new)
    plan = _Plan(new)
    anchor, taken = -1, set()
    for old in olds:
        if old.place is not None:
            anchor = old.place
            _settle(old, plan, taken)
        elif old.gone:
            plan.end.append(_as_own(old.cell))
        elif not old.ours:
            plan.keep_after(anchor, old.cell)
    cells = _with_ids(_laid_out(plan))
    notebook = {
        **mine,
        "cells": cells,
        "metadata": {**mine.get("metadata", {}), "hookpoint": hookpoint_of(release)},
        "nbformat": release["nbformat"],
        "nbformat_minor": max(release["nbformat_minor"], mine.get("nbformat_minor", 0)),
    }
    return Merged(notebook, tuple(_notes(olds, release["cells"], plan)))


def _read(cells: Iterable[dict], new: list[dict]) -> list[_Mine]:
    """Say of each of the learner's cells whether its text is ours and what it answers to in a release."""
    writes = {hookpoint_of(cell)["writes"]: hookpoint_of(cell)["exercise"] for cell in new if _kind(cell) == "exercise"}
    released = {fingerprint(cell["source"]) for cell in new}
    olds = []
    for cell in cells:
        meta, mark = hookpoint_of(cell), fingerprint(cell["source"])
        ours = mark == meta.get("hash") or (not meta and mark in released)
        key = _key(meta or _guessed(cell, writes, new), meta.get("hash", mark))
        olds.append(_Mine(cell, meta, ours, key))
    return olds


def _guessed(cell: Mapping, writes: Mapping[str, str], new: list[dict]) -> dict:
    """What the metadata would say, had the editor not dropped it."""
    if cell.get("cell_type") != "code":
        return {}
    if check := CHECK.match(cell["source"]):
        return {"kind": "check", "exercise": check.group(1)}
    answered = [writes[name] for name in definitions(cell["source"]) if name in writes]
    if not answered:
        answered = [id for id in writes.values() if id == cell.get("id")]
    return {"kind": "exercise", "exercise": answered[0]} if answered else {}


def _key(meta: Mapping, mark: str) -> tuple[str, ...]:
    """What a cell and its newer version have in common."""
    kind = meta.get("kind")
    if kind in ("exercise", "check"):
        return kind, str(meta.get("exercise"))
    if kind == "hint":
        return kind, str(meta.get("exercise")), str(meta.get("rung"))
    if "heading" in meta:
        return "heading", str(meta["heading"])
    return "text", str(mark)


def _kind(cell: Mapping) -> str:
    return hookpoint_of(cell).get("kind", "")


def _match(olds: list[_Mine], new: list[dict]) -> None:
    """Find each cell's place in the release. A cell that still has its metadata comes before one that only looks it."""
    free: dict[tuple[str, ...], list[int]] = {}
    for place, cell in enumerate(new):
        free.setdefault(_key(hookpoint_of(cell), fingerprint(cell["source"])), []).append(place)
    here = set(free)
    for old in sorted(olds, key=lambda old: not old.meta):
        if free.get(old.key):
            old.place = free[old.key].pop(0)
        old.gone = old.key[0] == "exercise" and old.key not in here and not old.ours
    _prefer_answers(olds)


def _prefer_answers(olds: list[_Mine]) -> None:
    """Give the place of an untouched stub to the first copy of its cell that the learner did fill in."""
    for stub in olds:
        if stub.place is None or not stub.ours or stub.key[0] != "exercise":
            continue
        copies = [old for old in olds if old.key == stub.key and old.meta and not old.ours]
        if copies:
            copies[0].place, stub.place = stub.place, None


def _pair(olds: list[_Mine], new: list[dict]) -> None:
    """Pair what is left of ours with what is new, in order, between neighbours that are matched already."""
    used = {old.place for old in olds if old.place is not None}
    place = -1
    for old in olds:
        if old.place is not None:
            place = old.place
            continue
        kind = old.meta.get("kind")
        if kind not in ("prose", "setup", "demo") or "heading" in old.meta:
            continue
        for candidate in range(place + 1, len(new)):
            if candidate in used:
                break
            if _kind(new[candidate]) == kind and "heading" not in hookpoint_of(new[candidate]):
                old.place = place = candidate
                used.add(candidate)
                break


def _settle(old: _Mine, plan: _Plan, taken: set[int]) -> None:
    """Decide what stands at the old cell's place in the release: the new text, or the learner's."""
    new = plan.cells[old.place]
    if old.place in taken:
        plan.keep_after(old.place, old.cell)
        return
    taken.add(old.place)
    same_release = old.meta.get("hash") == hookpoint_of(new).get("hash")
    if old.ours or old.cell["source"] == new["source"]:
        same_text = old.cell["source"] == new["source"]
        plan.cells[old.place] = _dressed(old.cell, new) if same_text else new
    elif _kind(new) == "exercise" or (same_release and _kind(new) != "check"):
        plan.cells[old.place] = _dressed(old.cell, new)
    else:
        plan.keep_after(old.place, old.cell)


def _dressed(mine: Mapping, new: Mapping) -> dict:
    """The learner's text and outputs with the release's id and metadata."""
    if mine.get("cell_type") != new.get("cell_type"):
        mine = {"source": mine["source"], "metadata": mine.get("metadata", {})}
    return {**new, **mine, "id": new["id"], "metadata": {**mine.get("metadata", {}), **new["metadata"]}}


def _as_own(cell: Mapping) -> dict:
    """The cell as the learner's own: without the marks that make it ours, which nbgrader refuses to see twice."""
    ours = ("hookpoint", "nbgrader")
    return {**cell, "metadata": {key: value for key, value in cell.get("metadata", {}).items() if key not in ours}}


def _laid_out(plan: _Plan) -> list[dict]:
    cells = list(plan.after.get(-1, []))
    for place, cell in enumerate(plan.cells):
        cells += [cell, *plan.after.get(place, [])]
    if plan.end and not any(cell["source"] == GONE for cell in cells):
        cells.append({"cell_type": "markdown", "id": "answers-kept", "metadata": {}, "source": GONE})
    return cells + plan.end


def _with_ids(cells: list[dict]) -> list[dict]:
    """Every cell with an id of its own; a released cell keeps its, for tests and links name it."""
    taken = {cell["id"] for cell in cells if hookpoint_of(cell)}
    done = []
    for cell in cells:
        id = cell.get("id")
        if not hookpoint_of(cell) and (not id or id in taken):
            base, count = f"own-{fingerprint(cell['source'])}", 1
            id = base
            while id in taken:
                count += 1
                id = f"{base}-{count}"
        taken.add(id)
        done.append({**cell, "id": id})
    return done


def _notes(olds: list[_Mine], released: list[dict], plan: _Plan) -> Iterable[str]:
    """What changed, as short clauses."""
    before = {fingerprint(old.cell["source"]) for old in olds} | {old.meta.get("hash") for old in olds}
    newer = [cell for cell in released if fingerprint(cell["source"]) not in before]
    kinds = Counter(_kind(cell) for cell in newer)
    if kinds:
        yield "newer: " + ", ".join(f"{count} {WORDS.get(kind, kind)}" for kind, count in sorted(kinds.items()))
    for cell in newer:
        if _kind(cell) == "exercise" and cell not in plan.cells:
            id = hookpoint_of(cell)["exercise"]
            yield f"the stub of `{id}` has changed; your answer is kept: compare its first lines with the new text"
    beside = [old for old in olds if old.place is not None and not old.ours and old.meta.get("kind") != "exercise"]
    beside = [old for old in beside if plan.cells[old.place]["source"] != old.cell["source"]]
    if beside:
        yield f"{len(beside)} of our cells that you had edited {_stand(beside)} after the new text"
    if plan.end:
        yield f"{len(plan.end)} of your answers, to exercises that are gone, {_stand(plan.end)} at the end"


def _stand(things: list) -> str:
    return "stands" if len(things) == 1 else "stand"


WORDS = {"prose": "text", "exercise": "stub"}
