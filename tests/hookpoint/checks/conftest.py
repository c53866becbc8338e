"""The two ways to a learner's code; a test that asks for `way` runs through both."""

from collections.abc import Callable
from contextlib import contextmanager
from textwrap import dedent

import pytest

from hookpoint.checks import InProcess
from hookpoint.checks.child import Nursery
from hookpoint.content.cells import Cell
from hookpoint.content.execute import run_cells


def cell(source: str, writes: str = "f") -> Cell:
    return Cell(id=writes, kind="exercise", exercise=writes, source=dedent(source), index=0, writes=writes)


@contextmanager
def in_process(source: str, writes: str = "f"):
    loaded = run_cells([cell(source, writes)])
    problem = loaded.problems.get(writes)
    yield InProcess(loaded.names, {writes: problem.message} if problem else {}, limit=2.0)


@pytest.fixture(scope="session")
def nursery():
    with Nursery(limit=2.0) as nursery:
        yield nursery


@pytest.fixture
def child(nursery):
    """A function from source text to a context with a link to it in a process of its own."""

    @contextmanager
    def child(source: str, writes: str = "f"):
        with nursery.submission([cell(source, writes)]) as link:
            yield link

    return child


@pytest.fixture(params=["in process", "child"])
def way(request) -> Callable:
    """A function from source text to a context with a link to the names it defines."""
    return in_process if request.param == "in process" else request.getfixturevalue("child")
