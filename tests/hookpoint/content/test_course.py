"""The course as the learner receives it."""

import subprocess
import sys

import pytest

from hookpoint.content.course import course
from hookpoint.errors import HookpointError, UsageError

pytestmark = pytest.mark.usefixtures("release")


def test_notebooks_and_exercises_come_in_the_order_of_the_course():
    assert [notebook.name for notebook in course().notebooks] == ["01_first", "02_second"]
    assert [(e.id, e.position) for e in course().exercises] == [("double", 0), ("scale", 1), ("triple", 2)]


def test_an_exercise_knows_what_it_asks_and_what_it_is_worth():
    scale = course().exercise("scale")

    assert (scale.writes, scale.notebook, scale.part) == ("Scale", "01_first", "part1_small")
    assert (scale.minutes, scale.points, scale.stars) == (15, 3, 2)
    assert scale.prose.startswith("## Exercise: `scale`") and "Write `Scale`." in scale.prose
    assert scale.stub.startswith("class Scale:")


def test_hints_come_in_order_and_without_the_fold(release, small):
    heading, first, second, third, answer, check = small.exercise("double")
    release("01_first", [heading, third, first, second, answer, check])

    assert course().exercise("double").hints == ("double: rung 1.", "double: rung 2.", "double: rung 3.")


def test_prose_between_heading_and_answer_belongs_to_the_exercise(release, small):
    heading, *rest = small.exercise("double")
    release("01_first", [heading, small.cell("prose", "A picture."), *rest, small.cell("prose", "Later.")])

    prose = course().exercise("double").prose

    assert "A picture." in prose and "Later." not in prose and "rung" not in prose


@pytest.mark.parametrize(("asked", "meant"), [("dubble", "double"), ("Scales", "scale"), ("TRIPEL", "triple")])
def test_an_unknown_id_gets_the_nearest_one_offered(asked, meant):
    with pytest.raises(UsageError, match=f"There is no exercise `{asked}`. Did you mean `{meant}`?"):
        course().exercise(asked)


def test_an_id_like_no_other_gets_no_guess():
    with pytest.raises(UsageError, match="hookpoint status"):
        course().exercise("xylophone")


def test_a_new_release_is_seen_at_once(release, small):
    assert course().exercise("double").minutes == 10

    release("01_first", small.exercise("double", minutes=120))

    assert course().exercise("double").minutes == 120


def test_an_empty_course_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("HOOKPOINT_COURSE", str(tmp_path / "nowhere"))

    with pytest.raises(HookpointError, match="hookpoint build"):
        course()


def test_no_module_of_content_imports_torch():
    code = (
        "import importlib, pkgutil, sys, hookpoint.content as content\n"
        "names = [module.name for module in pkgutil.iter_modules(content.__path__)]\n"
        "for name in names: importlib.import_module(f'hookpoint.content.{name}')\n"
        "print(len(names), 'torch' in sys.modules, 'rich' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    count, torch, rich = done.stdout.split()
    assert int(count) > 10 and (torch, rich) == ("False", "False")


@pytest.mark.parametrize("name", ["scale", "Scale", "SCALE", "s_cale"])
def test_an_exercise_is_found_by_its_class_or_without_underscores(release, name):
    assert course().exercise(name).id == "scale"
