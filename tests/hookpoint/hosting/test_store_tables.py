"""What the event's tables refuse, and how they keep text and moments, on SQLite and on PostgreSQL."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm.attributes import set_committed_value

from hookpoint.hosting.codes import name_key
from hookpoint.hosting.store.database import Database
from hookpoint.hosting.store.models import (
    Announcement,
    AuditEntry,
    Claim,
    Conflict,
    Event,
    Grader,
    Interruption,
    Job,
    Person,
    Progress,
    Question,
    Rating,
    Review,
    Submission,
    Team,
    Verdict,
)

SHA = "ab" * 32
CONTENT = bytes(range(256))
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def filled(shared_db):
    """A database to which tests add audit entries alone, and the ids of a team, a member, and what was handed in."""
    return shared_db, fill(shared_db)


def a_team(name: str = "Owls", **other) -> Team:
    return Team(**{"name": name, "invitation": f"join {name}"} | other)


def a_person(name: str = "Ada", team: Team | None = None, role: str = "participant") -> Person:
    return Person(name=name, role=role, token_hash=f"token {name}", team=team)


def an_event(**other) -> Event:
    return Event(**{"name": "a", "settings": "", "secret": "s", "join_code": "c"} | other)


def a_submission(team_id: int, person_id: int, **other) -> Submission:
    usual = {"kind": "notebook", "task": "03_attention", "file_name": "mine.ipynb", "sha256": SHA, "content": CONTENT}
    return Submission(team_id=team_id, person_id=person_id, **usual | other)


def put(db: Database, *rows) -> None:
    with db.session() as session:
        session.add_all(rows)


def fill(db: Database) -> tuple[int, int, int]:
    """A team, a member, and what was handed in: their ids."""
    put(db, person := a_person(team=a_team(alias="Entry 1")))
    put(db, submission := a_submission(person.team_id, person.id))
    return person.team_id, person.id, submission.id


def verdict(submission_id: int, **other) -> Verdict:
    usual = {"exercise": "causal_mask", "status": "passed", "points": 2, "max_points": 2}
    return Verdict(submission_id=submission_id, **usual | other)


def rating(team_id: int, judge_id: int, score: int = 3) -> Rating:
    return Rating(team_id=team_id, judge_id=judge_id, criterion="rigour", score=score)


# What is refused, by which rule, as SQLite or PostgreSQL calls it; `t`, `p`, `s` are the ids of a team, a member of it
# and what that member handed in.
def unchecked(row, **values):
    """The row with values that the models' own rules have not seen: the database has to refuse them."""
    for name, value in values.items():
        set_committed_value(row, name, value)
    return row


FORBIDDEN = {
    "a second event": ("ck_event_only_one", lambda t, p, s: an_event(id=2)),
    "a team's name in other case": ("team.folded|uq_team_folded", lambda t, p, s: a_team("  OWLS ")),
    "a team without a name": ("ck_team_named", lambda t, p, s: unchecked(a_team("Cats"), name="  ")),
    "an invitation again": (
        "team.invitation|uq_team_invitation", lambda t, p, s: a_team("Bats", invitation="join Owls")
    ),
    "an alias again": ("team.alias|uq_team_alias", lambda t, p, s: a_team("Bats", alias="Entry 1")),
    "a token again": (
        "person.token_hash|uq_person_token_hash", lambda t, p, s: Person(name="B", role="host", token_hash="token Ada")
    ),
    "an unknown role": ("ck_person_role", lambda t, p, s: a_person("Bob", role="king")),
    "a team that is not there": (
        "FOREIGN KEY|fk_person_team_id", lambda t, p, s: Person(name="B", role="host", token_hash="b", team_id=99)
    ),
    "a replay": (
        "submission.sha256|uq_submission_team_id_sha256_task", lambda t, p, s: a_submission(t, p, file_name="b")
    ),
    "a thing of no kind": ("ck_submission_kind", lambda t, p, s: a_submission(t, p, sha256="cd" * 32, kind="poem")),
    "half a hash": ("ck_submission_sha256", lambda t, p, s: a_submission(t, p, sha256="ab")),
    "an unknown state": ("ck_job_state", lambda t, p, s: Job(submission_id=s, state="lost")),
    "a lease of nobody": ("ck_job_lease", lambda t, p, s: Job(submission_id=s, state="leased", lease_until=NOON)),
    "an endless lease": ("ck_job_lease", lambda t, p, s: Job(submission_id=s, state="leased", lease_owner="w")),
    "done at no time": ("ck_job_finished", lambda t, p, s: Job(submission_id=s, state="done")),
    "queued and finished": ("ck_job_finished", lambda t, p, s: Job(submission_id=s, finished=NOON)),
    "fewer tries than none": ("ck_job_tries", lambda t, p, s: Job(submission_id=s, tries=-1)),
    "an unknown status": ("ck_verdict_status", lambda t, p, s: verdict(s, status="good")),
    "more points than there are": ("ck_verdict_points", lambda t, p, s: verdict(s, points=3)),
    "fewer points than none": ("ck_verdict_points", lambda t, p, s: verdict(s, points=-1)),
    "an answer of nobody": (
        "ck_question_answered", lambda t, p, s: Question(person_id=p, text="?", answer="!", answered=NOON)
    ),
    "a helper without an answer": (
        "ck_question_answered", lambda t, p, s: Question(person_id=p, text="?", answered_by_id=p)
    ),
    "a stop of no kind": ("ck_interruption_what", lambda t, p, s: Interruption(what="stop", at=NOON)),
    "an extension by nothing": ("ck_interruption_minutes", lambda t, p, s: Interruption(what="extend", at=NOON)),
    "an extension backwards": (
        "ck_interruption_minutes", lambda t, p, s: Interruption(what="extend", at=NOON, minutes=-5)
    ),
    "a pause of a length": ("ck_interruption_minutes", lambda t, p, s: Interruption(what="pause", at=NOON, minutes=5)),
    "news for nobody": (
        "ck_announcement_audience", lambda t, p, s: Announcement(person_id=p, text="!", audience="cats")
    ),
    "a review in no state": (
        "ck_review_state", lambda t, p, s: Review(judge_id=p, team_id=t, place=1, state="lost")
    ),
    "a claim of no team": (
        "FOREIGN KEY|fk_claim_team_id", lambda t, p, s: Claim(team_id=99, problem="p-001")
    ),
    "progress of nobody": (
        "FOREIGN KEY|fk_progress_person_id", lambda t, p, s: Progress(person_id=99, exercise="causal_mask")
    ),
    "a rating of 0": ("ck_rating_score", lambda t, p, s: rating(t, p, 0)),
    "a rating of 6": ("ck_rating_score", lambda t, p, s: rating(t, p, 6)),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "row"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_what_must_never_be_is_refused_by_the_database(filled, rule, row):
    db, ids = filled
    with pytest.raises(IntegrityError, match=rule):
        put(db, row(*ids))


TWICE = {
    "a verdict": lambda t, p, s: verdict(s),
    "a waiting job": lambda t, p, s: Job(submission_id=s),
    "a rating": lambda t, p, s: rating(t, p),
    "a conflict": lambda t, p, s: Conflict(judge_id=p, team_id=t),
    "a review": lambda t, p, s: Review(judge_id=p, team_id=t, place=1),
    "a claim": lambda t, p, s: Claim(team_id=t, problem="p-001"),
    "a passed check": lambda t, p, s: Progress(person_id=p, exercise="causal_mask"),
    "a grader's name": lambda t, p, s: Grader(name="laptop", level="none", workers=1),
    "the event": lambda t, p, s: an_event(),
}


@pytest.mark.parametrize("row", TWICE.values(), ids=TWICE)
def test_what_is_there_once_is_not_there_twice(filled, row):
    db, ids = filled
    with db.session() as session:
        session.add(row(*ids))
        session.flush()
        session.expunge_all()  # or the session itself would refuse the event's second row
        session.add(row(*ids))
        with pytest.raises(IntegrityError, match="(?i)unique"):
            session.flush()
        session.rollback()


@pytest.mark.parametrize("table", ["team", "person"])
def test_what_others_refer_to_is_not_deleted(filled, table):
    with pytest.raises(IntegrityError, match="(?i)foreign key"), filled[0].session() as session:
        session.execute(text(f"DELETE FROM {table}"))


@pytest.mark.on_both
def test_a_submission_can_be_graded_again_when_the_last_grading_is_over(db):
    _, _, id = fill(db)
    over = [Job(submission_id=id, state=state, finished=NOON) for state in ("done", "failed", "done")]
    put(db, *over, Job(submission_id=id, state="leased", lease_owner="w", lease_until=NOON))
    with pytest.raises(IntegrityError, match="job.submission_id|uq_job_waiting"):
        put(db, Job(submission_id=id))


def test_the_next_job_is_found_by_the_index(filled):
    db, _ = filled
    query = "SELECT id FROM job WHERE state = 'queued' ORDER BY enqueued, id LIMIT 1"
    with db.session() as session:
        explain = "EXPLAIN QUERY PLAN"
        if not db.is_sqlite:
            session.execute(text("SET enable_seqscan = off"))  # it rightly reads an empty table from end to end
            explain = "EXPLAIN"
        assert "ix_job_next" in str(session.execute(text(f"{explain} {query}")).all())


# The audit log

CHANGES = {
    "update": "UPDATE audit_entry SET who = 'nobody'",
    "delete": "DELETE FROM audit_entry",
}
CHANGES_BY = {
    "sqlite": {
        "replace": """INSERT OR REPLACE INTO audit_entry SELECT id, "when", 'nobody', what, about FROM audit_entry""",
        "replace by name": """REPLACE INTO audit_entry SELECT id, "when", 'nobody', what, about FROM audit_entry""",
    },
    "postgresql": {
        "truncate": "TRUNCATE audit_entry",
        "upsert": """INSERT INTO audit_entry SELECT * FROM audit_entry ON CONFLICT (id) DO UPDATE SET who = 'nobody'""",
    },
}
ATTEMPTS = [
    pytest.param(backend, statement, id=f"{name} in {backend}")
    for backend, more in CHANGES_BY.items()
    for name, statement in (CHANGES | more).items()
]


@pytest.mark.parametrize(("shared_db", "change"), ATTEMPTS, indirect=["shared_db"])
def test_an_audit_entry_is_neither_changed_nor_deleted(filled, change):
    db, _ = filled
    put(db, AuditEntry(when=NOON, who="ada", what="froze the board", about={"board": "public"}))
    before = entries(db)
    with pytest.raises(IntegrityError, match="the audit log only grows"), db.session() as session:
        session.execute(text(change))

    put(db, AuditEntry(when=NOON, who="bob", what="thawed it", about=None))
    assert entries(db) == [*before, (NOON, "bob", "thawed it", None)] and before


def entries(db: Database) -> list[tuple]:
    columns = AuditEntry.when, AuditEntry.who, AuditEntry.what, AuditEntry.about
    with db.reading() as session:
        return [tuple(row) for row in session.execute(select(*columns).order_by(AuditEntry.id))]


# Columns


def test_a_moment_comes_back_in_utc_whatever_zone_it_was_given_in(filled):
    db, _ = filled
    put(db, AuditEntry(when=NOON.astimezone(timezone(timedelta(hours=-7))), who="ada", what="looked", about=None))
    when = entries(db)[-1][0]

    assert (when, when.tzinfo) == (NOON, UTC)


def test_a_time_without_a_zone_is_refused(db):
    with pytest.raises(StatementError, match="has no time zone"):
        put(db, AuditEntry(when=datetime(2026, 5, 4), who="ada", what="looked", about=None))


@given(words=st.text(st.characters(codec=None)))
@settings(max_examples=25, deadline=None)
def test_odd_text_is_kept_but_for_what_no_database_keeps(filled, words):
    db, _ = filled
    put(db, AuditEntry(who="ada", what=words, about={words: [words]}))
    *_, what, about = entries(db)[-1]

    assert about == {words: [words]}
    assert what == "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in words)


SAME = [("Owls", "  oWLS "), ("Straße 9", "STRASSE  9"), ("Ａｂ", "ab"), ("É", "e\u0301"), ("a\u00a0b", "A\tB")]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_names_that_people_take_for_one_fold_to_one(one, other):
    assert name_key(one) == name_key(other) != name_key(one + "2")


def test_a_submissions_bytes_come_back_as_they_were(filled):
    db, (_, _, id) = filled
    with db.reading() as session:
        submission = session.get(Submission, id)
        assert "content" not in vars(submission)  # a list of submissions reads no files
        assert submission.content == CONTENT
