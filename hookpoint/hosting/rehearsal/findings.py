"""What must be true when a rehearsal is over. Nothing here asks the code that is being rehearsed for its opinion:
verdicts were known beforehand, and the board is computed again in another way.
"""

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import func, select

from hookpoint.content.course import course
from hookpoint.hosting.store.database import Database
from hookpoint.hosting.store.models import Job, Person, Question, Submission, Team, Verdict

from .answers import NOTEBOOK
from .crowd import Crowd, Sent

__all__ = ["Finding", "Percentiles", "board_found", "kept", "percentiles", "verdicts"]

SHOWN = 3  # examples of what is wrong


@dataclass(frozen=True)
class Finding:
    """Something that had to be true: of `all` cases `bad` were not, of which `examples` tell."""

    what: str
    all: int
    bad: int = 0
    examples: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, what: str, all: int, bad: Iterable[str]) -> "Finding":
        bad = list(bad)
        return cls(what, all, len(bad), tuple(bad[:SHOWN]))

    @property
    def good(self) -> bool:
        return self.all > 0 and not self.bad  # what was never tried is not shown


@dataclass(frozen=True)
class Percentiles:
    """Seconds: the median, the 99th percentile, the longest, and of how many."""

    p50: float
    p99: float
    longest: float
    count: int


def percentiles(seconds: Iterable[float]) -> Percentiles:
    values = sorted(seconds)
    if not values:
        return Percentiles(math.nan, math.nan, math.nan, 0)
    return Percentiles(statistics.median(values), values[math.ceil(0.99 * len(values)) - 1], values[-1], len(values))


def verdicts(database: Database, crowd: Crowd) -> tuple[list[Finding], list[float]]:
    """Lost, doubled or wrong: for every notebook that was acknowledged; and the seconds from sending to its verdict."""
    with database.reading() as session:
        rows = session.execute(
            select(Submission.id, Submission.sha256, Team.name).join(Team, Submission.team_id == Team.id)
            .where(Submission.kind == "notebook")
        ).all()  # fmt: skip
        jobs = defaultdict(list)
        for id, state, finished in session.execute(select(Job.submission_id, Job.state, Job.finished)):
            jobs[id].append((state, finished))
        found = defaultdict(list)
        for id, exercise, status in session.execute(select(Verdict.submission_id, Verdict.exercise, Verdict.status)):
            found[id].append((exercise, status))
    there = {id: (team, sha) for id, sha, team in rows}
    finished = {id: [when for state, when in jobs[id] if state == "done"] for id in there}
    return [
        Finding.of("acknowledged and kept", len(crowd.sent), lost(crowd.sent, there)),
        Finding.of("handed in once, kept once", len(there), doubled(crowd.sent, there)),
        Finding.of(
            "graded", len(crowd.sent), (f"submission {one.id}" for one in crowd.sent if not finished.get(one.id))
        ),
        Finding.of("graded once", len(there), (f"submission {id}" for id in there if len(jobs[id]) != 1)),
        Finding.of("verdicts as known beforehand", 8 * len(crowd.sent), wrong(crowd.sent, found)),
    ], [finished[one.id][0].timestamp() - one.at for one in crowd.sent if finished.get(one.id)]


def lost(sent: Iterable[Sent], there: dict[int, tuple[str, str]]) -> Iterable[str]:
    for one in sent:
        if there.get(one.id) != (one.team, one.sha256):
            yield f"submission {one.id} of {one.team}"


def doubled(sent: Iterable[Sent], there: dict[int, tuple[str, str]]) -> Iterable[str]:
    for key, count in Counter(there.values()).items():
        if count > 1:
            yield f"{key[0]} has {count} times the same file"
    for id in there.keys() - {one.id for one in sent}:
        yield f"submission {id} was never acknowledged"


def wrong(sent: Iterable[Sent], found: dict[int, list[tuple[str, str]]]) -> Iterable[str]:
    for one in sent:
        counted = Counter(exercise for exercise, _ in found[one.id])
        got = dict(found[one.id])
        for exercise, status in one.expected.items():
            if counted[exercise] != 1 or got.get(exercise) != status:
                yield f"submission {one.id}, {exercise}: {counted[exercise]} times, {got.get(exercise)} for {status}"


def kept(database: Database, crowd: Crowd) -> list[Finding]:
    """Teams, people, questions and write-ups: as many as there were."""
    people = sum(len(part.people) for part in crowd.parts)
    with database.reading() as session:
        names = set(session.scalars(select(Team.name)))
        counted = {
            "people": session.scalar(select(func.count(Person.id)).where(Person.role == "participant")),
            "questions": session.scalar(select(func.count(Question.id))),
            "write-ups": session.scalar(select(func.count(Submission.id)).where(Submission.kind == "writeup")),
        }
    wanted = {"people": people, "questions": crowd.counts["ask"], "write-ups": len(crowd.writeups)}
    differing = (f"{counted[what]} {what}, not {wanted[what]}" for what in wanted if counted[what] != wanted[what])
    return [
        Finding.of("teams under their names", len(crowd.parts), (p.team for p in crowd.parts if p.team not in names)),
        Finding.of("people, questions and write-ups", sum(wanted.values()), differing),
        Finding.of("what the crowd saw", crowd.counts.total(), crowd.wrong),
        Finding.of(
            "streams that stayed alive", len(crowd.versions), (str(n) for n, v in crowd.versions.items() if not v)
        ),
    ]


def board_found(board: list[dict], database: Database, crowd: Crowd) -> Finding:
    """The public board against one that is made of what the teams were known to have."""
    points = {exercise.id: exercise.points for exercise in course().notebook(NOTEBOOK).exercises}
    with database.reading() as session:
        received = dict(session.execute(select(Submission.id, Submission.received)).all())
    first: dict[str, dict[str, float]] = {part.team: {} for part in crowd.parts}
    for one in sorted(crowd.sent, key=lambda one: (received[one.id], one.id)):
        for exercise, status in one.expected.items():
            if status == "passed":
                first[one.team].setdefault(exercise, received[one.id].timestamp())
    scores = {team: float(sum(points[exercise] for exercise in got)) for team, got in first.items()}
    times = {team: max(got.values(), default=math.inf) for team, got in first.items()}
    halves = dict.fromkeys(scores, 0.0)
    for team, score, half, at in challenge_scores(database):
        scores[team], halves[team] = scores[team] + score, half
        times[team] = max(times[team], at) if score and times[team] < math.inf else at if score else times[team]
    ranks = ranked(scores, halves, times)
    shown = {row["team"]: (row["rank"], row["points"]) for row in board if row["rank"]}
    differing = (
        f"{team}: {shown.get(team)}, not {(ranks[team], scores[team])}"
        for team in scores
        if team not in shown or shown[team][0] != ranks[team] or abs(shown[team][1] - scores[team]) > 1e-6
    )
    return Finding.of("ranks and points on the board", len(scores), differing)


def challenge_scores(database: Database) -> Iterable[tuple[str, float, float, float]]:
    """Each team's best at the challenge, in the board's points, with half its 95 % interval and when it came."""
    query = (
        select(Team.name, Verdict.public, Verdict.public_se, Submission.received)
        .join(Submission, Submission.team_id == Team.id).join(Verdict, Verdict.submission_id == Submission.id)
        .where(Submission.kind == "challenge", Verdict.public.is_not(None)).order_by(Submission.received, Submission.id)
    )  # fmt: skip
    best: dict[str, tuple[float, float, float]] = {}
    with database.reading() as session:
        for team, public, error, received in session.execute(query):
            if team not in best or public / 10 > best[team][0]:
                best[team] = public / 10, 0.196 * error, received.timestamp()
    return [(team, *one) for team, one in best.items()]


def ranked(scores: dict[str, float], halves: dict[str, float], times: dict[str, float]) -> dict[str, int]:
    """Ranks by another way than the board's: teams whose intervals touch, or touch those of others that do, are one
    group; a group has one rank if any of its scores is uncertain, else the earlier is first.
    """
    order = sorted(scores, key=lambda team: -(scores[team] - halves[team]))
    groups: list[list[str]] = []
    for team in order:
        touched = [one for one in groups if any(apart(scores, halves, team, other) <= 1e-9 for other in one)]
        groups = [one for one in groups if one not in touched] + [[team, *(other for one in touched for other in one)]]
    ranks = {}
    for group in groups:
        above = sum(len(one) for one in groups if max(scores[t] for t in one) > max(scores[t] for t in group))
        shared = any(halves[team] > 0 for team in group)
        for team in group:
            earlier = 0 if shared else sum(times[other] < times[team] for other in group)
            ranks[team] = 1 + above + earlier
    return ranks


def apart(scores: dict[str, float], halves: dict[str, float], one: str, other: str) -> float:
    """How much lies between two teams' intervals; less than 0 where they overlap."""
    return abs(scores[one] - scores[other]) - halves[one] - halves[other]
