"""Which solution lines are secret, and what counts as showing one."""

import json

import pytest

from hookpoint.content.leak import readable, secret_lines
from hookpoint.content.source import parse


def secrets(authored, solution: str, more: str = "") -> list[str]:
    cells, problems = parse("x.py", authored.title() + authored.exercise(solution=solution) + more)
    assert problems == []
    return list(secret_lines(cells))


def test_a_secret_comes_with_its_line_in_the_source(authored):
    cells, _ = parse("x.py", authored.LESSON)

    (line,) = secret_lines(cells).values()

    assert authored.LESSON.splitlines()[line - 1].strip() == "return sum([x, x])"


@pytest.mark.parametrize(("line", "secret"), [("y = x +   x + 123456", True), ("y = x + 1234567", False)])
def test_a_line_of_twelve_signs_is_secret_and_a_shorter_one_is_not(authored, line, secret):
    signs = len(line.replace(" ", ""))

    assert (signs, bool(secrets(authored, line))) == (12 if secret else 11, secret)


@pytest.mark.parametrize(("line", "secret"), [("self.width = width", False), ("self.width = width + 1", True)])
def test_keeping_an_argument_tells_nothing(authored, line, secret):
    assert bool(secrets(authored, line)) == secret


def test_indents_and_line_ends_do_not_hide_a_line(authored):
    assert secrets(authored, "return  sum([x,   x])") == ["return sum([x, x])"]


@pytest.mark.parametrize(
    ("marker", "secret"), [("# %%", False), ('# %% only="solutions"', True), ("# %% [markdown]", True)]
)
def test_only_code_that_learners_receive_gives_a_line_away_by_right(authored, marker, secret):
    comment = "# " if "markdown" in marker else ""

    found = secrets(authored, "return sum([x, x])", f"\n{marker}\n{comment}return sum([x, x])\n")

    assert bool(found) == secret


def test_a_notebook_is_read_as_a_person_sees_it():
    notebook = {"cells": [{"source": ['a = "b"\n', "  c"], "outputs": [{"data": {"text/plain": "d"}}]}]}

    assert readable("x.ipynb", json.dumps(notebook)) == 'a = "b" c d'


@pytest.mark.parametrize("file", ["x.ipynb", "x.md"])
def test_a_file_that_is_no_notebook_is_read_as_text(file):
    assert readable(file, "{a\n  b") == "{a b"
