"""Where the learner stands: course, workspace and progress read into one value that a page can draw.

Reading again is cheap while nothing changes; `stamp` says whether anything did.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hookpoint.content.cells import answer, answer_hash, load_cells
from hookpoint.content.course import Course, Exercise, Notebook, course
from hookpoint.content.files import read_notebook
from hookpoint.content.merge import merge
from hookpoint.content.progress import Record, read
from hookpoint.content.workspace import find_workspace
from hookpoint.errors import HookpointError

Stamp = tuple[int, int]


@dataclass(frozen=True)
class Standing:
    """One exercise and where it stands.

    `state` is one of `passed`, `changed` (passed earlier, edited since), `failing` and `open`; `words` says more.
    `answer` is the learner's cell as it is saved, "" while it is a stub.
    """

    exercise: Exercise
    record: Record
    state: str
    words: str
    answer: str = ""

    @property
    def passed(self) -> bool:
        return self.state == "passed"

    @property
    def edited(self) -> bool:
        """Whether the answer is another than the one that was checked last."""
        return "changed since" in self.words


@dataclass(frozen=True)
class Situation:
    """All that a page needs to know.

    `troubles` are sentences about files that could not be read; `newer` names the notebooks for which the course has
    text that the learner's lack, `absent` those that are not in the workspace at all.
    """

    course: Course
    workspace: Path | None
    standings: tuple[Standing, ...]
    troubles: tuple[str, ...] = ()
    newer: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def next(self) -> Standing | None:
        """The first exercise, in the order of the course, that does not pass as it is now."""
        return next((standing for standing in self.standings if not standing.passed), None)

    @property
    def points(self) -> float:
        return sum(standing.exercise.points for standing in self.standings if standing.passed)

    @property
    def all_points(self) -> float:
        return sum(standing.exercise.points for standing in self.standings)

    @property
    def minutes_left(self) -> int:
        return sum(standing.exercise.minutes for standing in self.standings if not standing.passed)

    @property
    def notebooks(self) -> tuple[Notebook, ...]:
        """The notebooks that have exercises."""
        return tuple(notebook for notebook in self.course.notebooks if notebook.exercises)

    def of(self, notebook: Notebook) -> tuple[Standing, ...]:
        return tuple(
            s for s in self.standings if (s.exercise.part, s.exercise.notebook) == (notebook.part, notebook.name)
        )

    def standing(self, id: str) -> Standing:
        """Where the exercise with this id stands.

        Raises:
            UsageError: there is none; the message offers the nearest.
        """
        wanted = self.course.exercise(id)
        return next(standing for standing in self.standings if standing.exercise.id == wanted.id)


def look(start: Path | None = None, tell: Callable[[str], object] | None = None) -> Situation:
    """The situation in the workspace around `start` (the current folder), or without one.

    Args:
        tell: is given a sentence for each damaged progress record, once: the record is then set aside.
    """
    released, workspace = course(), find_workspace(start)
    records = read(workspace, tell) if workspace else {}
    answers, troubles, newer, absent = {}, [], [], []
    for notebook in released.notebooks if workspace else ():
        path = workspace / notebook.file
        if not path.exists():
            absent.append(notebook.name)
            continue
        found, trouble, lacks = _learner_side(path, _stamp(path), notebook.path, _stamp(notebook.path))
        answers |= dict(found)
        troubles += [trouble] if trouble else []
        newer += [notebook.name] if lacks else []
    standings = tuple(
        _standing(exercise, records.get(exercise.id, Record(exercise.id)), answers) for exercise in released.exercises
    )
    return Situation(released, workspace, standings, tuple(troubles), tuple(newer), tuple(absent))


def _standing(exercise: Exercise, record: Record, answers: dict[str, tuple[str, str]]) -> Standing:
    # An unreadable notebook says nothing about the answer, so the last verdict stands.
    hash, source = answers.get(exercise.id, (record.source_hash, ""))
    words = record.standing(hash)
    return Standing(exercise, record, _state(record, words), words, source)


def _state(record: Record, words: str) -> str:
    if words in ("open", "passed"):
        return words
    if record.status == "passed":
        return "changed"
    if (
        record.status == "missing"
    ):  # A stub that was checked is no attempt; nor does it undo a pass, it asks for a check.
        return "changed" if record.first_passed_at else "open"
    return "failing"


@functools.lru_cache(maxsize=128)
def _learner_side(path: Path, _now: Stamp, released: Path, _then: Stamp) -> tuple[tuple, str, bool]:
    """Of one notebook of the learner's: the answers, what is wrong with the file, whether newer text exists."""
    try:
        cells, mine = load_cells(path), read_notebook(path)
    except HookpointError as error:
        return (), str(error), False
    ours = read_notebook(released)
    exercises = {cell["metadata"]["hookpoint"]["exercise"] for cell in ours["cells"] if _kind(cell) == "exercise"}
    hashes = {id: answer_hash(cells, id) for id in exercises}
    answers = tuple((id, (hash, answer(cells, id).source if hash else "")) for id, hash in hashes.items())
    return answers, "", _text(merge(mine, ours).notebook) != _text(mine)


def _kind(cell: dict) -> str:
    return cell.get("metadata", {}).get("hookpoint", {}).get("kind", "")


def _text(notebook: dict) -> list[tuple[str, str]]:
    """What a reader of the notebook sees; ids and metadata, which editors touch, are left out."""
    return [(cell.get("cell_type", ""), cell["source"]) for cell in notebook["cells"]]


def _stamp(path: Path) -> Stamp:
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_size


def stamp(situation: Situation) -> tuple:
    """A value that changes when a file changes that the situation was read from. Looks at dates and sizes only."""
    if situation.workspace is None:
        return ()
    records = sorted((situation.workspace / ".hookpoint" / "progress").glob("*.json"))
    notebooks = [situation.workspace / notebook.file for notebook in situation.course.notebooks]
    return tuple((path.name, *_stamp(path)) for path in (*records, *notebooks))
