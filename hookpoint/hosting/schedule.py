"""When what is open: the phases of an event, its run sheet, its timer, and what a power cut does to them.

Pure functions: nothing here reads a clock. Instants are kept in UTC, where differences are seconds that really pass;
`Schedule.local` shows them by the clock on the wall. Hours and minutes pass; days are days of the calendar: "48 h" over
a change to summer time ends an hour later by the clock, "2 days" ends at the same time of day.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hookpoint.errors import UsageError

from .schedule_templates import CAN_BE_OPEN, TEMPLATES, Cue, PhasePlan, Span, Template, template_named

__all__ = [
    "CAN_BE_OPEN", "TEMPLATES", "Now", "Phase", "PhasePlan", "Schedule", "Span", "Step", "Template",
    "extend", "from_template", "now", "pause", "resume", "run_sheet",
]  # fmt: skip

COMPUTED = {"work", "middle", "end", "freeze"}  # anchors of a run sheet that no phase's name can replace
WHEN = re.compile(r"(.+?)(?: ([+-]) (.+))?")


@dataclass(frozen=True)
class Phase:
    """A part of the event, from `opens` up to but not including `closes`; `open` holds words of `CAN_BE_OPEN`."""

    name: str
    opens: datetime
    closes: datetime
    open: frozenset[str]


@dataclass(frozen=True)
class Step:
    """A line of the run sheet of one event: `offset` is the time that passes from the opening to `at`."""

    offset: timedelta
    at: datetime
    who: str
    what: str
    say: str


@dataclass(frozen=True)
class Schedule:
    """The phases of one event, without gaps, in UTC.

    `cues` are the lines of its run sheet by time; from `freezes` on the public board stands still; `paused` is since
    when the event is interrupted, or None.
    """

    phases: tuple[Phase, ...]
    zone: ZoneInfo
    cues: tuple[tuple[datetime, Cue], ...] = ()
    freezes: datetime | None = None
    paused: datetime | None = None

    def local(self, instant: datetime) -> datetime:
        """The same instant by the clock of the place."""
        return instant.astimezone(self.zone)


@dataclass(frozen=True)
class Now:
    """How the event stands at one instant.

    `phase` is None before the first and after the last. `next` is when that changes, as far as is known, in UTC, and
    `then` the name of the phase that begins, or empty at the end; `seconds` are left until then. After the last phase
    `next` and `seconds` are None. While the event is paused `seconds` stand still, and at most the board is open.
    """

    phase: Phase | None
    open: frozenset[str]
    next: datetime | None
    then: str
    seconds: float | None
    paused: bool


def from_template(
    name: str, starts: datetime, phases: Iterable[PhasePlan] | None = None, freeze: Span | None = None
) -> Schedule:
    """The schedule of an event whose first phase opens at `starts`, which carries the `ZoneInfo` of the place.

    Args:
        phases: other phases than the template's; lines of the run sheet that find no place in them are left out.
        freeze: how long before the end of submitting the public board stands still, if not the template's.

    Raises:
        UsageError: there is no such template, there are no phases, or `starts` has no time zone.
    """
    if not isinstance(starts.tzinfo, ZoneInfo):
        raise UsageError(f"The time {starts} does not say where: give it a ZoneInfo, such as Europe/Berlin.")
    template, zone, opens, placed = template_named(name), starts.tzinfo, starts.astimezone(UTC), []
    for plan in template.phases if phases is None else phases:
        placed.append(Phase(plan.name, opens, plan.lasts.after(opens, zone), frozenset(plan.open)))
        opens = placed[-1].closes
    if not placed:
        raise UsageError("An event needs at least one phase.")
    freeze, anchors = freeze or template.freeze, _anchors(placed)
    if "end" in anchors and (freeze.days or freeze.minutes):
        anchors["freeze"] = freeze.after(anchors["end"], zone, -1)
    cues = sorted(_placed(template, anchors, zone), key=lambda cue: cue[0])
    return Schedule(tuple(placed), zone, tuple(cues), anchors.get("freeze"))


def now(schedule: Schedule, at: datetime) -> Now:
    """How the event stands at `at`, in any time zone."""
    at = _instant(at)
    paused = schedule.paused is not None and at >= schedule.paused
    if paused:
        schedule = resume(schedule, at)  # as if it went on at once: so the timer stands still
    phases = schedule.phases
    phase = next((phase for phase in phases if phase.opens <= at < phase.closes), None)
    coming = next((phase for phase in phases if phase.opens > at), None)
    change = phase.closes if phase else coming.opens if coming else None
    is_open = phase.open if phase else frozenset()
    return Now(
        phase,
        is_open & {"board"} if paused else is_open,
        change,
        coming.name if coming else "",
        (change - at).total_seconds() if change else None,
        paused,
    )


def extend(schedule: Schedule, at: datetime, by: timedelta) -> Schedule:
    """The schedule in which all that comes after `at` comes later by `by`.

    Raises:
        UsageError: the event is over, or `by` is not a time to wait.
    """
    at = min(_instant(at), schedule.paused or datetime.max.replace(tzinfo=UTC))  # a paused event stands where it was
    if by < timedelta(0):
        raise UsageError("An event can only be made longer: give a time of at least zero, and resume after the pause.")
    if at >= schedule.phases[-1].closes:
        raise UsageError("The event is over: nothing is left to move.")

    def moved(instant: datetime) -> datetime:
        return instant + by if instant > at else instant

    return replace(
        schedule,
        phases=tuple(replace(one, opens=moved(one.opens), closes=moved(one.closes)) for one in schedule.phases),
        cues=tuple((moved(when), cue) for when, cue in schedule.cues),
        freezes=schedule.freezes and moved(schedule.freezes),
    )


def pause(schedule: Schedule, at: datetime) -> Schedule:
    """The schedule interrupted at `at`, for an unknown time.

    Raises:
        UsageError: it is interrupted already, or the event is over.
    """
    if schedule.paused is not None:
        raise UsageError(f"The event is paused since {schedule.local(schedule.paused):%H:%M}: resume it first.")
    return replace(extend(schedule, at, timedelta(0)), paused=_instant(at))


def resume(schedule: Schedule, at: datetime) -> Schedule:
    """The schedule that goes on at `at`: all that was to come when it was paused comes later by the time lost.

    Raises:
        UsageError: it is not paused, or `at` lies before the pause.
    """
    if schedule.paused is None:
        raise UsageError("The event is not paused.")
    return replace(extend(schedule, schedule.paused, _instant(at) - schedule.paused), paused=None)


def run_sheet(schedule: Schedule) -> tuple[Step, ...]:
    """The lines of the run sheet in order, with the times of this schedule in what is to be read out."""
    anchors = _anchors(schedule.phases) | ({"freeze": schedule.freezes} if schedule.freezes else {})
    times = {name: _spoken(schedule, instant) for name, instant in anchors.items()}
    begins = schedule.phases[0].opens
    return tuple(Step(when - begins, when, cue.who, cue.what, cue.say.format_map(times)) for when, cue in schedule.cues)


def _instant(at: datetime) -> datetime:
    if at.utcoffset() is None:
        raise UsageError(f"The time {at} does not say where: give it a time zone.")
    return at.astimezone(UTC)


def _anchors(phases: Iterable[Phase]) -> dict[str, datetime]:
    """What a run sheet can refer to: where phases open, and the beginning, middle and end of submitting."""
    phases = list(phases)
    named = {phase.name: phase.opens for phase in phases if phase.name not in COMPUTED}
    anchors = named | {"doors": phases[0].opens, "close": phases[-1].closes}
    work = [phase for phase in phases if "submitting" in phase.open]
    if work:
        begins, ends = work[0].opens, work[-1].closes
        half = timedelta(minutes=(ends - begins) // timedelta(minutes=2))
        anchors |= {"work": begins, "middle": begins + half, "end": ends}
    rating = [phase.opens for phase in phases if "judging" in phase.open]
    return {"judging": rating[0]} | anchors if rating else anchors


def _placed(template: Template, anchors: dict[str, datetime], zone: ZoneInfo) -> Iterator[tuple[datetime, Cue]]:
    """The lines of the sheet that the length allows: what follows the beginning lies in the first half, and so on."""
    middle = anchors.get("middle")
    for when, cue in template.sheet:
        anchor, sign, span = WHEN.fullmatch(when).groups()
        if anchor not in anchors or not set(re.findall(r"{(\w+)}", cue.say)) <= anchors.keys():
            continue
        at = Span.read(span or "0 min").after(anchors[anchor], zone, -1 if sign == "-" else 1)
        late = anchor == "work" and at > middle or at > anchors["close"]
        early = anchor == "end" and sign == "-" and at < middle
        if not late and not early:
            yield at, cue


def _spoken(schedule: Schedule, instant: datetime) -> str:
    """A time as it is read out: with the day, and the date, where the event is long enough to need them."""
    first, last = (schedule.local(at).date() for at in (schedule.phases[0].opens, schedule.phases[-1].closes))
    local = schedule.local(instant)
    form = "%H:%M" if first == last else "%A %H:%M" if (last - first).days < 7 else f"%A {local.day} %B, %H:%M"
    return local.strftime(form)
