"""The judges' desk: what a judge has to rate, blind, and what comes of it.

A judge sees a team's alias, never its name or members, and its automatic score only after asking for it, when the
rating is complete: from then on the rating stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from hookpoint.errors import UsageError
from hookpoint.hosting import audit, event, roles
from hookpoint.hosting.errors import NotAllowed, NotFound
from hookpoint.hosting.event import EventNow
from hookpoint.hosting.settings import Criterion
from hookpoint.hosting.store.models import Conflict, Person, Rating, Review, Team

from .blind import Authors
from .outcome import Automatic, automatic, results
from .ranking import Viewer, may_change, may_see
from .reading import readable
from .seating import HELD, Seating, entries, seat, seats_per_team

__all__ = [
    "ReviewPage", "Task", "declare_conflict", "list_of", "name_conflict", "open_judging", "rate", "results", "reveal",
    "review",
]  # fmt: skip

LONGEST_NOTE = 5_000  # characters
SCORES = range(1, 6)


@dataclass(frozen=True)
class Task:
    """One line of a judge's list. `state` is one of REVIEWS; `seen`: the judge has seen the automatic score."""

    id: int
    place: int
    alias: str
    state: str
    seen: bool


@dataclass(frozen=True)
class ReviewPage:
    """What a judge sees of one entry. `team` is its name, once they may know it; `automatic` is None until seen.

    `writeup` is safe HTML. `late`: another write-up was handed in after the rating.
    """

    task: Task
    team: str
    writeup: Markup
    criteria: tuple[Criterion, ...]
    ratings: Mapping[str, int]
    to_team: str
    to_hosts: str
    automatic: Automatic | None
    may_change: bool
    may_reveal: bool
    late: bool


def open_judging(session: Session, host: Person, now: EventNow, each: int | None = None) -> Seating:
    """Hands out all write-ups to the judges; again, it adds the late ones and fills the seats of judges who left.

    Args:
        each: judges for each team, if not as many as the settings say.

    Raises:
        NotAllowed: the person is no host.
        UsageError: there is nothing to judge, or too few may judge it: for which team, and why.
    """
    roles.demand(host, "host")
    each = now.settings.judging.judges_per_team if each is None else each
    seating = seat(session, now.row, each)
    audit.note(session, who=host, what="opened judging", about={"each": each, "new": seating.new}, at=now.at)
    return seating


def list_of(session: Session, judge: Person) -> list[Task]:
    """What the judge has to rate and has rated, in their own order; with what was taken from them."""
    rows = select(Review).where(Review.judge_id == judge.id).order_by(Review.place, Review.id)
    return [_task(row) for row in session.scalars(rows.options(joinedload(Review.team)))]


def review(session: Session, judge: Person, review_id: int, now: EventNow) -> ReviewPage:
    """One entry of the judge's list, as they may see it at this time.

    Raises:
        NotFound: it is not on their list.
        NotAllowed: they have a conflict with the team, or it was withdrawn.
    """
    row = _held(session, judge, review_id, lock=False)
    entry = entries(session, row.team_id)[row.team_id]
    viewer = _viewer(judge, row, now)
    named = may_see("team names", viewer)
    authors = Authors(row.team.name, tuple(member.name for member in row.team.members), row.team.alias or "")
    shown = row.saw_score is not None or viewer.results_open
    return ReviewPage(
        task=_task(row),
        team=row.team.name if named else "",
        writeup=readable(entry.content, None if named else authors),
        criteria=now.settings.judging.criteria,
        ratings=_ratings(session, row),
        to_team=row.to_team,
        to_hosts=row.to_hosts,
        automatic=automatic(session, now).get(row.team.name) if shown else None,
        may_change=may_change(viewer, row.saw_score is not None) and now.allows("judging"),
        may_reveal=may_see("automatic score", viewer) and not shown,
        late=row.rated is not None and entry.received > row.rated,
    )


def rate(
    session: Session,
    judge: Person,
    review_id: int,
    scores: Mapping[str, int],
    to_team: str,
    to_hosts: str,
    at: datetime,
    done: bool,
) -> None:
    """Keeps what the judge gives so far, or, if `done`, as their rating. What is not in `scores` stays as it was.

    Raises:
        NotFound: the entry is not on their list.
        NotAllowed: judging is not open, the entry was taken from them, or they have seen the automatic score.
        UsageError: a score that is none, a note that is too long, or, when `done`, a criterion without a score.
    """
    now = event.current(session, at)
    now.demand("judging")
    row = _held(session, judge, review_id)
    if not may_change(_viewer(judge, row, now), row.saw_score is not None):
        raise NotAllowed("You have seen the automatic score of this entry: your rating stands. Go on to the next one.")
    names = [criterion.name for criterion in now.settings.judging.criteria]
    for criterion, score in scores.items():
        if criterion not in names or score not in SCORES:
            raise UsageError(f"{criterion} cannot be {score}. Give each criterion a number from 1 to 5.")
    if max(len(to_team), len(to_hosts)) > LONGEST_NOTE:
        raise UsageError(f"A note has at most {LONGEST_NOTE:,} characters. Make it shorter.")
    _keep(session, row, scores)
    row.to_team, row.to_hosts = to_team.strip(), to_hosts.strip()
    if not done:
        return
    missing = [name for name in names if name not in _ratings(session, row)]
    if missing:
        raise UsageError(f"Still without a score: {', '.join(missing)}. Give each a number from 1 to 5, then save.")
    row.state, row.rated = "rated", at
    audit.note(session, who=judge, what="rated an entry", about={"review": row.id, "entry": row.team.alias}, at=at)
    session.flush()


def reveal(session: Session, judge: Person, review_id: int, now: EventNow) -> None:
    """Lets the judge see the automatic score of an entry that they have rated: their rating then stands.

    Raises:
        NotFound: the entry is not on their list.
        NotAllowed: they have not rated it, or it was taken from them.
    """
    row = _held(session, judge, review_id)
    if not may_see("automatic score", _viewer(judge, row, now)):
        raise NotAllowed("The automatic score is shown when you have rated the entry on all criteria. Rate it first.")
    if row.saw_score is None:
        row.saw_score = now.at
        about = {"review": row.id, "entry": row.team.alias}
        audit.note(session, who=judge, what="saw an automatic score", about=about, at=now.at)
        session.flush()


def declare_conflict(session: Session, judge: Person, review_id: int, at: datetime, why: str = "") -> str:
    """Takes an entry from a judge who should not rate it, and gives it to another. Says in words how that went.

    Raises:
        NotFound: it is not on their list.
        NotAllowed: it was taken from them already.
    """
    row = _held(session, judge, review_id)
    return _apart(session, judge, row.judge_id, row.team_id, at, why)


def name_conflict(session: Session, host: Person, judge_id: int, team_id: int, at: datetime, why: str = "") -> str:
    """Keeps a judge from rating a team, for the host who knows of a tie; says in words how that went.

    Raises:
        NotAllowed: the person is no host.
        NotFound: there is no such judge or team.
    """
    roles.demand(host, "host")
    judge = session.get(Person, judge_id)
    if judge is None or judge.role != "judge" or session.get(Team, team_id) is None:
        raise NotFound("There is no such judge or team. Load the page again.")
    return _apart(session, host, judge_id, team_id, at, why)


def _apart(session: Session, person: Person, judge_id: int, team_id: int, at: datetime, why: str) -> str:
    known = select(Conflict).where(Conflict.judge_id == judge_id, Conflict.team_id == team_id)
    if session.scalars(known).first() is None:
        session.add(Conflict(judge_id=judge_id, team_id=team_id))
    row = session.scalars(select(Review).where(Review.judge_id == judge_id, Review.team_id == team_id)).first()
    each = seats_per_team(session) if row is not None and row.state in HELD else 0
    if each:
        row.state = "conflict"
    judge, team = session.get_one(Person, judge_id), session.get_one(Team, team_id)
    about = {"judge": judge.name, "team": team.name, "why": why.strip()[:LONGEST_NOTE]}
    audit.note(session, who=person, what="declared a conflict", about=about, at=at)
    session.flush()
    if not each:
        return "Noted: this judge will not get this team."
    try:
        seat(session, event.current(session, at).row, each)
    except UsageError as error:
        # A conflict must not wait for a judge to be found: the host sees that the seat is empty.
        audit.note(session, who=person, what="left a seat empty", about={"team": team.name, "why": str(error)}, at=at)
        return "Noted: the entry is off the list. Nobody else may rate it yet; the hosts see that a judge is missing."
    return "Noted: the entry is off the list and another judge has it."


def _held(session: Session, judge: Person, review_id: int, lock: bool = True) -> Review:
    """The judge's own review. Locked, where rows can be: nobody rates while another of their tabs shows the score."""
    row = session.get(Review, review_id, with_for_update=lock or None, populate_existing=lock)
    if row is None or row.judge_id != judge.id:
        raise NotFound("This entry is not on your list. Go back to the list for those that are.")
    state = _task(row).state
    if state == "conflict":
        raise NotAllowed("You have a conflict with this entry: another judge rates it. Go on to the next one.")
    if state == "withdrawn":
        raise NotAllowed("This entry was withdrawn. There is nothing to do for you; go on to the next one.")
    return row


def _task(row: Review) -> Task:
    gone = not row.team.active or row.team.disqualified
    state = "withdrawn" if gone and row.state in HELD else row.state
    return Task(row.id, row.place, row.team.alias or f"Entry {row.place}", state, row.saw_score is not None)


def _viewer(judge: Person, row: Review, now: EventNow) -> Viewer:
    return Viewer(
        role="judge",  # a host who also rates looks as a judge
        assigned=row.state in HELD,
        rated=row.state == "rated",
        own=judge.team_id == row.team_id,
        judging_over=not any("judging" in phase.open and phase.closes > now.at for phase in now.schedule.phases),
        results_open=now.row.final_open,
    )


def _ratings(session: Session, row: Review) -> dict[str, int]:
    given = select(Rating.criterion, Rating.score).where(Rating.judge_id == row.judge_id, Rating.team_id == row.team_id)
    return {criterion: score for criterion, score in session.execute(given)}


def _keep(session: Session, row: Review, scores: Mapping[str, int]) -> None:
    known = select(Rating).where(Rating.judge_id == row.judge_id, Rating.team_id == row.team_id)
    rows = {rating.criterion: rating for rating in session.scalars(known)}
    for criterion, score in scores.items():
        if criterion in rows:
            rows[criterion].score = score
        else:
            session.add(Rating(judge_id=row.judge_id, team_id=row.team_id, criterion=criterion, score=score))
    session.flush()
