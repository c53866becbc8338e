"""A class in a temporary folder: a small course, submissions made from its released notebook, and the real nbgrader."""

import copy
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from hookpoint.content.build import build

PART, NAME = "part1_build_gpt2", "01_practice"
PRACTICE = Path(__file__).parent / "fixtures" / f"{NAME}.py"


def isolated(monkeypatch, home: Path) -> Path:
    """Gives nbgrader a home that the test can look into afterwards, and none of the machine's Jupyter settings."""
    home.mkdir()
    for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, folder in {"HOME": "", "JUPYTER_CONFIG_DIR": "jupyter", "IPYTHONDIR": "ipython"}.items():
        monkeypatch.setenv(name, os.path.join(home, folder))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return home


@dataclass
class Classroom:
    """A checkout with one part."""

    root: Path
    notebook: str = NAME

    @classmethod
    def with_source(cls, root: Path, *sources: Path) -> "Classroom":
        """A built course of these sources, by default the small one; `notebook` is the first."""
        folder = root / "solutions" / PART
        folder.mkdir(parents=True)
        for source in sources or [PRACTICE]:
            shutil.copy(source, folder)
        build(root)
        return cls(root, sources[0].stem if sources else NAME)

    @property
    def inbox(self) -> Path:
        return self.root / ".nbgrader" / "submitted"

    def released(self) -> dict:
        """The notebook that a learner opens."""
        return self._read(self.root / "exercises" / PART / f"{self.notebook}.ipynb")

    def solved(self) -> dict:
        """The released notebook with every answer typed in."""
        teacher = self._read(self.root / "solutions" / PART / f"{self.notebook}.ipynb")
        answers = {cell["id"]: cell["source"] for cell in teacher["cells"]}
        notebook = self.released()
        for cell in notebook["cells"]:
            if cell["metadata"]["hookpoint"]["kind"] == "exercise":
                cell["source"] = answers[cell["id"]]
        return notebook

    def answered(self, **answers: str) -> dict:
        """The solved notebook with other answers in some places."""
        notebook = self.solved()
        for cell in notebook["cells"]:
            cell["source"] = answers.get(cell["id"], cell["source"])
        return notebook

    def hand_in(self, student: str, notebook: dict | str, name: str = "") -> Path:
        path = self.inbox / student / PART / f"{name or self.notebook}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(notebook if isinstance(notebook, str) else json.dumps(notebook), encoding="utf-8")
        return path

    def run(self, step: str) -> subprocess.CompletedProcess:
        """The command as a host types it, with what it says in single spaces."""
        command = [sys.executable, "-m", "hookpoint", "nbgrader", step, PART]
        # A kernel that sees this variable does not listen to the descriptors, as it does for a host.
        environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
        done = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True)
        done.stdout = "".join(" ".join(line.split()) + "\n" for line in done.stdout.splitlines())
        return done

    def scores(self, student: str) -> dict[str, float]:
        """Points by exercise, asked of nbgrader's own gradebook."""
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{self.root / '.nbgrader' / 'gradebook.db'}") as book:
            notebook = book.find_submission_notebook(self.notebook, PART, student)
            return {grade.name: grade.score for grade in notebook.grades}

    def graded(self, student: str) -> dict:
        """The student's notebook with its outputs, as nbgrader has executed it."""
        return self._read(self.root / ".nbgrader" / "autograded" / student / PART / f"{self.notebook}.ipynb")

    @staticmethod
    def _read(path: Path) -> dict:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        return {**notebook, "cells": [{**c, "source": "".join(c["source"])} for c in notebook["cells"]]}


def bare(notebook: dict) -> dict:
    """The notebook as an editor leaves it that drops ids and metadata."""
    cells = [{**cell, "metadata": {"colab": 1}} for cell in copy.deepcopy(notebook["cells"])]
    for cell in cells:
        del cell["id"]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 0}


@pytest.fixture(scope="session")
def a_class():
    """The means to set up a class: `a_class.Classroom`, `a_class.isolated`, `a_class.bare`."""
    return SimpleNamespace(Classroom=Classroom, isolated=isolated, bare=bare)
