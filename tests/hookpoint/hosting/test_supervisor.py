"""The one who grades: whatever ends it, its workers or its database, nothing is lost and nothing is written twice."""

import collections
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from hookpoint.errors import HookpointError, UsageError
from hookpoint.grading.level import Level, probe
from hookpoint.grading.pool import grade_all
from hookpoint.grading.results import Graded, Result
from hookpoint.grading.submission import Handed, Refused
from hookpoint.hosting import event as events
from hookpoint.hosting import queue, supervisor
from hookpoint.hosting.intake import SubmissionIn, take
from hookpoint.hosting.rehearsal.stage import command_of
from hookpoint.hosting.store.models import Grader, Job, Verdict
from hookpoint.hosting.supervisor import Supervisor

needs_sandbox = pytest.mark.skipif(not probe().enough, reason=f"needs the sandbox: {probe()}")
ENOUGH = Level(landlock=1, seccomp=True)
ANSWER = """def causal_mask(query_len, key_len, device=None):
    import torch
    behind = key_len - query_len + {number} * 0
    return torch.ones(query_len, key_len, dtype=torch.bool, device=device).tril({shift})"""


@pytest.fixture
def handed_in(db, event, a_team, a_person, a_notebook, NOON):
    """`handed_in(6)`: so many notebooks, in turn right and wrong; the ids of the submissions."""

    def make(count: int) -> list[int]:
        ids = []
        for number in range(count):
            if number % 10 == 0:
                person = a_person(team=a_team())
            content = a_notebook(ANSWER.format(number=number, shift="0" if number % 2 else "behind"))
            with db.session() as session:
                ids.append(take(session, person, SubmissionIn("03_attention.ipynb", content), NOON).submission_id)
        return ids

    return make


def address(db) -> str:
    return db.place if db.is_sqlite else db.engine.url.render_as_string(hide_password=False).replace("+psycopg", "")


@pytest.fixture
def start(db, tmp_path):
    """`start("a")`: a supervisor in a process of its own, with two workers; it is killed at the end."""
    processes = []

    def start(name: str, **options) -> subprocess.Popen:
        command = [sys.executable, "-m", "hookpoint.hosting.supervisor", address(db), "--workers", "2", "--name", name]
        log = (tmp_path / f"{name}.log").open("ab")
        options = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log} | options
        processes.append(subprocess.Popen(command, **options))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


def states(db) -> collections.Counter:
    with db.reading() as session:
        return collections.Counter(session.scalars(select(Job.state)))


def wait_for(condition, seconds: float = 60.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def below(pid: int) -> dict[int, int]:
    """The processes that this one, or one of its, has started, each with the one that started it."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    found, waiting = {}, [pid]
    while waiting:
        above = waiting.pop()
        new = {child: above for child, parent in parents.items() if parent == above}
        waiting += new
        found |= new
    return found


def judges(pid: int) -> list[int]:
    """Those of them that judge: forked from the server of forks, which has imported for them."""
    found = below(pid)
    lines = {one: Path(f"/proc/{one}/cmdline").read_bytes() for one in found if Path(f"/proc/{one}").exists()}
    forks = {one for one, line in lines.items() if b"forkserver" in line}
    return [one for one in forks if found[one] in forks]


def demand_each_once(db, ids: list[int]) -> None:
    """Every submission has the verdict that it deserves on the one exercise that it answers, and one on each other."""
    with db.reading() as session:
        rows = session.execute(select(Verdict.submission_id, Verdict.exercise, Verdict.status)).all()
    of_each = collections.Counter(id for id, _, _ in rows)
    assert set(of_each) == set(ids) and len(set(of_each.values())) == 1 and len(set(rows)) == len(rows)
    mask = {id: status for id, exercise, status in rows if exercise == "causal_mask"}
    assert mask == {id: "failed" if number % 2 else "passed" for number, id in enumerate(ids)}
    assert {status for _, exercise, status in rows if exercise != "causal_mask"} == {"missing"}


@needs_sandbox
@pytest.mark.on_both
def test_nothing_is_lost_or_doubled_when_the_supervisor_and_a_worker_are_killed(db, handed_in, start):
    ids = handed_in(30)
    process = start("a")
    wait_for(lambda: states(db)["done"] >= 5)
    assert not any("_sqlite3" in Path(f"/proc/{one}/maps").read_text() for one in judges(process.pid))
    os.kill(judges(process.pid)[0], signal.SIGKILL)
    wait_for(lambda: states(db)["done"] >= 10)
    process.kill()
    process.wait()
    assert states(db)["done"] < 30

    start("a")
    wait_for(lambda: states(db)["done"] == 30)
    demand_each_once(db, ids)


@needs_sandbox
@pytest.mark.parametrize("db", ["postgresql"], indirect=True)
def test_two_supervisors_share_the_work_and_one_whose_database_went_away_goes_on(db, handed_in, start, postgres):
    ids = handed_in(40)
    start("a"), start("b")
    wait_for(lambda: states(db)["done"] >= 5)
    name = db.engine.url.database
    postgres.do(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    postgres.do(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    time.sleep(0.2)
    postgres.do(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    wait_for(lambda: states(db)["done"] == 40)
    demand_each_once(db, ids)
    with db.reading() as session:
        assert set(session.scalars(select(Job.lease_owner))) == {"a", "b"}
        assert set(session.scalars(select(Job.tries))) <= {1, 2}


@needs_sandbox
def test_those_who_judge_stand_back_and_a_supervisor_told_to_end_gives_back_what_it_has_and_leaves_no_process(
    db, handed_in, start
):
    handed_in(30)
    process = start("a", stdin=subprocess.PIPE, env={k: v for k, v in os.environ.items() if k != "HOOKPOINT_NICE"})
    wait_for(lambda: states(db)["done"] >= 2)
    ours = below(process.pid)
    judging = [pid for pid in ours if re.match(rb"[^\0]*python.*(forkserver|sandbox\.zygote)", command_of(pid))]
    assert len(judging) > 4
    assert {os.getpriority(os.PRIO_PROCESS, pid) for pid in judging} == {supervisor.NICE}
    assert os.getpriority(os.PRIO_PROCESS, process.pid) == 0
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    with db.reading() as session:
        left = session.execute(select(Job.state, Job.tries).where(Job.state != "done")).all()
        assert left and set(left) == {("queued", 0)}
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in ours))


@needs_sandbox
def test_a_supervisor_ends_when_the_one_who_started_it_is_gone(db, event, start):
    process = start("a", stdin=subprocess.PIPE)
    wait_for(lambda: grader(db, "a"))
    process.stdin.close()
    assert process.wait(60) == 0


@needs_sandbox
def test_verdicts_are_those_of_a_grading_of_files_with_the_seed_of_the_task(db, handed_in, a_notebook, NOON, tmp_path):
    (id,), stop = handed_in(1), threading.Event()
    thread = threading.Thread(target=Supervisor(address(db), "a", 1, probe()).run, args=[stop])
    thread.start()
    wait_for(lambda: states(db)["done"])
    stop.set()
    thread.join()
    path = tmp_path / "03_attention.ipynb"
    with db.reading() as session:
        path.write_bytes(queue.content(session, id))
        seed = events.seed_of(events.current(session, NOON).row, "03_attention")
        rows = session.scalars(select(Verdict).order_by(Verdict.id)).all()
        version = session.scalars(select(Job.version)).one()
    ((_, result),) = grade_all([Handed(path, path.name)], probe(), seed)
    assert [(one.exercise, one.status, one.points, one.message) for one in rows] == [
        (one.exercise, one.status, one.points, one.message) for one in result.verdicts
    ]
    assert version == result.version


def grader(db, name: str) -> Grader | None:
    with db.reading() as session:
        return session.scalar(select(Grader).where(Grader.name == name))


def test_a_machine_that_cannot_confine_strangers_is_refused(db):
    with pytest.raises(UsageError, match="Landlock and seccomp"):
        Supervisor(address(db), "a", 1, Level(landlock=0, seccomp=True))


def test_what_hands_out_loads_no_torch():
    code = "import sys, hookpoint.hosting.supervisor, hookpoint.hosting.intake; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# The rounds, with workers that the test plays and a database that it takes away


class Bench:
    """What grades in place of the workers: it finishes a job when it is told to."""

    def __init__(self):
        self.at: dict[int, Result] = {}
        self.refused: dict[int, str] = {}
        self.told = 0

    @property
    def waiting(self) -> int:
        return len(self.at)

    quick = waiting

    def give(self, job, submission, seed) -> None:
        assert job not in self.at, "it was given twice"
        if isinstance(submission, Refused):
            self.refused[job] = str(submission)
        verdicts = (Graded("causal_mask", "passed", 2, 2, "", f"result of {job}"),)
        self.at[job] = Result("", "", "03_attention", "v", seed, verdicts, (), self.refused.get(job, ""), 1.0)

    def results(self, timeout: float) -> list:
        done = list(self.at.items())[: self.told]
        for job, _ in done:
            del self.at[job]
        self.told = 0
        return done


class Shaky:
    """The database; each use of it goes well, fails before anything is done, or loses the answer afterwards."""

    def __init__(self, db, fates):
        self.db, self.fates, self.place = db, iter(fates), db.place

    @contextlib.contextmanager
    def use(self, real):
        fate = next(self.fates, "well")
        if fate == "away":
            raise HookpointError("It is away.")
        with real as session:
            yield session
        if fate == "answer lost":
            raise HookpointError("The answer was lost.")

    def session(self):
        return self.use(self.db.session())

    def reading(self):
        return self.use(self.db.reading())


@pytest.fixture
def hasty(monkeypatch):
    """A supervisor that waits for nothing, with a clock that the test moves: `hasty.at`."""
    for name in ("POLL", "BEAT", "PAUSE", "LEAVING"):
        monkeypatch.setattr(supervisor, name, 0.0)

    class Clock:
        at = None

    monkeypatch.setattr(queue, "clock", lambda session: Clock.at)
    return Clock


FATES = st.sampled_from(["well", "well", "away", "answer lost"])
MOVES = st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 20, 40]))


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    fates=st.lists(FATES, min_size=30, max_size=60),
    moves=st.lists(MOVES, min_size=6, max_size=12),
    others=st.sets(st.integers(0, 20)),
)
def test_a_database_that_comes_and_goes_costs_time_alone(db, handed_in, hasty, NOON, fates, moves, others):
    """`moves`: how many jobs the workers do in a round, and the seconds it takes; `others`: when another one claims."""
    hasty.at, ids = NOON, handed_in(5)
    one, bench, shaky = Supervisor("unused", "a", 1, ENOUGH), Bench(), Shaky(db, fates)
    for number, (done, seconds) in enumerate([*moves, *[(5, 10)] * 20]):
        if number == len(moves):
            shaky.fates = iter(())
        bench.told, hasty.at = done, hasty.at + timedelta(seconds=seconds)
        one.round(shaky, bench)
        if number in others:
            with db.session() as session:
                queue.claim(session, "b", 1, 5.0, hasty.at)
    with db.reading() as session:
        jobs = session.scalars(select(Job).where(Job.submission_id.in_(ids))).all()
        kept = session.execute(
            select(Verdict.submission_id, Verdict.message).where(Verdict.submission_id.in_(ids))
        ).all()
    assert {job.state for job in jobs} <= {"done", "failed"} and not (one.leased or one.results or one.begun)
    assert sorted(kept) == sorted((job.submission_id, f"result of {job.id}") for job in jobs if job.state == "done")
    assert all(job.tries == 3 for job in jobs if job.state == "failed")


@pytest.fixture
def playing(db, event, hasty, NOON):
    """A supervisor of one worker and what plays its worker; `playing.round(2)`: the worker has done two jobs."""
    hasty.at = NOON

    class Playing:
        one, bench = Supervisor("unused", "a", 1, ENOUGH), Bench()

        def round(self, done: int = 0):
            self.bench.told = done
            self.one.round(db, self.bench)

    return Playing()


def test_only_so_much_is_claimed_as_can_begin_soon(db, handed_in, playing):
    handed_in(6)
    playing.round()
    assert states(db) == {"leased": 2, "queued": 4}
    playing.round(1)
    assert states(db) == {"done": 1, "leased": 2, "queued": 3}
    playing.round(2)
    assert states(db) == {"done": 3, "leased": 2, "queued": 1}


def test_the_heart_keeps_what_is_in_hand_and_lets_go_of_what_it_knows_nothing_of(db, handed_in, playing, hasty):
    handed_in(3)
    playing.round()
    with db.session() as session:
        (unknown,) = queue.claim(session, "a", 1, 30, hasty.at)  # as if the answer had been lost on the way
    for _ in range(2):
        hasty.at += timedelta(seconds=20)
        playing.round()
    with db.session() as session:
        assert [one.job for one in queue.claim(session, "b", 3, 30, hasty.at)] == [unknown.job]


def test_while_grading_is_paused_nothing_is_begun_and_what_was_begun_is_written(db, handed_in, playing, a_person):
    handed_in(3)
    playing.round()
    with db.session() as session:
        events.switch(session, a_person("host"), "grading_paused", True)
    playing.round(2)
    assert states(db) == {"done": 2, "queued": 1}


def test_verdicts_that_cannot_be_kept_are_our_failure_and_hold_up_nobody(db, handed_in, playing, caplog):
    bad, good = handed_in(2)
    playing.round()
    first = min(playing.bench.at)
    playing.bench.at[first] = Result("", "", "", "v", "s", (Graded("causal_mask", "passed", 5, 2),))
    playing.round(2)
    with db.reading() as session:
        found = dict(session.execute(select(Job.submission_id, Job.state)).all())
        assert found == {bad: "failed", good: "done"} and "failure of ours" in session.get(Job, first).trouble
        assert session.scalars(select(Verdict.submission_id)).all() == [good]


def test_a_file_that_our_own_code_stumbles_over_is_our_failure(db, handed_in, playing, monkeypatch, caplog):
    handed_in(1)
    monkeypatch.setattr(supervisor, "read_bytes", lambda data, name: 1 / 0)
    playing.round()
    assert list(playing.bench.refused.values()) == [supervisor.UNREADABLE]


def test_a_result_of_a_job_that_was_taken_over_is_left_out(db, handed_in, playing, hasty):
    (id,) = handed_in(1)
    playing.round()
    hasty.at += timedelta(hours=1)
    with db.session() as session:
        (other,) = queue.claim(session, "b", 1, 30, hasty.at)
        result = Result("", "", "", "v", "s", (Graded("b", "passed", 1, 1),))
        assert queue.finish(session, other.job, "b", result, hasty.at)
    playing.round(1)
    with db.reading() as session:
        assert session.scalars(select(Verdict.exercise)).all() == ["b"]


def test_a_supervisor_says_that_it_is_there_and_takes_back_its_own_at_once(db, handed_in, playing, hasty):
    handed_in(2)
    playing.round()
    assert states(db) == {"leased": 2}
    again = Supervisor("unused", "a", 3, ENOUGH)
    again.register(db)
    assert states(db) == {"queued": 2}
    assert (grader(db, "a").workers, grader(db, "a").level, grader(db, "a").seen) == (3, str(ENOUGH), hasty.at)
