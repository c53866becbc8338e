"""What a notebook takes over from the ones before it."""

import pytest

from hookpoint.content.cells import answer_hash, load_cells
from hookpoint.content.earlier import earlier
from hookpoint.content.progress import record


class Ours:
    """Stands for the reference."""


def passes(workspace, id: str) -> None:
    """Record that the answer as it is now has passed."""
    cells = load_cells(workspace.notebook("01_first"))
    record(workspace.path, {"exercise": id, "status": "passed", "source_hash": answer_hash(cells, id)})


def test_a_part_that_passed_is_the_learners(workspace, capsys):
    workspace.solve("scale")
    passes(workspace, "scale")

    (scale,) = earlier(Scale=Ours)

    assert scale(3)(4) == 12
    assert capsys.readouterr().out == "Scale: yours, from 01_first\n"


def test_parts_come_in_the_order_they_are_asked_for(workspace):
    workspace.solve("scale", "double")
    passes(workspace, "double")

    scale, double = earlier(Scale=Ours, double=lambda x: None)

    assert scale is Ours and double(4) == 8


def test_a_part_that_has_not_passed_is_ours(workspace, capsys):
    workspace.solve("scale")

    assert earlier(Scale=Ours) == (Ours,)
    assert capsys.readouterr().out == "Scale: ours, until yours passes (01_first)\n"


def test_a_part_that_changed_after_it_passed_is_ours_again(workspace, capsys):
    workspace.solve("scale")
    passes(workspace, "scale")
    workspace.edit("01_first", "scale", "class Scale:\n    pass")

    assert earlier(Scale=Ours) == (Ours,)
    assert capsys.readouterr().out == "Scale: ours, until your changed cell passes (01_first)\n"


def test_a_change_that_is_taken_back_is_the_learners_again(workspace):
    workspace.solve("scale")
    passes(workspace, "scale")
    record(workspace.path, {"exercise": "scale", "status": "failed", "source_hash": "something else"})

    assert earlier(Scale=Ours) != (Ours,)


@pytest.mark.parametrize("damage", ["{", None], ids=["broken", "gone"])
def test_a_notebook_that_cannot_be_read_costs_nothing_but_itself(workspace, damage):
    workspace.solve("scale")
    passes(workspace, "scale")
    path = workspace.notebook("01_first")
    path.write_text(damage) if damage else path.unlink()

    assert earlier(Scale=Ours) == (Ours,)


def test_without_a_workspace_all_is_ours(release, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    assert earlier(Scale=Ours) == (Ours,)
    assert "ours" in capsys.readouterr().out


METHODS = {id: f"def {id}(self, x):\n    {{}}\n\n\nRobot.{id} = {id}" for id in ("double", "triple")}
GAP = "# YOUR CODE HERE\n    raise NotImplementedError()"


@pytest.fixture
def robot_course(release, small):
    """A course in which two exercises write one class."""
    parts = [cell for id, text in METHODS.items() for cell in small.exercise(id, stub=text.format(GAP))]
    release("01_first", [small.cell("setup", "class Robot:\n    pass"), *parts])
    release("02_second", [small.cell("prose", "# 02 · Second")])


@pytest.fixture
def robot(robot_course, workspace):
    """A workspace of that course with both parts written."""
    workspace.edit("01_first", "double", METHODS["double"].format("return 2 * x"))
    workspace.edit("01_first", "triple", METHODS["triple"].format("return 3 * x"))
    return workspace


def test_a_class_written_in_parts_is_the_learners_once_every_part_has_passed(robot, capsys):
    passes(robot, "double")
    assert earlier(Robot=Ours) == (Ours,)

    passes(robot, "triple")
    (Robot,) = earlier(Robot=Ours)

    assert (Robot().double(4), Robot().triple(4)) == (8, 12)
    assert capsys.readouterr().out.endswith("Robot: yours, from 01_first\n")
