"""The learner's own folder, and writes that leave the old file or the whole new one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hookpoint.content import files
from hookpoint.content.files import read_notebook, write_text
from hookpoint.content.workspace import create, find_workspace, reset
from hookpoint.content.workspace import workspace as the_workspace
from hookpoint.errors import HookpointError, UsageError

# Finding and making it


def test_it_is_found_from_inside_from_above_and_from_the_course(workspace, tmp_path, monkeypatch):
    inside = workspace.path / "part1_small"
    beside = tmp_path / "release" / "deep" / "deeper"
    beside.mkdir(parents=True)

    assert find_workspace(inside) == find_workspace(tmp_path) == find_workspace(beside) == workspace.path


def test_a_workspace_beside_the_course_is_found_from_anywhere(release, tmp_path, tmp_path_factory):
    create(tmp_path / "release" / "workspace")

    assert find_workspace(tmp_path_factory.mktemp("elsewhere")) == tmp_path / "release" / "workspace"


def test_without_one_the_message_says_what_makes_one(release, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert find_workspace() is None
    with pytest.raises(UsageError, match="hookpoint start"):
        the_workspace()


def test_create_copies_what_is_not_there_and_never_overwrites(workspace):
    workspace.solve("double")
    mine = workspace.notebook("01_first").read_bytes()
    workspace.notebook("02_second").unlink()

    copied = create(workspace.path)

    assert copied == [workspace.notebook("02_second")]
    assert workspace.notebook("01_first").read_bytes() == mine


# Reading


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"cells": [',
        b"[]",
        b'{"cells": 3}',
        b'{"cells": ["x"]}',
        b"\xff\xfe",
        b"<<<<<<< mine\n{}",
        b'{"worksheets": []}',
    ],
)
def test_a_broken_notebook_gets_one_line_that_says_which_and_what_to_do(tmp_path, content):
    path = tmp_path / "03_attention.ipynb"
    path.write_bytes(content)

    with pytest.raises(HookpointError) as told:
        read_notebook(path)

    message = str(told.value)
    assert str(path) in message and "03_attention-broken.ipynb" in message and "hookpoint start" in message
    assert "\n" not in message and path.read_bytes() == content


def test_sources_as_lines_and_as_text_read_the_same(tmp_path, small):
    path = tmp_path / "n.ipynb"
    small.write(path, {"cells": [{"source": ["a\n", "b"]}, {"source": "a\nb"}]})

    assert [cell["source"] for cell in read_notebook(path)["cells"]] == ["a\nb", "a\nb"]


# Writing


def no_space(*_args, **_kwargs):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("step", ["fsync", "replace", "chmod"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    path = tmp_path / "n.ipynb"
    path.write_bytes(b"old")
    monkeypatch.setattr(files.os, step, no_space)

    with pytest.raises(HookpointError, match="No space left on device. What was there is unchanged"):
        write_text(path, "new")

    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["n.ipynb"]


def test_a_disk_that_is_really_full_leaves_the_old_file_and_nothing_else(workspace):
    workspace.edit("01_first", "double", "def double(x):\n    return 2 * x\n" + "#" * 9000)
    old = workspace.notebook("01_first").read_bytes()
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from hookpoint.content.workspace import reset\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "reset(Path(sys.argv[1]), 'double')\n"
    )

    done = subprocess.run([sys.executable, "-c", code, str(workspace.path)], capture_output=True, text=True)

    assert "File too large" in done.stderr and "Nothing was written" in done.stderr
    assert workspace.notebook("01_first").read_bytes() == old
    assert not [path for path in workspace.path.rglob("*") if path.suffix in (".tmp", ".py")]


def test_a_write_keeps_the_mode_and_follows_a_link(tmp_path):
    real, link = tmp_path / "real.ipynb", tmp_path / "link.ipynb"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)

    write_text(link, "new")

    assert link.is_symlink() and real.read_text() == "new" and real.stat().st_mode & 0o777 == 0o640


# Resetting


def test_reset_puts_the_stub_back_and_saves_the_old_cell(workspace, small):
    workspace.solve("double")

    done = reset(workspace.path, "double")

    assert small.stubs["double"] in workspace.sources("01_first")
    assert done.backup.parent == workspace.path / ".hookpoint" / "backups"
    assert done.backup.read_text() == small.answers["double"] + "\n"


def test_reset_changes_no_other_cell(workspace):
    workspace.solve("double", "scale")
    before = workspace.read("01_first")["cells"]

    reset(workspace.path, "double")

    after = workspace.read("01_first")["cells"]
    assert [a["id"] for a, b in zip(after, before, strict=True) if a != b] == ["double"]


def test_two_resets_in_one_second_keep_both_answers(workspace):
    backups = []
    for number in (1, 2):
        workspace.edit("01_first", "double", f"def double(x):\n    return {number}")
        backups.append(reset(workspace.path, "double").backup)

    assert ["return 1" in backups[0].read_text(), "return 2" in backups[1].read_text()] == [True, True]


def test_a_stub_is_reset_without_a_backup(workspace):
    assert reset(workspace.path, "double").backup is None


def test_a_deleted_answer_cell_comes_back_before_its_check(workspace):
    content = workspace.read("01_first")
    content["cells"] = [cell for cell in content["cells"] if cell["id"] != "double"]
    workspace.notebook("01_first").write_text(json.dumps(content))

    reset(workspace.path, "double")

    ids = [cell["id"] for cell in workspace.read("01_first")["cells"]]
    assert ids.index("double") + 1 == ids.index("check-double")


def test_reset_names_other_cells_that_still_define_the_answer(workspace):
    workspace.add("01_first", "def double(x):\n    return 0")
    workspace.solve("double")

    assert reset(workspace.path, "double").others == (len(workspace.sources("01_first")),)


def test_reset_of_one_of_two_answers_in_a_cell_leaves_the_other(workspace, small):
    workspace.edit("01_first", "double", "x = 1\ndef double(x):\n    return 2 * x\n\n" + small.answers["scale"])

    reset(workspace.path, "double")

    source = workspace.sources("01_first")[6]
    assert source == "x = 1\n" + small.stubs["double"] + "\n\n" + small.answers["scale"]


def test_a_notebook_that_was_moved_away_is_a_plain_message(workspace):
    workspace.notebook("01_first").unlink()

    with pytest.raises(UsageError, match="hookpoint start"):
        reset(workspace.path, "double")


def test_what_is_written_is_what_jupyter_would_write(workspace):
    workspace.solve("double")
    reset(workspace.path, "double")

    text = Path(workspace.notebook("01_first")).read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert all(isinstance(cell["source"], list) for cell in json.loads(text)["cells"])
