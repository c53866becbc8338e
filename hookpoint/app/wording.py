"""Words and pieces of text that the pages show: ages, times, an exercise without its frame, what a pass means."""

import ast
import re
from datetime import UTC, datetime

from hookpoint.app.anatomy import box_of
from hookpoint.app.situation import Situation, Standing
from hookpoint.content.course import Exercise

HEADING = re.compile(r"\A##? [^\n]*\n*")
WORTH = re.compile(r"\A\*\d+ minutes?[^\n]*\*\n*")
GAP = re.compile(r"^[ \t]*# YOUR CODE HERE\n[ \t]*raise NotImplementedError\(\)[ \t]*\n?", re.MULTILINE)
SLIP = ("Your numbers are exactly what you get when", "This is what happens when")
IN_TERMINAL = re.compile(r"\A\s*Next: hookpoint hint \w+\s*\Z")

ICONS = {
    "passed": ":material/check_circle:",
    "changed": ":material/autorenew:",
    "failing": ":material/error:",
    "open": ":material/circle:",
}
WORDS = {"passed": "passed", "changed": "check again", "failing": "failing", "open": "untouched"}


def prose(exercise: Exercise) -> str:
    """The exercise's text without the heading and the line of minutes and points, which the page shows itself."""
    return WORTH.sub("", HEADING.sub("", exercise.prose, count=1), count=1).strip()


def signature(exercise: Exercise) -> str:
    """The stub without the lines that stand where the answer goes."""
    return GAP.sub("", exercise.stub).rstrip()


def promise(exercise: Exercise) -> str:
    """The first line of the docstring of what the learner writes; empty if it has none."""
    try:
        body = ast.parse(exercise.stub).body
    except SyntaxError:
        return ""
    kinds = (ast.FunctionDef, ast.ClassDef)
    named = [node for node in body if isinstance(node, kinds) and node.name == exercise.writes]
    text = ast.get_docstring(named[0]) if named else None
    return text.split("\n")[0].strip() if text else ""


def duration(minutes: int) -> str:
    """Minutes as one would say them.

    >>> duration(45), duration(60), duration(135)
    ('45 min', '1 h', '2 h 15 min')
    """
    hours, rest = divmod(minutes, 60)
    return " ".join([f"{hours} h"] * bool(hours) + [f"{rest} min"] * bool(rest or not hours))


def age(at: str, now: datetime | None = None) -> str:
    """How long ago an ISO time was; empty if it is none."""
    try:
        then = datetime.fromisoformat(at)
    except ValueError:
        return ""
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    seconds = max(0, int(((now or datetime.now(UTC)) - then).total_seconds()))
    if seconds < 60:
        return "just now"
    for size, unit in ((86400, "day"), (3600, "h"), (60, "min")):
        count = seconds // size
        if count:
            return f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''} ago"
    return ""


def count(number: float, noun: str) -> str:
    """A number with its noun.

    >>> count(1, "point"), count(2.5, "point")
    ('1 point', '2.5 points')
    """
    return f"{number:g} {noun}{'' if number == 1 else 's'}"


def message(text: str) -> list[tuple[str, bool]]:
    """The lines of a check's message, each with whether it names a slip. The pointer to the terminal is left out."""
    lines = [line for line in text.splitlines() if not IN_TERMINAL.match(line)]
    return [(line, line.strip().startswith(SLIP)) for line in lines]


def built(situation: Situation, standing: Standing) -> list[str]:
    """What a pass has built, in at most two sentences."""
    exercise, box = standing.exercise, box_of(standing.exercise.id)
    told = promise(exercise)
    first = f"You built `{exercise.writes}`. {told}" if told else f"You built `{exercise.writes}`."
    made_by = [s for s in situation.standings if box and s.exercise.id in box.exercises]
    left = [f"`{s.exercise.id}`" for s in made_by if not s.passed]
    if not made_by:
        return [first]
    if left:
        yours = f"{len(made_by) - len(left)} of {len(made_by)} pieces of *{box.label}* are yours"
        return [first, f"{yours}; missing: {', '.join(left)}."]
    return [first, f"With it, *{box.label}* in the picture of GPT-2 is yours."]


def found(situation: Situation, words: str) -> list[Standing]:
    """The exercises that have all of the searched words in their name, notebook or text."""
    wanted = words.lower().split()
    return [s for s in situation.standings if all(word in _searched(s.exercise) for word in wanted)]


def _searched(exercise: Exercise) -> str:
    return f"{exercise.id} {exercise.writes} {exercise.notebook} {promise(exercise)} {exercise.prose}".lower()
