"""A class on the real nbgrader: release, autograde, feedback. Traps 1, 4, 5, 6 and 8 of the notebook tools are here.

One autograde run serves most tests: each student hands in one special notebook.
"""

import json
import shutil
import subprocess
import sys

import pytest

from hookpoint.content.build import build
from hookpoint.errors import HookpointError, UsageError
from hookpoint.grading import nbgrader

PART, NAME = "part1_build_gpt2", "01_practice"
FULL = {"causal_mask": 2, "gelu_exact": 3}
NOTHING = {"causal_mask": 0, "gelu_exact": 0}
TRANSPOSED = """def causal_mask(n_queries, n_keys):
    return torch.ones(n_queries, n_keys, dtype=torch.bool).triu(n_keys - n_queries)"""
NOISY = """import os, sys, warnings

def causal_mask(n_queries, n_keys):
    warnings.warn("a harmless warning")
    print("to stderr", file=sys.stderr)
    os.write(2, b"to the descriptor itself")
    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril(n_keys - n_queries)"""


def cheated(notebook: dict) -> dict:
    """Stubs, with check cells that cannot fail: emptied, or kept from running by a tag, and worth more."""
    for cell in notebook["cells"]:
        if cell["id"] == "check-causal_mask":
            cell["source"] = "pass"
        if cell["id"] == "check-gelu_exact":
            cell["metadata"]["tags"] = ["skip-execution"]
            cell["metadata"]["nbgrader"] |= {"points": 100, "grade": False}
    return notebook


def without(notebook: dict, *ids: str) -> dict:
    return {**notebook, "cells": [cell for cell in notebook["cells"] if cell["id"] not in ids]}


@pytest.fixture(scope="module")
def room(tmp_path_factory, a_class):
    """The course, released and graded by the commands that a host types, with feedback."""
    base = tmp_path_factory.mktemp("class")
    with pytest.MonkeyPatch.context() as monkeypatch:
        home = a_class.isolated(monkeypatch, base / "home")
        room = a_class.Classroom.with_source(base / "course")
        (room.root / "workspace" / ".hookpoint").mkdir(parents=True)
        room.hand_in("solved", room.solved())
        room.hand_in("blank", room.released())
        room.hand_in("wrong", room.answered(causal_mask=TRANSPOSED))
        room.hand_in("noisy", room.answered(causal_mask=NOISY))
        room.hand_in("cheat", cheated(room.released()))
        room.hand_in("deleted", without(room.solved(), "causal_mask", "check-causal_mask"))
        room.hand_in("bare", a_class.bare(room.solved()))
        room.hand_in("died", room.answered(causal_mask="import os\nos._exit(0)"))
        room.hand_in("broken", '{"cells": [')
        room.hand_in("stranger", room.solved(), name=f"{NAME} (1)")
        room.hand_in("again", room.solved())
        room.hand_in("a*", room.solved())
        room.home, room.release = home, room.run("release")
        room.autograde, room.feedback = room.run("autograde"), room.run("feedback")
        yield room


@pytest.mark.parametrize(
    ("student", "points"),
    {
        "solved": FULL,
        "blank": NOTHING,
        "wrong": FULL | {"causal_mask": 0},
        "noisy": FULL,
        "cheat": NOTHING,
        "deleted": FULL | {"causal_mask": 0},
        "bare": FULL,
        "died": NOTHING,
        "broken": NOTHING,
        "stranger": NOTHING,
    }.items(),
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_submission_gets_the_points_of_the_exercises_it_solves(room, student, points):
    """Trap 4 is `noisy`: nbgrader gives nothing for a cell that wrote to stderr."""
    assert room.scores(student) == points


@pytest.mark.parametrize(
    ("student", "line"),
    {
        "solved": f"solved {NAME} 5/5",
        "wrong": f"wrong {NAME} 3/5 not passed: causal_mask",
        "blank": f"blank {NAME} 0/5 not passed: causal_mask, gelu_exact",
        "died": f"died {NAME} 0/5 not graded: DeadKernelError: Kernel died",
        "broken": f"broken {NAME} 0/5 is not a readable notebook (line 1: Expecting value)",
        "stranger": f"stranger {NAME} 0/5 not handed in; stranger {NAME} (1).ipynb: no notebook of this part",
    }.items(),
    ids=lambda value: value.split()[0],
)
def test_autograde_says_one_plain_line_about_each_notebook(room, student, line):
    said = [text for text in room.autograde.stdout.splitlines() if text.startswith(f"{student} ")]

    assert "; ".join(said) == line


def test_autograde_ends_by_saying_how_many_failed_and_where_the_log_is(room):
    log = room.root / ".nbgrader" / "log.txt"

    assert room.autograde.stderr == f"nbgrader could not grade 1 notebook; the log is {log}.\n"
    assert room.autograde.returncode == 1


def test_a_student_whose_name_is_a_pattern_is_refused_alone(room):
    assert room.autograde.stdout.startswith("a*: not graded: rename the folder")
    assert not (room.root / ".nbgrader" / "autograded" / "a*").exists()


def test_an_edited_check_cell_is_restored_in_its_place(room):
    graded = [cell["source"] for cell in room.graded("cheat")["cells"]]

    assert graded == [cell["source"] for cell in room.released()["cells"]]


def test_check_cells_run_and_leave_no_value(room):
    """Trap 5: nbgrader reads a number as the last value of a check cell as partial credit."""
    cells = [cell for cell in room.graded("solved")["cells"] if cell["source"].startswith("checks.run")]

    assert [[output["output_type"] for output in cell["outputs"]] for cell in cells] == [["stream"], ["stream"]]


def test_no_source_reaches_the_release(room):
    """Trap 1: nbgrader copies every other file of the source folder unless it is told not to."""
    files = [path.name for path in (room.root / ".nbgrader" / "release").rglob("*") if path.is_file()]

    assert files == [f"{NAME}.ipynb"]


def test_no_source_lies_beside_a_graded_notebook(room):
    """Trap 1 again: autograding copies the same files next to the submission, where its code can read them."""
    assert not list((room.root / ".nbgrader" / "autograded").rglob("*.py"))


def test_there_is_no_configuration_file(room):
    """Trap 6: nbgrader would like one in the root."""
    assert {path.name for path in room.root.iterdir()} == {".nbgrader", "exercises", "solutions", "workspace"}


def test_cells_for_the_solutions_alone_are_not_released(room):
    """Trap 8: nbgrader itself can only empty a cell."""
    released = (room.root / ".nbgrader" / "release" / PART / f"{NAME}.ipynb").read_text(encoding="utf-8")

    assert "only the teacher" not in released and "The diagonal moves" not in released


def test_release_leaves_the_built_notebooks_alone(room):
    assert build(room.root, check=True) == []


def test_release_says_what_is_in_the_gradebook_and_nothing_else(room):
    first, second = room.release.stdout.splitlines()

    assert first == f"{PART}: 1 notebook, 2 exercises, 5 points."
    assert second.startswith(f"Learners open exercises/{PART}/.")
    assert (room.release.stderr, room.release.returncode) == ("", 0)


def test_feedback_holds_the_check_s_message(room):
    page = room.root / ".nbgrader" / "feedback" / "wrong" / PART / f"{NAME}.html"

    assert "the mask is transposed" in page.read_text(encoding="utf-8")
    assert f"wrong {page.parent}" in room.feedback.stdout
    assert (room.feedback.stderr, room.feedback.returncode) == ("", 0)


def test_a_later_submission_replaces_the_score_of_an_earlier_one(room, tmp_path):
    earlier = room.scores("again")
    later = tmp_path / "again" / PART / f"{NAME}.ipynb"
    later.parent.mkdir(parents=True)
    later.write_text("no longer a notebook", encoding="utf-8")

    nbgrader.autograde(room.root, PART, tmp_path)

    assert (earlier, room.scores("again")) == (FULL, NOTHING)


def test_nothing_is_written_outside_the_course(room):
    assert list(room.home.rglob("*")) == []


def test_grading_leaves_no_progress_in_a_workspace(room):
    assert list((room.root / "workspace").rglob("*")) == [room.root / "workspace" / ".hookpoint"]


def test_kernels_run_on_this_interpreter(room):
    spec = json.loads((room.root / ".nbgrader/jupyter/kernels/python3/kernel.json").read_text(encoding="utf-8"))

    assert spec["argv"][0] == sys.executable


@pytest.fixture
def fresh(tmp_path, monkeypatch, a_class):
    """A course of which nothing is released."""
    a_class.isolated(monkeypatch, tmp_path / "home")
    return a_class.Classroom.with_source(tmp_path / "course")


@pytest.mark.parametrize("command", [nbgrader.release, nbgrader.autograde, nbgrader.feedback])
def test_an_installed_wheel_is_told_that_it_has_no_sources(fresh, command):
    shutil.rmtree(fresh.root / "solutions")

    with pytest.raises(UsageError, match="run this in a checkout"):
        command(fresh.root)


def test_an_unknown_part_brings_the_nearest(fresh):
    with pytest.raises(UsageError, match=f"no part `part1_build_gpt3`. Did you mean `{PART}`?"):
        nbgrader.release(fresh.root, "part1_build_gpt3")


def test_a_folder_that_nbgrader_reads_as_a_pattern_is_refused(tmp_path, a_class):
    """The pattern would match nothing, and so would the one that keeps sources out of the release."""
    room = a_class.Classroom.with_source(tmp_path / "course [2026]")

    with pytest.raises(UsageError, match="rename the folder"):
        nbgrader.release(room.root)


def test_a_state_folder_that_cannot_be_written_is_named(fresh):
    (fresh.root / ".nbgrader").write_text("a file in its place", encoding="utf-8")

    with pytest.raises(HookpointError, match="nbgrader needs to write in .*: "):
        nbgrader.release(fresh.root)


def test_without_nbgrader_the_command_to_install_it_is_named(fresh, monkeypatch):
    monkeypatch.setitem(sys.modules, "nbgrader", None)

    with pytest.raises(HookpointError, match=r'pip install "hookpoint\[grade\]"'):
        nbgrader.release(fresh.root)


def test_stale_notebooks_are_not_released(fresh):
    source = fresh.root / "solutions" / PART / f"{NAME}.py"
    source.write_text(source.read_text(encoding="utf-8").replace("a query see", "a query reach"), encoding="utf-8")

    with pytest.raises(HookpointError, match="Run `hookpoint build`"):
        nbgrader.release(fresh.root)


def test_autograde_before_release_says_what_to_run(fresh):
    fresh.hand_in("ada", fresh.solved())

    with pytest.raises(UsageError, match=f"hookpoint nbgrader release {PART}"):
        nbgrader.autograde(fresh.root)


def test_a_release_that_differs_from_the_built_notebooks_is_an_error(fresh, monkeypatch):
    monkeypatch.setattr(
        "hookpoint.grading.nbgrader_course.drop_solution_only", lambda notebook, resources: (notebook, resources)
    )

    with pytest.raises(HookpointError, match="is not what nbgrader would release: the id of cell"):
        nbgrader.release(fresh.root)


def test_exercises_cannot_go_once_submissions_are_graded(fresh):
    nbgrader.release(fresh.root)
    fresh.hand_in("ada", "no notebook")
    nbgrader.autograde(fresh.root)
    source = fresh.root / "solutions" / PART / f"{NAME}.py"
    text = source.read_text(encoding="utf-8")
    source.write_text(text[: text.index("# %% [markdown]\n# ## Exercise: `gelu_exact`")], encoding="utf-8")
    build(fresh.root)

    with pytest.raises(
        HookpointError, match="Cannot add or remove cells.* To begin the class again, move .nbgrader/ away"
    ):
        nbgrader.release(fresh.root)


def test_what_a_host_may_run_next_is_said_when_nothing_is_there(room, tmp_path):
    with pytest.raises(UsageError, match="There are no submissions: put each into"):
        nbgrader.autograde(room.root, PART, tmp_path)


def test_the_adapter_is_imported_without_nbgrader():
    heavy = "{'nbgrader', 'nbconvert', 'torch', 'traitlets'} & set(sys.modules)"
    command = [sys.executable, "-c", f"import sys, hookpoint.grading.nbgrader; print({heavy})"]

    assert subprocess.run(command, capture_output=True, text=True).stdout == "set()\n"
