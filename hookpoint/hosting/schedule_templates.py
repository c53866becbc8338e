"""The kinds of event that a host can choose from: their phases, and what happens when, with what is read out.

A sheet says when as an anchor and a span: "work + 2 h", "end - 10 min". Anchors are the names of phases, `doors` and
`close` (the event opens and closes), `work`, `middle` and `end` (of submitting), and `freeze` (of the public board).
What is read out may name the time of an anchor in braces.
"""

import difflib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from hookpoint.challenges import registry
from hookpoint.errors import UsageError

__all__ = ["CAN_BE_OPEN", "TEMPLATES", "Cue", "PhasePlan", "Span", "Template", "template_named"]

CAN_BE_OPEN = ("joining", "submitting", "judging", "board")  # board: the ranking is shown to everyone
SPAN = re.compile(r"(?:([0-9]{1,6}) ?days?)? ?(?:([0-9]{1,6}) ?h)? ?(?:([0-9]{1,6}) ?min)?")


@dataclass(frozen=True)
class Span:
    """A length of time: days of the calendar, then minutes that pass. Written as "2 h", "90 min" or "1 day 2 h"."""

    days: int = 0
    minutes: int = 0

    @classmethod
    def read(cls, text: str) -> Self:
        """The span that `text` says.

        Raises:
            ValueError: it says none.
        """
        match = SPAN.fullmatch(text.strip())
        if match is None or not any(match.groups()):
            raise ValueError(f'"{text}" is not a length of time. Write it like "2 h", "90 min" or "3 days"')
        days, hours, minutes = (int(part or 0) for part in match.groups())
        return cls(days, 60 * hours + minutes)

    def __str__(self) -> str:
        hours, minutes = divmod(self.minutes, 60)
        days = f"{self.days} day{'s' * (self.days != 1)}" if self.days else ""
        parts = [days, f"{hours} h" if hours else "", f"{minutes} min" if minutes else ""]
        return " ".join(filter(None, parts)) or "0 min"

    def after(self, instant: datetime, zone: ZoneInfo, sign: int = 1) -> datetime:
        """The instant, in UTC, that lies this span after `instant`, or before it where `sign` is -1."""
        if self.days:
            by_the_clock = instant.astimezone(zone).replace(tzinfo=None) + timedelta(days=sign * self.days)
            instant = by_the_clock.replace(tzinfo=zone)
        return instant.astimezone(UTC) + timedelta(minutes=sign * self.minutes)


@dataclass(frozen=True)
class PhasePlan:
    """A phase before the day is known: it begins when the one before it ends."""

    name: str
    lasts: Span
    open: tuple[str, ...]


@dataclass(frozen=True)
class Cue:
    """A line of a run sheet: who does what, and what they read out, with times to fill in. `say` may be empty."""

    who: str
    what: str
    say: str = ""


@dataclass(frozen=True)
class Template:
    """A kind of event. `sheet` says when as an anchor, such as a phase, and a span: "hacking + 2 h". `challenges` are
    as many as fit into it; the host may choose others.
    """

    phases: tuple[PhasePlan, ...]
    freeze: Span
    sheet: tuple[tuple[str, Cue], ...]
    challenges: tuple[str, ...] = ()


ALL, HOST, MENTORS, JUDGES = "everyone", "host", "mentors", "judges"

SET_UP = Cue(
    HOST,
    "Server on mains power, projector shows the join code. Join from a second laptop, hand in the baseline, see it on"
    " the board. Sticks with the offline bundle, paper, pens and power strips lie ready.",
)
DOORS = Cue(
    MENTORS,
    "Stand at the door: join code, install from the stick, a seat near power. People without a team go to one table.",
    "Welcome. Please find a seat, connect to the network of this event and join with the code on the screen. You do not"
    " need the internet: all you install is on the sticks. If you look for a team, come to the table in front.",
)
OPENING = Cue(
    HOST,
    "Ten minutes: the aim, the tracks, the rules, who helps, where food and exits are. Show one submission, live.",
    "Good to have you here. You can hand in from {work} to {end}, and you may do so many times: what counts is in the"
    " rules on the screen. Help is free: ask a mentor early. Be kind, say what you took from others, leave the server"
    " alone.",
)
WORK = Cue(
    HOST,
    "Submitting opens. Watch the first submissions come in; walk to every table that has none after half an hour.",
    "Submitting is open. Begin with the starter notebook of your challenge and hand in the baseline as it is. It scores"
    " little, and it proves that your way to the board works.",
)
BASELINE = Cue(
    MENTORS,
    "Baseline submitted: list the teams without a submission and sit down with each until they have one.",
    "By now every team should have handed in the baseline. If yours has not, raise a hand: we come to you.",
)
QUESTION = Cue(
    MENTORS,
    "Question chosen: ask each team for one sentence, and what they predict. Too large? Cut it together.",
    "Time to choose. Write down your question in one sentence, and what you expect to see before you look. If you have"
    " more than one question, keep the one that you can answer by {end}.",
)
MIDPOINT = Cue(
    MENTORS,
    "Midpoint, go or no-go: each team says what works, what is missing and what they drop. No result yet: go smaller.",
    "Half of the time has gone. Decide now, as a team: go on, or take the smaller question. A small thing that holds is"
    " worth more than a large one that does not. A mentor comes by for your answer.",
)
WRITING = Cue(
    ALL,
    "Writing starts: one person of each team opens the template of the write-up and hands in what there is.",
    "Writing starts now. Let one of you open the template and fill in what you know: claim, prediction, method,"
    " evidence with a control, limits. Experiments may go on; the write-up may not wait. Submitting ends at {end}.",
)
FREEZE = Cue(
    HOST,
    "The public board freezes. Check that it says so on the projector.",
    "The public board stands still from now on. You can hand in until {end}, and it counts; you will see the order at"
    " the end.",
)
LAST_CALL = Cue(
    HOST,
    "Ten minutes left. Nobody starts anything; every team sees its last submission confirmed.",
    "Ten minutes left. Hand in what you have, and check that your page shows it.",
)
CLOSED = Cue(
    HOST,
    "Submitting has closed. Copy the database to a stick before anything else.",
    "Submitting is closed. Thank you: save your work, stretch, drink something.",
)
JUDGING = Cue(
    JUDGES,
    "Judging opens. Each judge rates the assigned write-ups alone, then sees the automatic scores. The host watches.",
    "Judging has begun. Judges, please read what is assigned to you, one write-up at a time, and rate before you talk"
    " about it. Everyone else: visit another table and ask what they found.",
)
AWARDS = Cue(
    HOST,
    "Score the first five once more, show the final board, let the first three tell what they found.",
    "Here is the final board. Before the applause: tell us the one thing that you know now and did not know before.",
)
FAREWELL = Cue(
    HOST,
    "Export the results and the archive, hand out certificates, ask for the survey. Look under the tables.",
    "That was it. Your results and your write-up are yours to take along. Please fill in the survey before you leave,"
    " and take your cables with you.",
)


def _meal(name: str) -> Cue:
    return Cue(HOST, f"{name} is served. The server goes on.", f"{name} is ready. Please eat; the model can wait.")


NIGHT = Cue(
    HOST,
    "Who stays overnight is known by name, one of the hosts is awake, exits are free.",
    "It is getting late. Nobody wins by not sleeping. Hand in what you have, write down what to try next, and rest.",
)
MORNING = Cue(
    HOST,
    "Restart nothing that runs; read the night's log; coffee. Mentors visit the teams whose last submission failed.",
    "Good morning. Coffee is ready, and so are the mentors. Say what your team does today in one sentence.",
)
MEETING = Cue(
    MENTORS,
    "Meeting: each team shows one picture in three minutes, then tables.",
    "Welcome back. Three minutes for each team: one picture, what you expected, what you saw.",
)

START = (("doors - 60 min", SET_UP), ("doors", DOORS), ("opening", OPENING), ("work", WORK))
FINISH = (
    ("freeze", FREEZE), ("end - 10 min", LAST_CALL), ("end", CLOSED), ("judging + 5 min", JUDGING),
    ("awards", AWARDS), ("close - 5 min", FAREWELL),
)  # fmt: skip


def _phases(arrival: str, opening: str, work: str, judging: str, awards: str) -> tuple[PhasePlan, ...]:
    """The phases that every template has; one that lasts "" is left out."""
    plans = (
        ("arrival", arrival, ("joining",)),
        ("opening", opening, ("joining",)),
        ("hacking", work, ("joining", "submitting", "board")),
        ("judging", judging, ("judging", "board")),
        ("awards", awards, ("board",)),
    )
    return tuple(PhasePlan(name, Span.read(lasts), open) for name, lasts, open in plans if lasts)


TEMPLATES = {
    "three_hours": Template(  # 18:00 to 21:00
        _phases("15 min", "10 min", "115 min", "25 min", "15 min"),
        Span.read("20 min"),
        (*START, ("work + 30 min", BASELINE), ("work + 45 min", QUESTION), ("middle", MIDPOINT),
         ("end - 30 min", WRITING), *FINISH),
        registry.IDS[:2],
    ),
    "one_day": Template(  # 9:00 to 21:00
        _phases("30 min", "30 min", "9 h", "75 min", "45 min"),
        Span.read("1 h"),
        (*START, ("work + 2 h", BASELINE), ("work + 150 min", _meal("Lunch")), ("work + 4 h", QUESTION),
         ("middle", MIDPOINT), ("end - 2 h", WRITING), ("judging", _meal("Dinner")), *FINISH),
        (*registry.IDS[:3], "circuit_hunt", "causal_subspace"),
    ),
    "weekend": Template(  # Friday 18:00 to Sunday 18:00
        _phases("30 min", "30 min", "45 h", "75 min", "45 min"),
        Span.read("2 h"),
        (*START, ("work + 60 min", _meal("Dinner")), ("work + 2 h", BASELINE), ("work + 4 h", QUESTION),
         ("work + 5 h", NIGHT), ("work + 14 h", MORNING), ("work + 18 h", _meal("Lunch")), ("middle", MIDPOINT),
         ("middle + 90 min", _meal("Dinner")), ("middle + 6 h", NIGHT), ("end - 8 h", WRITING),
         ("end - 450 min", MORNING), ("end - 3 h", _meal("Lunch")), *FINISH),
        registry.IDS,
    ),
    "class_two_weeks": Template(  # Monday 18:00 to Monday 19:30, two weeks later
        _phases("30 min", "", "11 days", "3 days", "1 h"),
        Span.read("2 h"),
        (*START, ("arrival + 15 min", OPENING), ("work + 2 h", BASELINE), ("doors + 3 days", MEETING),
         ("doors + 3 days 60 min", QUESTION), ("doors + 7 days", MEETING), ("doors + 7 days 60 min", MIDPOINT),
         ("doors + 10 days", MEETING), ("end - 8 h", WRITING), *FINISH),
        registry.IDS,
    ),
}  # fmt: skip


def template_named(name: str) -> Template:
    """The template of this name.

    Raises:
        UsageError: there is none; the message offers the nearest.
    """
    if name not in TEMPLATES:
        near = difflib.get_close_matches(name, TEMPLATES, n=1, cutoff=0.0)[0]
        raise UsageError(f"There is no schedule `{name}`. Choose one of {', '.join(TEMPLATES)}; nearest is `{near}`.")
    return TEMPLATES[name]
