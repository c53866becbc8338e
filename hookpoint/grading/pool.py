"""Grading many submissions at once: jobs, and the processes that do them. A process that dies costs time, nothing else.

This process hands out jobs and takes results; each worker has a sandbox of its own and judges. A job is one submission
in one lane; the quick ones come first. A result is taken once, from the worker that was given the job.
"""

import contextlib
import multiprocessing
import os
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from hookpoint.errors import HookpointError

from .grader import lanes, version
from .level import Level
from .results import Graded, Result
from .sandbox.scratch import empty
from .submission import Handed, Refused, Submission, read

__all__ = ["grade_all"]

JOB_SECONDS = {"quick": 180.0, "long": 600.0}  # for one job; the grader's own deadlines come long before
TRIES = 3
START_SECONDS = 180.0
MEMORY = 4 << 30  # bytes beyond what a worker begins with
UNGRADED = "It could not be graded: each of {tries} attempts ended the process that judges, or took too long."


# What became of a job: the verdicts, or None if it could not be done, and the seconds that it took.
Done = tuple[list[Graded] | None, float]


@dataclass
class Job:
    """One submission in one lane."""

    at: int
    submission: Submission
    lane: str
    tries: int = 0
    began: float = 0.0


@dataclass
class Worker:
    """A process that judges; `job` is what it is at."""

    process: Any
    link: Connection
    job: Job | None = None
    began: float = field(default_factory=time.monotonic)
    ready: bool = False


def grade_all(handed: Iterable[Handed], level: Level, seed: str, workers: int = 0) -> Iterator[tuple[int, Result]]:
    """Grades the files, and gives each result with its place among them as soon as it is there.

    Args:
        workers: how many processes judge at the same time; as many as there are cores if 0.

    Raises:
        HookpointError: the workers cannot be started.
    """
    jobs, results = [], {}
    for at, one in enumerate(handed):
        try:
            submission = read(one.path, one.name)
        except Refused as error:
            yield at, Result(one.name, "", "", version(), seed, trouble=str(error))
            continue
        split = lanes(submission)
        results[at] = Gathered(submission, seed, list(split))
        jobs += [Job(at, submission, lane) for lane in split]
    jobs.sort(key=lambda job: job.lane == "long")
    if not jobs:
        return
    with contextlib.closing(Pool(min(workers or os.cpu_count() or 1, len(jobs)), level, seed, jobs)) as pool:
        for job, done in pool.done():
            gathered = results[job.at]
            gathered.add(job.lane, *done)
            if gathered.whole:
                yield job.at, gathered.result()


class Gathered:
    """The lanes of one submission, until all are there."""

    def __init__(self, submission: Submission, seed: str, lanes: list[str]):
        self.submission, self.seed, self.waiting = submission, seed, set(lanes)
        self.verdicts: dict[str, Graded] = {}
        self.trouble, self.seconds = "", 0.0

    def add(self, lane: str, verdicts: list[Graded] | None, seconds: float) -> None:
        self.waiting.discard(lane)
        self.seconds += seconds
        if verdicts is None:
            self.trouble = UNGRADED.format(tries=TRIES)
        else:
            self.verdicts |= {one.exercise: one for one in verdicts}

    @property
    def whole(self) -> bool:
        return not self.waiting

    def result(self) -> Result:
        one, order = self.submission, [exercise.id for exercise in self.submission.notebook.exercises]
        return Result(
            one.name, one.sha256, one.notebook.name, version(), self.seed,
            tuple(self.verdicts[id] for id in order if id in self.verdicts), one.warnings, self.trouble,
            round(self.seconds, 3),
        )  # fmt: skip


class Pool:
    """The workers and the jobs that wait for one."""

    def __init__(self, count: int, level: Level, seed: str, jobs: list[Job]):
        self.level, self.seed = level, seed
        self.folder = tempfile.TemporaryDirectory(prefix="hookpoint-", ignore_cleanup_errors=True)  # of all workers
        self.waiting, self.open = deque(jobs), len(jobs)
        self.failed_starts = 0
        self.workers = [self.hire() for _ in range(count)]

    def hire(self) -> Worker:
        context = multiprocessing.get_context("spawn")  # torch must not be forked once it has used threads
        ours, theirs = context.Pipe()
        process = context.Process(
            target=work, args=(theirs, self.level, self.seed, Path(self.folder.name)), daemon=True
        )
        process.start()
        theirs.close()
        return Worker(process, ours)

    def done(self) -> Iterator[tuple[Job, Done]]:
        """The jobs as they are done."""
        while self.open:
            for worker in self.workers:
                self.employ(worker)
            links = {worker.link: worker for worker in self.workers}
            for link in wait(list(links), timeout=1.0):
                finished = self.heard(links[link])
                if finished is not None:
                    self.open -= 1
                    yield finished
            for finished in self.overdue():
                self.open -= 1
                yield finished

    def employ(self, worker: Worker) -> None:
        if worker.ready and worker.job is None and self.waiting:
            worker.job = replace(self.waiting.popleft(), began=time.monotonic())
            with contextlib.suppress(OSError):  # it has died: that is heard on its link
                worker.link.send((worker.job.submission, worker.job.lane))

    def heard(self, worker: Worker) -> tuple[Job, Done] | None:
        """What a worker says: it is ready, or done, or it has died."""
        try:
            said = worker.link.recv()
        except (EOFError, OSError):
            return self.lost(worker)
        if not worker.ready:
            if isinstance(said, str):
                raise HookpointError(said)
            worker.ready, self.failed_starts = True, 0
            return None
        job, worker.job = worker.job, None
        return job, said

    def overdue(self) -> Iterator[tuple[Job, Done]]:
        """Ends the workers that take too long; their jobs are tried again."""
        now = time.monotonic()
        for worker in list(self.workers):
            limit = JOB_SECONDS[worker.job.lane] if worker.job else START_SECONDS
            began = worker.job.began if worker.job else worker.began
            if (worker.job or not worker.ready) and now - began > limit:
                finished = self.lost(worker)
                if finished is not None:
                    yield finished

    def lost(self, worker: Worker) -> tuple[Job, Done] | None:
        """Replaces a worker. Its job goes to the front again, or is given up after some tries."""
        dismiss(worker)
        self.failed_starts += not worker.ready
        if self.failed_starts >= TRIES:
            raise HookpointError("The processes that judge end before they are ready. Is there enough memory?")
        self.workers[self.workers.index(worker)] = self.hire()
        job = worker.job
        if job is None:
            return None
        if job.tries + 1 >= TRIES:
            return job, (None, 0.0)
        self.waiting.appendleft(replace(job, tries=job.tries + 1))
        return None

    def close(self) -> None:
        for worker in self.workers:
            worker.link.close()  # a worker that waits for a job ends by itself
        for worker in self.workers:
            if worker.job is None and worker.ready:
                worker.process.join(10)
            dismiss(worker)
        with contextlib.suppress(OSError):
            empty(Path(self.folder.name))  # folders may be nested more deeply there than rmtree can go
        self.folder.cleanup()


def dismiss(worker: Worker) -> None:
    worker.link.close()
    worker.process.kill()
    worker.process.join()


def work(link: Connection, level: Level, seed: str, folder: Path) -> None:
    """A worker's whole life: a sandbox, and one job after the other."""
    import resource
    import signal

    import torch

    from .box import Box
    from .grader import ZygoteLost, grade
    from .sandbox.limits import address_space, end_with_parent

    if level.landlock:
        end_with_parent(multiprocessing.parent_process().pid)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who hands out the jobs
    torch.set_num_threads(1)
    box = None
    try:
        box = Box(level, folder)
        most = address_space() + MEMORY  # an answer may ask a stand-in of ours for something giant
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
        link.send(True)
        while True:
            submission, lane = link.recv()
            began = time.monotonic()
            for left in reversed(range(TRIES)):
                try:
                    verdicts = grade(submission, box, seed, lane)
                    break
                except ZygoteLost:
                    box.close()
                    box = Box(level, folder)
                    if not left:
                        verdicts = None
            link.send((verdicts, time.monotonic() - began))
    except HookpointError as error:
        with contextlib.suppress(OSError):
            link.send(str(error))
    except (EOFError, OSError):
        pass
    finally:
        if box is not None:
            box.close()
