"""The queue: whatever graders do and whenever they die, each submission ends with exactly one set of verdicts."""

import collections
import contextlib
import hashlib
import json
import random
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from hookpoint.grading.results import Graded, Result
from hookpoint.hosting import event as events
from hookpoint.hosting import queue
from hookpoint.hosting.errors import NotAllowed, NotFound
from hookpoint.hosting.store.database import open_database
from hookpoint.hosting.store.models import AuditEntry, Grader, Job, Person, Submission, Team, Verdict

LEASE = 30


def result(message: str = "", trouble: str = "", seconds: float = 2.0) -> Result:
    """What a grader gives: two verdicts that carry the message, or none and the trouble."""
    verdicts = () if trouble else tuple(Graded(id, "passed", 2, 2, "", message) for id in ("causal_mask", "apply_mask"))
    return Result("mine.ipynb", "ab" * 32, "03_attention", "v1", "s", verdicts, (), trouble, seconds)


def hand_in(session, count: int, at, kind: str = "notebook") -> list[int]:
    """New submissions of a new team, each a second later than the one before; their ids."""
    mark = f"{session.scalar(select(func.count(Team.id)))}-{kind}"
    person = Person(name="Ada", role="participant", token_hash=mark, team=Team(name=f"T{mark}", invitation=mark))
    session.add(person)
    session.flush()
    rows = [
        Submission(
            team_id=person.team_id, person_id=person.id, kind=kind, task="03_attention", file_name="mine.ipynb",
            sha256=hashlib.sha256(f"{mark}{number}".encode()).hexdigest(), content=b"{}", seed="s",
            received=at + timedelta(seconds=number),
        )
        for number in range(count)
    ]  # fmt: skip
    session.add_all(rows)
    session.flush()
    return [row.id for row in rows]


def enqueued(session, count: int, at) -> list[int]:
    """As `hand_in`, and all of them wait."""
    ids = hand_in(session, count, at)
    for number, id in enumerate(ids):
        queue.enqueue(session, id, at + timedelta(seconds=number))
    return ids


@pytest.fixture
def waiting(db, NOON):
    """`waiting(3)`: ids of submissions that wait, handed in from NOON on."""

    def make(count: int) -> list[int]:
        with db.session() as session:
            return enqueued(session, count, NOON)

    return make


@pytest.fixture
def do(db):
    """`do(queue.claim, "a", ...)`: the function in a transaction of its own."""

    def do(function, *arguments, **named):
        with db.session() as session:
            return function(session, *arguments, **named)

    return do


def messages(db, submission: int) -> list[str]:
    with db.reading() as session:
        return session.scalars(select(Verdict.message).where(Verdict.submission_id == submission)).all()


@pytest.mark.on_both
def test_the_oldest_come_first_and_nobody_gets_what_another_has(do, waiting, NOON):
    ids = waiting(5)
    first, second = (do(queue.claim, owner, 3, LEASE, NOON) for owner in "ab")
    assert [one.submission for one in first + second] == ids
    assert (first[0].task, first[0].seed, first[0].file_name, first[0].tries) == ("03_attention", "s", "mine.ipynb", 1)
    assert do(queue.claim, "a", 3, LEASE, NOON) == []


@pytest.mark.on_both
def test_a_lease_that_has_ended_is_taken_over_and_its_old_owner_can_write_nothing(db, do, waiting, NOON):
    (id,), late = waiting(1), NOON + timedelta(seconds=LEASE)
    (job,) = do(queue.claim, "a", 1, LEASE, NOON)
    assert do(queue.claim, "b", 1, LEASE, late - timedelta(seconds=1)) == []
    (again,) = do(queue.claim, "b", 1, LEASE, late)
    assert (again.job, again.tries) == (job.job, 2)

    assert not do(queue.finish, job.job, "a", result("late"), late) and messages(db, id) == []
    assert do(queue.finish, job.job, "b", result("in time"), late)
    assert not do(queue.finish, job.job, "b", result("twice"), late)
    assert messages(db, id) == ["in time"] * 2


@pytest.mark.parametrize("db", ["postgresql"], indirect=True)
def test_a_claim_waits_for_no_other_claim(db, waiting, NOON):
    ids = waiting(3)
    with db.session() as one, db.session() as other:
        other.execute(text("SET LOCAL lock_timeout = '2s'"))
        first, second = (queue.claim(session, "a", 2, LEASE, NOON) for session in (one, other))
    assert [job.submission for job in first + second] == ids


@pytest.mark.on_both
def test_a_lease_lasts_while_it_is_made_longer_and_beyond_if_nobody_wants_the_job(db, do, waiting, NOON):
    (id,), soon, late = waiting(1), NOON + timedelta(seconds=20), NOON + timedelta(hours=1)
    (job,) = do(queue.claim, "a", 1, LEASE, NOON)
    assert do(queue.extend, "a", LEASE, soon) == {job.job}
    assert do(queue.extend, "b", LEASE, soon) == do(queue.extend, "a", LEASE, soon, jobs=[]) == set()
    assert do(queue.claim, "b", 1, LEASE, NOON + timedelta(seconds=40)) == []

    assert do(queue.finish, job.job, "a", result("after a nap"), late)
    assert len(messages(db, id)) == 2


@pytest.mark.on_both
def test_nobody_waits_for_a_lease_from_before_the_clock_was_set_back(do, waiting, NOON):
    (id,) = waiting(1)
    do(queue.claim, "a", 1, LEASE, NOON + timedelta(hours=1))
    assert [one.submission for one in do(queue.claim, "b", 1, LEASE, NOON)] == [id]


@pytest.mark.on_both
def test_the_clock_of_leases_is_aware_of_its_zone_and_moves(do):
    first, second = do(queue.clock), do(queue.clock)
    assert first.utcoffset() is not None and timedelta(0) <= second - first < timedelta(minutes=1)


@pytest.mark.on_both
def test_what_was_begun_three_times_in_vain_is_given_up_as_our_failure(db, do, waiting, NOON):
    id, other = waiting(2)
    for hour in range(3):
        assert do(queue.claim, "a", 1, LEASE, NOON + timedelta(hours=hour))[0].submission == id
    assert [one.submission for one in do(queue.claim, "a", 1, LEASE, NOON + timedelta(hours=3))] == [other]

    with db.reading() as session:
        failed = session.scalars(select(Job).where(Job.submission_id == id)).one()
        assert (failed.state, queue.state(session, NOON).failed) == ("failed", 1)
        assert "failure of ours" in failed.trouble and queue.places(session, [id]) == {}


@pytest.mark.on_both
def test_what_is_given_back_waits_in_its_old_place_and_has_lost_no_attempt(do, waiting, NOON):
    ids = waiting(3)
    first, second = do(queue.claim, "a", 2, LEASE, NOON)
    assert do(queue.give_back, "a", jobs=[first.job]) == 1
    assert do(queue.give_back, "a", tried=True) == 1
    again = do(queue.claim, "b", 3, LEASE, NOON)
    assert [one.submission for one in again] == ids and [one.tries for one in again] == [1, 2, 1]


@pytest.mark.on_both
def test_nothing_is_handed_out_while_grading_is_paused_and_what_is_begun_can_be_finished(
    db, event, do, waiting, a_person, NOON
):
    host, _ = a_person("host"), waiting(2)
    (job,) = do(queue.claim, "a", 1, LEASE, NOON)
    do(events.switch, host, "grading_paused", True)
    assert do(queue.claim, "a", 1, LEASE, NOON) == [] and not do(queue.any_free, NOON)
    assert do(queue.finish, job.job, "a", result(), NOON)

    do(events.switch, host, "grading_paused", False)
    assert do(queue.any_free, NOON) and len(do(queue.claim, "a", 1, LEASE, NOON)) == 1


@pytest.mark.on_both
def test_grading_again_replaces_the_verdicts_once_there_are_new_ones(db, do, waiting, a_person, NOON):
    (id,), host = waiting(1), a_person("host")
    for message in ("first", "second"):
        (job,) = do(queue.claim, "a", 1, LEASE, NOON)
        do(queue.finish, job.job, "a", result(message), NOON)
        assert messages(db, id) == [message] * 2
        again = do(queue.requeue, host, id, NOON)
        assert again == do(queue.requeue, host, id, NOON) and messages(db, id) == [message] * 2

    (job,) = do(queue.claim, "a", 1, LEASE, NOON)
    assert do(queue.finish, job.job, "a", result(trouble="it ended the judge"), NOON)
    with db.reading() as session:
        assert session.get(Job, job.job).state == "failed"
        assert session.scalar(select(AuditEntry.about).limit(1))["submission"] == id
    assert messages(db, id) == ["second"] * 2


def test_only_a_host_grades_again_and_only_what_is_there(do, waiting, a_person, NOON):
    (id,) = waiting(1)
    with pytest.raises(NotAllowed):
        do(queue.requeue, a_person("judge"), id, NOON)
    with pytest.raises(NotFound):
        do(queue.requeue, a_person("host"), id + 1, NOON)


@pytest.mark.on_both
def test_the_line_can_be_seen_and_how_long_it_takes(db, do, waiting, NOON):
    ids, later = waiting(4), NOON + timedelta(seconds=20)
    assert do(queue.state, later) == queue.QueueState(4, 0, 20.0, 0, None)
    with db.session() as session:
        session.add(Grader(name="a", level="", workers=2, seen=later))
        for job in queue.claim(session, "a", 2, LEASE, NOON):
            last = job
        queue.finish(session, last.job, "a", result(seconds=6.0), later)

    places = do(queue.places, ids)
    assert [places.get(id) for id in ids] == [0, None, 1, 2]
    assert do(queue.state, later) == queue.QueueState(2, 1, 18.0, 1, 6.0 * (1 + 3 / 2))
    assert do(queue.state, later + timedelta(seconds=11)).expected_seconds is None


# Any order of events: the model says what must come of each, from the rules alone

OWNERS = ("a", "b", "c")
STEPS = st.one_of(
    st.tuples(st.just("claim"), st.sampled_from(OWNERS), st.integers(0, 3)),
    st.tuples(st.just("extend"), st.sampled_from(OWNERS), st.just(0)),
    st.tuples(st.just("finish"), st.sampled_from(OWNERS), st.integers(0, 3)),
    st.tuples(st.just("give_back"), st.sampled_from(OWNERS), st.integers(0, 1)),
    st.tuples(st.just("wait"), st.just(""), st.integers(1, 40)),
)


class Model:
    """The queue as rows of a table that one person keeps by hand."""

    def __init__(self, jobs: list[int]):
        self.jobs = {job: {"owner": None, "until": -1, "tries": 0, "verdict": None} for job in jobs}
        self.now = 0

    def open(self, row) -> bool:
        return row["verdict"] is None and (row["owner"] is None or row["until"] <= self.now)

    def claim(self, owner: str, count: int) -> list[int]:
        for row in self.jobs.values():
            if self.open(row) and row["tries"] == 3:
                row["verdict"] = "gave up"
        taken = [job for job, row in self.jobs.items() if self.open(row)][:count]
        for job in taken:
            self.jobs[job].update(owner=owner, until=self.now + LEASE, tries=self.jobs[job]["tries"] + 1)
        return taken

    def held(self, owner: str) -> set[int]:
        return {job for job, row in self.jobs.items() if row["verdict"] is None and row["owner"] == owner}

    def extend(self, owner: str) -> set[int]:
        for job in self.held(owner):
            self.jobs[job]["until"] = self.now + LEASE
        return self.held(owner)

    def finish(self, owner: str, job: int, verdict: str) -> bool:
        if job not in self.held(owner):
            return False
        self.jobs[job]["verdict"] = verdict
        return True

    def give_back(self, owner: str, tried: bool) -> int:
        held = self.held(owner)
        for job in held:
            self.jobs[job].update(owner=None, tries=self.jobs[job]["tries"] - (not tried))
        return len(held)


class Undo(Exception):
    """Ends a transaction, so that the next example finds nothing of it."""


def play(session, model: Model, steps, noon) -> None:
    """Does all steps with the queue and with the model, and compares what each gives."""
    jobs = list(model.jobs)
    for number, (what, owner, value) in enumerate(steps):
        at = noon + timedelta(seconds=model.now)
        if what == "wait":
            model.now += value
        elif what == "claim":
            claimed = [one.job for one in queue.claim(session, owner, value, LEASE, at)]
            assert claimed == model.claim(owner, value)
        elif what == "extend":
            assert queue.extend(session, owner, LEASE, at) == model.extend(owner)
        elif what == "finish":
            said = queue.finish(session, jobs[value], owner, result(f"{number}"), at)
            assert said == model.finish(owner, jobs[value], f"{number}")
        else:
            assert queue.give_back(session, owner, tried=bool(value)) == model.give_back(owner, bool(value))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, max_size=30))
def test_in_any_order_of_events_each_submission_ends_with_one_set_of_verdicts(shared_db, NOON, steps):
    finale = [step for _ in range(4) for step in (("wait", "", 40), ("claim", "a", 4), ("finish", "a", 0))]
    with contextlib.suppress(Undo), shared_db.session() as session:
        ids = enqueued(session, 4, NOON)
        model = Model(session.scalars(select(Job.id).where(Job.submission_id.in_(ids)).order_by(Job.id)).all())
        play(session, model, [*steps, *finale, *(("finish", "a", number) for number in range(4))], NOON)
        for id, row in zip(ids, model.jobs.values(), strict=True):
            found = session.scalars(select(Verdict.message).where(Verdict.submission_id == id)).all()
            assert row["verdict"] and found == ([] if row["verdict"] == "gave up" else [row["verdict"]] * 2)
        raise Undo


# Real concurrency: graders that fall asleep and come back too late, in threads and in processes of their own


def grade_until_done(address: str, name: str, seed: int) -> list[list]:
    """A grader that now and then puts a job aside until its lease has ended; gives what it was let write."""
    chance, written, dropped = random.Random(seed), [], []
    with contextlib.closing(open_database(address)) as db:
        while True:
            with db.reading() as session:
                if not session.scalar(select(func.count(Job.id)).where(Job.state.in_(("queued", "leased")))):
                    return written
            with db.session() as session:
                claimed = queue.claim(session, name, 3, 0.02, queue.clock(session))
            for one in [*claimed, *dropped]:
                if chance.random() < 0.2 and one not in dropped:
                    dropped.append(one)
                    continue
                with db.session() as session:
                    message = f"{name} {len(written)}"
                    if queue.finish(session, one.job, name, result(message), queue.clock(session)):
                        written.append([one.submission, message])


def demand_one_set_each(db, ids: list[int], written: list[list]) -> None:
    """Each submission was written once, and what stands there is all of it and nothing else."""
    assert sorted(id for id, _ in written) == ids
    said = dict(written)
    with db.reading() as session:
        rows = session.execute(select(Verdict.submission_id, Verdict.exercise, Verdict.message)).all()
        assert sorted(rows) == sorted((id, name, said[id]) for id in ids for name in ("causal_mask", "apply_mask"))
        assert collections.Counter(session.scalars(select(Job.state))) == {"done": len(ids)}


@pytest.mark.on_both
def test_four_graders_in_threads_write_each_result_once(db, waiting, monkeypatch):
    monkeypatch.setattr(queue, "TRIES", 1000)  # leases this short end by chance
    ids, written, address = waiting(60), [], db.engine.url.render_as_string(hide_password=False)
    address = db.place if db.is_sqlite else address.replace("+psycopg", "")
    threads = [
        threading.Thread(target=lambda name=name: written.extend(grade_until_done(address, name, ord(name))))
        for name in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    demand_one_set_each(db, ids, written)


@pytest.mark.on_both
def test_three_graders_in_processes_write_each_result_once(db, waiting):
    ids, url = waiting(60), db.engine.url.render_as_string(hide_password=False)
    address = db.place if db.is_sqlite else url.replace("+psycopg", "")
    code = (
        "import importlib.util, json, sys\n"
        f"spec = importlib.util.spec_from_file_location('test_queue', {__file__!r})\n"
        "module = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(module)\n"
        "module.queue.TRIES = 1000\n"
        "print(json.dumps(module.grade_until_done(sys.argv[1], sys.argv[2], int(sys.argv[3]))))"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, address, name, str(ord(name))], stdout=subprocess.PIPE, text=True)
        for name in "abc"
    ]
    written = [one for process in processes for one in json.loads(process.communicate(timeout=60)[0])]
    demand_one_set_each(db, ids, written)
