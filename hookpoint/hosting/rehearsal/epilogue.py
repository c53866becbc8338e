"""After the crowd has gone: judges rate write-ups whose worth is known, and the event is exported and imported."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import select

from hookpoint.hosting import event, people
from hookpoint.hosting.archive import export_archive, import_archive
from hookpoint.hosting.judging import desk, outcome
from hookpoint.hosting.store.database import Database, open_database
from hookpoint.hosting.store.models import Person, Review, Submission, Team, Verdict

from .crowd import Crowd
from .findings import Finding
from .stage import Stage

__all__ = ["after_the_end", "judged"]

JUDGES = 6
WORTH = (2, 3, 4)  # of an entry; with a judge's mood of -1, 0 or 1 this fills the scale from 1 to 5
MOODS = (-1, 0, 1)


def judged(stage: Stage, crowd: Crowd) -> Finding:
    """Judges of different moods rate every write-up. Corrected, the ranking must be that of what entries are worth."""
    dice = random.Random(crowd.seed)
    worth = {team: dice.choice(WORTH) for team in sorted(crowd.writeups)}
    at = datetime.now(UTC)
    with stage.database.session() as session:
        host, _ = people.enrol(session, None, "host", "Rehearsal's host", at)
        judges = [people.enrol(session, host, "judge", f"Judge {number}", at)[0] for number in range(JUDGES)]
        desk.open_judging(session, host, event.current(session, at))
    for number, judge in enumerate(judges):
        with stage.database.session() as session:
            rate_all(session, session.get(Person, judge.id), MOODS[number % len(MOODS)], worth, at)
    with stage.database.reading() as session:
        ranking = outcome.results(session, session.get(Person, host.id), event.current(session, at))
    return Finding.of("write-ups ranked by what they are worth", len(worth), misplaced(ranking, worth))


def rate_all(session, judge: Person, mood: int, worth: dict[str, int], at: datetime) -> None:
    now = event.current(session, at)
    names = {
        review.id: review.team.name for review in session.scalars(select(Review).where(Review.judge_id == judge.id))
    }
    for task in desk.list_of(session, judge):
        page = desk.review(session, judge, task.id, now)
        score = worth[names[task.id]] + mood
        scores = {criterion.name: score for criterion in page.criteria}
        desk.rate(session, judge, task.id, scores, "", "", at, True)


def misplaced(ranking: outcome.Ranking, worth: dict[str, int]) -> Iterator[str]:
    scores = {one.team: one.score for one in ranking.teams}
    yield from (f"{team} is not ranked" for team in worth if team not in scores)
    lowest, highest = {}, {}
    for team, score in scores.items():
        kind = worth[team]
        lowest[kind], highest[kind] = min(score, lowest.get(kind, score)), max(score, highest.get(kind, score))
    for less, more in zip(sorted(lowest), sorted(lowest)[1:], strict=False):
        if highest[less] >= lowest[more]:
            yield f"an entry worth {less} has {highest[less]:.2f}, one worth {more} has {lowest[more]:.2f}"


def after_the_end(stage: Stage, crowd: Crowd) -> list[Finding]:
    """What the archive holds, imported into a database of its own, is what the event held."""
    archive = stage.folder.path / "rehearsal.zip"
    with stage.database.reading() as session:
        export_archive(session, archive)
    imported = open_database(stage.folder.path / "imported.db")
    try:
        import_archive(archive, imported)
        was, now = contents(stage.database), contents(imported)
    finally:
        imported.close()
    differing = [f"{one}" for one in sorted(was ^ now, key=str)]
    found = [Finding.of("verdicts, files and teams in the archive", len(was), differing)]
    secrets = [*crowd.tokens.values(), stage.code]
    data = archive.read_bytes()
    told = (f"secret {number}" for number, secret in enumerate(secrets) if secret.encode() in data)
    return [*found, Finding.of("secrets kept out of the archive", len(secrets), told)]


def contents(database: Database) -> set[tuple]:
    with database.reading() as session:
        verdicts = session.execute(
            select(Team.name, Submission.sha256, Verdict.exercise, Verdict.status, Verdict.points, Verdict.message)
            .join(Submission, Submission.team_id == Team.id)
            .join(Verdict, Verdict.submission_id == Submission.id)
        )
        files = session.execute(
            select(Submission.sha256, Submission.content, Submission.file_name, Submission.received)
        )
        people = session.execute(select(Person.name, Person.role, Team.name).outerjoin(Team, Person.team_id == Team.id))
        return {*map(tuple, verdicts), *map(tuple, files), *map(tuple, people)}
