"""Grading many submissions: the same verdicts whatever dies on the way; none lost, none doubled, nothing left."""

import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hookpoint.errors import HookpointError
from hookpoint.grading import pool
from hookpoint.grading.base import Base
from hookpoint.grading.level import probe
from hookpoint.grading.pool import grade_all
from hookpoint.grading.submission import Handed

pytestmark = pytest.mark.skipif(not probe().enough, reason=f"needs the sandbox: {probe()}")

RIGHT = """
# %%
import torch
# %%
def causal_mask(query_len, key_len, device=None):
    behind = key_len - query_len
    return torch.ones(query_len, key_len, dtype=torch.bool, device=device).tril(behind)
"""
WRONG = RIGHT.replace(".tril(behind)", ".tril()")
ENDS = RIGHT + "    import os\n# %%\nimport os\nos._exit(0)\n"


def handed(folder, *sources):
    found = []
    for number, source in enumerate(sources):
        path = folder / str(number) / "03_attention.py"
        path.parent.mkdir()
        path.write_text(source)
        found.append(Handed(path, f"{number}"))
    return found


def statuses(results, exercise="causal_mask"):
    return [
        next(graded.status for graded in result.verdicts if graded.exercise == exercise)
        for _, result in sorted(results)
    ]


def descendants(pid):
    """The process ids below this one, from the parent that each process names."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found, waiting = set(), [pid]
    while waiting:
        above = waiting.pop()
        below = {child for child, parent in parents.items() if parent == above} - found
        found |= below
        waiting += below
    return found


def zygotes():
    said = {pid: Path(f"/proc/{pid}/cmdline") for pid in descendants(os.getpid())}
    return [pid for pid, path in said.items() if path.exists() and b"sandbox.zygote" in path.read_bytes()]


def test_each_submission_gets_what_it_deserves_and_the_order_is_kept(tmp_path):
    files = handed(tmp_path, RIGHT, WRONG, "# nothing", ENDS, RIGHT)
    results = list(grade_all(files, probe(), "a seed", workers=2))
    assert [result.submission for _, result in sorted(results)] == ["0", "1", "2", "3", "4"]
    assert statuses(results) == ["passed", "failed", "missing", "passed", "passed"]
    (wrong,) = [graded for graded in sorted(results)[1][1].verdicts if graded.exercise == "causal_mask"]
    assert wrong.slip and wrong.points == 0


def test_a_regrade_is_a_replay(tmp_path):
    files = handed(tmp_path, RIGHT, WRONG)
    first = [result for _, result in sorted(grade_all(files, probe(), "one", workers=1))]
    again = [result for _, result in sorted(grade_all(files, probe(), "one", workers=2))]
    other = [result for _, result in sorted(grade_all(files, probe(), "two", workers=1))]
    assert first == again
    assert first != other and [result.score for result in first] == [result.score for result in other]


def test_200_submissions_survive_the_death_of_a_worker_and_of_a_zygote(tmp_path):
    files = handed(tmp_path, *([RIGHT, WRONG] * 100))
    results = []
    for one in grade_all(files, probe(), "a seed", workers=2):
        results.append(one)
        if len(results) == 40:
            os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
        if len(results) == 120:
            os.kill(zygotes()[0], signal.SIGKILL)
    assert sorted(at for at, _ in results) == list(range(200))
    assert statuses(results) == ["passed", "failed"] * 100
    assert not any(result.trouble for _, result in results)


@pytest.mark.parametrize(("ends", "comes_up"), [(2, True), (3, False)])
def test_a_sandbox_that_ends_while_it_starts_is_started_again_up_to_a_point(ends, comes_up, tmp_path, monkeypatch):
    starts = []

    class Shaky(Base):
        def up(self):
            starts.append(self)
            if len(starts) > ends:
                return super().up()
            self.process.kill()
            return False

    monkeypatch.setattr(pool, "Base", Shaky)
    grading = grade_all(handed(tmp_path, RIGHT), probe(), "a seed", workers=1)
    with contextlib.nullcontext() if comes_up else pytest.raises(HookpointError, match="did not start"):
        assert statuses(grading) == ["passed"]


def test_the_one_who_hands_out_loads_no_torch():
    code = "import sys, hookpoint.grading.pool, hookpoint.commands.grading; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_is_left_behind(tmp_path):
    before = descendants(os.getpid())
    list(grade_all(handed(tmp_path, RIGHT, ENDS), probe(), "a seed", workers=1))
    assert descendants(os.getpid()) - before <= pythons_own()


def test_the_death_of_the_one_who_hands_out_ends_all(tmp_path):
    """kill -9 of the command itself: its workers, zygotes and runs end, though nobody tells them to."""
    (path,) = [one.path for one in handed(tmp_path, RIGHT + "    while True: pass\n")]
    path.write_text(path.read_text().replace("    behind", "    while True: pass\n    behind"))
    command = [sys.executable, "-m", "hookpoint", "grade", str(path), "--workers", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    below = wait_for(lambda: len(found := descendants(process.pid)) >= 4 and found)
    process.kill()
    process.wait()
    wait_for(lambda: not any(alive(pid) for pid in below))


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition, seconds=60):
    import time

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError("it did not happen")


def pythons_own():
    """The helper processes of multiprocessing, which stay until the interpreter ends; workers are forked from one."""
    from multiprocessing import forkserver, resource_tracker

    return {resource_tracker._resource_tracker._pid, forkserver._forkserver._forkserver_pid}


def test_the_command_prints_json_and_keeps_its_table(tmp_path):
    files = handed(tmp_path, RIGHT, "# nothing")
    broken = tmp_path / "broken.ipynb"
    broken.write_text("{")
    command = [sys.executable, "-m", "hookpoint", "grade", *(str(one.path) for one in files), str(broken)]
    table = tmp_path / "scores.csv"
    done = subprocess.run([*command, "--json", "--csv", str(table), "--seed", "s"], capture_output=True, text=True)
    first, second, third = json.loads(done.stdout)
    assert (first["score"], second["score"]) == (1, 0) and first["max_score"] == second["max_score"] > 1
    assert "no JSON" in third["trouble"] and third["verdicts"] == []
    assert done.returncode == 1 and "Sandbox: Landlock" in done.stderr
    rows = table.read_text().splitlines()
    assert len(rows) == 4 and rows[1].split(",")[4] == "passed"
