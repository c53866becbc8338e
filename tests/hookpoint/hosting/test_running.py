"""One server at a time serves a folder, and a process is kept alive."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from hookpoint.errors import UsageError
from hookpoint.hosting import keeper
from hookpoint.hosting.folder import EventFolder
from hookpoint.hosting.keeper import Keeper
from hookpoint.hosting.running import Running, only_one, running

ONE = Running(os.getpid(), ("http://192.168.0.12:8000",))


@pytest.fixture
def folder(tmp_path):
    return EventFolder(tmp_path)


def until(true, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


# One at a time


def test_where_it_runs_is_known_while_it_runs_and_not_after(folder):
    assert running(folder) is None
    with only_one(folder) as answers:
        answers(ONE)
        assert running(folder) == ONE
    assert running(folder) is None


def test_a_second_one_is_refused_and_told_where_the_first_is(folder):
    with only_one(folder) as answers:
        answers(ONE)
        with pytest.raises(UsageError, match="served already at http://192.168.0.12:8000"), only_one(folder):
            pass
        assert running(folder) == ONE


def test_whoever_was_killed_keeps_nobody_out(folder):
    code = (
        "import pathlib, sys, time\nfrom hookpoint.hosting.folder import EventFolder\n"
        "from hookpoint.hosting.running import Running, only_one\n"
        "with only_one(EventFolder(pathlib.Path(sys.argv[1]))) as answers:\n"
        "    answers(Running(1, ('http://x:1',)))\n    print(flush=True)\n    time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(folder.path)], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert running(folder) == Running(1, ("http://x:1",))
        process.kill()

    assert running(folder) is None
    with only_one(folder):
        pass


# Kept alive


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """`kept(code)`: a keeper of a Python process, whose pauses are short."""
    monkeypatch.setattr(keeper, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(keeper, "LONGEST_PAUSE", 0.05)
    with contextlib.ExitStack() as stack:

        def make(code: str, told=lambda line: None) -> Keeper:
            command = [sys.executable, "-c", code]
            return stack.enter_context(Keeper("It", command, tmp_path / "it.log", {"GIVEN": "1"}, told))

        yield make


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_process_that_is_killed_starts_again_and_it_is_told(kept):
    told = []
    one = kept("import time; time.sleep(60)", told.append)
    until(lambda: one.pid)
    first = one.pid

    os.kill(first, signal.SIGKILL)

    until(lambda: one.pid not in (None, first))
    assert len(told) == 1 and "was ended by signal 9" in told[0]


def test_with_the_keeper_its_process_ends(kept):
    one = kept("import time; time.sleep(60)")
    until(lambda: one.pid)
    pid = one.pid

    one.end()

    assert gone(pid) and one.pid is None


DEAF = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\ntime.sleep(60)"


def test_one_that_does_not_listen_is_killed_after_a_while(kept, tmp_path, monkeypatch):
    monkeypatch.setattr(keeper, "PATIENCE", 0.2)
    one = kept(DEAF)
    until(lambda: (tmp_path / "it.log").exists() and (tmp_path / "it.log").read_text())
    pid = one.pid

    one.end()

    until(lambda: gone(pid))


def test_who_is_in_a_hurry_need_not_wait_for_it(kept, tmp_path):
    one = kept(DEAF)
    until(lambda: (tmp_path / "it.log").exists() and (tmp_path / "it.log").read_text())
    pid, began = one.pid, time.monotonic()

    hurry = threading.Timer(0.2, one.kill)
    hurry.start()
    one.end()

    assert gone(pid) and time.monotonic() - began < keeper.PATIENCE / 2


def test_one_that_goes_on_dying_is_told_more_and_more_seldom(kept):
    told = []
    one = kept("raise SystemExit(3)", told.append)

    until(lambda: one.deaths >= 9)
    one.end()

    assert 4 <= len(told) <= 5 and all("exit code 3" in line for line in told)


def test_what_it_says_and_is_given(kept, tmp_path):
    one = kept("import os; print(os.environ['GIVEN'], flush=True); import time; time.sleep(60)")

    until(lambda: (tmp_path / "it.log").exists() and (tmp_path / "it.log").read_text() == "1\n")
    one.end()


def test_one_that_cannot_be_started_does_not_take_the_server_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr(keeper, "FIRST_PAUSE", 0.01)
    told = []
    with Keeper("It", ["/no/such/program"], tmp_path / "it.log", told=told.append) as one:
        until(lambda: one.deaths >= 2)

    assert "could not be started" in told[0]


def test_one_that_is_to_start_later_does_so_and_never_if_all_ends_before(tmp_path):
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with Keeper("It", command, tmp_path / "it.log", after=0.3) as one:
        assert one.pid is None
        until(lambda: one.pid)
    began = time.monotonic()
    with Keeper("It", command, tmp_path / "it.log", after=60.0) as one:
        pass

    assert one.pid is None and one._process is None and time.monotonic() - began < 10


def test_the_pipe_closes_when_the_keeper_s_process_is_killed(tmp_path):
    """A grader reads its end: so it goes too, however its server went."""
    inner = "import os, sys; print(os.getpid(), flush=True); sys.stdin.read()"
    outer = (
        "import pathlib, sys, time\nfrom hookpoint.hosting.keeper import Keeper\n"
        f"with Keeper('It', [sys.executable, '-c', {inner!r}], pathlib.Path(sys.argv[1])):\n    time.sleep(60)"
    )
    log = tmp_path / "it.log"
    with subprocess.Popen([sys.executable, "-c", outer, str(log)]) as process:
        until(lambda: log.exists() and log.read_text())
        process.kill()

    until(lambda: gone(int(log.read_text())))
