"""Scores in nbgrader's gradebook, asked of nbgrader itself; the same promises on SQLite and on PostgreSQL."""

import contextlib
import csv
import os
import shutil
import sysconfig
from dataclasses import replace
from pathlib import Path

import pytest

from hookpoint.errors import HookpointError, UsageError
from hookpoint.grading.gradebook import Recorded, record
from hookpoint.grading.results import Graded, Result

PART = "part1_build_gpt2"
CELLS = {"03_attention": {"causal_mask": 2, "apply_mask": 1}, "04_model_and_loss": {"unembed": 3}}
BOTH = {"causal_mask": 2, "apply_mask": 1}
TABLES = ("student", "submitted_assignment", "submitted_notebook", "grade", "comment")


def result(submission="ada.ipynb", notebook="03_attention", trouble="", **points) -> Result:
    """A result with these points; what an exercise is worth is what the gradebook below says."""
    worth = CELLS.get(notebook, {})
    graded = [Graded(id, "passed" if got else "failed", got, worth.get(id, got)) for id, got in points.items()]
    return Result(submission, "00", notebook, "1", "public", tuple(graded), trouble=trouble)


def student(result: Result) -> str:
    return result.submission.removesuffix(".ipynb")


def fill(url: str) -> None:
    """The assignment as a release leaves it in the gradebook."""
    from nbgrader.api import Gradebook

    with Gradebook(url) as book:
        book.add_assignment(PART)
        for notebook, cells in CELLS.items():
            book.add_notebook(notebook, PART)
            for cell, points in cells.items():
                book.add_grade_cell(cell, notebook, PART, max_score=points, cell_type="code")
                book.add_solution_cell(f"{cell}-solution", notebook, PART)


@pytest.fixture(scope="module", autouse=True)
def path():
    """nbgrader calls `alembic` by name when it makes an empty gradebook."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("PATH", os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]]))
        yield


@pytest.fixture(scope="module")
def filled(postgres):
    """The server, with the filled database `master`."""
    fill(postgres.make("master").replace("postgresql:", "postgresql+psycopg:"))
    return postgres


@pytest.fixture(scope="module")
def master(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("gradebook") / "master.db"
    fill(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request, tmp_path) -> str:
    """The address of a gradebook that a host would give: a path, or a URL that names no driver."""
    if request.param == "sqlite":
        return str(shutil.copy(request.getfixturevalue("master"), tmp_path / "gradebook.db"))
    return request.getfixturevalue("filled").make(template="master")


def opened(db: str):
    from nbgrader.api import Gradebook

    return Gradebook(db.replace("postgresql:", "postgresql+psycopg:") if "://" in db else f"sqlite:///{db}")


def scores(db: str, student: str, notebook: str = "03_attention") -> dict[str, float]:
    with opened(db) as book:
        return {grade.name: grade.score for grade in book.find_submission_notebook(notebook, PART, student).grades}


def exported(db: str, path: Path) -> list[dict]:
    """The rows of nbgrader's own CSV export."""
    from nbgrader.plugins import CsvExportPlugin

    with opened(db) as book:
        CsvExportPlugin(to=str(path)).export(book)
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def rows(db: str) -> dict[str, list]:
    """All that the gradebook says about students."""
    from sqlalchemy import text

    with opened(db) as book:
        return {table: sorted(map(repr, book.db.execute(text(f"SELECT * FROM {table}")))) for table in TABLES}


def test_nbgraders_export_shows_the_scores(db, tmp_path):
    record([result(**BOTH), result("bob.ipynb", causal_mask=0, apply_mask=1)], db, student, PART)

    shown = {row["student_id"]: (row["score"], row["max_score"]) for row in exported(db, tmp_path / "grades.csv")}
    assert shown == {"ada": ("3.0", "6.0"), "bob": ("1.0", "6.0")}


def test_what_was_not_handed_in_counts_nothing_and_waits_for_nobody(db):
    record([result(**BOTH)], db, student, PART)

    with opened(db) as book:
        (grade,) = book.find_submission_notebook("04_model_and_loss", PART, "ada").grades
        assert (grade.auto_score, grade.needs_manual_grade) == (0, False)
        assert not book.find_submission(PART, "ada").needs_manual_grade


def test_recording_twice_changes_nothing(db):
    results = [result(**BOTH), result(causal_mask=0, apply_mask=1), result("bob.ipynb", "04_model_and_loss", unembed=3)]
    first = record(results, db, student, PART)
    before = rows(db)
    second = record(results, db, student, PART)

    assert rows(db) == before
    assert (first, second) == (Recorded(3, 2, 3), Recorded(3, 2, 0))


def test_a_later_result_replaces_the_earlier_in_one_call_and_across_calls(db):
    record([result(**BOTH), result(causal_mask=0, apply_mask=1)], db, student, PART)
    assert scores(db, "ada") == {"causal_mask": 0, "apply_mask": 1}

    record([result(causal_mask=2, apply_mask=0)], db, student, PART)
    assert scores(db, "ada") == {"causal_mask": 2, "apply_mask": 0}


def test_cells_that_a_result_lacks_keep_what_they_were(db):
    record([result(**BOTH), result(notebook="04_model_and_loss", unembed=3)], db, student, PART)
    record([result(causal_mask=0)], db, student, PART)

    assert scores(db, "ada") == {"causal_mask": 0, "apply_mask": 1}
    assert scores(db, "ada", "04_model_and_loss") == {"unembed": 3}


def test_what_a_person_gave_stays_and_is_put_up_for_review(db):
    record([result(causal_mask=0, apply_mask=1)], db, student, PART)
    with opened(db) as book:
        book.find_grade("causal_mask", "03_attention", PART, "ada").manual_score = 1.5
        book.find_grade("apply_mask", "03_attention", PART, "ada").extra_credit = 0.5
        book.find_comment("causal_mask-solution", "03_attention", PART, "ada").manual_comment = "Nearly."
        book.db.commit()
    record([result(**BOTH)], db, student, PART)

    assert scores(db, "ada") == {"causal_mask": 1.5, "apply_mask": 1.5}
    with opened(db) as book:
        notebook = book.find_submission_notebook("03_attention", PART, "ada")
        assert {grade.name: grade.needs_manual_grade for grade in notebook.grades} == {
            "causal_mask": True,
            "apply_mask": False,
        }
        assert "Nearly." in {comment.comment for comment in notebook.comments}


def test_a_submission_older_than_the_notebook_gets_it(db):
    record([result(**BOTH)], db, student, PART)
    with opened(db) as book:
        book.remove_submission_notebook("04_model_and_loss", PART, "ada")
    record([result(notebook="04_model_and_loss", unembed=3)], db, student, PART)

    assert scores(db, "ada", "04_model_and_loss") == {"unembed": 3}
    with opened(db) as book:
        notebook = book.find_submission_notebook("04_model_and_loss", PART, "ada")
        assert [comment.name for comment in notebook.comments] == ["unembed-solution"]


def test_what_cannot_be_graded_is_named_and_costs_no_earlier_score(db):
    record([result(**BOTH)], db, student, PART)
    odd = [result(trouble="no notebook"), result("eve.ipynb", trouble="no notebook"), result("bob.ipynb", "99_mine")]
    done = record([*odd, result("bob.ipynb", **BOTH)], db, student, PART)

    assert [line.partition(":")[0] for line in done.left_out] == ["ada", "eve", "bob"]
    assert scores(db, "ada") == scores(db, "bob") == BOTH
    assert scores(db, "eve") == {"causal_mask": 0, "apply_mask": 0}


LACKING = {
    "assignment": ("part9_elsewhere", result(**BOTH), "has no assignment `part9_elsewhere`"),
    "notebook": (PART, result(notebook="02_embed_and_mlp", gelu=2), "has no notebook `02_embed_and_mlp`"),
    "cell": (PART, result(causal_mask=2, scale=1), "has no cell `scale` of 03_attention"),
    "points": (
        PART,
        replace(result(), verdicts=(Graded("causal_mask", "passed", 5, 5),)),
        "gives 2 points for `causal_mask` of 03_attention, and the result 5",
    ),
}


@pytest.mark.parametrize(("assignment", "odd", "says"), LACKING.values(), ids=LACKING)
def test_what_the_gradebook_lacks_is_named_with_its_remedy_and_nothing_is_written(db, assignment, odd, says):
    before = rows(db)
    with pytest.raises(HookpointError) as error:
        record([result("bob.ipynb", **BOTH), odd], db, student, assignment)

    assert says in str(error.value)
    assert f"`hookpoint nbgrader release {assignment}`" in str(error.value)
    assert rows(db) == before


def test_there_is_no_gradebook_and_none_is_made(tmp_path):
    with pytest.raises(HookpointError, match="no gradebook .*Run `hookpoint nbgrader release` first"):
        record([], str(tmp_path / "gradebook.db"), student, PART)

    assert list(tmp_path.iterdir()) == []


def test_an_empty_database_is_not_filled(postgres):
    url = postgres.make()
    with pytest.raises(HookpointError, match="no gradebook yet. Run `hookpoint nbgrader release`"):
        record([], url, student, PART)

    from sqlalchemy import create_engine, inspect
    from sqlalchemy.pool import NullPool

    engine = create_engine(url.replace(":", "+psycopg:", 1), poolclass=NullPool)
    assert inspect(engine).get_table_names() == []


def test_a_file_that_is_no_database_is_one_line(tmp_path):
    path = tmp_path / "gradebook.db"
    path.write_text("hello " * 1000)
    with pytest.raises(HookpointError, match="cannot be used: .*not a database") as error:
        record([], str(path), student, PART)

    assert "\n" not in str(error.value)


def test_a_server_that_does_not_answer_is_one_line_without_the_password(postgres):
    with pytest.raises(HookpointError, match="cannot be used") as error:
        record([], "postgresql://me:sesame@127.0.0.1:1/grades?password=sesame", student, PART)

    assert "sesame" not in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("db", ["mysql://me:sesame@here/grades", "postgresql://me:sesame@here", "post gres://", "://"])
def test_an_address_of_no_gradebook_is_refused_without_its_password(db):
    with pytest.raises(UsageError, match="A gradebook is") as error:
        record([], db, student, PART)

    assert "sesame" not in str(error.value)


@pytest.mark.parametrize("name", ["", " ada", "..", ".hidden", "../ada", "a*", "a,b", "a\nb", "a\0", "a" * 129, None])
def test_a_name_that_nbgrader_cannot_carry_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match="cannot be a student's name"):
        record([result(**BOTH)], str(tmp_path / "gradebook.db"), lambda _: name, PART)


def test_a_locked_gradebook_says_so_without_a_traceback(master, tmp_path, capsys, caplog):
    """nbgrader logs a traceback before it raises."""
    import sqlite3

    path = shutil.copy(master, tmp_path)
    record([], str(path), student, PART)
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(HookpointError, match="cannot be used: .*database is locked"):
            record([result(**BOTH)], f"sqlite:///{path}?timeout=0.1", student, PART)

    assert (capsys.readouterr().err, caplog.text) == ("", "")


SOLUTIONS = Path(__file__).parents[3] / "solutions" / PART
WRONG_MASK = """def causal_mask(n_queries, n_keys):
    return torch.ones(n_queries, n_keys, dtype=torch.bool)"""


def judged(path: Path, name: str) -> Result:
    """What the checks say about a file, in this process."""
    from hookpoint.checks import InProcess, judge
    from hookpoint.content.cells import load_cells
    from hookpoint.content.course import course
    from hookpoint.content.execute import run_cells

    cells = load_cells(path)
    loaded = run_cells(cells, folder=path.parent)
    link = InProcess(loaded.names, loaded.why_missing(cells))
    graded = []
    for exercise in course().notebook(path.stem).exercises:
        verdict = judge(exercise.id, link)
        points = int(exercise.points) if verdict.passed else 0
        graded.append(Graded(exercise.id, verdict.status, points, int(exercise.points), verdict.slip, verdict.message))
    return Result(name, "00", path.stem, "1", "public", tuple(graded))


@pytest.mark.slow
def test_our_scores_are_those_that_nbgrader_gives_the_same_submissions(tmp_path, a_class, monkeypatch):
    """A right one, a half right one and a blank one of 03; nobody hands in 02."""
    a_class.isolated(monkeypatch, tmp_path / "home")
    sources = [SOLUTIONS / "03_attention.py", SOLUTIONS / "02_embed_and_mlp.py"]
    room = a_class.Classroom.with_source(tmp_path / "course", *sources)
    stubs = [cell for cell in room.released()["cells"] if cell["metadata"]["hookpoint"]["kind"] == "exercise"]
    half = {cell["id"]: cell["source"] for cell in stubs[1::2]} | {"causal_mask": WRONG_MASK}
    notebooks = {"right": room.solved(), "half": room.answered(**half), "blank": room.released()}
    files = {name: room.hand_in(name, notebook) for name, notebook in notebooks.items()}
    assert (done := room.run("release")).returncode == 0, done.stderr
    theirs, ours = room.root / ".nbgrader" / "gradebook.db", tmp_path / "ours.db"
    shutil.copy(theirs, ours)

    assert (done := room.run("autograde")).returncode == 0, done.stderr
    record([judged(path, name) for name, path in files.items()], str(ours), lambda result: result.submission, PART)

    for name in files:
        assert graded(str(ours), name) == graded(str(theirs), name)
    assert sorted(map(str, exported(str(ours), tmp_path / "a.csv"))) == sorted(
        map(str, exported(str(theirs), tmp_path / "b.csv"))
    )
    right, half, blank = (sum(scores(str(ours), name).values()) for name in files)
    assert right == sum(scores(str(theirs), "right").values()) > half > blank == 0


def graded(db: str, student: str) -> dict[tuple[str, str], tuple]:
    with opened(db) as book:
        return {
            (notebook.name, grade.name): (grade.auto_score, grade.manual_score, grade.needs_manual_grade, grade.score)
            for notebook in book.find_submission(PART, student).notebooks
            for grade in notebook.grades
        }
