"""Grading one submission: its exercises in the notebook's order, on hidden inputs, in one process if that can be.

A process in which answers were run before may have been spoilt by them. So whatever does not pass there is judged
again in a fresh one, unless the process shows no trace of them: one answer's crash, loop or mess costs no other answer
anything.
"""

import time
from functools import cache
from typing import Any

from hookpoint.checks import Verdict, judge
from hookpoint.checks.find import exercise as checked
from hookpoint.checks.protocol.peer import Lost, TimedOut
from hookpoint.checks.protocol.printable import printable
from hookpoint.content.course import Exercise
from hookpoint.errors import HookpointError

from .box import Box, Run, Stage
from .results import Graded
from .sandbox.limits import bounded
from .submission import Submission

__all__ = ["LONG_SECONDS", "ZygoteLost", "grade", "lanes"]

LONG_SECONDS = 30.0  # an exercise that may take as long as this waits until all the quick ones have been judged
BUDGET = {"quick": 90.0, "long": 300.0}  # seconds for the exercises of one submission in one lane
GRACE = 0.2  # seconds in which all processes of a sandbox that is killed have ended
FINAL = ("passed", "missing")  # what a process that others have used cannot have brought about


class ZygoteLost(HookpointError):
    """The sandbox ended, and with it what it ran: nothing is known about the submission yet."""


def lanes(submission: Submission) -> dict[str, list[Exercise]]:
    """The submission's exercises by lane: `quick`, and `long` for those that train or time something."""
    found: dict[str, list[Exercise]] = {}
    for exercise in submission.notebook.exercises:
        lane = "long" if checked(exercise.id).limit >= LONG_SECONDS else "quick"
        found.setdefault(lane, []).append(exercise)
    return found


def grade(submission: Submission, box: Box, seed: str, lane: str) -> list[Graded]:
    """The verdicts on the exercises of one lane.

    Raises:
        ZygoteLost: the sandbox ended meanwhile; grade it again in a new one.
    """
    exercises, end = lanes(submission)[lane], time.monotonic() + BUDGET[lane]
    try:
        stage = box.stage(submission.notebook)
        attempts = Attempts(stage, submission)
        try:
            return [graded(exercise, attempts.verdict(exercise, seed, end)) for exercise in exercises]
        finally:
            attempts.close()
            stage.lives()  # whoever has filled its folder pays for emptying it
    except (OSError, Lost) as error:
        raise ZygoteLost(f"The sandbox ended: {error}.") from None


def graded(exercise: Exercise, verdict: Verdict) -> Graded:
    points = exercise.points if verdict.passed else 0
    message = "\n".join(printable(line) for line in verdict.message.split("\n"))  # it may quote the answer's keys
    return Graded(exercise.id, verdict.status, points, exercise.points, verdict.slip, message)


class Attempts:
    """The processes that one submission is run in, one after the other."""

    def __init__(self, stage: Stage, submission: Submission):
        self.stage = stage
        self.cells, self.broken = submission.cells, {}
        self.run: Run | None = None
        self.stuck = False

    def verdict(self, exercise: Exercise, seed: str, end: float) -> Verdict:
        try:
            run = self.open(end)
            doubtful = cache(run.spoilt) if run.used else lambda: False
            verdict = self.judged(run, exercise, seed, name_slips=lambda: not doubtful())
            if verdict.status not in FINAL and exercise.writes not in run.problems and doubtful():
                self.close()
                verdict = self.judged_alone(exercise, seed, end, verdict.check)
        except TimedOut:
            self.stuck = True
            return Verdict(exercise.id, "timeout", OUT_OF_TIME.format(exercise.id))
        return verdict

    def judged_alone(self, exercise: Exercise, seed: str, end: float, failed: str) -> Verdict:
        """The verdict in a fresh process: that of the check that has failed, if it fails there too."""
        run = self.open(end)
        verdict = self.judged(run, exercise, seed, only=failed or None)
        if failed and verdict.passed:
            verdict = self.judged(run, exercise, seed)
        return verdict

    def open(self, end: float) -> Run:
        """The process that is there, or a new one. Raises `TimedOut` if there is no time for its cells, or was not."""
        if self.stuck or time.monotonic() > end:
            raise TimedOut
        if self.run is None:
            self.run = self.stage.run(self.cells, self.broken, end)
            self.cells, self.broken = self.run.cells, self.run.broken
        self.run.end = end
        return self.run

    def judged(self, run: Run, exercise: Exercise, seed: str, only: str | None = None, **options: Any) -> Verdict:
        run.exercise, run.used = exercise.id, True
        try:
            with bounded():
                verdict = judge(exercise.id, run, seed, reveal=False, only=only, **options)
        except Exception as error:  # a check, or what is around it, stumbled over what came back
            verdict = Verdict(exercise.id, "error", ODD.format(exercise.id), gap=f"{type(error).__name__}: {error}")
            self.close()
            self.confirm()
            return verdict
        if not run.alive:
            self.close()
            self.confirm()
        return verdict

    def confirm(self) -> None:
        """Raises `ZygoteLost` if the stage has gone too, and the verdict with it. It may outlive its run a little."""
        time.sleep(GRACE)
        if not self.stage.lives():
            raise ZygoteLost("The sandbox ended while it was used.")

    def close(self) -> None:
        if self.run is not None:
            self.run.close()
            self.run = None


OUT_OF_TIME = """{0} was not judged: the cells, or the answers before it, have used up the time of a submission.
  Does each of them come back within seconds?
  Next: hookpoint check {0}"""

ODD = """{0} gave back something that its checks cannot read.
  Next: hookpoint check {0}"""
