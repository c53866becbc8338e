"""What the ground gives way under: the database is stopped, or the disk is full, while teams hand in.

What was acknowledged with 201 is there afterwards, once, and gets its verdict; what was not was refused with 503 and a
line that says so; and the server goes on by itself.
"""

import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from types import SimpleNamespace

import httpx
import pytest
from sqlalchemy import select

from hookpoint.grading.level import Level
from hookpoint.grading.results import Graded, Result
from hookpoint.hosting import event as events
from hookpoint.hosting import people, setup, supervisor
from hookpoint.hosting.folder import EventFolder
from hookpoint.hosting.running import running
from hookpoint.hosting.server import auth, csrf
from hookpoint.hosting.server.app import create_app
from hookpoint.hosting.store.database import open_database
from hookpoint.hosting.store.models import Event, Submission, Verdict

from ...conftest import binary
from ..server.test_browser import Served
from .conftest import a_notebook_of

PATIENCE = 60.0  # seconds
ENOUGH = Level(landlock=1, seccomp=True)
NEXT = "It was written down for the hosts. Try again in a minute."
OFTEN = "\n[limits]\nsubmissions_per_hour = 3600\n"


def until(holds):
    end = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)
    return found


class Instant:
    """Grades at once: what these tests are about is what becomes of the verdict."""

    waiting = quick = 0

    def __init__(self, level, workers):
        self.ready = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def give(self, key, submission, seed):
        verdict = Graded("causal_mask", "passed", 2, 2, "", "")
        self.ready.append((key, Result(str(key), submission.sha256, submission.notebook.name, "1", seed, (verdict,))))

    def results(self, timeout):
        time.sleep(0.02)
        ready, self.ready = self.ready, []
        return ready


@pytest.fixture
def grading(monkeypatch):
    """`grading(url)`: a supervisor at work until the test ends."""
    monkeypatch.setattr(supervisor, "Grading", Instant)
    stop, threads = threading.Event(), []

    def start(url: str) -> None:
        run = supervisor.Supervisor(url, "g", 2, ENOUGH).run
        threads.append(threading.Thread(target=run, args=[stop]))
        threads[-1].start()

    yield start
    stop.set()
    for thread in threads:
        thread.join(20)


class Team(threading.Thread):
    """Hands in one notebook after the other, and remembers what it was told of each."""

    def __init__(self, url, token, small, name, padding=0):
        super().__init__(daemon=True)
        self.client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=40)
        self.small, self.named, self.padding = small, name, padding
        self.taken: dict[int, bytes] = {}
        self.refused: list[tuple[int, dict, bytes]] = []
        self.stop = threading.Event()

    def run(self) -> None:
        number = 0
        while not self.stop.wait(0.02):
            number += 1
            self.hand_in(a_notebook_of(self.small, f"{self.named} {number} {'x' * self.padding}"))

    def hand_in(self, content: bytes) -> int | None:
        answer = self.client.post("/api/submissions", content=content, headers={"Hookpoint-File-Name": "a.ipynb"})
        if answer.status_code == 201:
            self.taken[answer.json()["submission"]] = content
            return answer.json()["submission"]
        self.refused.append((answer.status_code, answer.json(), content))
        return None

    def end(self) -> None:
        self.stop.set()
        self.join(PATIENCE)


def all_scored(team) -> bool:
    told = {one["submission"]: one for one in team.client.get("/api/submissions").json()}
    return all(told[id]["status"] == "scored" and len(told[id]["verdicts"]) == 1 for id in team.taken)


def demand_refused_plainly(team) -> None:
    assert {status for status, _, _ in team.refused} == {503}
    said = {"error": "The event's data cannot be reached.", "next": NEXT}
    assert [one for _, one, _ in team.refused if one != said] == []


# PostgreSQL is stopped, and started again


class Stoppable:
    """The PostgreSQL server of this module, which may be stopped without asking its clients, and started again."""

    def __init__(self, server):
        self.server, self.process = server, None

    def stop(self) -> None:
        pid = int((self.server.folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGQUIT)
        self.process.wait(20) if self.process else os.waitpid(pid, 0)

    def start(self) -> None:
        folder = self.server.folder
        other = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        command = [binary("postgres"), "-D", folder / "data", "-c", "listen_addresses=", "-c", "fsync=off"]
        command += ["-c", f"unix_socket_directories={folder}"]
        quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, **quiet, **other)
        self.server.wait()


@pytest.fixture
def stoppable(postgres):
    one = Stoppable(postgres)
    yield one
    if one.process:
        one.process.send_signal(signal.SIGINT)
        one.process.wait(20)


@pytest.fixture
def in_postgres(postgres, settings_text, NOON, small):
    """A server of an event in PostgreSQL, and two teams that are ready to hand in."""
    url = postgres.make()
    with contextlib.closing(open_database(url)) as db:
        db.upgrade()
        with db.session() as session:
            row = events.create(session, settings_text + OFTEN, at=NOON)
            tokens = [people.join(session, NOON, row.join_code, f"P{n}", team_name=f"T{n}")[1] for n in range(2)]
        served = Served(create_app(db, clock=lambda: NOON))
        served.start()
        teams = [Team(served.url, token, small, f"team {n}") for n, token in enumerate(tokens)]
        yield SimpleNamespace(url=url, db=db, served=served, teams=teams, token=tokens[0])
        for team in teams:
            team.end()
        served.stop()


def test_postgresql_is_stopped_while_teams_hand_in_and_started_again(in_postgres, stoppable, grading):
    teams, page = in_postgres.teams, httpx.Client(base_url=in_postgres.served.url, timeout=40)
    grading(in_postgres.url)
    for team in teams:
        team.start()
    until(lambda: all(len(team.taken) > 3 for team in teams))

    stoppable.stop()
    until(lambda: all(len(team.refused) > 3 for team in teams))
    away = page.get("/team", headers={"Cookie": f"{auth.COOKIE}={in_postgres.token}"})
    before = [len(team.taken) for team in teams]
    stoppable.start()
    until(lambda: all(len(team.taken) > had + 3 for team, had in zip(teams, before, strict=True)))
    for team in teams:
        team.end()

    assert away.status_code == 503 and "The event&#39;s data cannot be reached" in away.text
    assert "postgres" not in away.text and str(stoppable.server.folder) not in away.text
    for team in teams:
        demand_refused_plainly(team)
        until(lambda team=team: all_scored(team))
        again = [team.hand_in(content) for _, _, content in team.refused[:3]]  # what was refused can be sent again
        assert None not in again and len(set(again)) == len(again)
    with in_postgres.db.reading() as session:
        kept = dict(session.execute(select(Submission.id, Submission.content)).all())
        graded = session.scalars(select(Verdict.submission_id)).all()
    assert all(kept[id] == content for team in teams for id, content in team.taken.items())
    assert len(graded) == len(set(graded))


# The disk is full


@pytest.fixture
def folder(tmp_path):
    """The folder of an event that is open now."""
    folder, at = EventFolder(tmp_path / "event"), datetime.now(UTC)
    starts = setup.at_once("UTC", "one_day", at)
    setup.make(folder, setup.settings_for("Night", "Hall", "UTC", starts, "one_day", ("03_attention",)), at)
    text = folder.settings_path.read_text(encoding="utf-8")
    assert "submissions_per_hour = 20" in text
    folder.settings_path.write_text(text.replace("submissions_per_hour = 20", "submissions_per_hour = 3600"))
    return folder


@pytest.fixture
def serving(folder, tmp_path):
    """`hookpoint host serve` as a process of its own, without a grader: its pid and address."""
    command = [sys.executable, "-m", "hookpoint", "host", "serve", "--event", str(folder.path), "--no-grading"]
    with (tmp_path / "said.txt").open("w") as said:
        process = subprocess.Popen([*command, "--port", "0", "--bind", "127.0.0.1"], stdout=said, stderr=said)
    one = until(lambda: running(folder) if process.poll() is None else pytest.fail((tmp_path / "said.txt").read_text()))
    until(lambda: (found := running(folder)) and found.addresses)
    yield SimpleNamespace(pid=process.pid, url=(running(folder) or one).addresses[0], process=process)
    process.terminate()
    process.wait(20)


def let_write(pid: int, bytes: int) -> None:
    """No file of this process grows beyond so many bytes: as on a disk that is full. -1: as it was."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (bytes, resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]))


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux, to fill the disk of one process")
def test_the_disk_is_full_while_a_team_hands_in_and_has_room_again(folder, serving, small, grading):
    with contextlib.closing(open_database(folder.database)) as db, db.reading() as session:
        row = session.get(Event, 1)
    asked = {"code": row.join_code, "name": "Ada", "team": "Owls"}
    token = httpx.post(f"{serving.url}/api/join", json=asked, timeout=40).json()["token"]
    team = Team(serving.url, token, small, "owls", padding=60_000)
    team.start()
    until(lambda: len(team.taken) > 3)

    let_write(serving.pid, (folder.path / "event.db-wal").stat().st_size + 150_000)
    until(lambda: len(team.refused) > 5)
    page = httpx.Client(base_url=serving.url, cookies={auth.COOKIE: token}, timeout=40)
    form = {"data": {csrf.FIELD: csrf.token_for(row.secret, token)}, "files": {"file": ("a.ipynb", b"x" * 2_000_000)}}
    read, sent = page.get("/team"), page.post("/submit", **form)
    form["files"] = {"file": ("a.ipynb", a_notebook_of(small, "y" * 90_000))}
    small_one = page.post("/submit", **form)
    before = len(team.taken)
    let_write(serving.pid, -1)
    until(lambda: len(team.taken) > before + 3)
    team.end()

    assert (read.status_code, sent.status_code, small_one.status_code) == (200, 503, 503)
    assert "no room" in sent.text and "cannot be reached" in small_one.text
    assert str(folder.path) not in sent.text + small_one.text + read.text
    demand_refused_plainly(team)
    with contextlib.closing(sqlite3.connect(folder.database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        kept = dict(connection.execute("SELECT id, content FROM submission").fetchall())
    assert kept == team.taken
    grading(folder.database)
    until(lambda: all_scored(team))
