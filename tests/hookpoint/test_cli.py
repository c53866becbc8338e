"""The learner's commands, run on the small course; what they print and how they exit."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from hookpoint.cli import main
from hookpoint.errors import UsageError


@pytest.fixture
def hookpoint(monkeypatch):
    """Run a command in this process."""
    return lambda *args: CliRunner().invoke(main, args)


def run(*args: str, cwd=None) -> subprocess.CompletedProcess:
    """Run a command as a person does."""
    return subprocess.run([sys.executable, "-m", "hookpoint", *args], capture_output=True, text=True, cwd=cwd)


# Where one stands


def test_bare_hookpoint_without_a_workspace_names_the_first_step(release, tmp_path, monkeypatch, hookpoint):
    monkeypatch.chdir(tmp_path)

    done = hookpoint()

    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1].startswith("Next: `hookpoint start`")


def test_bare_hookpoint_shows_all_exercises_and_one_next_step(workspace, hookpoint):
    lines = hookpoint().stdout.splitlines()

    assert [line.split()[0] for line in lines if line.startswith("  ")] == ["double", "scale", "triple"]
    assert lines[-2] == "0 of 3 exercises passed, 0 of 6 points"
    assert lines[-1] == "Next: `double` (10 minutes, 2 points) in workspace/part1_small/01_first.ipynb"


def test_the_next_step_moves_on_after_a_pass(workspace, judged, hookpoint):
    workspace.solve("double")
    hookpoint("check", "double")

    assert "Next: `scale`" in hookpoint("status").stdout


def test_a_cell_that_changed_after_its_pass_is_said_to_have_changed(workspace, judged, hookpoint):
    workspace.solve("double")
    hookpoint("check", "double")
    workspace.edit("01_first", "double", "def double(x):\n    return 7")

    assert "passed earlier; your cell has changed since\n" in hookpoint("status").stdout
    hookpoint("check", "double")
    assert "passed earlier; your cell has changed since and fails\n" in hookpoint("status").stdout


def test_status_as_json_is_json_alone(workspace, judged, hookpoint):
    workspace.solve("double")
    hookpoint("check", "double")

    rows = {row["exercise"]: row for row in json.loads(hookpoint("status", "--json").stdout)}

    assert (rows["double"]["standing"], rows["double"]["points"]) == ("passed", 2)
    assert (rows["scale"]["standing"], rows["scale"]["points"], rows["scale"]["max_points"]) == ("open", 0, 3)


# Checking


def test_check_of_a_right_answer_passes_and_names_the_next(workspace, judged, hookpoint):
    workspace.solve("double")

    done = hookpoint("check", "double")

    assert done.exit_code == 0
    assert done.stdout.startswith("passed: `double`, 2 points") and "Next: `scale`" in done.stdout


def test_check_of_a_slip_gives_the_whole_message(workspace, judged, hookpoint):
    workspace.edit("01_first", "double", "def double(x):\n    return x + 3")

    done = hookpoint("check", "double")

    assert done.exit_code == 1
    assert "exactly what you get when three is added" in done.stdout
    assert "Next: hookpoint hint double" in done.stdout


def test_check_of_a_stub_says_that_it_is_not_written(workspace, judged, hookpoint):
    done = hookpoint("check", "double")

    assert done.exit_code == 1 and "double is not written yet" in done.stdout


def test_check_of_a_cell_that_does_not_run_says_why(workspace, judged, hookpoint):
    workspace.edit("01_first", "double", "def double(x)\n    return x")

    done = hookpoint("check", "double")

    assert done.exit_code == 1 and "expected ':' (line 1 of the cell)" in done.stdout


def test_check_of_all_has_a_line_for_each_answer_and_none_for_stubs(workspace, judged, hookpoint):
    workspace.solve("double")
    workspace.edit("02_second", "triple", "def triple(x):\n    return 0")

    done = hookpoint("check")

    assert done.exit_code == 1
    assert [line.split() for line in done.stdout.splitlines()[:2]] == [
        ["passed", "double", "2/2"],
        ["failed", "triple", "0/1"],
    ]
    assert "scale" not in done.stdout and "Next: hookpoint hint triple" in done.stdout


def test_check_with_nothing_written_is_no_failure(workspace, hookpoint):
    done = hookpoint("check")

    assert done.exit_code == 0 and "every answer is still a stub" in done.stdout


def test_check_as_json_has_one_object_for_each_notebook(workspace, judged, hookpoint):
    workspace.solve("double")
    workspace.edit("02_second", "triple", "def triple(x):\n    return 0")

    done = hookpoint("check", "--json")

    first, second = json.loads(done.stdout)
    assert (first["submission"], first["score"], first["max_score"]) == ("part1_small/01_first.ipynb", 2, 5)
    assert [(v["exercise"], v["status"]) for v in first["verdicts"]] == [("double", "passed"), ("scale", "missing")]
    assert set(second["verdicts"][0]) == {"exercise", "status", "points", "max_points", "slip", "message"}
    assert done.exit_code == 1


def test_check_of_one_as_json_is_that_notebook_and_that_verdict(workspace, judged, hookpoint):
    workspace.edit("01_first", "double", "def double(x):\n    return x + 3")

    (report,) = json.loads(hookpoint("check", "double", "--json").stdout)

    assert [(v["exercise"], v["slip"]) for v in report["verdicts"]] == [("double", "adds_two")]


def test_one_broken_notebook_costs_the_others_nothing(workspace, judged, hookpoint):
    workspace.solve("double")
    workspace.notebook("02_second").write_text("{")

    done = hookpoint("check")

    assert done.exit_code == 1
    assert "passed" in done.stdout and "02_second.ipynb is not a readable notebook" in done.stderr


def test_a_checked_answer_is_recorded(workspace, judged, hookpoint):
    workspace.solve("double")
    hookpoint("check")

    record = json.loads((workspace.path / ".hookpoint" / "progress" / "double.json").read_text())
    assert (record["status"], record["points"], record["attempts"]) == ("passed", 2, 1)
    assert not (workspace.path / ".hookpoint" / "progress" / "scale.json").exists()


# Hints


def test_hints_open_one_after_the_other(workspace, hookpoint):
    texts = [hookpoint("hint", "double").stdout for _ in range(4)]

    assert ["rung 1." in texts[0], "rung 2." in texts[1], "rung 3." in texts[2], "rung 3." in texts[3]] == [True] * 4
    assert "hookpoint hint double 2" in texts[0] and "More:" not in texts[2]


def test_a_rung_can_be_asked_for_and_is_remembered(workspace, hookpoint):
    assert "rung 2." in hookpoint("hint", "double", "2").stdout
    assert "rung 3." in hookpoint("hint", "double").stdout


def test_hints_work_without_a_workspace(release, tmp_path, monkeypatch, hookpoint):
    monkeypatch.chdir(tmp_path)

    assert "rung 1." in hookpoint("hint", "double").stdout


# Files


def test_start_copies_the_notebooks_and_a_second_time_leaves_them(release, tmp_path, monkeypatch, hookpoint):
    monkeypatch.chdir(tmp_path)

    first, second = hookpoint("start", "--files-only"), hookpoint("start", "--files-only")

    assert "notebooks copied: 2" in first.stdout and "all notebooks are there" in second.stdout
    assert (tmp_path / "workspace" / "part1_small" / "01_first.ipynb").exists()


def test_start_without_jupyter_says_what_to_install(release, tmp_path, monkeypatch, hookpoint):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hookpoint.commands.serving.importlib.util.find_spec", lambda name: None)

    done = hookpoint("start")

    assert done.exit_code == 1
    assert "jupyterlab and streamlit" in done.stderr and "pip install 'hookpoint[learn]'" in done.stderr


def test_reset_says_where_the_old_cell_is(workspace, small, hookpoint):
    workspace.solve("double")

    done = hookpoint("reset", "double")

    assert done.exit_code == 0 and ".hookpoint/backups/double-" in done.stdout
    assert small.stubs["double"] in workspace.sources("01_first")


def test_update_tells_what_it_did_to_each_notebook(workspace, release, small, hookpoint):
    release("02_second", [small.cell("prose", "# 02 · Better"), *small.exercise("triple", minutes=5, points=1)])

    done = hookpoint("update")

    assert done.exit_code == 0
    assert "current" in done.stdout.splitlines()[0] and "updated" in done.stdout.splitlines()[1]
    assert "newer: 1 text" in done.stdout and "the old one is saved as" in done.stdout


# What goes wrong


@pytest.mark.parametrize("verb", ["check", "hint", "reset"])
def test_an_unknown_exercise_is_one_line_with_the_nearest(workspace, hookpoint, verb):
    done = hookpoint(verb, "dubble")

    assert done.exit_code == 2 and done.stdout == ""
    assert done.stderr == "There is no exercise `dubble`. Did you mean `double`?\n"


@pytest.mark.parametrize("args", [["check"], ["update"], ["reset", "double"], ["watch"]], ids=lambda args: args[0])
def test_without_a_workspace_the_line_says_what_makes_one(release, tmp_path, monkeypatch, hookpoint, args):
    monkeypatch.chdir(tmp_path)

    done = hookpoint(*args)

    assert done.exit_code == 2 and "hookpoint start" in done.stderr and done.stdout == ""


def test_a_hint_that_is_not_there_is_a_usage_error(workspace, hookpoint):
    done = hookpoint("hint", "double", "4")

    assert done.exit_code == 2 and "hints 1 to 3" in done.stderr


def test_a_mistyped_command_gets_the_nearest(hookpoint):
    done = hookpoint("chek")

    assert done.exit_code == 2 and "Did you mean `check`?" in done.stderr


def test_author_commands_outside_a_checkout_say_so(release, tmp_path, monkeypatch, hookpoint):
    monkeypatch.chdir(tmp_path)

    for args in (["build"], ["new", "part1_small", "03_third"], ["verify"]):
        done = hookpoint(*args)
        assert done.exit_code == 2 and "no folder solutions/" in done.stderr


def test_debug_shows_where_an_error_comes_from(workspace, hookpoint):
    assert isinstance(hookpoint("--debug", "check", "dubble").exception, UsageError)


def test_a_defect_of_ours_is_a_line_that_says_so(workspace, hookpoint, monkeypatch):
    monkeypatch.setattr("hookpoint.commands.overview.rows", lambda _: 1 / 0)

    done = hookpoint("status")

    assert done.exit_code == 1 and "A defect of hookpoint: ZeroDivisionError" in done.stderr and done.stdout == ""


# As a person runs them


def test_the_package_runs_as_a_module(workspace, tmp_path):
    done = run("status", cwd=tmp_path)

    assert done.returncode == 0 and "Next: `double`" in done.stdout and "\x1b" not in done.stdout


@pytest.mark.parametrize(
    "args",
    [[], ["status"], ["hint", "double"], ["reset", "double"], ["start", "--files-only"], ["update"]],
    ids=" ".join,
)
def test_light_commands_start_without_torch_and_at_once(workspace, tmp_path, args):
    code = (
        "import contextlib, sys, time\n"
        "from hookpoint.cli import main\n"
        f"with contextlib.suppress(SystemExit): main({args!r})\n"
        "heavy = {'torch', 'numpy', 'IPython', 'streamlit', 'rich'} & set(sys.modules)\n"
        "print(time.process_time(), *heavy)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)

    # The processor's seconds from the start of Python on: a busy machine does not add to them.
    seconds, *heavy = done.stdout.splitlines()[-1].split()
    assert float(seconds) < 0.4 and heavy == []
