"""Building the course: what is written, what is left alone, and what stops it before anything is written."""

import json
import subprocess
import sys

import pytest

from hookpoint.content.build import build, read_course
from hookpoint.errors import AuthoringError, UsageError


def snapshot(root) -> dict:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def names(root, paths) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]


def problems(root) -> list[AuthoringError]:
    before = snapshot(root)
    with pytest.raises(AuthoringError) as refusal:
        build(root)
    assert snapshot(root) == before
    return list(refusal.value.problems)


@pytest.fixture
def course(authored, tmp_path):
    """The root of a course of two notebooks, not built yet."""
    authored.write(tmp_path)
    authored.write(
        tmp_path, authored.title("02 · Trebling") + authored.exercise("treble", "return x * 3"), "02_trebling"
    )
    return tmp_path


BUILT = [
    "exercises/part1_build_gpt2/01_doubling.ipynb",
    "exercises/part1_build_gpt2/02_trebling.ipynb",
    "solutions/part1_build_gpt2/01_doubling.ipynb",
    "solutions/part1_build_gpt2/02_trebling.ipynb",
]


def test_each_source_becomes_two_notebooks(course):
    assert names(course, build(course)) == BUILT

    released = json.loads((course / BUILT[0]).read_text(encoding="utf-8"))
    assert "NotImplementedError" in json.dumps(released) and "sum([x, x])" not in json.dumps(released)
    assert "sum([x, x])" in (course / BUILT[2]).read_text(encoding="utf-8")


def test_what_fits_its_source_is_left_alone(course):
    build(course)
    before = snapshot(course)

    assert build(course) == []
    assert build(course, check=True) == []
    assert snapshot(course) == before


def test_only_what_has_changed_is_written(course):
    build(course)
    source = course / "solutions/part1_build_gpt2/01_doubling.py"
    source.write_text(source.read_text().replace("Why the answer is right", "Why it is so"))

    assert names(course, build(course)) == [BUILT[2]]


def test_a_check_names_missing_and_stale_files_and_writes_nothing(course):
    build(course)
    (course / BUILT[0]).unlink()
    (course / BUILT[3]).write_text("{}")
    before = snapshot(course)

    assert names(course, build(course, check=True)) == [BUILT[0], BUILT[3]]
    assert snapshot(course) == before


def test_a_notebook_whose_source_is_gone_is_named_and_then_removed(course):
    build(course)
    (course / "solutions/part1_build_gpt2/02_trebling.py").unlink()

    assert names(course, build(course, check=True)) == [BUILT[1], BUILT[3]]
    assert names(course, build(course)) == [BUILT[1], BUILT[3]]
    assert not (course / BUILT[1]).exists() and not (course / BUILT[3]).exists()


def test_a_notebook_that_is_to_be_removed_cannot_leak(authored, course):
    given = "\n# %%\ndef given(x):\n    return sum([x, x])\n"
    old = authored.write(course, authored.title() + given, "01_doubling")
    build(course)
    old.unlink()
    authored.write(course, authored.LESSON, "01_doubling_again")

    assert "exercises/part1_build_gpt2/01_doubling.ipynb" in names(course, build(course))


@pytest.mark.parametrize("text", ['{"cells": [], "metadata": {}}', "not a notebook"])
def test_a_notebook_that_we_have_not_built_is_never_removed(course, text):
    stranger = course / "exercises/part1_build_gpt2/09_mine.ipynb"
    stranger.parent.mkdir(parents=True)
    stranger.write_text(text)

    assert [problem.path for problem in problems(course)] == [stranger]


def test_nothing_is_written_when_any_source_is_wrong_and_all_are_reported(authored, course):
    authored.write(course, authored.LESSON.replace("points=2", "points=0"))
    authored.write(course, "# %% [markdown]\n# no title\n", "03_other")

    assert {problem.path.name for problem in problems(course)} == {"01_doubling.py", "03_other.py"}


def test_an_id_belongs_to_one_exercise_in_the_course(authored, course):
    path = authored.write(course, authored.LESSON, "03_more", part="part2_look_inside")

    (problem,) = problems(course)

    assert (problem.path, problem.line) == (path, 21)
    assert "`double` is taken by part1_build_gpt2/01_doubling.py" in problem.what


def test_a_number_belongs_to_one_notebook_of_a_part(authored, course):
    authored.write(course, authored.title(), "01_other")

    (problem,) = problems(course)

    assert problem.path.name == "01_other.py"
    assert "Number 01 of part1_build_gpt2 is taken by part1_build_gpt2/01_doubling.py" in problem.what


def test_the_same_number_in_another_part_is_no_problem(authored, course):
    authored.write(course, authored.title(), "01_other", part="part2_look_inside")

    assert len(build(course)) == 6


def test_a_name_belongs_to_one_notebook_because_its_checks_do(authored, course):
    authored.write(course, authored.title(), "05_doubling", part="part2_look_inside")

    (problem,) = problems(course)

    assert "hookpoint/checks/doubling/" in problem.mend


@pytest.mark.parametrize(("name", "part"), [("3_short", "part1_x"), ("03-dash", "part1_x"), ("03_good", "first_part")])
def test_files_and_folders_have_names_of_our_form(authored, tmp_path, name, part):
    authored.write(tmp_path, authored.title(), name, part)

    (problem,) = problems(tmp_path)

    assert "is no name for" in problem.what


@pytest.mark.parametrize("file", ["exercises/part1_build_gpt2/01_doubling.py", "exercises/notes/old.md"])
def test_a_solution_line_in_any_file_for_learners_is_refused(course, file):
    path = course / file
    path.parent.mkdir(parents=True)
    path.write_text("so\n    return sum([x,\n  x])")

    (problem,) = problems(course)

    assert f"{file} would show" in problem.what
    assert (problem.path.name, problem.line) == ("01_doubling.py", 25)


def test_a_solution_line_in_the_prose_of_another_notebook_is_refused(authored, course):
    text = authored.title().replace("What it is about.", "Last time: `return sum([x, x])`.")
    authored.write(course, text, "03_later")

    (problem,) = problems(course)

    assert "03_later.ipynb would show this line of a solution: `return sum([x, x])`" in problem.what


def test_a_line_that_the_same_notebook_gives_as_code_is_no_leak(authored, tmp_path):
    given = "\n# %%\ndef given(x):\n    return sum([x, x])\n"
    authored.write(tmp_path, authored.LESSON + given)

    assert len(build(tmp_path)) == 2


@pytest.mark.parametrize("line", ["import numpy.linalg", "super().__init__()", "return embeddings", "y = x + x"])
def test_a_line_that_tells_nothing_is_no_leak(authored, tmp_path, line):
    later = f"\n# %% [markdown]\n# Such as `{line}`.\n"
    authored.write(tmp_path, authored.title() + authored.exercise(solution=line) + later)

    assert len(build(tmp_path)) == 2


def test_a_course_without_sources_builds_to_nothing(tmp_path):
    assert build(tmp_path) == []


def test_building_imports_neither_torch_nor_the_tools_of_notebooks(course):
    heavy = ["torch", "numpy", "jupytext", "nbformat", "nbgrader", "IPython"]
    code = f"""
import sys, pathlib
from hookpoint.content.build import build, read_course
build(pathlib.Path({str(course)!r}))
print([name for name in {heavy} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_one_notebook_can_be_built_while_another_source_is_broken(course):
    (course / "solutions" / "part1_build_gpt2" / "02_trebling.py").write_text("# %% [markdown]\n# no title\n")

    assert names(course, build(course, only=["01_doubling"])) == [BUILT[0], BUILT[2]]


def test_a_notebook_that_does_not_exist_is_refused_with_the_nearest(course):
    with pytest.raises(UsageError, match="Did you mean `01_doubling`"):
        build(course, only=["01_dubling"])


def test_a_letter_after_the_number_comes_right_after_it(course, authored):
    authored.write(
        course, authored.title("01b · Halving") + authored.exercise("halve", "return x * 0.5"), "01b_halving"
    )
    assert [lesson.name for lesson in read_course(course)] == ["01_doubling", "01b_halving", "02_trebling"]
    assert read_course(course)[1].title == "Halving"
