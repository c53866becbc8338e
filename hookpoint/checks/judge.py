"""Runs an exercise's checks against a learner, and turns what stopped them into a verdict with its message."""

import builtins
import functools
import inspect
import time
from collections.abc import Callable
from typing import Protocol

from hookpoint.errors import UsageError

from .compare import Mismatch, checking, current_tolerance, describe, may_reveal
from .exercise import Draw, Exercise, Slip, Verdict
from .find import exercise as find_exercise
from .protocol.bans import NETWORK
from .protocol.desk import CALLED_BACK, Desk, Diverged
from .protocol.in_process import InProcess
from .protocol.peer import Lost, Raised, TimedOut
from .protocol.ref import Learner, Ref
from .remembered import Remembered

__all__ = ["PUBLIC_SEED", "Link", "judge"]

PUBLIC_SEED = "public"
REPLAY_SECONDS = 5.0  # of CPU, for recognising slips after a failure, all of them together
REMEMBERED = Remembered()
STUMBLES = (
    ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, RuntimeError, StopIteration, TypeError,
    ValueError,
)  # fmt: skip


class Link(Protocol):
    """A way to one learner's code: `InProcess`, or a submission in a child process."""

    def open(self, limit: float = 0.0) -> Desk: ...

    def close(self, desk: Desk) -> None: ...


class Stumbled(Exception):
    """The check's own code failed on what came back: the answer does not fit the contract, and the check has a gap."""

    def __init__(self, cause: Exception):
        super().__init__(f"{type(cause).__name__}: {cause}")


def judge(
    exercise: str | Exercise,
    link: Link,
    seed: str = PUBLIC_SEED,
    reveal: bool = True,
    only: str | None = None,
    name_slips: Callable[[], bool] = lambda: True,
) -> Verdict:
    """The verdict on one exercise: its checks run in order until one fails.

    Args:
        exercise: an id, or an exercise that is not in the course.
        link: the way to the learner's code.
        seed: feeds every input; an event keeps its own.
        reveal: whether messages may show small inputs; off at events, where only kinds and shapes are shown.
        only: the name of one check to run.
        name_slips: asked after a failure: whether to look for the slip, which takes longer than the checks.

    Raises:
        UsageError: there is no exercise of this id.
    """
    exercise = find_exercise(exercise) if isinstance(exercise, str) else exercise
    checks = [check for check in exercise.checks if only in (None, check.__name__)]
    desk = link.open(exercise.limit)
    try:
        with checking(exercise.tolerance, reveal):
            for check in checks:
                error = attempt(exercise, check, desk, seed, exercise.forbids)
                if error is not None:
                    return failure(exercise, check, desk, seed, error, name_slips)
    finally:
        link.close(desk)
    if not checks:
        raise UsageError(f"`{exercise.id}` has no check named `{only}`.")
    return Verdict(exercise.id, "passed", notes=tuple(desk.notes))


def attempt(
    exercise: Exercise,
    check: Callable,
    desk: Desk,
    seed: str,
    forbids: tuple[str, ...],
    follows: list | None = None,
) -> Exception | None:
    """What stopped one check, if anything did. With `follows` it replays a transcript as far as it can."""
    names = {} if exercise.reference is None else {exercise.writes: parameters(exercise.reference)}
    try:
        desk.begin(forbids, exercise.may, {exercise.writes: exercise.gives}, names, exercise.needs, exercise.id)
        desk.follows = follows
        check(Learner(desk), Draw(seed, f"{exercise.id}/{check.__name__}"))
    except (Mismatch, Raised, TimedOut, Lost, Diverged) as error:
        return error
    except STUMBLES as error:
        return Stumbled(error)
    return None


@functools.cache
def parameters(function: Callable) -> list[str]:
    return list(inspect.signature(function).parameters)


def failure(
    exercise: Exercise, check: Callable, desk: Desk, seed: str, error: Exception, name_slips: Callable
) -> Verdict:
    status, lines = told(exercise, desk, error)
    slips = []
    if (
        status in ("failed", "error")
        and not isinstance(error, (Stumbled, Lost))
        and not is_missing(error)
        and name_slips()
    ):
        slips = recognised(exercise, check, desk.transcript, seed, error)
        lines += naming(slips, error)
    if status not in ("missing",) and not is_missing(error):
        lines.append(f"  Checked: {promise(check)}")
    lines.append(f"  Next: hookpoint hint {exercise.id}")
    return Verdict(
        exercise.id,
        status,
        "\n".join(lines[:6]),
        slip=slips[0].id if len(slips) == 1 else "",
        check=check.__name__,
        notes=tuple(desk.notes),
        gap=str(error) if isinstance(error, Stumbled) else "",
    )


def promise(check: Callable) -> str:
    return " ".join((check.__doc__ or check.__name__).split())


def is_missing(error: Exception) -> bool:
    return isinstance(error, Raised) and error.kinds[0] == "Missing"


def told(exercise: Exercise, desk: Desk, error: Exception) -> tuple[str, list[str]]:
    """The status, and the first lines of the message: what was called, and what happened."""
    said = call_of(exercise, desk, error)
    match error:
        case TimedOut():
            return "timeout", [
                f"{said}{others(error)} did not come back within {error.args[0]:g} s.",
                "  Is there a loop whose condition never turns false?",
            ]
        case Lost():
            return "error", [f"{said}{others(error)} ended the Python process, or its reply: nothing came back."]
        case Raised():
            return told_raised(exercise, said, error)
        case Mismatch():
            return "failed", [f"{said} {error.fact}", *error.lines]
    last = next((value for text, value in reversed(desk.transcript) if text == said), None)
    what = (
        "called back with arguments that do"
        if isinstance(last, Exception)
        else f"returned {describe(last)}, which does"
    )
    return "failed", [f"{said} {what} not fit the contract."]


def others(error: TimedOut | Lost) -> str:
    """The calls that it may have been as well: of calls that cross together it is not known which was the last."""
    after = error.among - 1
    return "" if after == 0 else ", or the call after it," if after == 1 else f", or one of the {after} calls after it,"


def told_raised(exercise: Exercise, said: str, error: Raised) -> tuple[str, list[str]]:
    match error.kinds[0]:
        case "Missing" if error.text:
            return "error", [
                f"The cell of {exercise.asked} does not run, so {exercise.asked} is not defined.",
                f"  {error.text}",
            ]
        case "Missing":
            return "missing", [
                f"{exercise.asked} is not defined.",
                "  Has its cell been run, and does it define this name?",
            ]
        case "NotImplementedError" if not error.text:  # torch raises it too, and then says what it cannot do
            return "missing", [f"{exercise.asked} is not written yet."]
        case "Forbidden":
            return "failed", [
                f"{said} uses {error.text}.",
                "  It has to work offline."
                if error.text == NETWORK
                else "  This exercise asks you to build it from simpler operations.",
            ]
        case "NotCarried":
            return "failed", [f"{said} returned something that {error.text}."]
        case "RecursionError":
            lines = [f"{said} calls itself without an end (RecursionError)."]
        case kind:
            text = error.text if may_reveal.get() else ""  # an error's text may repeat the inputs
            when = f" {error.when}," if error.when else ""
            lines = [f"{said}{when} raised {named(kind, error)}: {text}"[:480].rstrip(": ")]
    return "error", lines + ([f"  At {place(error)}."] if error.where else [])


def named(kind: str, error: Raised) -> str:
    """The error's class. A class of the learner's own may be named after an input, which then stays hidden."""
    if may_reveal.get():
        return kind
    return next((kind for kind in error.kinds if kind == "Withheld" or hasattr(builtins, kind)), "an error")


def place(error: Raised) -> str:
    """The line, and the function that it belongs to, whose name may be made of an input as well."""
    return error.where if may_reveal.get() else error.where.partition(" of ")[0]


def call_of(exercise: Exercise, desk: Desk, error: Exception) -> str:
    """The call that the message is about: the one that returned `error.got`, else the last one."""
    got = getattr(error, "got", None)
    calls = [(text, value) for text, value in desk.transcript if text and text != CALLED_BACK]
    about = next((text for text, value in reversed(calls) if got is not None and value is got), None)
    return about or (calls[-1][0] if calls else exercise.writes)


def naming(slips: list[Slip], error: Exception) -> list[str]:
    """One slip is named, two are both named; more would only confuse."""
    got = getattr(error, "got", None)
    about_numbers = got is not None and not isinstance(got, Ref)
    start = "Your numbers are exactly what you get when" if about_numbers else "This is what happens when"
    if len(slips) == 1:
        return [f"  {start} {slips[0].says}."]
    if len(slips) == 2:
        return [f"  {start} {slips[0].says}, or when {slips[1].says}."]
    return []


def recognised(exercise: Exercise, check: Callable, transcript: list, seed: str, error: Exception) -> list[Slip]:
    """The slips that answer as the learner did, up to the point of failure, and fail in the same way."""
    deadline = time.process_time() + max(REPLAY_SECONDS, 2 * exercise.limit)
    found = []
    for slip in exercise.slips:
        if time.process_time() > deadline:
            break
        if reproduces(exercise, check, slip, transcript, seed, error):
            found.append(slip)
    return found


def reproduces(exercise: Exercise, check: Callable, slip: Slip, transcript: list, seed: str, error: Exception) -> bool:
    trial = exercise.id, check, slip.wrong, seed
    if REMEMBERED.differs(trial, transcript, current_tolerance.get()):
        return False
    link = InProcess({**exercise.beside, exercise.writes: slip.wrong}, limit=2.0)
    desk = link.open(exercise.limit)
    # Without the ban: a slip may be built from torch's own functions.
    ended = attempt(exercise, check, desk, seed, forbids=(), follows=transcript)
    answered = len(desk.transcript)
    REMEMBERED.keep(trial, desk.transcript)
    link.close(desk)
    if ended is None or isinstance(ended, (Diverged, Stumbled)) or answered != len(transcript):
        return False
    # Two errors of one kind may have nothing to do with each other; a slip that raises without a text means any.
    return not isinstance(error, Raised) or (isinstance(ended, Raised) and ended.text in ("", error.text))
