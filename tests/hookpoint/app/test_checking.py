"""A check in a process of its own."""

import sys
import time

import pytest

from hookpoint.app.checking import Check


def check(folder, code: str, deadline: float = 20.0) -> Check:
    return Check(folder, "causal_mask", deadline, command=(sys.executable, "-c", code))


def finished(folder, code: str, deadline: float = 20.0) -> Check:
    running = check(folder, code, deadline)
    running.join(30)
    assert not running.running
    return running


def test_a_verdict_leaves_no_trouble(tmp_path):
    assert finished(tmp_path, "print('[{\"verdicts\": [{}]}]')").trouble == ""


def test_it_runs_in_the_workspace_and_is_asked_for_one_exercise_as_json(tmp_path):
    finished(tmp_path, "import os, sys; open('seen', 'w').write(' '.join(sys.argv[1:]))")

    assert (tmp_path / "seen").read_text() == "causal_mask --json"


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import sys; sys.exit('There is no cell.\\n  Reset it.')", "There is no cell.\n  Reset it."),
        ("raise ValueError('ours')", "ValueError: ours"),
        ("import os; os._exit(0)", "ended without an answer"),
        ("print('[{}]')", "ended without an answer"),
    ],
    ids=["a message", "a traceback", "silence", "no verdict"],
)
def test_without_a_verdict_the_reason_is_told(tmp_path, code, says):
    assert says in finished(tmp_path, code).trouble


def test_an_endless_loop_is_ended_at_the_deadline(tmp_path):
    done = finished(tmp_path, "while True: pass", deadline=0.5)

    assert "stopped after 0.5 s" in done.trouble and 0.4 < done.seconds < 10


def test_stop_ends_it_at_once(tmp_path):
    running = check(tmp_path, "while True: pass")

    running.stop()

    assert not running.running and "nothing was recorded" in running.trouble


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_what_the_learners_code_started_ends_with_it(tmp_path):
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open('pid', 'w').write(str(child.pid)); time.sleep(600)"
    )
    running = check(tmp_path, code)
    pid = int(wait_for(tmp_path / "pid"))

    running.stop()

    assert ends(pid)


def wait_for(path, seconds: float = 20.0) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not (path.exists() and path.read_text()):
        time.sleep(0.02)
    return path.read_text()


def ends(pid: int, seconds: float = 5.0) -> bool:
    """Whether the process is over, or waits only for its parent to notice."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.02)
    return False
