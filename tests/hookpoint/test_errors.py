"""Errors are messages for a person, wherever they are shown."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from hookpoint.errors import AuthoringError, CheckFailed, HookpointError, UsageError

FIRST = AuthoringError(Path("a.py"), 3, "This is wrong.", "Mend it.")
SECOND = AuthoringError(Path("a.py"), 1, "That is wrong.", "Mend that.")


def test_the_message_is_whole_in_the_error():
    assert HookpointError("All of it.").args == ("All of it.",)
    assert str(FIRST) == "a.py:3: This is wrong.\n  Mend it."


@pytest.mark.parametrize(("error", "code"), [(CheckFailed, 1), (HookpointError, 1), (UsageError, 2)])
def test_each_error_says_how_a_command_ends(error, code):
    assert error("x").exit_code == code


def test_a_failed_check_fails_a_test():
    assert issubclass(CheckFailed, AssertionError)


def test_gathered_problems_are_told_in_order():
    error = AuthoringError.gathered([FIRST, SECOND])

    assert str(error) == f"{SECOND}\n{FIRST}\n2 problems."
    assert error.problems == (SECOND, FIRST)


def test_a_single_problem_is_told_as_it_is():
    assert str(AuthoringError.gathered([FIRST])) == str(FIRST)


def test_a_file_below_the_current_folder_is_named_from_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert str(AuthoringError(tmp_path / "sub" / "a.py", 3, "What.", "Mend.")).startswith("sub/a.py:3: ")


@pytest.mark.parametrize("error", [FIRST, AuthoringError.gathered([FIRST, SECOND]), UsageError("x"), CheckFailed("y")])
def test_an_error_comes_back_whole_from_a_worker_process(error):
    back = pickle.loads(pickle.dumps(error))

    assert (type(back), str(back)) == (type(error), str(error))
    assert len(getattr(back, "problems", ())) == len(getattr(error, "problems", ()))


def test_a_notebook_shows_the_message_and_no_traceback():
    code = "from hookpoint.errors import CheckFailed; raise CheckFailed('Only this.')"

    done = subprocess.run([sys.executable, "-m", "IPython", "--no-banner", "-c", code], capture_output=True, text=True)

    assert "Only this." in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr and "raise" not in done.stdout + done.stderr
