"""What a student hands in becomes a notebook that nbgrader can grade, whatever an editor or the student did to it."""

import copy

import pytest

from hookpoint.grading.nbgrader_course import Course, run
from hookpoint.grading.nbgrader_submissions import fitted, receive


def code(source: str, **marks: object) -> dict:
    metadata = {"nbgrader": marks} if marks else {}
    return {"cell_type": "code", "execution_count": None, "metadata": metadata, "outputs": [], "source": source}


def check(id: str) -> dict:
    return code(f'checks.run("{id}")', grade_id=id, grade=True, points=2) | {"id": id}


def answer(id: str, source: str = "stub") -> dict:
    return code(source, grade_id=f"{id}-solution", grade=False, solution=True) | {"id": f"{id}-solution"}


EXPECTED = {cell["id"]: cell for cell in (answer("a"), check("a"), answer("b"), check("b"))}


def fit(*cells: dict) -> list[dict]:
    return fitted({"cells": copy.deepcopy(cells)}, EXPECTED)["cells"]


def sources(cells: list[dict]) -> list[str]:
    return [cell["source"] for cell in cells]


def test_the_text_of_every_other_cell_is_the_student_s():
    mine = [code("import torch"), answer("a", "mine"), check("a"), code("print(1)"), answer("b", "too"), check("b")]

    assert sources(fit(*mine)) == sources(mine)


def test_a_check_cell_is_the_released_one_whatever_it_says_or_is_tagged():
    edited = check("a") | {"source": "pass", "cell_type": "markdown"}
    edited["metadata"]["tags"] = ["skip-execution"]

    assert fit(answer("a"), edited, check("b"))[1] == EXPECTED["a"]


def test_of_two_copies_of_a_check_the_last_is_graded():
    cells = fit(answer("a"), check("a"), answer("a", "second try"), check("a"), check("b"))

    assert ["nbgrader" in cell["metadata"] for cell in cells] == [False, False, True, True, True]


def test_a_missing_check_is_put_at_the_end():
    assert fit(answer("a"), answer("b"))[2:] == [EXPECTED["a"], EXPECTED["b"]]


def test_a_check_without_metadata_is_known_by_its_text():
    cells = fit(code("x = 1"), code("checks.run('b')"), code("y = 2"), check("a"))

    assert cells[1] == EXPECTED["b"]


def test_marks_of_another_course_are_dropped():
    assert fit(code("x = 1", grade_id="other", grade=True), check("a"), check("b"))[0]["metadata"] == {}


@pytest.mark.parametrize("metadata", [None, [], {"nbgrader": 3}, {"nbgrader": {"grade_id": ["a"]}}], ids=str)
def test_metadata_that_makes_no_sense_is_dropped(metadata):
    assert fit(code("x = 1") | {"metadata": metadata})[0]["metadata"] == {}


def test_an_unknown_kind_of_cell_does_not_run():
    assert fit({"cell_type": "spell", "source": "boom"})[0]["cell_type"] == "raw"


def test_what_is_fitted_is_a_valid_notebook():
    nbformat = pytest.importorskip("nbformat")
    mine = [{"cell_type": "markdown", "source": "# Notes", "attachments": {}}, answer("a"), code("1"), check("a")]

    nbformat.validate(nbformat.from_dict(fitted({"cells": mine}, EXPECTED)))


@pytest.mark.parametrize(
    ("stamp", "problem"), [("2026-11-21 10:00:00 UTC", None), ("yesterday", "holds no date; ignored")]
)
def test_a_time_of_submission_is_passed_on_if_it_is_one(tmp_path, stamp, problem):
    course, handed_in = Course(tmp_path, "part1_small"), tmp_path / "inbox" / "ada" / "part1_small"
    handed_in.mkdir(parents=True)
    (handed_in / "01_first.ipynb").write_text('{"cells": []}', encoding="utf-8")
    (handed_in / "timestamp.txt").write_text(stamp, encoding="utf-8")

    problems = receive(course, tmp_path / "inbox", "ada", {"01_first": EXPECTED})

    assert problems.get("timestamp.txt") == problem
    assert (course.folder("received", "ada") / "timestamp.txt").exists() == (problem is None)


def test_an_interruption_ends_the_run(tmp_path):
    """nbgrader swallows it, and would go on with the next student."""
    course = Course(tmp_path, "part1_small")
    course.state.mkdir()

    with pytest.raises(KeyboardInterrupt):
        run(course, lambda api: {"success": False, "error": "Traceback\n  ...\nKeyboardInterrupt\n"})
