"""For all tests: a small course of two notebooks, written by hand, a workspace of it, and a PostgreSQL server."""

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

STUBS = {
    "double": 'def double(x):\n    """Twice x."""\n    # YOUR CODE HERE\n    raise NotImplementedError()',
    "scale": (
        "class Scale:\n    def __init__(self, by):\n        # YOUR CODE HERE\n        raise NotImplementedError()\n\n"
        "    def __call__(self, x):\n        # YOUR CODE HERE\n        raise NotImplementedError()"
    ),
    "triple": 'def triple(x):\n    """Three times x."""\n    # YOUR CODE HERE\n    raise NotImplementedError()',
}
ANSWERS = {
    "double": "def double(x):\n    return 2 * x",
    "scale": (
        "class Scale:\n    def __init__(self, by):\n        self.by = by\n\n"
        "    def __call__(self, x):\n        return self.by * x"
    ),
    "triple": "def triple(x):\n    return 3 * x",
}
WRITES = {"double": "double", "scale": "Scale", "triple": "triple"}


def cell(kind: str, source: str, id: str = "", **meta: object) -> dict:
    """One cell as a release has it."""
    mark = hashlib.sha256(source.encode()).hexdigest()[:12]
    code = {"execution_count": None, "outputs": []} if kind in ("setup", "demo", "exercise", "check") else {}
    return {
        "cell_type": "code" if code else "markdown",
        "id": id or f"c{mark[:8]}",
        "metadata": {"hookpoint": {"kind": kind, "hash": mark, **meta}},
        "source": source,
        **code,
    }


def exercise(id: str, minutes: int = 10, points: int = 2, stub: str = "") -> list[dict]:
    """An exercise's six cells: heading, three hints, answer, check."""
    hints = [f"<details>\n<summary>Hint {rung}</summary>\n\n{id}: rung {rung}.\n\n</details>" for rung in (1, 2, 3)]
    return [
        cell(
            "prose",
            f"## Exercise: `{id}` ★★\n\n*{minutes} minutes · {points} points*\n\nWrite `{WRITES[id]}`.",
            heading=id,
        ),
        *(cell("hint", hint, exercise=id, rung=rung) for rung, hint in enumerate(hints, start=1)),
        cell("exercise", stub or STUBS[id], id, exercise=id, writes=WRITES[id], minutes=minutes, stars=2),
        cell("check", f'checks.run("{id}")', f"check-{id}", exercise=id, points=points),
    ]


def notebook(name: str, cells: list[dict]) -> dict:
    about = {"part": "part1_small", "notebook": name, "title": f"Notebook {name}"}
    return {"cells": cells, "metadata": {"hookpoint": about}, "nbformat": 4, "nbformat_minor": 5}


FIRST = [
    cell("prose", "# 01 · First\n\nYou will double things."),
    cell("setup", "import math"),
    *exercise("double"),
    cell("demo", "print(double(math.pi))"),
    *exercise("scale", minutes=15, points=3),
]
SECOND = [cell("prose", "# 02 · Second"), *exercise("triple", minutes=5, points=1)]


def write(path: Path, content: dict) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


class Workspace(SimpleNamespace):
    """A learner's workspace that tests read and edit as a learner would."""

    def notebook(self, name: str) -> Path:
        return self.path / "part1_small" / f"{name}.ipynb"

    def read(self, name: str) -> dict:
        content = json.loads(self.notebook(name).read_text(encoding="utf-8"))
        return {**content, "cells": [{**c, "source": "".join(c["source"])} for c in content["cells"]]}

    def sources(self, name: str) -> list[str]:
        return [c["source"] for c in self.read(name)["cells"]]

    def edit(self, name: str, id: str, source: str) -> None:
        """Type `source` into the cell with this id."""
        content = self.read(name)
        next(c for c in content["cells"] if c["id"] == id)["source"] = source
        write(self.notebook(name), content)

    def add(self, name: str, source: str, after: str | None = None) -> None:
        """Add a code cell of the learner's own after the cell with this id, or at the end."""
        content = self.read(name)
        ids = [c["id"] for c in content["cells"]]
        at = ids.index(after) + 1 if after else len(ids)
        own = {"cell_type": "code", "id": f"mine-{len(ids)}", "metadata": {}, "source": source, "outputs": []}
        content["cells"].insert(at, {**own, "execution_count": None})
        write(self.notebook(name), content)

    def solve(self, *ids: str) -> None:
        for id in ids:
            self.edit("02_second" if id == "triple" else "01_first", id, ANSWERS[id])


@pytest.fixture
def release(tmp_path, monkeypatch):
    """Publish notebooks as the course: `release("01_first", cells)`; both notebooks are there from the start."""
    root = tmp_path / "release" / "exercises"
    monkeypatch.setenv("HOOKPOINT_COURSE", str(root))

    def publish(name: str, cells: list[dict]) -> None:
        write(root / "part1_small" / f"{name}.ipynb", notebook(name, cells))

    publish("01_first", FIRST)
    publish("02_second", SECOND)
    return publish


@pytest.fixture
def workspace(tmp_path, release, monkeypatch):
    """A fresh workspace of the small course; the current folder is the one that holds it."""
    from hookpoint.content.workspace import create

    monkeypatch.chdir(tmp_path)
    create(tmp_path / "workspace")
    return Workspace(path=tmp_path / "workspace")


@pytest.fixture(scope="session")
def small():
    """The pieces that the small course is made of."""
    return SimpleNamespace(
        cell=cell,
        exercise=exercise,
        notebook=notebook,
        write=write,
        first=FIRST,
        second=SECOND,
        stubs=STUBS,
        answers=ANSWERS,
    )


@pytest.fixture
def judged(monkeypatch):
    """The real engine with checks of the small course's exercises: `double`, `Scale` and `triple` of 4."""
    from hookpoint import checks
    from hookpoint.checks.author import Exercise, Slip, same

    def of_four(writes, wanted):
        def values(learner, draw):
            """It is right for 4."""
            name = getattr(learner, writes)
            same(name(3)(4) if writes == "Scale" else name(4), wanted)

        return values

    def adds_two(x):
        return x + 3

    slips = {"double": (Slip("three is added", adds_two),)}
    names = {"double": ("double", 8), "scale": ("Scale", 12), "triple": ("triple", 12)}
    exercises = {
        id: Exercise(id, checks=(of_four(*name),), slips=slips.get(id, ()), writes=name[0])
        for id, name in names.items()
    }
    real = checks.judge
    monkeypatch.setattr(checks, "judge", lambda id, link, **options: real(exercises[id], link, **options))


def binary(name: str) -> str | None:
    """Where a program of PostgreSQL is: some systems keep the server's out of the PATH."""
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    return shutil.which(name) or next(filter(None, (shutil.which(name, path=folder) for folder in versions)), None)


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server that listens on a socket in its folder."""

    folder: Path
    numbers: count

    def do(self, text: str) -> None:
        import psycopg

        with psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(text)

    def make(self, name: str = "", template: str = "template1") -> str:
        """The URL of a new database, a copy of `template`."""
        name = name or f"t{next(self.numbers)}"
        self.do(f"CREATE DATABASE {name} TEMPLATE {template}")
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def wait(self) -> None:
        for _ in range(100):
            with contextlib.suppress(Exception):
                return self.do("SELECT 1")
            time.sleep(0.1)
        raise TimeoutError("PostgreSQL did not start")


@pytest.fixture(scope="module")
def postgres():
    """A server of the module's own; skips where there is none."""
    if not (binary("initdb") and binary("postgres")):
        pytest.skip("PostgreSQL's server is not installed here")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed: the extra `postgres` brings it")
    # Not below pytest's folder: the server refuses to run as root, and as `postgres` it could not look in there.
    folder = Path(tempfile.mkdtemp(prefix="hookpoint-pg-"))
    other = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    if other:
        shutil.chown(folder, "postgres", "postgres")
    quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **other}
    subprocess.run(
        [binary("initdb"), "-D", folder / "data", "-U", "postgres", "-A", "trust", "-N"], check=True, **quiet
    )
    settings = ["-c", "listen_addresses=", "-c", "fsync=off", "-c", f"unix_socket_directories={folder}"]
    process = subprocess.Popen([binary("postgres"), "-D", folder / "data", *settings], **quiet)
    try:
        server = Server(folder, count())
        server.wait()
        yield server
    finally:
        process.send_signal(signal.SIGINT)  # the other polite one waits for connections that a failed test left open
        process.wait(20)
        shutil.rmtree(folder)
