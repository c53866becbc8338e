"""The autograders of the course leave no check out: one function for each check of each exercise."""

import re
from pathlib import Path

import pytest

from hookpoint.checks.find import exercise
from hookpoint.content.course import course

TESTS = Path(__file__).parents[1]
PASSES = re.compile(r'submission\.passes\("(\w+)", "(\w+)"\)')


@pytest.mark.parametrize("notebook", course().notebooks, ids=lambda notebook: notebook.name)
def test_every_check_has_one_autograder(notebook):
    graded = PASSES.findall((TESTS / notebook.part / f"test_{notebook.name}.py").read_text(encoding="utf-8"))
    checks = [(e.id, check.__name__) for e in notebook.exercises for check in exercise(e.id).checks]
    assert sorted(graded) == sorted(checks)
