"""Checking again whenever the learner saves, in a process that an endless loop cannot stop."""

import functools
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from hookpoint.commands.checking import in_full, settle
from hookpoint.commands.overview import next_step, rows
from hookpoint.content.cells import Cell, answer_hash, load_cells
from hookpoint.content.course import Exercise, course
from hookpoint.content.workspace import learner_notebooks
from hookpoint.errors import HookpointError

SECONDS = 0.5

Judge = Callable[[Exercise, list[Cell]], object]


def watch(workspace: Path, judge: Judge, ticks: Iterable[object], say: Callable[[str], object] = print) -> None:
    """At each tick, check the answers that were saved since the last one, and say what comes next.

    Args:
        judge: gives the verdict on an exercise, from the cells of its notebook.
        ticks: paces the loop and ends it.
    """
    saved = Saved(workspace, say)
    saved.changes()  # What is there at the start is the state to compare with.
    say(next_step(rows(workspace), workspace))
    for _ in ticks:
        changes = saved.changes()
        for exercise, cells in changes:
            say(f"\n{exercise.id}: checking")
            try:
                outcome = settle(workspace, exercise, judge(exercise, cells), answer_hash(cells, exercise.id))
                say(in_full(outcome))
            except HookpointError as error:  # A full disk, say: the next save may go better.
                say(str(error))
        if changes:
            say(next_step(rows(workspace), workspace))


class Saved:
    """Which answers have changed on disk since they were last asked for."""

    def __init__(self, workspace: Path, say: Callable[[str], object]):
        self.workspace, self.say = workspace, say
        self.stamps: dict[Path, tuple[int, int]] = {}
        self.hashes: dict[str, str] = {}

    def changes(self) -> list[tuple[Exercise, list[Cell]]]:
        """The exercises whose answer is new, each with the cells of its notebook. A stub is no answer."""
        changed = []
        for notebook, path in learner_notebooks(self.workspace, course()):
            for exercise, cells in self._changes_in(notebook.exercises, path):
                changed.append((exercise, cells))
        return changed

    def _changes_in(self, exercises: Iterable[Exercise], path: Path) -> Iterator[tuple[Exercise, list[Cell]]]:
        try:
            stat = path.stat()
            stamp = stat.st_mtime_ns, stat.st_size
            if self.stamps.get(path) == stamp:
                return
            self.stamps[path] = stamp
            cells = load_cells(path)
        except FileNotFoundError:  # An editor that saves by renaming: the next tick finds the file.
            return
        except HookpointError as error:
            self.say(str(error))
            return
        for exercise in exercises:
            before, now = self.hashes.get(exercise.id), answer_hash(cells, exercise.id)
            self.hashes[exercise.id] = now
            if now and now != before:
                yield exercise, cells


def every(seconds: float = SECONDS) -> Iterator[None]:
    """Ticks, until Ctrl-C."""
    while True:
        time.sleep(seconds)
        yield


def watch_in_children(workspace: Path) -> None:
    """Watch until Ctrl-C; each save is judged in a fork of one warmed process."""
    from hookpoint import checks
    from hookpoint.checks.child import Nursery

    with Nursery() as nursery:

        def judge(exercise: Exercise, cells: list[Cell]) -> object:
            with nursery.submission(cells) as link:
                return checks.judge(exercise.id, link)

        say = functools.partial(print, flush=True)  # Into a pipe or a log as well, each line when it is said.
        say(f"Watching {workspace}. Save a notebook to have it checked; Ctrl-C ends this.")
        try:
            watch(workspace, judge, every(), say)
        except KeyboardInterrupt:
            say("\nStopped.")
