"""A new notebook: its skeletons work as they are, and nothing that exists is touched."""

import importlib.util
from types import SimpleNamespace

import pytest

from hookpoint.checks import InProcess, judge
from hookpoint.content.build import build, read_course
from hookpoint.content.skeleton import new
from hookpoint.errors import AuthoringError, UsageError

PART, NAME = "part2_look_inside", "07_logit_lens"
FILES = [
    "solutions/part2_look_inside/07_logit_lens.py",
    "hookpoint/checks/logit_lens/__init__.py",
    "hookpoint/checks/logit_lens/double.py",
    "tests/part2_look_inside/test_07_logit_lens.py",
]


def load(path):
    """The module in a file that is in no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_three_skeletons_are_written(tmp_path):
    written = new(tmp_path, PART, NAME)

    assert [path.relative_to(tmp_path).as_posix() for path in written] == FILES
    assert not any("{{" in path.read_text(encoding="utf-8") for path in written)


def test_a_new_notebook_builds_as_it_is(tmp_path):
    new(tmp_path, PART, NAME)

    assert len(build(tmp_path)) == 2
    (lesson,) = read_course(tmp_path)
    assert (lesson.title, [spec.id for spec in lesson.exercises]) == ("Logit lens", ["double"])


def test_two_new_notebooks_build_beside_each_other(tmp_path):
    new(tmp_path, PART, NAME)
    new(tmp_path, PART, "08_patching")

    assert len(build(tmp_path)) == 4


def test_the_new_check_passes_a_right_answer_and_names_its_slips(tmp_path):
    new(tmp_path, PART, NAME)
    exercise = load(tmp_path / FILES[2]).EXERCISE

    assert judge(exercise, InProcess({"double": lambda x: 2 * x})).status == "passed"
    for slip in exercise.slips:
        assert judge(exercise, InProcess({"double": slip.wrong})).slip == slip.wrong.__name__


def test_the_new_autograder_asks_for_a_check_that_is_there(tmp_path):
    new(tmp_path, PART, NAME)
    asked = []

    load(tmp_path / FILES[3]).test_values(SimpleNamespace(passes=lambda *names: asked.append(names)))

    checks = [check.__name__ for check in load(tmp_path / FILES[2]).EXERCISE.checks]
    assert asked == [("double", check) for check in checks]


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("part2", "07_x"),
        ("look_inside", "07_x"),
        (PART, "logit_lens"),
        (PART, "7_x"),
        (PART, "07_Lens"),
        (PART, "07_a/b"),
    ],
)
def test_a_name_that_is_not_in_our_form_is_refused(tmp_path, part, name):
    with pytest.raises(UsageError, match="Write it like"):
        new(tmp_path, part, name)

    assert list(tmp_path.iterdir()) == []


TAKEN = {
    "the same source": "solutions/part2_look_inside/07_logit_lens.py",
    "the number": "solutions/part2_look_inside/07_other.py",
    "the name in another part": "solutions/part1_build_gpt2/02_logit_lens.py",
    "the solutions notebook": "solutions/part2_look_inside/07_logit_lens.ipynb",
    "the exercises notebook": "exercises/part2_look_inside/07_logit_lens.ipynb",
    "the checks": "hookpoint/checks/logit_lens/other.py",
    "the autograder": "tests/part2_look_inside/test_07_logit_lens.py",
}


@pytest.mark.parametrize("file", TAKEN.values(), ids=TAKEN)
def test_what_is_there_is_never_overwritten(tmp_path, file):
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text("mine")

    with pytest.raises(UsageError, match="nothing is overwritten"):
        new(tmp_path, PART, NAME)

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [path]
    assert path.read_text() == "mine"


def test_a_course_with_a_mistake_gets_no_new_notebook(authored, tmp_path):
    authored.write(tmp_path, "x = 1\n", "01_wrong")

    with pytest.raises(AuthoringError, match="01_wrong.py:1"):
        new(tmp_path, PART, NAME)
