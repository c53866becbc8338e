"""What people hand in: looked at with suspicion, bounded, and kept together with the job that will grade it.

The same bytes from the same team for the same task are a replay: they cost no attempt and give the first receipt again,
also when submitting has ended meanwhile. So whoever is not sure that something arrived can simply send it again.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hookpoint.content.cells import is_stub
from hookpoint.errors import UsageError
from hookpoint.grading.submission import LARGEST_FILE, Refused, read_bytes
from hookpoint.grading.submission import Submission as Read

from . import challenge_files, offered, queue, teams, writeup, writeup_words
from .challenge_files import Found
from .errors import NotAllowed, NotFound
from .event import EventNow, current, seed_of
from .limits import spend
from .refused import TooLarge, WrongKind
from .store.models import Job, Person, RateEvent, Submission
from .writeup_sections import headings_of, lines_of

__all__ = [
    "OLDER_WRITEUP",
    "WRITEUP",
    "Look",
    "Receipt",
    "SubmissionIn",
    "TooLarge",
    "WrongKind",
    "attempts_left",
    "looked_at",
    "take",
]

WRITEUP = "writeup"  # the task of all write-ups
NOTEBOOKS, WRITEUPS = (".ipynb", ".py", ".json"), (".md", ".markdown", ".txt", ".ipynb")
LONGEST_NAME, LONGEST_ENDING = 120, 10  # characters of a file's name
HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}  # what is not drawn, or ends a line
HOUR = timedelta(hours=1)
NO_NOTEBOOK = "{name} is neither a notebook (.ipynb) nor a script (.py). A write-up in Markdown is handed in as such."
NO_WRITEUP = "{name} is neither Markdown (.md) nor a notebook (.ipynb). Save the write-up as one of these."
TOO_LARGE = f"It is larger than {LARGEST_FILE >> 20} MB. Clear the outputs, leave out pictures, and send it again."
NO_TASK = "It answers {task}, which is no task of this event. Its tasks are {tasks}."
OLDER_WRITEUP = (
    "Your team has handed in another write-up since, and the last one counts. Change a word to make this the last."
)
OTHER_TASK = "It answers {found}, and you chose {task}. Choose {found}, or another file."
NO_CHALLENGE = "This event has no challenge {task!r}. Look at /challenges for what it has."
NOT_READY = "{title} cannot be scored yet: the hosts have not made its instances. Ask them."
NO_ANSWERS = "{title} is a demonstration: nothing is handed in for it."
NO_MORE = "Your team has had its {most} attempts at {title}. Its best one counts."


@dataclass(frozen=True)
class Look:
    """What was found in a file: the task that it answers, the exercises answered or the sections written, oddities.

    `warnings` are sentences for the one who hands it in: what is odd about a notebook, or missing in a write-up. They
    keep nobody from handing it in. `found` is what there is to say of an answer to a challenge.
    """

    kind: str
    task: str
    parts: tuple[str, ...]
    warnings: tuple[str, ...]
    sha256: str
    found: Found | None = None


@dataclass(frozen=True)
class SubmissionIn:
    """A file as it arrives; `task` is the one that was chosen, if any."""

    file_name: str
    content: bytes
    kind: str = "notebook"
    task: str = ""

    @cached_property
    def name(self) -> str:
        """The file's name as it is kept: one line without folders, its ending in small letters."""
        last = self.file_name.replace("\\", "/").rpartition("/")[2]
        shown = "".join(c for c in last if unicodedata.category(c) not in HIDDEN).strip()
        stem, _, ending = shown.rpartition(".")
        if stem and len(ending) <= LONGEST_ENDING:
            shown = f"{stem[: LONGEST_NAME - 2 * LONGEST_ENDING].rstrip()}.{ending.lower()}"
        return shown[:LONGEST_NAME].strip() or "unnamed"

    @cached_property
    def look(self) -> Look:
        """What `looked_at` gives, found once."""
        if len(self.content) > LARGEST_FILE:
            raise TooLarge(TOO_LARGE)
        if self.kind == "challenge" or (self.kind == "notebook" and challenge_files.names_one(self.content, self.name)):
            return _challenge(self)
        return _writeup(self) if self.kind == "writeup" else _notebook(self)


@dataclass(frozen=True)
class Receipt:
    """That something was handed in. `replay`: it was there already. `findings` are the warnings of its `Look`.

    `attempts_left` is how often the team may still try the challenge; None for what is none.
    """

    submission_id: int
    replay: bool
    task: str
    kind: str
    findings: tuple[str, ...] = ()
    attempts_left: int | None = None


def looked_at(one: SubmissionIn) -> Look:
    """What is found in the file. It takes up to a second for a large one: not to be asked for in a transaction.

    Raises:
        Refused: it cannot be graded or judged at all; `TooLarge` and `WrongKind` say so.
        UsageError: it is a write-up that is too long, or there is no such challenge.
    """
    return one.look


def take(session: Session, person: Person, one: SubmissionIn, at: datetime) -> Receipt:
    """Keeps what was handed in, for the person's team, and lets it wait to be graded; or says that it is there.

    Raises:
        Refused, UsageError: as for `looked_at`, or it answers no task of this event, or another one than was chosen.
        NotAllowed: the person has no team, submitting is closed, or the team has had all its
            attempts at the challenge, or for that nothing can be handed in.
        TooOften: the team has handed in as much as it may in an hour.
    """
    look = looked_at(one)  # before anything is asked of the database: it takes its time
    event = current(session, at)
    team = teams.own(session, person)  # held: two copies of a file that arrive at once are one
    same = (Submission.team_id == team.id, Submission.sha256 == look.sha256, Submission.task == look.task)
    there = session.scalar(select(Submission.id).where(*same))
    if there is not None:
        older = (OLDER_WRITEUP,) if look.kind == "writeup" and there != _last_writeup(session, team.id) else ()
        return Receipt(there, True, look.task, look.kind, older + look.warnings, _left(session, team.id, event, look))
    event.demand("submitting")
    _demand_task(event, look)
    if look.kind == "challenge":
        _demand_challenge(session, event, team.id, one, look)
    most = event.settings.limits.submissions_per_hour + _failures_of_ours(session, team.id, at)
    spend(session, f"team {team.id}", "submit", most, int(HOUR.total_seconds()), at)
    row = Submission(
        team_id=team.id, person_id=person.id, kind=look.kind, task=look.task, file_name=one.name, sha256=look.sha256,
        content=one.content, received=at, seed=seed_of(event.row, look.task) if look.kind == "notebook" else "",
    )  # fmt: skip
    session.add(row)
    session.flush()
    if look.kind != "writeup":
        queue.enqueue(session, row.id, at)
    return Receipt(row.id, False, look.task, look.kind, look.warnings, _left(session, team.id, event, look))


def attempts_left(session: Session, team_id: int, event: EventNow) -> int:
    """How many files the team may still hand in now; each counts for an hour."""
    most = event.settings.limits.submissions_per_hour + _failures_of_ours(session, team_id, event.at)
    lately = (RateEvent.who == f"team {team_id}", RateEvent.kind == "submit", RateEvent.when > event.at - HOUR)
    return max(0, most - session.scalar(select(func.count()).where(*lately)))


def _notebook(one: SubmissionIn) -> Look:
    if not one.name.endswith(NOTEBOOKS):
        raise WrongKind(NO_NOTEBOOK.format(name=one.name))
    read = read_bytes(one.content, one.name)
    if one.task and one.task != read.notebook.name:
        raise Refused(OTHER_TASK.format(found=read.notebook.name, task=one.task[:60]))
    return Look("notebook", read.notebook.name, _answered(read), read.warnings, read.sha256)


def _answered(read: Read) -> tuple[str, ...]:
    """The exercises that have an answer, in the notebook's order."""
    answered = {
        cell.exercise for cell in read.cells if cell.kind == "exercise" and not is_stub(cell.source, cell.writes)
    }
    return tuple(exercise.id for exercise in read.notebook.exercises if exercise.id in answered)


def _challenge(one: SubmissionIn) -> Look:
    found = challenge_files.found_in(one.content, one.name, one.task)
    return Look("challenge", found.id, (), (), sha256(one.content).hexdigest(), found)


def _writeup(one: SubmissionIn) -> Look:
    if not one.name.endswith(WRITEUPS):
        raise WrongKind(NO_WRITEUP.format(name=one.name))
    try:
        text = one.content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("It is not UTF-8 text. Save it as UTF-8 and hand it in again.") from None
    findings = tuple(str(finding) for finding in writeup.validate(text))
    lines = lines_of(text)
    sections = writeup.sections_of(lines, headings_of(lines, writeup_words.LABELS, writeup_words.KNOWN))
    parts = tuple(part.heading for id, part in writeup_words.PARTS.items() if sections[id])
    return Look("writeup", WRITEUP, parts, findings, sha256(one.content).hexdigest())


def _demand_task(event: EventNow, look: Look) -> None:
    tasks = event.settings.notebooks
    if look.kind == "notebook" and look.task not in tasks:
        raise Refused(NO_TASK.format(task=look.task, tasks=", ".join(tasks)))


def _demand_challenge(session: Session, event: EventNow, team_id: int, one: SubmissionIn, look: Look) -> None:
    """Refuses what cannot be scored, and what is tried once more than the event allows."""
    try:
        card = offered.card(session, event.settings, look.task)
    except NotFound:
        raise UsageError(NO_CHALLENGE.format(task=look.task)) from None
    if not card.taken:
        raise NotAllowed((NO_ANSWERS if card.ready else NOT_READY).format(title=card.title))
    challenge_files.demand_fit(look.found, one.name, card)
    if not _left(session, team_id, event, look):
        raise NotAllowed(NO_MORE.format(most=event.settings.limits.attempts_per_challenge, title=card.title))


def _left(session: Session, team_id: int, event: EventNow, look: Look) -> int | None:
    """How many attempts at the challenge the team has left; None for what is no challenge."""
    return offered.attempts_left(session, team_id, event).get(look.task, 0) if look.kind == "challenge" else None


def _last_writeup(session: Session, team_id: int) -> int:
    """The one that judges read."""
    theirs = select(Submission.id).where(Submission.team_id == team_id, Submission.kind == "writeup")
    return session.scalar(theirs.order_by(Submission.received.desc(), Submission.id.desc()).limit(1))


def _failures_of_ours(session: Session, team_id: int, at: datetime) -> int:
    """How many of the team's submissions of the last hour we could not grade: they do not count."""
    lately = (Submission.team_id == team_id, Submission.received > at - HOUR)
    failed = select(func.count(Submission.id.distinct())).join(Job).where(*lately, Job.state == "failed")
    return session.scalar(failed)
