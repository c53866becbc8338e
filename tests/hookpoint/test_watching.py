"""`hookpoint watch`: what is saved is checked, once, and nothing that the answer does ends the watch."""

import os
import signal
import subprocess
import sys

import pytest

from hookpoint import checks
from hookpoint.checks.child import Nursery
from hookpoint.commands.watching import watch
from hookpoint.content.execute import run_cells

pytestmark = pytest.mark.usefixtures("judged")


def in_process(exercise, cells):
    return checks.judge(exercise.id, checks.InProcess(run_cells(cells).names))


@pytest.fixture
def watched(workspace):
    """Watch while a learner does these things, one between each two ticks; gives back what was said at each tick."""

    def during(*actions, judge=in_process) -> list[str]:
        said = [""]

        def ticks():
            for action in actions:
                said.append("")
                action()
                yield

        def say(text):
            said[-1] += text + "\n"

        watch(workspace.path, judge, ticks(), say)
        return said

    return during


def test_it_starts_with_the_next_step(watched):
    assert watched()[0].startswith("Next: `double`")


def test_a_saved_answer_is_checked_and_the_next_exercise_named(workspace, watched):
    (_, said) = watched(lambda: workspace.solve("double"))

    assert "passed: `double`" in said and "Next: `scale`" in said


def test_a_failure_is_said_in_full(workspace, watched):
    (_, said) = watched(lambda: workspace.edit("01_first", "double", "def double(x):\n    return x + 3"))

    assert "exactly what you get when three is added" in said


def test_only_the_answer_that_changed_is_checked(workspace, watched):
    _, first, second = watched(lambda: workspace.solve("double"), lambda: workspace.solve("scale"))

    assert "`scale`: " not in first and "double: checking" not in second and "scale: checking" in second


def test_a_save_that_changes_no_answer_says_nothing(workspace, watched):
    assert watched(lambda: workspace.add("01_first", "x = 1"), lambda: None)[1:] == ["", ""]


def test_answers_that_were_there_before_are_not_checked(workspace, watched):
    workspace.solve("double")

    assert "checking" not in "".join(watched(lambda: None))


def test_a_notebook_that_is_broken_for_a_moment_is_told_and_picked_up_again(workspace, watched):
    good = workspace.notebook("01_first").read_text()

    def breaks():
        workspace.notebook("01_first").write_text("{")

    def mends():
        workspace.notebook("01_first").write_text(good)
        workspace.solve("double")

    _, broken, same, mended = watched(breaks, lambda: None, mends)

    assert "not a readable notebook" in broken and same == "" and "passed: `double`" in mended


def test_a_notebook_that_vanishes_while_it_is_saved_is_waited_for(workspace, watched):
    path = workspace.notebook("01_first")
    away = path.with_suffix(".away")

    def returns():
        os.rename(away, path)
        workspace.solve("double")

    assert "passed: `double`" in watched(lambda: os.rename(path, away), returns)[2]


def test_neither_an_endless_loop_nor_an_exit_ends_it(workspace, watched):
    def saves(body):
        return lambda: workspace.edit("01_first", "double", f"import os\ndef double(x):\n    {body}")

    with Nursery(limit=0.5) as nursery:

        def judge(exercise, cells):
            with nursery.submission(cells) as link:
                return checks.judge(exercise.id, link)

        _, loop, left, right = watched(
            saves("while True: pass"), saves("os._exit(0)"), saves("return 2 * x"), judge=judge
        )

    assert "did not come back" in loop and "ended the Python process" in left and "passed: `double`" in right


def test_ctrl_c_in_the_terminal_ends_it_without_a_traceback(workspace, tmp_path):
    command = [sys.executable, "-m", "hookpoint", "watch"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    process = subprocess.Popen(command, cwd=tmp_path, start_new_session=True, **pipes)
    lines = [process.stdout.readline() for _ in range(2)]

    os.killpg(process.pid, signal.SIGINT)  # A terminal sends it to everyone in the group.
    said, _ = process.communicate(timeout=30)

    assert lines[0].startswith("Watching") and lines[1].startswith("Next: `double`")
    assert process.returncode == 0 and said == "\nStopped.\n"
