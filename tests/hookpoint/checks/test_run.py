"""The check cell: what a learner sees in the notebook, and what is kept."""

import contextlib
import io

import pytest

from hookpoint.checks import run
from hookpoint.content import progress
from hookpoint.content.cells import fingerprint
from hookpoint.errors import CheckFailed, UsageError

RIGHT = """
import torch
def causal_mask(n_queries, n_keys):
    return torch.ones(n_queries, n_keys, dtype=torch.bool).tril(n_keys - n_queries)
"""
WRONG = "import torch\ndef causal_mask(n_queries, n_keys): return torch.ones(n_queries, n_keys).tril().bool()"


def names(source):
    namespace = {}
    exec(source, namespace)
    return namespace


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A kernel's working directory inside a workspace."""
    (tmp_path / ".hookpoint").mkdir()
    (tmp_path / "part1_build_gpt2").mkdir()
    monkeypatch.chdir(tmp_path / "part1_build_gpt2")
    return tmp_path


def test_a_pass_is_one_line_on_stdout_and_the_cell_has_no_value(capsys):
    assert run("causal_mask", names(RIGHT)) is None
    out, err = capsys.readouterr()
    assert out == "causal_mask passes all 2 checks.\n" and err == ""


def test_a_failure_raises_the_message_alone():
    with pytest.raises(CheckFailed, match="the triangle starts at the top left") as caught:
        run("causal_mask", names(WRONG))
    assert caught.value._render_traceback_() == [str(caught.value)]


def test_nothing_of_the_learners_code_reaches_stderr(capsys):
    noisy = RIGHT.replace("return", "import sys, warnings; warnings.warn('w'); print('e', file=sys.stderr); return")
    run("causal_mask", names(noisy))
    out, err = capsys.readouterr()
    assert err == "" and "Note: Your code warned: w\n" in out and "Note: Your code wrote to stderr: e\n" in out


def test_without_names_the_callers_globals_are_checked():
    namespace = names("from hookpoint import checks\n" + RIGHT)
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec("checks.run('causal_mask')", namespace)
    assert "passes" in out.getvalue()


def test_an_unknown_id_says_so():
    with pytest.raises(UsageError, match="Did you mean `causal_mask`"):
        run("causal_masks", {})


def test_the_verdict_is_kept_in_the_workspace_with_the_cell_it_was_about(workspace):
    with pytest.raises(CheckFailed):
        run("causal_mask", names(WRONG) | {"In": ["", WRONG]})
    record = progress.read(workspace)["causal_mask"]
    assert (record.status, record.slip, record.attempts) == ("failed", "top_left", 1)
    assert record.source_hash == fingerprint(WRONG.strip()) and "top left" in record.message


def test_outside_a_workspace_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("causal_mask", names(RIGHT))
    assert list(tmp_path.iterdir()) == []


def test_a_verdict_that_cannot_be_kept_is_still_told(workspace, capsys):
    (workspace / ".hookpoint" / "progress").write_text("in the way")
    run("causal_mask", names(RIGHT))
    out = capsys.readouterr().out
    assert "causal_mask passes" in out and "Note: " in out


def test_ipython_shows_the_message_without_a_traceback():
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    with contextlib.redirect_stdout(io.StringIO()) as out:
        shell.run_cell(f"{WRONG}\nfrom hookpoint import checks\nchecks.run('causal_mask')", store_history=False)
    assert "the triangle starts at the top left" in out.getvalue()
    assert "Traceback" not in out.getvalue() and "judge.py" not in out.getvalue()


def test_under_nbgrader_no_progress_is_kept(workspace, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    run("causal_mask", names(RIGHT))
    assert progress.read(workspace) == {}
