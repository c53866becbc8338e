"""Grading on several machines, as far as one machine can show it: Dask's workers are processes here."""

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select

from hookpoint.errors import UsageError
from hookpoint.hosting import cluster_worker, queue
from hookpoint.hosting.cluster import Cluster
from hookpoint.hosting.store.database import open_database
from hookpoint.hosting.store.models import Grader, Job, Submission, Verdict

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="Dask is not installed: the extra `cluster` brings it"
)
POSTGRES = "postgresql://host:secret@10.0.0.2/event"
PLACE = "postgresql://host:***@10.0.0.2/event"


def until(holds, patience: float = 60.0) -> None:
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
    return cluster_worker.keep(version or ours(), url, SimpleNamespace(state=SimpleNamespace(nthreads=1)))


def test_a_worker_without_the_database_says_what_to_set(monkeypatch):
    assert "has no HOOKPOINT_DATABASE in its environment" in asked(monkeypatch)


def test_a_worker_with_a_file_for_a_database_refuses(monkeypatch):
    assert "has to be postgresql://" in asked(monkeypatch, environment="event.db", url=POSTGRES)


def test_a_worker_with_another_course_does_not_grade(monkeypatch):
    assert "another hookpoint or course" in asked(monkeypatch, url=POSTGRES, version="0" * 12)


# Whole clusters


@pytest.fixture
def graded(postgres, master):
    """A database in PostgreSQL, and what can be asked of it while workers grade."""
    url = postgres.make(template=master)
    with contextlib.closing(open_database(url)) as database:
        yield Graded(url, database)


class Graded:
    def __init__(self, url: str, database):
        self.url, self.database = url, database

    def count(self, what, *which) -> int:
        with self.database.reading() as session:
            return session.scalar(select(func.count()).select_from(what).where(*which))

    def done(self) -> int:
        return self.count(Job, Job.state == "done")

    def owners(self) -> set[str]:
        with self.database.reading() as session:
            return set(session.scalars(select(Job.lease_owner).where(Job.state == "done")))

    def graders(self) -> set[str]:
        with self.database.reading() as session:
            return set(session.scalars(select(Grader.name)))


@contextlib.contextmanager
def serving(scheduler: str, url: str):
    """What the event server does with a scheduler, in a thread; gives what it says."""
    said = []
    with Cluster(scheduler, url, "the database", told=said.append).running():
        yield said


@contextlib.contextmanager
def local_cluster():
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        yield cluster


def supervisors() -> dict[int, int]:
    """The processes that supervise, and the workers that they belong to."""
    lines = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in lines.splitlines()[1:]]
    return {int(pid): int(parent) for pid, parent, args in rows if args.endswith("hookpoint.hosting.cluster_worker")}
