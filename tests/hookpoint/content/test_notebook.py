"""The two notebooks of a lesson: what a learner, Jupyter and nbgrader find in them."""

import hashlib
import json

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.preprocessors import ClearSolutions

from hookpoint.content.lesson import read_lesson
from hookpoint.content.notebook import exercises_notebook, solutions_notebook

DEMO = "\n# %%\nprint(double(3))\n"


@pytest.fixture
def lesson(authored, tmp_path):
    return read_lesson(
        authored.write(tmp_path, authored.LESSON + DEMO + authored.exercise("treble", "return x * 3 - x * 0"))
    )


def as_nbformat(notebook: dict) -> nbformat.NotebookNode:
    return nbformat.reads(json.dumps(notebook), as_version=4)


def ours(notebook: dict) -> list[dict]:
    return [cell["metadata"]["hookpoint"] for cell in notebook["cells"]]


def text(cell: dict) -> str:
    return "".join(cell["source"])


@pytest.mark.parametrize("written", [solutions_notebook, exercises_notebook])
def test_jupyter_and_nbgrader_accept_the_notebook(lesson, written):
    notebook = as_nbformat(written(lesson))

    nbformat.validate(notebook)
    for cell in notebook.cells:
        MetadataValidator().validate_cell(cell)


def test_every_cell_says_what_it_is(lesson):
    kinds = [(role["kind"], role.get("exercise") or role.get("heading")) for role in ours(exercises_notebook(lesson))]

    assert kinds[:8] == [
        ("prose", None),
        ("setup", None),
        ("prose", "double"),
        *[("hint", "double")] * 3,
        ("exercise", "double"),
        ("check", "double"),
    ]
    assert kinds[8] == ("demo", None)


def test_the_answer_and_its_check_carry_what_the_learners_side_reads(lesson):
    _, answer, check = [role for role in ours(exercises_notebook(lesson)) if "double" in role.values()][3:6]

    assert answer.items() >= {"writes": "double", "minutes": 10, "stars": 2}.items()
    assert check["points"] == 2


def test_nbgrader_finds_an_answer_and_a_locked_test(lesson):
    graded = [cell["metadata"].get("nbgrader") for cell in exercises_notebook(lesson)["cells"]]

    rest = {"schema_version": 3, "task": False}
    answer = {"grade_id": "double-solution", "solution": True, "grade": False, "locked": False, **rest}
    check = {"grade_id": "double", "solution": False, "grade": True, "locked": True, "points": 2, **rest}
    assert graded[6:8] == [answer, check]


def test_the_notebook_says_where_it_belongs(lesson):
    metadata = exercises_notebook(lesson)["metadata"]

    assert metadata["hookpoint"] == {"part": "part1_build_gpt2", "notebook": "01_doubling", "title": "Doubling"}
    assert metadata["kernelspec"]["name"] == "python3"


def test_minutes_and_points_stand_under_the_heading(authored, tmp_path):
    source = authored.LESSON.replace("minutes=10", "minutes=1")

    heading = exercises_notebook(read_lesson(authored.write(tmp_path, source)))["cells"][2]

    assert text(heading) == "## Exercise: `double` ★★\n\n*1 minute · 2 points*\n\nWhy it matters."


def test_a_hint_is_folded(lesson):
    hint = exercises_notebook(lesson)["cells"][3]

    assert text(hint) == "<details>\n<summary>Hint 1</summary>\n\nA question?\n\n</details>"


def test_only_the_solutions_show_explanations(lesson):
    shown, released = solutions_notebook(lesson), exercises_notebook(lesson)

    assert {"kind": "prose", "only": "solutions"}.items() <= ours(shown)[8].items()
    assert len(released["cells"]) == len(shown["cells"]) - 1
    assert "Why the answer is right" not in json.dumps(released)


def test_nbgrader_makes_the_released_cells_from_the_solutions(lesson):
    notebook, _ = ClearSolutions().preprocess(as_nbformat(solutions_notebook(lesson)), {})

    kept = [cell for cell in notebook.cells if "only" not in cell.metadata.hookpoint]
    assert [(cell.id, cell.source) for cell in kept] == [
        (cell["id"], text(cell)) for cell in exercises_notebook(lesson)["cells"]
    ]


def test_the_hash_is_that_of_the_released_text_in_both_notebooks(lesson):
    released = exercises_notebook(lesson)
    kept = [role for role in ours(solutions_notebook(lesson)) if "only" not in role]

    hashes = [hashlib.sha256(text(cell).encode()).hexdigest()[:12] for cell in released["cells"]]
    assert [role["hash"] for role in ours(released)] == hashes == [role["hash"] for role in kept]


def test_answers_and_checks_are_found_by_their_ids(lesson):
    ids = [cell["id"] for cell in exercises_notebook(lesson)["cells"]]

    assert ids[6:8] == ["double", "check-double"]
    assert ids[-2:] == ["treble", "check-treble"]


def test_cells_of_the_same_text_have_ids_of_their_own(authored, tmp_path):
    lesson = read_lesson(authored.write(tmp_path, authored.LESSON + DEMO + DEMO))

    first, second = [cell["id"] for cell in exercises_notebook(lesson)["cells"]][-2:]

    assert second == f"{first}-2"
