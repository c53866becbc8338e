"""The documentation is held to what the code has: every verb, marker, error, verdict and link."""

import re
from pathlib import Path

import pytest

from hookpoint import errors
from hookpoint.cli import main

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "hookpoint" / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted((DOCS / "decisions").glob("*.md"))]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


@pytest.mark.parametrize("verb", sorted(main.commands))
def test_every_verb_is_documented(verb):
    assert re.search(rf"hookpoint {verb}\b", TEXT)


def test_no_verb_is_documented_that_does_not_exist():
    shown = set(re.findall(r"(?:`|bin/|^)hookpoint ([a-z]+)", TEXT, flags=re.MULTILINE))
    assert shown <= set(main.commands)


@pytest.mark.parametrize(
    "marker", ['hint="ID" rung=', 'exercise="ID" minutes=', 'check="ID" points=', 'only="solutions"']
)
def test_every_marker_is_documented(marker):
    assert marker in (DOCS / "author.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.HookpointError)
    ],
)
def test_every_error_class_is_documented(name):
    assert name in TEXT


@pytest.mark.parametrize("status", ["passed", "failed", "error", "timeout", "missing"])
def test_every_verdict_is_documented(status):
    assert f"| {status} |" in (DOCS / "learner.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_picture_exists(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert target.startswith("http") or (page.parent / target).exists(), target


def test_the_readme_shows_the_command_that_make_test_runs():
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8")
    command = re.search(r"-m pytest [^\n]*", recipe)[0]
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")


def test_continuous_integration_runs_the_readme_command():
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").strip().endswith("make test")
