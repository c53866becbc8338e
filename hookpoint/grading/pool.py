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
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from hookpoint.errors import HookpointError

from .base import START_SECONDS, Base
from .level import Level
from .results import Graded, Result, version
from .submission import Handed, Refused, Submission, read
from .work import Work

__all__ = ["Gathered", "Job", "Pool", "grade_all"]

JOB_SECONDS = {"quick": 180.0, "long": 600.0}  # for one job; the grader's own deadlines come long before
TRIES = 3
NEVER_READY = "The processes that judge end before they are ready. Is there enough memory?"
UNGRADED = "It could not be graded: each of {tries} attempts ended the process that judges, or took too long."


# What became of a job: the verdicts, or None if it could not be done; the seconds that it took; and whether the
# submission has long exercises too.
Done = tuple[list[Graded] | None, float, bool]


@dataclass
class Job:
    """One submission in one lane: `quick`, or `long` when all quick ones have been judged; or an answer to a challenge,
    which is long.
    """

    at: int
    submission: Submission | Work
    seed: str
    lane: str = "quick"
    tries: int = 0
    began: float = 0.0


@dataclass
class Worker:
    """A process that judges, at a place in the sandbox; `job` is what it is at."""

    process: Any
    link: Connection
    place: int
    job: Job | None = None
    began: float = field(default_factory=time.monotonic)
    ready: bool = False


def grade_all(handed: Iterable[Handed], level: Level, seed: str, workers: int = 0) -> Iterator[tuple[int, Result]]:
    """Grades the files, and gives each result with its place among them as soon as it is there.

    Args:
        workers: how many processes judge at the same time; as many as there are cores for us if 0.

    All results are to be taken in one thread: with the thread that takes the first, the sandbox ends.

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
        results[at] = Gathered(submission, seed)
        jobs.append(Job(at, submission, seed))
    if not jobs:
        return
    with contextlib.closing(Pool(min(workers or len(os.sched_getaffinity(0)), len(jobs)), level, jobs)) as pool:
        for job, done in pool.done():
            result = results[job.at].add(job.lane, *done)
            if result is not None:
                yield job.at, result


class Gathered:
    """What is known of one submission, until all its lanes are there."""

    def __init__(self, submission: Submission, seed: str):
        self.submission, self.seed = submission, seed
        self.verdicts: dict[str, Graded] = {}
        self.trouble, self.seconds = "", 0.0

    def add(self, lane: str, verdicts: list[Graded] | None, seconds: float, more: bool) -> Result | None:
        """The result, if nothing is missing any more."""
        self.seconds += seconds
        if verdicts is None:
            self.trouble = UNGRADED.format(tries=TRIES)
        else:
            self.verdicts |= {one.exercise: one for one in verdicts}
        return None if more and lane == "quick" else self.result()

    def result(self) -> Result:
        one, order = self.submission, [exercise.id for exercise in self.submission.notebook.exercises]
        return Result(
            one.name, one.sha256, one.notebook.name, version(), self.seed,
            tuple(self.verdicts[id] for id in order if id in self.verdicts), one.warnings, self.trouble,
            round(self.seconds, 3),
        )  # fmt: skip


class Pool:
    """The workers, the sandbox that they share, and the jobs that wait for one.

    Args:
        jobs: those that are known from the start; `give` brings more. The quick ones come first.
        most_long: how many workers may be at a long job at the same time; all if 0.
    """

    def __init__(self, count: int, level: Level, jobs: Iterable[Job] = (), most_long: int = 0):
        self.level, self.count, self.most_long = level, count, most_long or count
        self.waiting = deque(jobs)
        self.open = len(self.waiting)
        self.failed_starts = 0
        self.folder = tempfile.TemporaryDirectory(prefix="hookpoint-", ignore_cleanup_errors=True)
        self.base, self.workers = None, []
        multiprocessing.set_forkserver_preload(["hookpoint.grading.worker"])
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            self.base = self.start()
            for place in range(count):
                self.workers.append(self.hire(place))
            undo.pop_all()

    def start(self) -> Base:
        forkserver.ensure_running()  # it imports what workers need, while the base does the same
        for left in reversed(range(TRIES)):
            try:
                return Base(self.level, Path(self.folder.name), self.count)
            except HookpointError:
                if not left:
                    raise

    def hire(self, place: int) -> Worker:
        context = multiprocessing.get_context("forkserver")
        ours, theirs = context.Pipe()
        core = sorted(cores := os.sched_getaffinity(0))[place % len(cores)]
        arguments = theirs, self.level, self.base.control, self.base.places[place], core, dict(os.environ)
        process = context.Process(target=work, args=arguments, daemon=True)
        process.start()
        theirs.close()
        return Worker(process, ours, place)

    def give(self, job: Job) -> None:
        """One more job, which is done after the ones of its lane that wait."""
        self.open += 1
        self.waiting.insert(self.first_long() if job.lane == "quick" else len(self.waiting), job)

    def first_long(self) -> int:
        """Where among those that wait the long ones begin."""
        return next((at for at, job in enumerate(self.waiting) if job.lane == "long"), len(self.waiting))

    def done(self) -> Iterator[tuple[Job, Done]]:
        """The jobs as they are done, until none is left."""
        while self.open:
            yield from self.step(1.0)

    def step(self, timeout: float) -> Iterator[tuple[Job, Done]]:
        """Hands out, then waits `timeout` seconds at most for a worker to say something; the jobs that are done now."""
        self.hand_out()
        links = {worker.link: worker for worker in self.workers}
        for link in wait(list(links), timeout):
            if links[link] in self.workers:  # not dismissed meanwhile, with the base
                yield from self.heard(links[link])
        yield from self.overdue()
        self.hand_out()

    def hand_out(self) -> None:
        for worker in self.workers:
            if worker.ready and worker.job is None and self.may_begin():
                worker.job = replace(self.waiting.popleft(), began=time.monotonic())
                with contextlib.suppress(OSError):  # it has died: that is heard on its link
                    worker.link.send((worker.job.submission, worker.job.lane, worker.job.seed))

    def may_begin(self) -> bool:
        """Whether the next job is there and may begin: a long one leaves workers for the quick ones that come."""
        if not self.waiting:
            return False
        long = sum(worker.job is not None and worker.job.lane == "long" for worker in self.workers)
        return self.waiting[0].lane == "quick" or long < self.most_long

    def heard(self, worker: Worker) -> Iterator[tuple[Job, Done]]:
        """What a worker says: it is ready, or done, or it has ended."""
        try:
            said = worker.link.recv()
        except (EOFError, OSError):
            yield from self.lost(worker)
            return
        if not worker.ready:
            worker.ready, self.failed_starts = True, 0
            return
        job, worker.job = worker.job, None
        yield self.finished(job, said)

    def finished(self, job: Job, done: Done) -> tuple[Job, Done]:
        """Notes that a job is done, or given up; its submission's long exercises wait for all quick ones."""
        if job.lane == "quick" and done[2]:
            self.waiting.append(Job(job.at, job.submission, job.seed, "long"))
        else:
            self.open -= 1
        return job, done

    def overdue(self) -> Iterator[tuple[Job, Done]]:
        """Ends the workers that take too long; their jobs are tried again."""
        now = time.monotonic()
        for worker in list(self.workers):
            limit = JOB_SECONDS[worker.job.lane] if worker.job else START_SECONDS
            began = worker.job.began if worker.job else worker.began
            if worker in self.workers and (worker.job or not worker.ready) and now - began > limit:
                yield from self.lost(worker)

    def lost(self, worker: Worker) -> Iterator[tuple[Job, Done]]:
        """Replaces a worker, or all of them if the base has died. Their jobs are tried again, or given up."""
        self.failed_starts += not worker.ready
        if self.failed_starts >= TRIES:
            raise HookpointError(NEVER_READY)
        gone = [worker]
        if not self.base.lives():
            gone = self.workers
            self.base.close()
            self.base = self.start()
        for one in list(gone):
            dismiss(one)
            self.workers[self.workers.index(one)] = self.hire(one.place)
            if one.job is None:
                continue
            if one.job.tries + 1 < TRIES:
                place = 0 if one.job.lane == "quick" else self.first_long()
                self.waiting.insert(place, replace(one.job, tries=one.job.tries + 1))
            else:
                yield self.finished(one.job, (None, 0.0, False))

    def close(self) -> None:
        for worker in self.workers:
            worker.link.close()  # a worker that waits for a job ends by itself
        for worker in self.workers:
            if worker.job is None and worker.ready:
                worker.process.join(10)
            dismiss(worker)
        if self.base is not None:
            self.base.close()
        self.folder.cleanup()


def dismiss(worker: Worker) -> None:
    worker.link.close()
    worker.process.kill()
    worker.process.join()


def work(*arguments: Any) -> None:
    from .worker import serve  # with torch, which the process that hands out does without

    serve(*arguments)
