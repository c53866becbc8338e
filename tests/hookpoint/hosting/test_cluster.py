"""Grading on several machines, as far as one machine can show it: Dask's workers are processes here."""

import contextlib
import hashlib
import importlib.util
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from sqlalchemy import func, select

import hookpoint
from hookpoint.content.course import course
from hookpoint.errors import UsageError
from hookpoint.grading.level import probe
from hookpoint.hosting import cluster, cluster_worker, queue
from hookpoint.hosting import event as events
from hookpoint.hosting.cluster import Cluster
from hookpoint.hosting.store.database import open_database
from hookpoint.hosting.store.models import Grader, Job, Person, Submission, Team, Verdict

# Minutes of waiting for leases to end, which the embedded supervisor's own tests wait for as well.
accidents = pytest.mark.skipif("HOOKPOINT_CLUSTER" not in os.environ, reason="minutes; set HOOKPOINT_CLUSTER=1")
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="Dask is not installed: the extra `cluster` brings it"
)
EXERCISES = len(course().notebook("03_attention").exercises)
needs_sandbox = pytest.mark.skipif(not probe().enough, reason=f"needs the sandbox: {probe()}")
POSTGRES = "postgresql://host:secret@10.0.0.2/event"
PLACE = "postgresql://host:***@10.0.0.2/event"


def until(holds, patience: float = 120.0) -> None:
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


# Which clusters are accepted


def test_an_event_in_a_file_is_refused_in_one_line():
    with pytest.raises(UsageError, match="needs PostgreSQL, and this event is in the file event.db") as refused:
        Cluster("tcp://127.0.0.1:8786", "event.db", "event.db")

    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("address", ["tcp://10.0.0.5:8786", "tcp://scheduler.example:8786", "tcp://0.0.0.0:8786"])
def test_a_scheduler_on_the_network_without_tls_is_refused(address):
    with pytest.raises(UsageError, match="without TLS.*--insecure-scheduler"):
        Cluster(address, POSTGRES, PLACE)


def test_an_insecure_scheduler_is_never_told_the_password():
    assert Cluster("tcp://10.0.0.5:8786", POSTGRES, PLACE, insecure=True).url == ""


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:8786", "tcp://localhost:8786", "tcp://[::1]:8786"])
def test_a_scheduler_on_this_machine_may_do_without_tls(address):
    assert Cluster(address, POSTGRES, PLACE).url == POSTGRES


@pytest.mark.parametrize(
    "address", ["", "10.0.0.5:8786", "tcp://10.0.0.5", "http://10.0.0.5:80", "tls://:1", "tls://a:b"]
)
def test_what_is_no_address_of_a_scheduler_is_refused(address):
    with pytest.raises(UsageError, match="no address of a Dask scheduler"):
        Cluster(address, POSTGRES, PLACE)


def test_tls_without_certificates_is_refused_before_anything_starts():
    with pytest.raises(UsageError, match="tls_ca_file and no tls_client_cert"):
        Cluster("tls://10.0.0.5:8786", POSTGRES, PLACE)


# What a worker says


def asked(monkeypatch, *, environment: str = "", url: str = "", version: str = "") -> str:
    from hookpoint.grading.results import version as ours

    monkeypatch.setenv(cluster_worker.URL, environment)
    order = cluster_worker.Order(version or ours(), url)
    return cluster_worker.keep(order, SimpleNamespace(state=SimpleNamespace(nthreads=1)))


def test_a_worker_without_the_database_says_what_to_set(monkeypatch):
    assert "has no HOOKPOINT_DATABASE in its environment" in asked(monkeypatch)


def test_a_worker_with_a_file_for_a_database_refuses(monkeypatch):
    assert "has to be postgresql://" in asked(monkeypatch, environment="event.db", url=POSTGRES)


def test_a_worker_with_another_course_does_not_grade(monkeypatch):
    assert "another hookpoint or course" in asked(monkeypatch, url=POSTGRES, version="0" * 12)


def test_no_log_can_show_the_password():
    assert "secret" not in repr(cluster_worker.Order("0" * 12, POSTGRES))


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_two_supervisors_of_a_machine_take_different_cores(tmp_path):
    code = "import os; from hookpoint.hosting.cluster_worker import take_cores; take_cores(1); "
    command = [sys.executable, "-c", code + "print(*os.sched_getaffinity(0), flush=True); input()"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "env": os.environ | {"TMPDIR": str(tmp_path)}}
    pair = [subprocess.Popen(command, **pipes, text=True) for _ in range(2)]

    cores = {process.stdout.readline() for process in pair}
    for process in pair:
        process.communicate("\n")

    assert len(cores) == 2


# Whole clusters


@pytest.fixture
def graded(postgres, master, a_notebook, settings_text):
    """A database in PostgreSQL, and what can be asked of it while workers grade."""
    url = postgres.make(template=master)
    with contextlib.closing(open_database(url)) as database:
        yield Graded(url, database, a_notebook, settings_text)


class Graded:
    def __init__(self, url: str, database, notebook, settings: str):
        self.url, self.database, self.notebook, self.settings = url, database, notebook, settings

    def count(self, what, *which) -> int:
        with self.database.reading() as session:
            return session.scalar(select(func.count()).select_from(what).where(*which))

    def done(self) -> int:
        return self.count(Job, Job.state == "done")

    def owners(self) -> set[str]:
        with self.database.reading() as session:
            return set(session.scalars(select(Job.lease_owner).where(Job.state == "done")))

    def tries(self) -> set[int]:
        with self.database.reading() as session:
            return set(session.scalars(select(Job.tries)))

    def hand_in(self, count: int) -> None:
        """So many submissions that wait to be graded."""
        at = datetime.now(UTC)
        with self.database.session() as session:
            events.create(session, self.settings, at=at)
            person = Person(name="Amina", role="participant", token_hash="0", team=Team(name="Owls", invitation="I"))
            for number in range(count):
                content = self.notebook(f"def causal_mask(T):\n    return {number}")
                sha256 = hashlib.sha256(content).hexdigest()
                file = {"file_name": "a.ipynb", "content": content, "sha256": sha256, "seed": "s"}
                one = Submission(team=person.team, person=person, kind="notebook", task="03_attention", **file)
                session.add(one)
                session.flush()
                queue.enqueue(session, one.id, at)

    def graders(self) -> set[str]:
        with self.database.reading() as session:
            return set(session.scalars(select(Grader.name)))


@pytest.fixture
def serving(monkeypatch):
    """What the event server does with a scheduler, in a thread; gives what it says."""
    monkeypatch.setattr(cluster, "ASK_SECONDS", 1.0)

    @contextlib.contextmanager
    def serve(scheduler: str, url: str):
        said = []
        with Cluster(scheduler, url, "the database", told=said.append).running():
            yield said

    return serve


@contextlib.contextmanager
def two_workers():
    """The address of a scheduler that has two workers; a nanny each brings them back."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0") as dask:
        yield dask.scheduler_address


def supervisors() -> dict[int, int]:
    """Our processes that supervise, and the workers that they belong to."""
    found = {}
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.cmdline()[-1:] == ["hookpoint.hosting.cluster_worker"]:
                found[process.pid] = process.ppid()
    return found


@pytest.fixture
def dask(tmp_path):
    """`dask("worker", address)`: starts a program of Dask; it ends with the test."""
    started = []

    def start(*arguments: str, **environment: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
        with (tmp_path / f"{len(started)}.log").open("w") as log:
            settings = {"cwd": tmp_path, "env": os.environ | environment, "stdout": log, "stderr": log}
            started.append(subprocess.Popen(command, **settings))
        return started[-1]

    yield start
    for process in started:
        process.terminate()
    for process in started:
        process.wait(60)


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@needs_sandbox
def test_every_worker_grades_and_each_submission_is_graded_once(graded, serving):
    with two_workers() as scheduler, serving(scheduler, graded.url) as said:
        until(lambda: len(graded.graders()) == 2)
        graded.hand_in(30)
        until(lambda: graded.done() == 30)

    assert len(graded.owners()) == 2 and graded.tries() == {1}
    assert graded.count(Verdict) == 30 * EXERCISES
    assert said[0].startswith("Grading on 2 workers of tcp://127.0.0.1:")


@accidents
@needs_sandbox
@pytest.mark.slow
@pytest.mark.parametrize("victim", ["a worker", "a supervisor"])
def test_who_is_killed_loses_nothing_and_comes_back(graded, serving, victim):
    with two_workers() as scheduler, serving(scheduler, graded.url):
        until(lambda: len(graded.graders()) == 2)
        graded.hand_in(60)
        until(lambda: graded.done() > 5)
        supervisor, worker = supervisors().popitem()
        os.kill(worker if victim == "a worker" else supervisor, signal.SIGKILL)
        until(lambda: graded.done() == 60 and len(set(supervisors()) - {supervisor}) == 2)

    assert graded.count(Verdict) == 60 * EXERCISES
    assert graded.count(Job) == 60


@accidents
@needs_sandbox
@pytest.mark.slow
def test_a_scheduler_that_is_killed_loses_nothing(graded, serving, dask):
    port = free_port()
    address, scheduler = f"tcp://127.0.0.1:{port}", ("scheduler", "--host", "127.0.0.1", "--port", port)
    first, worker = dask(*scheduler), ("worker", f"tcp://127.0.0.1:{port}", "--nthreads", "1")
    dask(*worker)
    with serving(address, graded.url) as said:
        graded.hand_in(40)
        until(lambda: graded.done() > 5)
        first.kill()
        until(lambda: not supervisors() and "does not answer" in said[-1])
        dask(*scheduler), dask(*worker)
        until(lambda: graded.done() == 40)

    assert graded.count(Verdict) == 40 * EXERCISES


@accidents
@needs_sandbox
@pytest.mark.slow
def test_a_worker_that_hangs_keeps_no_other_from_grading(graded, serving, monkeypatch):
    monkeypatch.setattr(cluster, "ANSWER_SECONDS", 1.0)
    with two_workers() as scheduler, serving(scheduler, graded.url) as said:
        until(lambda: len(supervisors()) == 2)
        (_, hanging), (other, _) = supervisors().items()
        os.kill(hanging, signal.SIGSTOP)
        os.kill(other, signal.SIGKILL)
        until(lambda: len(set(supervisors()) - {other}) == 2)
        os.kill(hanging, signal.SIGCONT)

    assert any("does not answer" in line for line in said)


@needs_sandbox
@pytest.mark.slow
def test_when_the_server_ends_its_supervisors_end(graded, serving):
    with two_workers() as scheduler:
        with serving(scheduler, graded.url):
            until(lambda: len(supervisors()) == 2)

        until(lambda: not supervisors())


@needs_sandbox
@pytest.mark.slow
def test_by_tls_a_worker_gets_the_database_and_a_stranger_gets_nothing(graded, serving, dask, tmp_path):
    port, settings = free_port(), certified(tmp_path)
    scheduler = ("scheduler", "--protocol", "tls", "--host", "127.0.0.1", "--port", port)
    dask(*scheduler, DASK_CONFIG=settings)
    dask("worker", f"tls://127.0.0.1:{port}", "--nthreads", "1", DASK_CONFIG=settings)
    stranger = dask("worker", f"tls://127.0.0.1:{port}", "--nthreads", "1", "--death-timeout", "5")
    with configured(settings), serving(f"tls://127.0.0.1:{port}", graded.url):
        graded.hand_in(3)
        until(lambda: graded.done() == 3)

    assert len(graded.graders()) == 1
    assert stranger.wait(60) != 0


def configured(settings: str):
    """This process as one that was started with that configuration."""
    import dask

    return dask.config.set(dask.config.merge(dask.config.config, dask.config.collect([settings], {})))


def certified(folder: Path) -> str:
    """Dask's configuration with a certificate, as the guide to several machines has it."""
    page = (Path(hookpoint.__file__).parent / "docs" / "scale_out.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^openssl .*$", page, flags=re.MULTILINE)
    subprocess.run(shlex.split(command), cwd=folder, check=True, capture_output=True)
    settings = folder / "dask.yaml"
    settings.write_text(
        re.search(r"```yaml\n# dask.yaml\n(.*?)```", page, re.DOTALL)[1].replace("/opt/event", str(folder))
    )
    return str(settings)
