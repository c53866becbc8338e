"""The one who grades: takes jobs from the queue, hands them to the workers of a sandbox, and writes the results.

All that it knows is in the database too. If it dies, its leases end and others take its jobs over; if it starts again
under its name, it takes them back at once. If the database is gone for a while, it keeps its results and tries again.

It works in one thread: as long as its heart beats it does go round.

    python -m hookpoint.hosting.supervisor DATABASE --workers N --name NAME

A database with a password is better named by HOOKPOINT_DATABASE in the environment: everybody may read a command line.
"""

import argparse
import contextlib
import logging
import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import update
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from hookpoint.errors import HookpointError, UsageError
from hookpoint.grading.level import Level, demand, probe
from hookpoint.grading.results import Result, version
from hookpoint.grading.stream import Grading
from hookpoint.grading.submission import Refused, Submission, read_bytes
from hookpoint.grading.work import Work

from . import instances, queue
from .queue import Leased
from .store.database import Database, open_database
from .store.models import SPLITS, Grader

__all__ = ["Supervisor", "main"]

POLL = 0.1  # seconds between two looks at the queue
BEAT = 2.0  # seconds between two heartbeats
LEASE = 30.0  # seconds
PAUSE = 1.0  # before a database that is gone is asked again
LEAVING = 5.0  # for a database that is gone at the end
NICE = 19  # of the processes that judge: pages come first, also while torch is imported
AHEAD = 2  # jobs for each worker: enough to keep it busy, and the rest is for other graders
LONG_AHEAD = 8  # the same with those of which only long exercises are left: they must not keep the quick ones out
UNREADABLE = "It could not be read. This is a failure of ours and costs no attempt."
NOT_MADE = "The hosts have not made what it meets. This is a failure of ours and costs no attempt."
NOT_KEPT = "Its verdicts could not be kept. This is a failure of ours and costs no attempt."
log = logging.getLogger(__name__)


class Supervisor:
    """Grades for the event in a database, under a name that no other grader has.

    Args:
        level: how well this machine confines what it runs.

    Raises:
        UsageError: not well enough for the work of strangers, or the name is empty.
    """

    def __init__(self, database_url: str, name: str, workers: int, level: Level):
        demand(level, trusted=False)
        if not name or workers < 1:
            raise UsageError("A grader needs a name and at least one worker.")
        self.url, self.name, self.workers, self.level = database_url, name, workers, level
        self.leased: dict[int, Leased] = {}  # all jobs in our hands
        self.begun: set[int] = set()  # those that the workers have been given
        self.results: dict[int, Result] = {}  # those that have been graded and not been written yet
        self.next_beat = self.next_try = 0.0
        self.gone = False

    def run(self, stop: threading.Event) -> None:
        """Grades until it is told to stop; then gives back what it has not finished.

        Raises:
            HookpointError: the database cannot be used at the start, or the workers cannot be started.
        """
        with contextlib.closing(open_database(self.url)) as database:
            self.register(database)
            with Grading(self.level, self.workers) as grading:
                log.info("%s grades for %s with %d workers. %s", self.name, database.place, self.workers, self.level)
                try:
                    while not stop.is_set():
                        self.round(database, grading)
                except Exception as error:
                    # What brought us down may be one of these submissions: it must not go on for ever.
                    self.leave(database, tried=not isinstance(error, HookpointError))
                    raise
                self.leave(database)

    def round(self, database: Database, grading: Grading) -> None:
        """Waits a little for results, then brings the database up to date, if it is there."""
        for job, result in grading.results(POLL):
            self.results[job] = result
        if time.monotonic() < self.next_try:
            return
        try:
            self.write(database)
            self.beat(database)
            self.claim(database, grading)
            self.begin(database, grading)
        except HookpointError as error:
            self.next_try = time.monotonic() + PAUSE
            if not self.gone:
                log.error("%s Until then %d results are kept here.", error, len(self.results))
            self.gone = True
        else:
            if self.gone:
                log.info("The database is back.")
            self.gone = False

    def register(self, database: Database) -> None:
        """Says that it is there. What a process of this name left behind waits again, without waiting for its lease."""
        with database.session() as session:
            left = queue.give_back(session, self.name, tried=True)
            self.heard(session, started=True)
        if left:
            log.info("%d submissions that %s was at when it ended wait again.", left, self.name)

    def heard(self, session: Session, started: bool = False) -> None:
        at = queue.clock(session)
        said = {"level": str(self.level), "workers": self.workers, "seen": at} | ({"started": at} if started else {})
        if not session.execute(update(Grader).where(Grader.name == self.name).values(**said)).rowcount:
            session.add(Grader(name=self.name, **{"started": at} | said))

    def beat(self, database: Database) -> None:
        """The heartbeat: makes the leases of the jobs in our hands longer."""
        if time.monotonic() < self.next_beat:
            return
        with database.session() as session:
            self.heard(session)
            queue.extend(session, self.name, LEASE, queue.clock(session), jobs=self.leased.keys())
        self.next_beat = time.monotonic() + BEAT

    def claim(self, database: Database, grading: Grading) -> None:
        """Takes as many jobs as can begin soon."""
        room = min(AHEAD * self.workers - grading.quick, LONG_AHEAD * self.workers - grading.waiting)
        if room < 1 or len(self.begun) < len(self.leased):
            return
        challenges = AHEAD * self.workers - sum(one.kind == "challenge" for one in self.leased.values())
        with database.reading() as session:  # asked often: no writer shall wait for it
            if not queue.any_free(session, queue.clock(session), challenges > 0):
                return
        with database.session() as session:
            claimed = queue.claim(session, self.name, room, LEASE, queue.clock(session), challenges)
        # After a long sleep our own jobs may be among them: these go on.
        self.leased = {one.job: one for one in claimed} | self.leased

    def begin(self, database: Database, grading: Grading) -> None:
        """Hands the jobs that are new to the workers."""
        for job, one in self.leased.items():
            if job in self.begun:
                continue
            with database.reading() as session:
                content = queue.content(session, one.submission)
                private = instances.contents(session, one.task, one.split) if one.kind == "challenge" else []
            if one.kind == "challenge":
                self.begin_challenge(grading, one, content, private)
            else:
                grading.give(job, read(content, one), one.seed)
            self.begun.add(job)

    def begin_challenge(self, grading: Grading, one: Leased, content: bytes, private: list[bytes]) -> None:
        """The same for an answer to a challenge; one that nothing is there to score on has its result at once."""
        if private:
            grading.give_challenge(one.job, work_of(content, one, private))
        else:
            self.results[one.job] = Result(str(one.job), one.sha256, one.task, version(), "", (), trouble=NOT_MADE)

    def write(self, database: Database) -> None:
        """Writes the results, each in a transaction of its own; if one fails, it and the rest are kept."""
        for job, result in list(self.results.items()):
            if not self.finish(database, job, result):
                log.info("Job %d was taken over by somebody else meanwhile: its result here is left out.", job)
            del self.results[job]
            del self.leased[job]
            self.begun.discard(job)

    def finish(self, database: Database, job: int, result: Result) -> bool:
        try:
            with database.session() as session:
                return queue.finish(session, job, self.name, result, queue.clock(session))
        except (IntegrityError, DataError):
            # A defect of ours, or of a check. The same would happen each time, so it must not stop the others.
            log.exception("The verdicts of job %d cannot be kept.", job)
            with database.session() as session:
                without = replace(result, verdicts=(), trouble=NOT_KEPT)
                return queue.finish(session, job, self.name, without, queue.clock(session))

    def leave(self, database: Database, tried: bool = False) -> None:
        """Writes what there is and gives the rest back; if the database is gone, leases end by themselves."""
        until = time.monotonic() + LEAVING
        while True:
            try:
                self.write(database)
                with database.session() as session:
                    queue.give_back(session, self.name, jobs=self.leased.keys(), tried=tried)
                return
            except HookpointError as error:
                if time.monotonic() > until:
                    log.error("%s Others grade what %s had.", error, self.name)
                    return
            time.sleep(POLL)


def read(content: bytes, one: Leased) -> Submission | Refused:
    """What was handed in, or why it cannot be graded."""
    try:
        return read_bytes(content, one.file_name)
    except Refused as error:
        return error
    except Exception:  # a defect of ours, which must not keep the others waiting
        log.exception("Submission %d cannot be read.", one.submission)
        return Refused(UNREADABLE)


def work_of(content: bytes, one: Leased, private: list[bytes]) -> Work:
    """What was handed in, unread, and what it is to meet."""
    split = "public" if one.split == SPLITS[0] else "final"
    return Work(str(one.job), one.task, one.file_name, content, {split: private})


def main(arguments: list[str] | None = None) -> int:
    """Runs a supervisor until it gets SIGTERM or SIGINT, or until the pipe closes that it has for its input."""
    parser = argparse.ArgumentParser(prog="python -m hookpoint.hosting.supervisor", description="Grades for an event.")
    given = os.environ.pop("HOOKPOINT_DATABASE", None)
    parser.add_argument("database", nargs="?" if given else None, default=given, help="an SQLite file or postgresql://")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="processes that judge")
    parser.add_argument("--name", default=f"grader-{os.getpid()}", help="of this grader, which no other has")
    asked = parser.parse_args(arguments)
    # Those that judge stand back, and we do not: a writer that waits for a core keeps all other writers waiting.
    os.environ.setdefault("HOOKPOINT_NICE", str(NICE))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        threading.Thread(target=stop_at_end_of_input, args=[stop.set], daemon=True).start()
    try:
        Supervisor(asked.database, asked.name, asked.workers, probe()).run(stop)
    except HookpointError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def stop_at_end_of_input(stop: Callable[[], None]) -> None:
    """Whoever started us holds the other end of a pipe: it closes when they end, however they end."""
    while os.read(0, 1):
        pass
    stop()


if __name__ == "__main__":
    # Each worker would import the module that we were started as, and with it a database that it has no use for.
    __spec__ = None
    del __file__
    sys.exit(main())
