"""Scoring an answer to a challenge: each instance in a fresh process of the sandbox, the key on this side of the wall.

A split is a set of instances that nobody outside has seen. What cannot be scored has no score: a file that defines
nothing, a function that raises, takes too long, or gives back something else than what was asked for.
"""

import builtins
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hookpoint.challenges.answers import WRAPPED, Answer, BadFile, read_answer
from hookpoint.challenges.definition import BadAnswer, Challenge, Mark
from hookpoint.challenges.instance import Instance, from_bytes
from hookpoint.challenges.registry import challenge
from hookpoint.challenges.scoring import Scored, scored
from hookpoint.checks.protocol.desk import Desk
from hookpoint.checks.protocol.peer import Lost, Raised, TimedOut
from hookpoint.checks.protocol.printable import printable
from hookpoint.checks.protocol.ref import Ref

from .box import Box, Stage
from .grader import GRACE, ZygoteLost
from .results import Graded
from .sandbox.limits import bounded
from .work import Work

__all__ = ["SPLITS", "Outcome", "grade_challenge", "score_boxed"]

SPLITS = ("public", "final")  # as a board calls them
PATIENCE = 2.0  # times what an answer may take: other work may be going on here
BUILTIN = frozenset(name for name, value in vars(builtins).items() if isinstance(value, type))
UNSCORED = "{} gave back something that cannot be scored, or asked for more than it may. It costs no attempt."
log = logging.getLogger(__name__)
CELLS_SECONDS = 20.0  # for what stands around the function: imports
HOW_TO_LOOK = "Try it on the public instances, where everything can be seen: hookpoint challenge score {id} FILE"


@dataclass(frozen=True)
class Outcome:
    """What became of an answer on one split: its score, or why it has none.

    `status` is `passed` (it scored, or reached the mark), `failed` (it scored nothing, or missed the mark), `error`,
    `timeout` or `missing`.
    """

    status: str
    message: str
    scored: Scored | None = None


class NoScore(Exception):
    """An answer that cannot be scored: the status and the message that it gets."""

    def __init__(self, status: str, message: str):
        super().__init__(message)
        self.status = status


class Counter(Desk):
    """The scorer's side: the answer may do with its arguments, its dice and its own process what it likes."""

    def broken_rule(self, notes: dict, names: Sequence[str] | None) -> None:
        return None

    def excuse(self, error: BaseException) -> dict:
        """What a function of ours refuses ends the scoring, also if the answer catches it."""
        if isinstance(error, BadAnswer):
            self.pending = error
            return {"kinds": ["BadAnswer"], "text": str(error)[:300], "where": ""}
        return super().excuse(error)


def grade_challenge(work: Work, box: Box) -> list[Graded]:
    """One verdict, in points from 0 to 100, of the splits that the work names; without points for what is no answer.

    Raises:
        ZygoteLost: the sandbox ended meanwhile; score it again in a new one.
    """
    try:
        answer = read_answer(work.content, work.file_name, work.challenge)
    except BadFile as error:
        return [Graded(work.challenge, "error", 0.0, 0.0, message=str(error))]
    one, found = challenge(work.challenge), {}
    for split, instances in work.splits.items():
        found[split] = score_boxed(answer, [from_bytes(data) for data in instances], box)
    told = found.get("public") or found["final"]
    most = 100.0 if one.counts else 0.0
    floats = {}
    for split, outcome in found.items():
        score = outcome.scored
        if score is not None and one.counts:
            floats |= {split: score.points, f"{split}_se": score.points_se}
        if score is not None and split == "public":
            floats |= {"value": score.value, "value_se": score.se, "cost": score.cost}
    return [Graded(one.id, told.status, floats.get("public", 0.0), most, "", told.message, **floats)]


def score_boxed(answer: Answer, instances: Sequence[Instance], box: Box) -> Outcome:
    """What the answer is worth on these instances.

    Raises:
        ZygoteLost: the sandbox ended meanwhile.
    """
    one = challenge(answer.challenge)
    try:
        marks = [mark_of(one, answer, instance, box) for instance in instances]
    except NoScore as none:
        return Outcome(none.status, f"{none}\n  Next: {HOW_TO_LOOK.format(id=one.id)}")
    result = scored(one, marks)
    good = result.value >= one.pass_mark if one.standing == "pass mark" else result.value > one.floor
    return Outcome("passed" if good else "failed", said(one, result), result)


def said(one: Challenge, result: Scored) -> str:
    """The score in words."""
    low, high = result.interval
    lines = [f"{one.unit}: {result.value:.3f}, 95 % interval {low:.3f} to {high:.3f}, {len(result.marks)} instances."]
    if one.standing == "pass mark":
        lines.append(f"  The mark is {one.pass_mark:g}.")
    elif one.counts:
        lines.append(f"  {result.points:.1f} of 100 points: {one.floor:g} gives none, {one.ceiling:g} gives all.")
    if one.cost:
        lines.append(f"  {one.cost}: {result.cost:.0f}.")
    return "\n".join(lines)


def mark_of(one: Challenge, answer: Answer, instance: Instance, box: Box) -> Mark:
    """The mark on one instance. Raises `NoScore`, or `ZygoteLost`."""
    try:
        if not answer.cells:
            with bounded():
                return one.score(instance, answer.value)
        return boxed(one, answer, instance, box.stage_for_challenges())
    except BadAnswer as bad:
        # What a function gave back may be made of a private instance: it is not repeated to whoever handed it in.
        raise NoScore("error", UNSCORED.format(one.answer) if answer.cells else printable(str(bad))) from None
    except (MemoryError, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError, AttributeError) as odd:
        # A gap of the scorer: something came back that it did not expect, and that fits no contract.
        log.warning("The scorer of %s stumbled: %s: %s", one.id, type(odd).__name__, odd)
        raise NoScore("error", UNSCORED.format(one.answer)) from None


def boxed(one: Challenge, answer: Answer, instance: Instance, stage: Stage) -> Mark:
    """The mark of a function, in a process of its own."""
    try:
        run = stage.run(answer.cells, end=time.monotonic() + CELLS_SECONDS)
    except TimedOut:
        raise NoScore("timeout", f"Its cells did not run within {CELLS_SECONDS:g} s.") from None
    except (OSError, Lost) as error:
        raise ZygoteLost(f"The sandbox ended: {error}.") from None
    try:
        limit = PATIENCE * one.seconds
        desk = run.reach(Counter(), limit, limit)
        desk.begin()
        with bounded():
            return one.score(instance, lambda *args, **kwargs: called(one, desk, args, kwargs))
    except TimedOut:
        raise NoScore("timeout", f"{one.answer} may take {one.seconds:g} s, and took more.") from None
    except Raised as error:
        raise NoScore("error", in_words(one, run.problems, error)) from None
    except Lost:
        time.sleep(GRACE)
        if not stage.lives():
            raise ZygoteLost("The sandbox ended while it was used.") from None
        raise NoScore("error", f"{one.answer} ended its process, or used more memory than there is.") from None
    finally:
        run.close()
        if not stage.lives():
            raise ZygoteLost("The sandbox ended.")


def called(one: Challenge, desk: Desk, args: tuple, kwargs: Mapping[str, Any]) -> Any:
    """What the function gives back, as long as all of it is plain."""
    value = Ref(desk, "names")[WRAPPED](*args, **kwargs)
    if (odd := not_plain(value)) is not None:
        raise BadAnswer(f"{one.answer} gave back something of type {odd}. Numbers, text, lists, dicts, tensors count.")
    return value


def not_plain(value: Any) -> str | None:
    """The name of the first kind in a value that stayed on the other side."""
    if isinstance(value, Ref):
        return value._about.get("type") or "thing"
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return next((odd for odd in map(not_plain, parts) if odd), None)


def in_words(one: Challenge, problems: Mapping[str, str], error: Raised) -> str:
    """What was raised. Text and line of the error stay inside: they might carry private instances to the sender."""
    if one.answer in problems:  # found before anything private was there
        return f"{one.answer} is not there: its cell did not run. {problems[one.answer]}"
    kind = error.kinds[0] if error.kinds[0] in BUILTIN else "an error of its own"
    return f"{one.answer} raised {kind}."
