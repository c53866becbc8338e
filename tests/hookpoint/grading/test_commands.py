"""`hookpoint grade` and `hookpoint similar` as a host types them."""

import json

import pytest
from click.testing import CliRunner

from hookpoint.cli import main
from hookpoint.commands import grading
from hookpoint.errors import UsageError
from hookpoint.grading.level import Level, demand, probe

needs_sandbox = pytest.mark.skipif(not probe().enough, reason=f"needs the sandbox: {probe()}")
ANSWER = """# %%
import torch
# %%
def causal_mask(query_len, key_len, device=None):
    allowed = torch.zeros(query_len, key_len, dtype=torch.bool, device=device)
    for row in range(query_len):
        for column in range(key_len):
            allowed[row, column] = column <= row + key_len - query_len
    return allowed
"""


@pytest.fixture
def submitted(tmp_path):
    for student in ("one", "two"):
        path = tmp_path / "in" / student / "part1_build_gpt2" / "03_attention.py"
        path.parent.mkdir(parents=True)
        path.write_text(ANSWER)
    return tmp_path / "in"


def call(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@needs_sandbox
def test_pages_are_written_under_the_names_of_the_files_and_hold_no_seed(submitted, tmp_path):
    files = sorted(submitted.rglob("*.py"))
    done = call("grade", *files, "--feedback", tmp_path / "pages", "--seed", "a secret seed", "--workers", 1)
    assert done.exit_code == 0, done.output
    pages = sorted((tmp_path / "pages").iterdir())
    assert [page.suffix for page in pages] == [".html", ".json"] * 2
    assert not any("a secret seed" in page.read_text() for page in pages)
    assert {json.loads(page.read_text())["score"] for page in pages if page.suffix == ".json"} == {1}


def test_a_gradebook_is_asked_for_owners_before_anything_is_graded(submitted):
    done = call("grade", submitted / "one" / "part1_build_gpt2" / "03_attention.py", "--gradebook", "none.db")
    assert done.exit_code == 1 and "There is no gradebook" in done.output
    with pytest.raises(UsageError, match="STUDENT/PART/NOTEBOOK"):
        grading.owner("03_attention.ipynb")
    assert grading.owner("in/one/part1_build_gpt2/03_attention.ipynb") == ("one", "part1_build_gpt2")


def test_a_folder_without_notebooks_is_said(tmp_path):
    done = call("grade", tmp_path)
    assert done.exit_code == 2 and "nothing to grade" in done.output


@pytest.mark.parametrize("level", [Level(), Level(landlock=3), Level(seccomp=True)])
def test_strangers_work_is_refused_without_a_sandbox(level):
    with pytest.raises(UsageError, match="needs Landlock and seccomp"):
        demand(level, trusted=False)
    demand(level, trusted=True)


def test_with_a_sandbox_nothing_is_refused():
    demand(Level(landlock=1, seccomp=True), trusted=False)


def test_no_other_system_grades(monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(UsageError, match="on Linux"):
        demand(Level(), trusted=True)


def test_copies_are_found(submitted, tmp_path):
    """The same unusual answer twice; what `similar` says of it is a place to look at."""
    done = call("similar", *sorted(submitted.rglob("*.py")), "--out", tmp_path / "alike.html")
    assert done.exit_code == 0 and "one" in done.output and "two" in done.output
    assert "<script" not in (tmp_path / "alike.html").read_text()
