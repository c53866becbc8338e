"""Grading without an end: each that is given comes back once, with its own seed, whatever dies on the way."""

import contextlib
import multiprocessing
import os
import signal
import time
from multiprocessing import forkserver, resource_tracker
from pathlib import Path
from types import SimpleNamespace

import pytest

from hookpoint.grading import pool, stream
from hookpoint.grading.level import Level, probe
from hookpoint.grading.pool import Worker, grade_all
from hookpoint.grading.results import Graded
from hookpoint.grading.stream import Grading
from hookpoint.grading.submission import Handed, Refused, read_bytes

needs_sandbox = pytest.mark.skipif(not probe().enough, reason=f"needs the sandbox: {probe()}")

RIGHT = """
# %%
import torch
# %%
def causal_mask(query_len, key_len, device=None):
    behind = key_len - query_len
    return torch.ones(query_len, key_len, dtype=torch.bool, device=device).tril(behind)
"""
WRONG = RIGHT.replace(".tril(behind)", ".tril()")


def submission(source: str = RIGHT):
    return read_bytes(source.encode(), "03_attention.py")


def drain(grading, count: int, seconds: float = 60.0) -> list:
    """The next results, as soon as there are so many."""
    found, end = [], time.monotonic() + seconds
    while len(found) < count and time.monotonic() < end:
        found += grading.results(0.1)
    return found


def status(result) -> str:
    return next(graded.status for graded in result.verdicts if graded.exercise == "causal_mask")


def below() -> set[int]:
    """The processes that this one, or one of its, has started; without the helpers of multiprocessing."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found, waiting = set(), [os.getpid()]
    while waiting:
        above = waiting.pop()
        waiting += [pid for pid, parent in parents.items() if parent == above]
        found |= set(waiting)
    return found - {resource_tracker._resource_tracker._pid, forkserver._forkserver._forkserver_pid}


@needs_sandbox
def test_one_stream_serves_tasks_with_different_seeds_as_a_grading_of_files_does(tmp_path):
    path = tmp_path / "03_attention.py"
    path.write_text(WRONG)
    alone = {seed: next(grade_all([Handed(path, path.name)], probe(), seed))[1] for seed in ("one", "two")}
    with Grading(probe(), 2) as grading:
        for seed in alone:
            grading.give(seed, submission(WRONG), seed)
        assert dict(drain(grading, 2)) == alone


@needs_sandbox
def test_a_stream_loses_and_doubles_nothing_when_workers_and_zygotes_die(tmp_path):
    with Grading(probe(), 2) as grading:
        found = []
        for number in range(30):
            grading.give(number, submission(RIGHT if number % 2 else WRONG), "s")
        for _ in range(2):
            found += drain(grading, 5)
            os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
        os.kill(grading.pool.base.process.pid, signal.SIGKILL)
        found += drain(grading, 30 - len(found))
        found += drain(grading, 1, seconds=0.2)
        assert grading.waiting == 0
    assert {key: status(result) for key, result in found} == {n: "passed" if n % 2 else "failed" for n in range(30)}
    assert len(found) == 30


@needs_sandbox
def test_all_that_grades_ends_when_it_is_closed():
    before = below()
    with Grading(probe(), 1) as grading:
        grading.give("one", submission(), "s")
        assert status(drain(grading, 1)[0][1]) == "passed" and len(below() - before) >= 3
    assert below() <= before


# The order, with workers whose work is done by the test


class Bench(pool.Pool):
    """A pool whose workers are the other ends of their links: `ends`."""

    def start(self):
        return SimpleNamespace(close=lambda: None, lives=lambda: True)

    def hire(self, place: int) -> Worker:
        ours, theirs = multiprocessing.Pipe()
        self.ends = [*getattr(self, "ends", []), theirs]
        process = SimpleNamespace(kill=lambda: None, join=lambda _=None: None)
        return Worker(process, ours, place, ready=True)


@pytest.fixture
def bench(monkeypatch):
    """A stream with two such workers."""
    monkeypatch.setattr(stream, "Pool", Bench)
    with Grading(Level(), 2) as grading:
        yield grading


def handed_out(grading) -> dict[int, tuple[str, str]]:
    """What each worker has been given now: the name and the lane."""
    grading.results(0)
    said = {place: end.recv() for place, end in enumerate(grading.pool.ends) if end.poll()}
    return {place: (one.name, lane) for place, (one, lane, _) in said.items()}


def say(grading, place: int, more: bool) -> list:
    """The worker has done its job; what results come of it."""
    grading.pool.ends[place].send(([Graded(f"{more}", "passed", 1, 1)], 0.5, more))
    return grading.results(1.0)


def named(name: str):
    return read_bytes(RIGHT.encode(), "03_attention.py", name)


def test_one_of_two_workers_is_left_for_what_is_quick(bench):
    for name in "abc":
        bench.give(name, named(name), "s")
    assert handed_out(bench) == {0: ("a", "quick"), 1: ("b", "quick")}
    assert say(bench, 0, more=True) == [] and handed_out(bench) == {0: ("c", "quick")}
    assert say(bench, 1, more=True) == [] and handed_out(bench) == {1: ("a", "long")}
    assert say(bench, 0, more=False)[0][0] == "c" and handed_out(bench) == {}
    assert (bench.waiting, bench.quick) == (2, 0)

    bench.give("d", named("d"), "s")
    assert handed_out(bench) == {0: ("d", "quick")}
    ((key, result),) = say(bench, 1, more=True)
    assert (key, result.submission, result.seconds) == ("a", "a", 1.0)
    assert handed_out(bench) == {1: ("b", "long")}


def test_a_refused_one_comes_back_at_once_with_the_reason(bench):
    bench.give("a", Refused("It is not UTF-8 text."), "s")
    ((key, result),) = bench.results(60)
    assert (key, result.trouble, result.verdicts, bench.waiting) == ("a", "It is not UTF-8 text.", (), 0)
