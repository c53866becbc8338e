"""Builds the course: every source becomes its two notebooks, and nothing is written unless all of them are sound.

solutions/<part>/NN_name.py  ->  solutions/<part>/NN_name.ipynb, exercises/<part>/NN_name.ipynb
"""

import difflib
import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from hookpoint.content.course import plain
from hookpoint.content.files import hookpoint_of, notebook_text, read_notebook, write_text
from hookpoint.content.leak import readable, secret_lines
from hookpoint.content.lesson import Lesson, read_lesson
from hookpoint.content.notebook import exercises_notebook, solutions_notebook
from hookpoint.errors import AuthoringError, HookpointError, UsageError

NAME = re.compile(r"(?P<number>\d\d[a-z]?)_(?P<stem>[a-z][a-z0-9_]*)")
PART = re.compile(r"part\d+_[a-z][a-z0-9_]*")

NO_PART = "challenges"  # in solutions/: our answers to challenges, which are no notebooks


def build(root: Path, check: bool = False, only: Collection[str] = ()) -> list[Path]:
    """The generated files that were written or removed because they did not fit their source.

    Args:
        root: The folder that holds `solutions/` and `exercises/`.
        check: Write nothing; give back what is stale, missing or without a source.
        only: Names of notebooks, such as `03_attention`: the others are left alone, whatever their state.

    Raises:
        AuthoringError: any source is wrong; all problems of all sources at once, and nothing is written.
        UsageError: `only` names a notebook that has no source.
    """
    lessons = read_course(root, only)
    wanted = {path: notebook_text(notebook) for lesson in lessons for path, notebook in _outputs(root, lesson)}
    orphans = [] if only else [path for path in _notebooks(root) if path not in wanted]
    _refuse([*_foreign(orphans), *_leaks(root, lessons, wanted, orphans)])
    stale = [path for path, text in wanted.items() if not _holds(path, text)]
    if not check:
        for path in stale:
            write_text(path, wanted[path])
        for path in orphans:
            path.unlink()
    return sorted([*stale, *orphans])


def read_course(root: Path, only: Collection[str] = ()) -> list[Lesson]:
    """Every lesson under `root/solutions`, or those named, in the order of parts and numbers.

    Raises:
        AuthoringError: a source is wrong, or two of them claim the same id, name or number.
    """
    lessons, problems = [], []
    for path in _chosen(sources(root), only):
        problems += _misnamed(path)
        try:
            lessons.append(read_lesson(path))
        except AuthoringError as error:
            problems += error.problems
    _refuse([*problems, *_claimed_twice(lessons)])
    return lessons


def sources(root: Path) -> list[Path]:
    """The source files of the course, in order. A folder of another name than a part's is told when it is read."""
    return sorted(path for path in (root / "solutions").glob("*/*.py") if path.parent.name != NO_PART)


def _chosen(paths: list[Path], only: Collection[str]) -> list[Path]:
    for name in only:
        if name not in [path.stem for path in paths]:
            near = difflib.get_close_matches(name, [path.stem for path in paths], n=1)
            raise UsageError(f"There is no source `{name}`.{f' Did you mean `{near[0]}`?' if near else ''}")
    return [path for path in paths if not only or path.stem in only]


def _refuse(problems: list[AuthoringError]) -> None:
    if problems:
        raise AuthoringError.gathered(problems)


def _outputs(root: Path, lesson: Lesson) -> Iterator[tuple[Path, dict]]:
    file = Path(lesson.part, f"{lesson.name}.ipynb")
    yield root / "solutions" / file, solutions_notebook(lesson)
    yield root / "exercises" / file, exercises_notebook(lesson)


def _notebooks(root: Path) -> list[Path]:
    return sorted([*(root / "solutions").glob("*/*.ipynb"), *(root / "exercises").glob("*/*.ipynb")])


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode("utf-8")


def _misnamed(path: Path) -> Iterator[AuthoringError]:
    if not NAME.fullmatch(path.stem):
        what = f"`{path.name}` is no name for a source."
        mend = "Name it with two digits, such as `03_attention.py`: its place. `03b_masks.py` comes right after it."
        yield AuthoringError(path, 1, what, mend)
    if not PART.fullmatch(path.parent.name):
        what = f"`{path.parent.name}` is no name for a part."
        yield AuthoringError(path, 1, what, "Name the folder like `part1_build_gpt2`.")


def _claimed_twice(lessons: list[Lesson]) -> Iterator[AuthoringError]:
    """Refuses an exercise id, a name or a number that two sources have."""
    owners: dict[tuple, Lesson] = {}
    for lesson in lessons:
        match = NAME.fullmatch(lesson.path.stem)
        number, stem = match.group("number", "stem") if match else (lesson.name, lesson.name)
        claims = [
            (("number", lesson.part, number), 1, f"Number {number} of {lesson.part} is taken", "Renumber the file."),
            (("name", stem), 1, f"The name `{stem}` is taken", f"Rename one: hookpoint/checks/{stem}/ is one's own."),
        ]
        for spec in lesson.exercises:
            mend = "An id belongs to one exercise in the whole course: give this one another."
            claims.append((("id", plain(spec.id)), spec.line, f"The exercise id `{spec.id}` is taken", mend))
        for claim, line, what, mend in claims:
            owner = owners.setdefault(claim, lesson)
            if owner is not lesson:
                yield AuthoringError(lesson.path, line, f"{what} by {owner.part}/{owner.path.name}.", mend)


def _foreign(orphans: Iterable[Path]) -> Iterator[AuthoringError]:
    """Refuses to remove a notebook that this builder has not written."""
    for path in orphans:
        try:
            ours = hookpoint_of(read_notebook(path))
        except HookpointError:
            ours = None
        if not ours:
            what = "This notebook has no source beside the others in solutions/, and it was not built from one."
            yield AuthoringError(path, 1, what, "Move it out of this folder, or write its source.")


def _leaks(root: Path, lessons: list[Lesson], wanted: dict[Path, str], orphans: list[Path]) -> Iterator[AuthoringError]:
    """Refuses any text for learners, built or lying there, that shows a line of a solution."""
    released = root / "exercises"
    texts = {path: text for path, text in wanted.items() if path.is_relative_to(released)}
    for path in sorted(released.rglob("*")):
        if path.is_file() and path not in texts and path not in orphans:
            texts[path] = path.read_bytes().decode("utf-8", "ignore")
    texts = {path: readable(path.name, text) for path, text in texts.items()}
    for lesson in lessons:
        for line, number in secret_lines(lesson.cells).items():
            for path in (path for path, text in texts.items() if line in text):
                what = f"{path.relative_to(root).as_posix()} would show this line of a solution: `{line}`."
                yield AuthoringError(lesson.path, number, what, "Change one of the two, or the file.")
