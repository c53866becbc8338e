"""Grading without an end: submissions come one by one, each with the seed of its task, and one pool serves them all.

Answers to challenges are scored by the same workers, as work that takes long.
"""

from collections.abc import Hashable
from types import TracebackType
from typing import Self

from .level import Level
from .pool import TRIES, UNGRADED, Gathered, Job, Pool
from .results import Graded, Result, version
from .submission import Refused, Submission
from .work import Work

__all__ = ["Grading"]


class Alone:
    """What is known of one answer to a challenge: nothing, or its verdict."""

    def __init__(self, work: Work):
        self.work = work

    def add(self, lane: str, verdicts: list[Graded] | None, seconds: float, more: bool) -> Result:
        """The result: there is no more to come."""
        trouble = "" if verdicts else UNGRADED.format(tries=TRIES)
        named = self.work.name, self.work.sha256, self.work.challenge, version(), ""
        return Result(*named, tuple(verdicts or ()), trouble=trouble, seconds=round(seconds, 3))


class Grading:
    """Workers that grade what they are given, until they are closed: a context manager.

    All calls are to be made in the thread that made it: with that thread the sandbox ends. Workers are handed their
    next job while somebody waits for `results`.

    Args:
        workers: how many processes judge at the same time. One of them is left for what is quick, if there are two.

    Raises:
        HookpointError: the workers cannot be started.
    """

    def __init__(self, level: Level, workers: int):
        self.pool = Pool(workers, level, most_long=max(1, workers - 1))
        self.given: dict[int, tuple[Hashable, Gathered | Alone]] = {}
        self.long: set[int] = set()  # of those, the ones whose quick exercises have been judged
        self.ready: list[tuple[Hashable, Result]] = []
        self.next = 0

    @property
    def waiting(self) -> int:
        """How many submissions have no result yet."""
        return len(self.given)

    @property
    def quick(self) -> int:
        """How many of them wait for the verdicts on their quick exercises."""
        return len(self.given) - len(self.long)

    def give(self, key: Hashable, submission: Submission | Refused, seed: str) -> None:
        """One more to grade; its result comes with `key`. That of a refused one says why, and has no verdicts."""
        if isinstance(submission, Refused):
            self.ready.append((key, Result(str(key), "", "", version(), seed, trouble=str(submission))))
            return
        self.given[self.next] = key, Gathered(submission, seed)
        self.pool.give(Job(self.next, submission, seed))
        self.next += 1

    def give_challenge(self, key: Hashable, work: Work) -> None:
        """One more answer to a challenge, with the instances to score it on; its result comes with `key`."""
        self.given[self.next] = key, Alone(work)
        self.long.add(self.next)
        self.pool.give(Job(self.next, work, "", "long"))
        self.next += 1

    def results(self, timeout: float) -> list[tuple[Hashable, Result]]:
        """The results that have come since, each once; waits for the first at most so many seconds.

        Raises:
            HookpointError: the workers have ended and cannot be started again. Results that were there are lost.
        """
        for job, done in self.pool.step(0.0 if self.ready else timeout):
            key, gathered = self.given[job.at]
            result = gathered.add(job.lane, *done)
            if result is None:
                self.long.add(job.at)
                continue
            self.ready.append((key, result))
            del self.given[job.at]
            self.long.discard(job.at)
        ready, self.ready = self.ready, []
        return ready

    def close(self) -> None:
        """Ends the workers; what they were at is lost."""
        self.pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
