"""Runs a class on nbgrader: `release` a part, `autograde` what was handed in, write `feedback`.

`exercises/` stays the builder's alone, byte for byte. `release` has nbgrader make its own version in
`.nbgrader/release/`, which fills the gradebook, and demands that it says the same as `exercises/`, cell by cell: text,
ids, and every mark that nbgrader reads. So learners open what `hookpoint build` wrote, nbgrader grades what it has
recorded, and neither can drift from the other.

nbgrader runs a check in the same process as the submission: its scores are for practice, not for prizes.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from hookpoint.content.build import build
from hookpoint.content.files import read_notebook
from hookpoint.errors import HookpointError, UsageError

from .nbgrader_course import Course, gradebook, open_course, run
from .nbgrader_submissions import receive, released_cells, students

__all__ = ["autograde", "feedback", "release"]


def release(root: Path, part: str | None = None, db: str = "") -> None:
    """Enters the part's exercises into the gradebook and proves that `exercises/` fits them.

    Args:
        root: The root of a checkout.
        part: The part's folder name; the first part if not given.
        db: The URL of a gradebook in PostgreSQL; `.nbgrader/gradebook.db` if not given.

    Raises:
        HookpointError: notebooks are stale, nbgrader is missing or refuses, or its version differs from ours.
        UsageError: there is no such part or there are no solutions.
    """
    course = open_course(root, part, db)
    _refuse_stale(course)
    reason = run(course, lambda api: api.generate_assignment(course.part))
    if reason:
        raise HookpointError(f"nbgrader did not release {course.part}: {_advised(reason)} The log is {course.log}.")
    for path in sorted(course.folder("release").glob("*.ipynb")):
        _refuse_difference(course.root / "exercises" / course.part / path.name, path)
    released = released_cells(course)
    points = [mark["points"] for cells in released.values() for mark in map(_marks, cells.values()) if mark["grade"]]
    contents = f"{_count(len(released), 'notebook')}, {_count(len(points), 'exercise')}, {sum(points):g} points"
    print(f"{course.part}: {contents}.")
    gradebook = f"in {db.rpartition('@')[2]}" if db else course.gradebook
    print(f"Learners open exercises/{course.part}/. The gradebook is {gradebook}.")


def _refuse_stale(course: Course) -> None:
    stale = [path for path in build(course.root, check=True) if path.parent.name == course.part]
    if stale:
        names = ", ".join(path.relative_to(course.root).as_posix() for path in stale)
        raise HookpointError(f"Not what the sources give: {names}. Run `hookpoint build` and release again.")


def _advised(reason: str) -> str:
    """nbgrader's reason as a sentence, with what to do about the one that a host meets."""
    if "submissions associated" not in reason:
        return f"{reason}."
    return f"{reason}. To begin the class again, move .nbgrader/ away; to go on with it, restore those exercises."


def _refuse_difference(ours: Path, theirs: Path) -> None:
    if difference := _difference(read_notebook(ours), read_notebook(theirs)):
        raise HookpointError(
            f"{ours} is not what nbgrader would release: {difference}. No notebook may go out like this; "
            f"compare it with {theirs}."
        )


def _difference(ours: Mapping, theirs: Mapping) -> str:
    """The first thing that two notebooks do not share; nbgrader may add marks, such as its checksums."""
    for mine, other in zip(ours["cells"], theirs["cells"], strict=False):
        for field in ("id", "cell_type", "source"):
            if mine[field] != other[field]:
                return f"the {field} of cell `{mine['id']}` differs"
        if not _marks(mine).items() <= _marks(other).items():
            return f"nbgrader's marks of cell `{mine['id']}` differ"
    return "" if len(ours["cells"]) == len(theirs["cells"]) else "the number of cells differs"


def _marks(cell: Mapping) -> dict:
    return cell["metadata"].get("nbgrader", {})


def autograde(root: Path, part: str | None = None, submitted: Path | None = None) -> None:
    """Grades every submission with nbgrader and prints each notebook's score.

    What one student's notebook does to nbgrader costs no other notebook its grade.

    Args:
        root: The root of a checkout.
        part: The part's folder name; the first part if not given.
        submitted: The folder that holds `<student>/<part>/NN_name.ipynb`; `.nbgrader/submitted` if not given.

    Raises:
        HookpointError: nbgrader is missing, or could not grade some notebooks; the others are graded.
        UsageError: there is nothing to grade, or the part has not been released.
    """
    course = open_course(root, part)
    released = released_cells(course)
    inbox = (Path(submitted) if submitted else course.state / "submitted").resolve()
    taken, refused = students(course, inbox)
    for student in refused:
        print(f"{student}: not graded: rename the folder so that it has none of the signs * ? [ ] and no outer space.")
    ungraded = 0
    for student in taken:
        problems = receive(course, inbox, student, released)
        failures = _grade(course, student, [name for name in released if name not in problems])
        ungraded += len(failures)
        for line in _report(course, student, released, problems | failures):
            print(line, flush=True)
    print(f"{_count(len(taken), 'submission')} graded into {course.gradebook}.")
    if ungraded:
        raise HookpointError(f"nbgrader could not grade {_count(ungraded, 'notebook')}; the log is {course.log}.")


def _grade(course: Course, student: str, notebooks: list[str]) -> dict[str, str]:
    """Grades one notebook at a time, so that a kernel that dies takes one; gives the reasons of those that failed."""
    reasons = {name: run(course, lambda api: api.autograde(course.part, student), notebook=name) for name in notebooks}
    return {name: f"not graded: {reason}" for name, reason in reasons.items() if reason}


def _report(course: Course, student: str, released: Mapping, problems: Mapping[str, str]) -> list[str]:
    """A line for each notebook of the part, then one for each other problem."""
    lines = []
    with gradebook(course) as book:
        book.update_or_create_student(student)
        book.update_or_create_submission(course.part, student)
        for name in released:
            notebook = book.find_submission_notebook(name, course.part, student)
            if name in problems:
                _give_nothing(book, notebook)
            missed = ", ".join(sorted(grade.name for grade in notebook.grades if grade.score < grade.max_score))
            remark = problems.get(name) or (f"not passed: {missed}" if missed else "")
            score = f"{notebook.score:g}/{notebook.max_score:g}"
            lines.append(f"{student}  {name:<{max(map(len, released))}}  {score:>7}  {remark}".rstrip())
    return lines + [f"{student}  {name}: {problem}" for name, problem in problems.items() if name not in released]


def _give_nothing(book: Any, notebook: Any) -> None:
    """Replaces the grades of an earlier submission: what cannot be graded now is worth nothing now."""
    for grade in notebook.grades:
        grade.auto_score, grade.needs_manual_grade = 0, False
    book.db.commit()


def feedback(root: Path, part: str | None = None) -> None:
    """Writes each student's graded notebooks as HTML, with scores and the messages of the checks.

    Args:
        root: The root of a checkout.
        part: The part's folder name; the first part if not given.

    Raises:
        HookpointError: nbgrader is missing, or could not write some of it; the rest is written.
        UsageError: nothing has been graded yet.
    """
    course = open_course(root, part)
    notebooks = (course.state / "autograded").glob(f"*/{course.part}/*.ipynb")
    graded = sorted({path.parent.parent.name for path in notebooks})
    if not graded:
        raise UsageError(f"Nothing of {course.part} is graded yet. Run `hookpoint nbgrader autograde {course.part}`.")
    failed = []
    for student in graded:
        reason = run(course, partial(_write_feedback, course.part, student))
        print(f"{student}  {reason or course.folder('feedback', student)}", flush=True)
        failed += [student] if reason else []
    if failed:
        raise HookpointError(f"No feedback for {', '.join(failed)}; the log is {course.log}.")


def _write_feedback(part: str, student: str, api: Any) -> dict:
    return api.generate_feedback(part, student)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
