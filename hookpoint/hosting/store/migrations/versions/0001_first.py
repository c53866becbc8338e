"""The first version: an event, its people and teams, submissions and verdicts, challenges, judging, the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

WAITING = sa.text("state IN ('queued', 'leased')")
REFUSAL = "the audit log only grows: an entry is neither changed nor deleted"
# Both say that a constraint was violated, which is what it is. SQLite's REPLACE deletes without a word to the trigger
# for deletion, so an insertion over an entry that is there is refused as well.
GUARDS = {
    "sqlite": [
        f"CREATE TRIGGER audit_entry_{name} BEFORE {when} BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
        for name, when in {
            "unchanged": "UPDATE ON audit_entry",
            "undeleted": "DELETE ON audit_entry",
            "unreplaced": "INSERT ON audit_entry WHEN EXISTS (SELECT 1 FROM audit_entry WHERE id = NEW.id)",
        }.items()
    ],
    "postgresql": [
        "CREATE FUNCTION audit_entry_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        "CREATE TRIGGER audit_entry_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_refuse()",
    ],
}


def upgrade() -> None:
    make_event()
    make_people()
    make_submissions()
    make_challenges()
    make_announcements()
    make_judging()
    make_log()


def table(name: str, *parts: sa.schema.SchemaItem, key: bool | str = "auto") -> None:
    """A table with an integer key, given by the database unless `key` is False."""
    id = sa.Column("id", sa.Integer, nullable=False, autoincrement=key)
    op.create_table(name, id, *parts, sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")))


def words(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text, nullable=nullable)


def moment(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def number(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Integer, nullable=nullable)


def real(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Double, nullable=nullable)


def yes_or_no(name: str) -> sa.Column:
    return sa.Column(name, sa.Boolean, nullable=False)


def refers(name: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{name}_{column}"))


def unique(name: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f("_".join(["uq", name, *columns])))


def check(name: str, what: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{name}_{what}"))


def make_event() -> None:
    table(
        "event", words("name"), words("settings"), words("secret"), words("join_code"), yes_or_no("rehearsal"),
        yes_or_no("grading_paused"), yes_or_no("thawed"), yes_or_no("final_open"), moment("created"),
        check("event", "only_one", "id = 1"), key=False,
    )  # fmt: skip
    table(
        "interruption", words("what"), moment("at"), number("minutes"),
        check("interruption", "what", "what IN ('pause', 'resume', 'extend')"),
        check("interruption", "minutes", "(what = 'extend') = (minutes > 0) AND minutes >= 0"),
    )  # fmt: skip


def make_people() -> None:
    table(
        "team", words("name"), words("folded"), words("invitation"), words("alias", nullable=True),
        yes_or_no("active"), words("disqualified"), moment("created"),
        unique("team", "folded"),
        unique("team", "invitation"),
        unique("team", "alias"),
        check("team", "named", "length(trim(name)) > 0"),
    )  # fmt: skip
    table(
        "person", words("name"), words("role"), words("token_hash"), number("team_id", nullable=True),
        yes_or_no("active"), yes_or_no("wants_team"), words("about"),
        yes_or_no("tells_progress"), moment("news_read", nullable=True), moment("joined"),
        unique("person", "token_hash"),
        refers("person", "team_id", "team"),
        check("person", "role", "role IN ('host', 'judge', 'mentor', 'participant')"),
    )  # fmt: skip
    table("rate_event", words("who"), words("kind"), moment("when"))
    op.create_index(op.f("ix_rate_event_who_kind_when"), "rate_event", ["who", "kind", "when"])
    table(
        "progress", number("person_id"), words("exercise"), moment("passed"),
        unique("progress", "person_id", "exercise"),
        refers("progress", "person_id", "person"),
    )  # fmt: skip
    table(
        "claim", number("team_id"), words("problem"), moment("claimed"), moment("released", nullable=True),
        unique("claim", "team_id", "problem"),
        refers("claim", "team_id", "team"),
    )  # fmt: skip


def make_submissions() -> None:
    table(
        "submission", number("team_id"), number("person_id"), words("kind"), words("task"), words("file_name"),
        words("sha256"), moment("received"), words("seed"),
        # The last one: in SQLite what stands behind a large value is only found by reading through all of it.
        sa.Column("content", sa.LargeBinary, nullable=False),
        unique("submission", "team_id", "sha256", "task"),
        refers("submission", "team_id", "team"),
        refers("submission", "person_id", "person"),
        check("submission", "kind", "kind IN ('notebook', 'challenge', 'writeup')"),
        check("submission", "sha256", "length(sha256) = 64"),
    )  # fmt: skip
    table(
        "job", number("submission_id"), words("state"), words("split"), words("lease_owner", nullable=True),
        moment("lease_until", nullable=True), number("tries"), words("trouble"), words("version"), real("seconds"),
        moment("enqueued"), moment("finished", nullable=True),
        refers("job", "submission_id", "submission"),
        check("job", "state", "state IN ('queued', 'leased', 'done', 'failed')"),
        check("job", "split", "split IN ('board', 'final')"),
        check("job", "lease", "state <> 'leased' OR (lease_owner IS NOT NULL AND lease_until IS NOT NULL)"),
        check("job", "finished", "(state IN ('done', 'failed')) = (finished IS NOT NULL)"),
        check("job", "tries", "tries >= 0"),
    )  # fmt: skip
    op.create_index("ix_job_next", "job", ["state", "enqueued", "id"])
    op.create_index("ix_job_submission_id", "job", ["submission_id"])
    op.create_index(
        "uq_job_waiting", "job", ["submission_id"], unique=True, sqlite_where=WAITING, postgresql_where=WAITING
    )
    table(
        "verdict", number("submission_id"), words("exercise"), words("status"), real("points"), real("max_points"),
        real("public", nullable=True), real("public_se"), real("final", nullable=True), real("final_se"),
        real("value", nullable=True), real("value_se"), real("cost"), words("slip"), words("message"),
        unique("verdict", "submission_id", "exercise"),
        refers("verdict", "submission_id", "submission"),
        check("verdict", "status", "status IN ('passed', 'failed', 'error', 'timeout', 'missing')"),
        check("verdict", "points", "points >= 0 AND points <= max_points"),
    )  # fmt: skip
    table(
        "grader", words("name"), words("level"), number("workers"), moment("started"), moment("seen"),
        unique("grader", "name"),
    )  # fmt: skip


def make_challenges() -> None:
    table("challenge", words("name"), words("about"), words("starter"), moment("made"), unique("challenge", "name"))
    table(
        "instance", words("challenge"), words("split"), number("number"), words("seed"), words("sha256"),
        sa.Column("given", sa.LargeBinary, nullable=True), sa.Column("content", sa.LargeBinary, nullable=True),
        unique("instance", "challenge", "split", "number"),
        check("instance", "split", "split IN ('board', 'final')"),
        check("instance", "sha256", "length(sha256) = 64"),
        check("instance", "number", "number >= 0"),
    )  # fmt: skip
    table(
        "hint", number("team_id"), number("person_id"), words("challenge"), number("rung"), moment("given"),
        unique("hint", "team_id", "challenge", "rung"),
        refers("hint", "team_id", "team"),
        refers("hint", "person_id", "person"),
        check("hint", "rung", "rung >= 1 AND rung <= 3"),
    )  # fmt: skip


def make_announcements() -> None:
    table(
        "announcement", number("person_id"), words("text"), words("audience"), yes_or_no("pinned"), moment("posted"),
        refers("announcement", "person_id", "person"),
        check("announcement", "audience", "audience IN ('everyone', 'participants', 'judges', 'mentors')"),
    )  # fmt: skip
    rule = "(answer IS NULL) = (answered_by_id IS NULL) AND (answer IS NULL) = (answered IS NULL)"
    table(
        "question", number("person_id"), words("text"), words("about"), words("place"), moment("asked"),
        number("taken_by_id", nullable=True), number("answered_by_id", nullable=True), words("answer", nullable=True),
        moment("answered", nullable=True), yes_or_no("public"),
        refers("question", "person_id", "person"),
        refers("question", "taken_by_id", "person"),
        refers("question", "answered_by_id", "person"),
        check("question", "answered", rule),
    )  # fmt: skip


def make_judging() -> None:
    table(
        "review", number("judge_id"), number("team_id"), number("place"), words("state"), words("to_team"),
        words("to_hosts"), moment("rated", nullable=True), moment("saw_score", nullable=True),
        unique("review", "judge_id", "team_id"),
        refers("review", "judge_id", "person"),
        refers("review", "team_id", "team"),
        check("review", "state", "state IN ('open', 'rated', 'conflict', 'withdrawn')"),
    )  # fmt: skip
    table(
        "rating", number("judge_id"), number("team_id"), words("criterion"), number("score"),
        unique("rating", "judge_id", "team_id", "criterion"),
        refers("rating", "judge_id", "person"),
        refers("rating", "team_id", "team"),
        check("rating", "score", "score >= 1 AND score <= 5"),
    )  # fmt: skip
    table(
        "conflict", number("judge_id"), number("team_id"),
        unique("conflict", "judge_id", "team_id"),
        refers("conflict", "judge_id", "person"),
        refers("conflict", "team_id", "team"),
    )  # fmt: skip


def make_log() -> None:
    table("audit_entry", moment("when"), words("who"), words("what"), words("about"))
    for statement in GUARDS[op.get_context().dialect.name]:
        op.execute(statement)
