"""What a host decides about an event, and `event.toml`, where it stands: one key for each decision, with its meaning.

Reading refuses what it does not know and says all mistakes of a file at once, each with its line. What each key means
and takes stands once, at the field that holds it; `settings_file` walks over those fields.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from hookpoint.errors import UsageError

from . import settings_kinds as kinds
from .boards import TIES
from .schedule import Schedule, from_template
from .schedule_templates import CAN_BE_OPEN, TEMPLATES, PhasePlan, Span, template_named
from .settings_file import many, one, parsed, rendered, setting

__all__ = [
    "Board", "Criterion", "EventSettings", "Judging", "Limits", "PhaseSettings", "Server", "Teams", "new_settings",
    "read_settings", "write_settings",
]  # fmt: skip

LARGEST_TEAM = 50
Problems = Iterator[tuple[tuple, str]]  # where the key stands that has to be changed, and what is wrong with it


@dataclass(frozen=True)
class PhaseSettings(PhasePlan):
    """One phase of the event; it begins when the one before it ends."""

    name: str = setting(kinds.text(40), "What is shown on the projector.")
    lasts: Span = setting(kinds.span(longest_days=366), 'How long: "2 h", "90 min", "3 days".')
    open: tuple[str, ...] = setting(kinds.words(CAN_BE_OPEN), 'What people can do: any of "joining", "submitting",'
                                    ' "judging", "board" (the ranking is shown).')  # fmt: skip


@dataclass(frozen=True)
class Teams:
    """Who may take part as a team."""

    smallest: int = setting(kinds.whole(1, LARGEST_TEAM), "People in a team, at least.", 1)
    largest: int = setting(kinds.whole(1, LARGEST_TEAM), "People in a team, at most.", 6)
    solo: bool = setting(kinds.yes_or_no, "May a person take part alone? true or false.", True)

    @staticmethod
    def problems(values: dict[str, Any]) -> Problems:
        smallest, largest = values.get("smallest", 1), values.get("largest", LARGEST_TEAM)
        if largest < smallest:
            yield ("largest",), f"{largest} is less than `smallest`. Write {smallest} or more"
        if smallest == 1 and values.get("solo") is False and "smallest" in values:
            yield ("smallest",), "1 is a person alone, and `solo` is false. Write 2, or `solo = true`"


@dataclass(frozen=True)
class Limits:
    """How much one team may hand in. Failures of the grader never count."""

    submissions_per_hour: int = setting(
        kinds.whole(1, 3600), "Submissions of one team in any hour. 20 is plenty for people, and stops scripts.", 20
    )
    attempts_per_challenge: int = setting(
        kinds.whole(1, 10_000),
        "Scored attempts of one team at one challenge, in the whole event. What cannot be scored is none.",
        10,
    )


@dataclass(frozen=True)
class Board:
    """The ranking that everyone sees."""

    freeze: Span = setting(
        kinds.span(zero=True, longest_days=366),
        'So long before submitting ends the public board stands still, for suspense: "2 h". "0 min" is never.',
        Span(minutes=20),
    )
    ties: str = setting(
        kinds.choice(TIES),
        'Who is first of two teams with the same score: the "earlier" one, the one with "fewer attempts", or both'
        ' ("shared").',
        TIES[0],
    )
    points_per_challenge: float = setting(
        kinds.number(0, 10_000),
        "What a challenge that is solved in full adds to a team's points. Exercises have 1 to 5 points each, so that 10"
        " weighs like a few of them.",
        10.0,
    )


@dataclass(frozen=True)
class Criterion:
    """What judges rate from 1 to 5, with what each number means."""

    name: str = setting(kinds.text(60), "What is rated.")
    weight: float = setting(kinds.number(0, 100), "How much it counts beside the other criteria: 2 counts twice.")
    anchors: tuple[str, ...] = setting(
        kinds.texts(5), "What 1, 2, 3, 4 and 5 mean, so that two judges mean the same by a 4."
    )


def _criterion(name: str, weight: float, *anchors: str) -> Criterion:
    return Criterion(name, weight, anchors)


CRITERIA = (
    _criterion("Mechanistic evidence", 2.0, "A story without evidence", "Correlations only",
               "One intervention supports the claim", "Several interventions agree", "It predicts new cases"),
    _criterion("Rigour and controls", 2.0, "No control", "A control that could not fail", "One fair control",
               "Controls and honest uncertainty", "Tried hard to prove itself wrong, and says how"),
    _criterion("Novelty", 1.0, "Repeats a notebook", "A small variation", "A new question or a new method",
               "Both new", "Changes what others would do next"),
    _criterion("Reproducibility", 1.0, "Cannot be run", "Runs after repairs", "Runs, other figures",
               "Runs, same figures", "One command, same figures, seeds and data said"),
    _criterion("Relevance to safety", 1.0, "None said", "Said, not argued", "A plausible link", "A link with evidence",
               "Could be used for oversight as it is"),
    _criterion("Clarity", 1.0, "We could not follow", "Clear in parts", "Clear to the judges",
               "Clear to a participant", "Teaches: claim, evidence and limits at one reading"),
)  # fmt: skip


@dataclass(frozen=True)
class Judging:
    """How write-ups are judged."""

    judges_per_team: int = setting(kinds.whole(1, 20), "Judges that rate each write-up; three is usual.", 3)
    criteria: tuple[Criterion, ...] = many(Criterion, "What judges rate, once for each criterion.", CRITERIA)

    @staticmethod
    def problems(values: dict[str, Any]) -> Problems:
        yield from kinds.repeated([criterion.name for criterion in values.get("criteria", ())], "criteria")
        if values.get("criteria") == ():
            yield ("criteria",), "there is nothing to rate. Write at least one [[judging.criteria]]"


@dataclass(frozen=True)
class Server:
    """Where the event server listens."""

    address: str = setting(
        kinds.address, '"0.0.0.0": everyone in the room reaches it. "127.0.0.1": this laptop alone.', "0.0.0.0"
    )
    port: int = setting(kinds.whole(1024, 65535), "The number after the colon in the address that people open.", 8000)


@dataclass(frozen=True)
class EventSettings:
    """All that a host decides. Without `phases` it has those of its template.

    `starts` is when the first phase opens by the clock of `timezone`, and carries no zone of its own.
    """

    title: str = setting(kinds.text(120), "What the event is called, on the projector and on certificates.")
    place: str = setting(kinds.text(120), "Where people come to.")
    timezone: str = setting(kinds.timezone, 'Whose clock counts, such as "Europe/Berlin" or "America/New_York".')
    starts: datetime = setting(kinds.moment, 'When the doors open, by that clock: "2027-03-05 18:00".')
    template: str = setting(
        kinds.choice(tuple(TEMPLATES)),
        f"Which run sheet: {', '.join(TEMPLATES)}. If you delete all [[phases]], its phases hold as well.",
    )
    notebooks: tuple[str, ...] = setting(kinds.notebooks, "The notebooks of the course that count for the board.")
    challenges: tuple[str, ...] = setting(
        kinds.challenges,
        "The challenges that the event offers; `hookpoint challenge list` says which there are. [] is none.",
        (),
    )
    phases: tuple[PhaseSettings, ...] = many(
        PhaseSettings, "The parts of the event, in order; each begins when the last ends.", ()
    )
    teams: Teams = one(Teams, "Who may take part.")
    limits: Limits = one(Limits, "How much one team may hand in; failures of the grader never count.")
    board: Board = one(Board, "The ranking that everyone sees.")
    judging: Judging = one(Judging, "How write-ups are judged.")
    server: Server = one(Server, "Where the event server listens.")

    def __post_init__(self):
        if not self.phases and self.template in TEMPLATES:
            plans = TEMPLATES[self.template].phases
            object.__setattr__(self, "phases", tuple(PhaseSettings(plan.name, plan.lasts, plan.open) for plan in plans))

    def schedule(self) -> Schedule:
        """The phases and the run sheet of this event, by the calendar."""
        starts = self.starts.replace(tzinfo=ZoneInfo(self.timezone))
        return from_template(self.template, starts, self.phases, self.board.freeze)

    @staticmethod
    def problems(values: dict[str, Any]) -> Problems:
        """What is wrong between keys, as far as these could be read."""
        if {"timezone", "starts"} <= values.keys():
            yield from _clock(values["starts"], ZoneInfo(values["timezone"]))
        phases = values.get("phases")
        if phases:
            yield from kinds.repeated([phase.name for phase in phases], "phases")
            if not any("submitting" in phase.open for phase in phases):
                yield ("phases",), 'nobody can ever submit. Write `open = ["submitting"]` in one of them'
        if {"board", "phases", "template"} <= values.keys():
            yield from _freeze(values["board"].freeze, phases or TEMPLATES[values["template"]].phases)


def _clock(starts: datetime, zone: ZoneInfo) -> Problems:
    """Clocks that are put forward leave an hour out, those that are put back show one twice."""
    first, second = (starts.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return
    left_out = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != starts
    what = "is left out: clocks are put forward" if left_out else "comes twice: clocks are put back"
    yield ("starts",), f"{starts:%H:%M} {what} that night in {zone.key}. Write a time at least an hour earlier or later"


def _freeze(freeze: Span, phases: tuple[PhasePlan, ...]) -> Problems:
    at = [number for number, phase in enumerate(phases) if "submitting" in phase.open]
    minutes = sum(1440 * one.lasts.days + one.lasts.minutes for one in phases[at[0] : at[-1] + 1]) if at else None
    if minutes is not None and 1440 * freeze.days + freeze.minutes >= minutes:
        yield ("board", "freeze"), f'"{freeze}" is as long as submitting itself ({minutes} min). Write a shorter time'


def new_settings(
    title: str, place: str, timezone: str, starts: datetime, template: str, notebooks: tuple[str, ...]
) -> EventSettings:
    """Settings to begin with: all that is not given as it is usual for this kind of event.

    Raises:
        UsageError: there is no such template.
    """
    kind = template_named(template)
    board = Board(freeze=kind.freeze)
    return EventSettings(title, place, timezone, starts, template, notebooks, kind.challenges, board=board)


def read_settings(path: Path) -> EventSettings:
    """The settings that stand in the file.

    Raises:
        UsageError: there is no such file, or it has mistakes: all of them, a line for each, as `event.toml:12: ...`.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}. `hookpoint host init` writes one.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text. Save it as UTF-8 in your editor.") from None
    return parsed(EventSettings, text, Path(path))


def write_settings(path: Path, settings: EventSettings) -> None:
    """Writes a new file that explains each key, and that `read_settings` reads as the same settings.

    Raises:
        UsageError: there is something at `path`, it cannot be written, or the settings could not be read again.
    """
    text = rendered(settings)
    if parsed(EventSettings, text, Path(path)) != settings:
        raise UsageError(
            f"{path} would not say the same settings. Give `starts` in whole minutes without a zone, lists as tuples."
        )
    try:
        with Path(path).open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} is there already. Edit it, or move it away first.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}. Choose another folder.") from None
