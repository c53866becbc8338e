"""`hookpoint verify` over the whole course: the claim that its checks can be trusted, recomputed."""

import subprocess
import sys
from pathlib import Path

import pytest

from hookpoint.content.course import course

ROOT = Path(__file__).parents[3]


def verify(*arguments, cwd=ROOT):
    command = [sys.executable, "-m", "hookpoint", "verify", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=1800)


@pytest.mark.slow
def test_every_check_of_the_course_can_be_trusted():
    done = verify("--seeds", "1", "--jobs", "2")  # one seed: by itself the command takes two, and twice as long
    count = len(course().exercises)
    assert f"{count} of {count} exercises hold." in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0


def test_an_unknown_exercise_ends_with_a_suggestion():
    done = verify("casual_mask")
    assert done.returncode == 2 and "Did you mean `causal_mask`?" in done.stderr and "Traceback" not in done.stderr
