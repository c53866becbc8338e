"""Certificates: a page for each person and each team, to be printed. They need no network and load nothing."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from hookpoint.content.course import course

from .event import EventNow
from .store.models import Submission, Team, Verdict

__all__ = ["Certificate", "Passed", "certificates", "printed", "spoken_dates", "write_certificates"]


@dataclass(frozen=True)
class Passed:
    """What was solved of one notebook or challenge: its title, and the exercises."""

    title: str
    exercises: tuple[str, ...]

    @property
    def length(self) -> int:
        return len(self.exercises)


@dataclass(frozen=True)
class Certificate:
    """What one certificate says. `members` are those of a team; None: it is for a person of the team."""

    file: str
    name: str
    team: str
    members: tuple[str, ...] | None
    event: str
    place: str
    date: str
    passed: tuple[Passed, ...]
    writeup: bool


def certificates(session: Session, now: EventNow) -> list[Certificate]:
    """A certificate for each team that has handed something in, and for each of its people; none for disqualified ones.

    Teams first, each group in the order of the ids, by which the files are called: names are never paths.
    """
    solved, wrote = _solved(session), _wrote(session)
    about = {"event": now.settings.title, "place": now.settings.place, "date": spoken_dates(now)}
    query = select(Team).where(Team.active, Team.disqualified == "", Team.id.in_(select(Submission.team_id)))
    teams, people = [], []
    for team in session.scalars(query.order_by(Team.id).options(selectinload(Team.members))):
        members = sorted((one for one in team.members if one.active), key=lambda one: one.id)
        shared = about | {"team": team.name, "passed": solved.get(team.id, ()), "writeup": team.id in wrote}
        names = tuple(one.name for one in members)
        teams.append(Certificate(f"team-{team.id}.html", team.name, members=names, **shared))
        people += [Certificate(f"person-{one.id}.html", one.name, members=None, **shared) for one in members]
    return teams + people


def write_certificates(found: Sequence[Certificate], event: str, folder: Path) -> list[Path]:
    """Writes a page for each, and one that lists them all."""
    paths = []
    for one in found:
        paths.append(folder / one.file)
        paths[-1].write_text(printed("certificate.html", one=one), encoding="utf-8", newline="\n")
    groups = [
        ("Teams", [one for one in found if one.members is not None]),
        ("People", [one for one in found if one.members is None]),
    ]
    paths.append(folder / "index.html")
    paths[-1].write_text(printed("certificates.html", event=event, groups=groups), encoding="utf-8", newline="\n")
    return paths


def printed(name: str, **values: Any) -> str:
    """A page from a template of `printed/`, in which every value is escaped."""
    return _pages().get_template(name).render(values)


def spoken_dates(now: EventNow) -> str:
    """The days of the event by the clock of its place: "5 March 2027", "5 to 7 March 2027"."""
    phases = now.schedule.phases
    first, last = (now.schedule.local(at).date() for at in (phases[0].opens, phases[-1].closes))
    if first == last:
        return _spoken(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {_spoken(last)}"
    return f"{_spoken(first)} to {_spoken(last)}"


def _spoken(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


@cache
def _pages() -> Any:
    import jinja2

    folder = Path(__file__).with_name("printed")
    loader = jinja2.FileSystemLoader(folder)
    return jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)


def _solved(session: Session) -> dict[int, tuple[Passed, ...]]:
    """What each team has passed, by notebook or challenge."""
    query = (
        select(Submission.team_id, Submission.task, Verdict.exercise)
        .join(Submission, Verdict.submission_id == Submission.id)
        .where(Verdict.status == "passed")
        .distinct()
    )
    by_team: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for team, task, exercise in session.execute(query):
        by_team[team][task].add(exercise)
    released = course()
    order = {exercise.id: exercise.position for exercise in released.exercises}
    titles = {notebook.name: notebook.title for notebook in released.notebooks}
    return {
        team: tuple(
            Passed(titles.get(task, task), tuple(sorted(tasks[task], key=lambda id: (order.get(id, len(order)), id))))
            for task in sorted(tasks)
        )
        for team, tasks in by_team.items()
    }


def _wrote(session: Session) -> set[int]:
    """The teams with a write-up."""
    return set(session.scalars(select(Submission.team_id).where(Submission.kind == "writeup")))
