"""Enters what our grader found into nbgrader's own gradebook, through nbgrader's own API.

The gradebook has to know the assignment; `hookpoint nbgrader release` sees to that. Only automatic scores are written:
what a person gave by hand stays. A gradebook is an SQLite file or a PostgreSQL database.
"""

import contextlib
import logging
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hookpoint.content.course import course
from hookpoint.errors import HookpointError, UsageError

from .results import Result

__all__ = ["Recorded", "record"]

LONGEST_NAME = 128  # nbgrader's column; SQLite would take more, PostgreSQL does not
# Names become folders and patterns in nbgrader's own tools, and cells of a CSV file that it writes without quotes.
UNFIT = re.compile(r"[*?\[\]/\\,\"\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|\A[\s.]|\s\Z|\A\Z")
BACKENDS = ("sqlite", "postgresql")

Scores = dict[str, dict[str, float]]  # by notebook and exercise


@dataclass(frozen=True)
class Recorded:
    """What `record` did: how many results it entered, for how many students, and how many scores that changed.

    `left_out` says, a line for each, whose results were not entered and why.
    """

    results: int
    students: int
    changed: int
    left_out: tuple[str, ...] = ()


def record(results: Iterable[Result], db: str, student_of: Callable[[Result], str], assignment: str) -> Recorded:
    """Enters the points of each result; of two results for one student and notebook the later one counts.

    Recording the same results again changes nothing. What a new student did not hand in counts 0, as with nbgrader. A
    score given by hand stays what counts; nbgrader shows it for review when the automatic one has changed.

    Args:
        results: What the grader gave, in the order in which it was handed in.
        db: The path of an SQLite gradebook, or the URL of one in PostgreSQL.
        student_of: Gives the name of the student for a result. It must not trust what the file says.
        assignment: The assignment's name: for our notebooks the part's folder name.

    Raises:
        HookpointError: nbgrader or a driver is missing, the gradebook cannot be read or written, or it lacks the
            assignment, a notebook or a cell. In the last case nothing has been written.
        UsageError: `db` is no address of a gradebook, or a name is one that nbgrader's tools cannot carry.
    """
    named = [(_fit(student_of(result)), result) for result in results]
    with _opened(db) as (book, place):
        worth = _worth(book, assignment, place)
        sheets, left_out = _sheets(named, worth, assignment, place)
        changed = sum(_enter(book, assignment, student, scores) for student, scores in sheets.items())
    return Recorded(len(named) - len(left_out), len(sheets), changed, tuple(left_out))


def _fit(student: str) -> str:
    if not isinstance(student, str) or len(student) > LONGEST_NAME or UNFIT.search(student):
        raise UsageError(
            f"{student!r:.60} cannot be a student's name in nbgrader: use at most {LONGEST_NAME} characters, none of "
            'them * ? [ ] / \\ , " or a line break, and begin with neither a dot nor a space.'
        )
    return student


@contextlib.contextmanager
def _opened(db: str) -> Iterator[tuple[Any, str]]:
    """nbgrader's gradebook, open, and how to call it in a message. An empty database is never filled with tables."""
    try:
        from nbgrader.api import Gradebook, InvalidEntry
        from sqlalchemy import create_engine, inspect
        from sqlalchemy.exc import SQLAlchemyError
        from sqlalchemy.pool import NullPool
    except ModuleNotFoundError:
        raise HookpointError('nbgrader is not installed: pip install "hookpoint[grade]"') from None
    url = _address(db)
    # Without the query, where a password may stand as well.
    place = url.database if url.get_backend_name() == "sqlite" else url.set(query={}).render_as_string()
    if url.get_backend_name() == "sqlite" and not Path(place).is_file():
        raise HookpointError(f"There is no gradebook {place}. Run `hookpoint nbgrader release` first, which makes one.")
    try:
        with _quiet():
            with create_engine(url, poolclass=NullPool).connect() as connection:
                there = inspect(connection).has_table("assignment")
            if not there:
                raise HookpointError(f"{place} is no gradebook yet. Run `hookpoint nbgrader release` first.")
            with Gradebook(url) as book:
                yield book, place
    except ModuleNotFoundError as error:
        raise HookpointError(f'{error.name} is not installed: pip install "hookpoint[postgres]"') from None
    except (SQLAlchemyError, InvalidEntry) as error:
        why = str(error.args[0] if error.args else error).strip().split("\n")[0]
        raise HookpointError(
            f"The gradebook {place} cannot be used: {why.rstrip('.')}. Mend that and record again: what has been "
            "entered is not entered twice."
        ) from None


def _address(db: str) -> Any:
    """The database's URL. Only the driver that we name in our extras is assumed; a URL may name another."""
    from sqlalchemy.engine import URL, make_url
    from sqlalchemy.exc import ArgumentError

    if "://" not in db:
        return URL.create("sqlite", database=str(Path(db).resolve()))
    try:
        url = make_url(db)
        known = url.drivername.partition("+")[0] in (*BACKENDS, "postgres")
    except (ArgumentError, ValueError):
        known = False
    if not known or not url.database:  # the address itself may hold a password, so it is not repeated
        raise UsageError("A gradebook is the path of an SQLite file or postgresql://USER:PASSWORD@HOST/DATABASE.")
    return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgresql", "postgres") else url


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without nbgrader's warnings about its own use of the database, and the traceback it logs before it raises."""
    log = logging.getLogger("tornado.application")
    before, log.disabled = log.disabled, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.disabled = before


def _worth(book: Any, assignment: str, place: str) -> Scores:
    """What each graded cell of the assignment is worth."""
    from nbgrader.api import MissingEntry

    try:
        notebooks = book.find_assignment(assignment).notebooks
    except MissingEntry:
        raise _lacks(place, f"has no assignment `{assignment}`", assignment) from None
    return {notebook.name: {cell.name: cell.max_score for cell in notebook.grade_cells} for notebook in notebooks}


def _lacks(place: str, what: str, assignment: str) -> HookpointError:
    return HookpointError(
        f"The gradebook {place} {what}. Run `hookpoint nbgrader release {assignment}` and record again; nothing has "
        "been written."
    )


def _sheets(
    named: Iterable[tuple[str, Result]], worth: Scores, assignment: str, place: str
) -> tuple[dict[str, Scores], list[str]]:
    """Every student's scores, and a line for each result that is left out.

    A participant chooses which notebook to hand in, and must not keep the others' results from being recorded: only a
    notebook that the assignment should have is an error.
    """
    sheets: dict[str, Scores] = {}
    left_out = []
    for student, result in named:
        sheets.setdefault(student, {})
        if result.trouble:
            left_out.append(f"{student}: a submission could not be graded; scores that were there stay")
        elif result.notebook in worth:
            _demand(result, worth[result.notebook], assignment, place)
            points = {graded.exercise: float(graded.points) for graded in result.verdicts}
            sheets[student].setdefault(result.notebook, {}).update(points)
        elif (ours := course().notebook(result.notebook)) and ours.part == assignment:
            raise _lacks(place, f"has no notebook `{ours.name}` in {assignment}", assignment)
        else:
            left_out.append(f"{student}: a submission is no notebook of {assignment}")
    return sheets, left_out


def _demand(result: Result, worth: Mapping[str, float], assignment: str, place: str) -> None:
    """Refuses a result that the gradebook has no place for: it was released from another version of the course."""
    for graded in result.verdicts:
        cell = f"`{graded.exercise}` of {result.notebook}"
        if graded.exercise not in worth:
            raise _lacks(place, f"has no cell {cell}", assignment)
        if worth[graded.exercise] != graded.max_points:
            what = f"gives {worth[graded.exercise]:g} points for {cell}, and the result {graded.max_points:g}"
            raise _lacks(place, what, assignment)


def _enter(book: Any, assignment: str, student: str, scores: Scores) -> int:
    """Writes one student's scores; gives how many were others before."""
    from nbgrader.api import MissingEntry

    book.update_or_create_student(student)
    try:
        submission = book.find_submission(assignment, student)
    except MissingEntry:
        submission = book.add_submission(assignment, student)
        _give_nothing(notebook for notebook in submission.notebooks if notebook.name not in scores)
    changed = 0
    for name, points in scores.items():
        grades = _grades(book, submission, name)
        changed += sum(_give(grades[exercise], value) for exercise, value in points.items())
    book.db.commit()
    return changed


def _give_nothing(notebooks: Iterable[Any]) -> None:
    """A notebook that was not handed in counts 0 and waits for nobody, as nbgrader has it."""
    for grade in (grade for notebook in notebooks for grade in notebook.grades):
        grade.auto_score, grade.needs_manual_grade = 0.0, False


def _grades(book: Any, submission: Any, name: str) -> dict[str, Any]:
    """The grades of one notebook by cell. What is newer in the gradebook than the submission is added to it."""
    from nbgrader.api import Comment, Grade, SubmittedNotebook

    master = book.find_notebook(name, submission.assignment.name)
    notebook = next((notebook for notebook in submission.notebooks if notebook.notebook_id == master.id), None)
    if notebook is None:
        notebook = SubmittedNotebook(notebook=master, assignment=submission)
        book.db.add(notebook)
        notebook.comments.extend(Comment(cell_id=cell.id) for cell in (*master.solution_cells, *master.task_cells))
    there = {grade.cell_id for grade in notebook.grades}
    cells = (*master.grade_cells, *master.task_cells)
    notebook.grades.extend(Grade(cell_id=cell.id) for cell in cells if cell.id not in there)
    book.db.flush()
    names = {cell.id: cell.name for cell in cells}
    return {names[grade.cell_id]: grade for grade in notebook.grades}


def _give(grade: Any, points: float) -> bool:
    """Sets the automatic score; says whether it was another. One that a person has overruled is put up for review."""
    if grade.auto_score == points:
        return False
    grade.auto_score = points
    grade.needs_manual_grade = grade.manual_score is not None
    return True
