"""How fast an event grades: the supervisor that `host serve` starts, and Dask's workers, on the same files.

    python benchmarks/event_throughput.py [--count 60] [--rounds 3] [--notebook 03_attention]

Every way has as many processes that judge as there are cores: one supervisor with all of them, one Dask worker with all
of them, two Dask workers that share them. The submissions are those of benchmarks/grading.py, in PostgreSQL, each round
in a database of its own; what is measured is from the moment at which all are in the queue to the last verdict, after
the same number of submissions has warmed the graders up. CPU is that of all processes but the database's, Dask's and
this one among them; on a machine that does other things beside, it tells more than the time. Medians of the rounds; the
order of the ways turns with each. All ways have to give the same verdicts.
"""

import argparse
import contextlib
import hashlib
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from grading import answered, cpu_of_tree
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from hookpoint.content.course import course
from hookpoint.content.files import notebook_text
from hookpoint.hosting import event, queue
from hookpoint.hosting.cluster import Cluster
from hookpoint.hosting.store.database import Database, open_database
from hookpoint.hosting.store.models import Grader, Job, Person, Submission, Team, Verdict

CORES = len(os.sched_getaffinity(0))
SETTINGS = """
title = "Benchmark"
place = "Here"
timezone = "UTC"
starts = "2026-05-04 08:00"
template = "one_day"
notebooks = ["03_attention"]
"""
WAYS = {"one supervisor": 0, "Dask, 1 worker": 1, "Dask, 2 workers": 2}
PATIENCE = 600.0


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--count", type=int, default=60)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--notebook", default="03_attention")
    options = asked.parse_args()
    contents = submissions(options.notebook, 2 * options.count)
    figures: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    with postgres() as server:
        for number in range(options.rounds):
            verdicts = set()
            for way in [*WAYS][number % 3 :] + [*WAYS][: number % 3]:
                *costs, digest = measured(server, f"r{number}w{WAYS[way]}", WAYS[way], contents, options.notebook)
                figures[way].append(tuple(costs))
                verdicts.add(digest)
            assert len(verdicts) == 1, "the ways disagree about a verdict"
    show(figures, options.count)


def submissions(name: str, count: int) -> list[bytes]:
    """Notebooks with somebody's answers, no two the same bytes."""
    notebook = course().notebook(name)
    texts = [notebook_text(answered(notebook.path, notebook, random.Random(number))) for number in range(count)]
    return [text.encode() + b"\n" * number for number, text in enumerate(texts)]


def measured(server: Path, name: str, workers: int, contents: list[bytes], notebook: str) -> tuple[float, float, str]:
    """Seconds for the second half of the submissions, in time and of CPU, and a digest of all verdicts."""
    url = f"postgresql://postgres@/{name}?host={server}"
    sql(server, f"CREATE DATABASE {name}")
    with contextlib.closing(open_database(url)) as database:
        database.upgrade()
        ids = handed_in(database, contents, notebook)
        half = len(ids) // 2
        with graders(url, workers):
            wait(lambda: count(database, Grader) == max(1, workers))
            enqueue(database, ids[:half])
            wait(lambda: count(database, Job, Job.state == "done") == half)
            before, began = cpu(server), enqueue(database, ids[half:])
            wait(lambda: count(database, Job, Job.state == "done") == len(ids))
            spent = cpu(server) - before
        with database.reading() as session:
            last = session.scalar(select(func.max(Job.finished)))
            rows = session.execute(select(Verdict.submission_id, Verdict.exercise, Verdict.status)).all()
    return (last - began).total_seconds(), spent, hashlib.sha256(repr(sorted(map(tuple, rows))).encode()).hexdigest()


def cpu(server: Path) -> float:
    """What all but the database have used so far."""
    database = int((server / "data" / "postmaster.pid").read_text().split()[0])
    return cpu_of_tree(os.getpid()) - cpu_of_tree(database)


def handed_in(database: Database, contents: list[bytes], notebook: str) -> list[int]:
    with database.session() as session:
        event.create(session, SETTINGS, datetime.now(UTC))
        person = Person(name="P", role="participant", token_hash="0", team=Team(name="T", invitation="I"))
        about = {"team": person.team, "person": person, "kind": "notebook", "task": notebook, "file_name": "a.ipynb"}
        rows = [
            Submission(content=content, sha256=hashlib.sha256(content).hexdigest(), seed="s", **about)
            for content in contents
        ]
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]


def enqueue(database: Database, ids: list[int]) -> datetime:
    with database.session() as session:
        at = queue.clock(session)
        for id in ids:
            queue.enqueue(session, id, at)
    return at


def count(database: Database, what, *which) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(what).where(*which))


def wait(holds) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError("The graders do not come to an end.")
        time.sleep(0.2)


@contextlib.contextmanager
def graders(url: str, workers: int) -> Iterator[None]:
    """What grades: the process that `host serve` keeps, or that many Dask workers."""
    if not workers:
        command = [sys.executable, "-m", "hookpoint.hosting.supervisor", url, "--workers", str(CORES), "--name", "host"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        yield
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        return
    from distributed import LocalCluster

    threads = max(1, CORES // workers)
    options = {"n_workers": workers, "threads_per_worker": threads, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(processes=True, **options) as dask:
        quiet = {"told": lambda line: None}
        with Cluster(dask.scheduler_address, url, "it", **quiet).running():
            yield


@contextlib.contextmanager
def postgres() -> Iterator[Path]:
    """A server of PostgreSQL on a socket in the folder; its commits wait for the disk, as an event's do."""
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    path = os.pathsep.join([os.environ["PATH"], *map(str, versions)])
    initdb, program = shutil.which("initdb", path=path), shutil.which("postgres", path=path)
    if not initdb or not program:
        sys.exit("PostgreSQL's server is not installed here.")
    folder = Path(tempfile.mkdtemp(prefix="hookpoint-pg-"))
    other = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    if other:
        shutil.chown(folder, "postgres", "postgres")
    quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **other}
    subprocess.run([initdb, "-D", folder / "data", "-U", "postgres", "-A", "trust"], check=True, **quiet)
    settings = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}"]
    process = subprocess.Popen([program, "-D", folder / "data", *settings], **quiet)
    try:
        wait(lambda: (folder / ".s.PGSQL.5432").exists() and answers(folder))
        yield folder
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        shutil.rmtree(folder)


def sql(server: Path, text: str) -> None:
    import psycopg

    with psycopg.connect(host=str(server), user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(text)


def answers(server: Path) -> bool:
    with contextlib.suppress(Exception):
        sql(server, "SELECT 1")
        return True
    return False


def show(figures: dict[str, list[tuple[float, float]]], count: int) -> None:
    rounds = len(figures["one supervisor"])
    table = Table(title=f"{count} submissions, {CORES} processes that judge; medians of {rounds} rounds")
    for heading in ("", "seconds", "a second", "ratio", "rounds", "CPU each", "ratio", "rounds"):
        table.add_column(heading, justify="right" if heading else "left")
    medians = {way: [statistics.median(costs) for costs in zip(*rows, strict=True)] for way, rows in figures.items()}
    usual = medians["one supervisor"]
    for way, rows in figures.items():
        seconds, cpu = medians[way]
        times, cpus = (" ".join(f"{cost:.1f}" for cost in costs) for costs in zip(*rows, strict=True))
        paces = f"{seconds:.1f}", f"{count / seconds:.1f}", f"{seconds / usual[0]:.2f}", times
        table.add_row(way, *paces, f"{1000 * cpu / count:.0f} ms", f"{cpu / usual[1]:.2f}", cpus)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
