"""A learner's cells, matched and run so that each costs only itself."""

import inspect
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from hookpoint.content.cells import Cell, answer, answer_hash, is_stub, load_cells, typed_in
from hookpoint.content.execute import run_cells
from hookpoint.content.magics import plain_python


def answered(source: str, index: int = 0, exercise: str = "double") -> Cell:
    return Cell("", "exercise", exercise, source, index, exercise)


def own(source: str, index: int = 9) -> Cell:
    return Cell("", "own", None, source, index)


def strip_metadata(workspace, name: str) -> None:
    """What Colab and VS Code do to a notebook."""
    content = workspace.read(name)
    cells = [{**cell, "metadata": {}, "id": f"x{i}"} for i, cell in enumerate(content["cells"])]
    content = {**content, "metadata": {}, "cells": cells}
    workspace.notebook(name).write_text(json.dumps(content), encoding="utf-8")


# Matching


def test_cells_are_matched_by_their_metadata(workspace):
    cells = load_cells(workspace.notebook("01_first"))

    assert [(c.kind, c.exercise) for c in cells] == [
        ("setup", None),
        ("exercise", "double"),
        ("check", "double"),
        ("demo", None),
        ("exercise", "scale"),
        ("check", "scale"),
    ]


def test_cells_without_metadata_are_matched_by_what_they_define(workspace):
    before = [(c.kind, c.exercise, c.writes) for c in load_cells(workspace.notebook("01_first"))]
    strip_metadata(workspace, "01_first")

    after = [(c.kind, c.exercise, c.writes) for c in load_cells(workspace.notebook("01_first"))]

    assert after == [("own", None, ""), *before[1:]]


def test_a_demo_that_the_learner_changed_is_theirs_and_runs(workspace):
    demo = next(c for c in load_cells(workspace.notebook("01_first")) if c.kind == "demo")
    workspace.edit("01_first", demo.id, "kept = 42")

    assert run_cells(load_cells(workspace.notebook("01_first"))).names["kept"] == 42


def test_a_percent_script_gives_the_same_names_as_its_notebook(tmp_path, release):
    script = tmp_path / "01_first.py"
    script.write_text(
        '# %% [markdown]\n# not code (\n\n# %% exercise="double" minutes=10\ndef double(x):\n    return 2 * x\n\n'
        '# %% check="double" points=2\nchecks.run("double")\n'
    )

    cells = load_cells(script)

    assert [(c.kind, c.exercise) for c in cells] == [("exercise", "double"), ("check", "double")]
    assert run_cells(cells).names["double"](4) == 8


def test_a_script_without_cells_is_cut_at_its_answers(tmp_path, release):
    script = tmp_path / "downloaded.py"
    script.write_text("import math\n\ndef double(x):\n    return 2 * x\n\ndef triple(x)\n    return 3 * x\n")

    loaded = run_cells(load_cells(script))

    assert loaded.names["double"](4) == 8
    assert list(loaded.problems) == ["triple"]


# Stubs and answers


@pytest.mark.parametrize(
    ("source", "stub"),
    [
        ("def double(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()", True),
        ("def double(x):\n    y = x\n    raise NotImplementedError", True),
        ("def double(x):\n    for y in [x]:\n        # YOUR CODE HERE\n        raise NotImplementedError()", True),
        ("class double:\n    def f(self):\n        # YOUR CODE HERE\n        raise NotImplementedError()", True),
        ("def double(x):\n    return 2 * x\n    # YOUR CODE HERE\n    raise NotImplementedError()", False),
        ("def double(x):\n    if x < 0:\n        raise NotImplementedError()\n    return 2 * x", False),
        ("class Base:\n    def f(self):\n        raise NotImplementedError\n\ndef double(x):\n    return 2 * x", False),
        ("def double(x)\n    raise NotImplementedError()", False),
    ],
    ids=["released", "reworded", "nested", "method", "unreachable", "a case", "abstract", "does not parse"],
)
def test_a_stub_is_told_from_an_answer(source, stub):
    assert is_stub(source, "double") is stub


def test_the_answer_is_the_last_cell_that_is_no_stub_and_parses():
    cells = [
        answered("def double(x):\n    return 1"),
        answered("def double(x): return 2", 1),
        answered("def double(", 2),
    ]

    assert answer(cells, "double").index == 1


def test_the_hash_of_an_answer_moves_with_its_text_and_is_empty_for_a_stub(workspace):
    def mark() -> str:
        return answer_hash(load_cells(workspace.notebook("01_first")), "double")

    stub = mark()
    workspace.solve("double")
    first = mark()
    workspace.edit("01_first", "double", "def double(x):\n    return x + x")

    assert stub == "" and first and mark() != first


def test_what_was_typed_is_read_from_the_kernels_history():
    history = ["", "def double(x): return 1", "def double(x): return 2\n", "double(3)"]

    assert typed_in({"In": history}, "double") == "def double(x): return 2"
    assert typed_in({"In": 7}, "double") == typed_in({}, "double") == ""


# Running


def test_cells_share_one_namespace_in_order():
    loaded = run_cells([own("base = 2"), answered("def double(x):\n    return base * x"), own("eight = double(4)")])

    assert loaded.names["eight"] == 8 and loaded.problems == {}


def test_checks_and_our_own_demos_are_not_run():
    cells = [Cell("", kind, None, "ran = True", 0) for kind in ("check", "demo")]

    assert "ran" not in run_cells(cells).names


@pytest.mark.parametrize(
    ("source", "kind", "says"),
    [
        ("def double(x)\n    return 1", "syntax", "SyntaxError: expected ':' (line 1 of the cell)"),
        ("y = 1\nimport nothing_of_this_name", "error", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("raise SystemExit(3)", "error", "SystemExit: 3 (line 1 of the cell)"),
        ("raise KeyboardInterrupt", "error", "KeyboardInterrupt (line 1 of the cell)"),
        ("raise NotImplementedError", "stub", "NotImplementedError (line 1 of the cell)"),
        ("input()", "error", "EOFError"),
        ("class E(Exception):\n    def __str__(self): return 1 / 0\nraise E", "error", "E (line 3 of the cell)"),
    ],
    ids=["syntax", "import", "exit", "interrupt", "stub", "input", "bad error"],
)
def test_what_goes_wrong_in_a_cell_costs_only_that_cell(source, kind, says):
    loaded = run_cells([answered(source, 0), answered("def triple(x):\n    return 3 * x", 1, "triple")])

    assert loaded.names["triple"](2) == 6
    assert list(loaded.problems) == ["double"]
    assert loaded.problems["double"].kind == kind and says in loaded.problems["double"].message


def test_a_problem_of_an_own_cell_stands_under_its_index():
    assert list(run_cells([own("1 / 0", index=4)]).problems) == [4]


LOOP = "while True:\n    try:\n        while True:\n            pass\n    except Exception:\n        pass"
STUBBORN = (
    "for _ in range(3):\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass"
)


@pytest.mark.parametrize("source", [LOOP, STUBBORN], ids=["catches Exception", "catches everything three times"])
def test_an_endless_cell_is_stopped_and_the_next_one_runs(source):
    began = time.monotonic()
    loaded = run_cells([answered(source), own("after = 1")], limit=0.1)

    assert time.monotonic() - began < 2
    assert loaded.problems["double"].kind == "timeout" and loaded.names["after"] == 1


def test_no_alarm_is_left_behind():
    before = signal.getsignal(signal.SIGALRM)
    run_cells([own("while True: pass")], limit=0.05)

    assert signal.getsignal(signal.SIGALRM) is before and signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_a_ctrl_c_of_the_person_is_theirs():
    with pytest.raises(KeyboardInterrupt):
        run_cells([own("import os, signal; os.kill(os.getpid(), signal.SIGINT)")])


def test_what_cells_print_is_swallowed(capfd):
    run_cells([own("import sys, os\nprint('out'); print('err', file=sys.stderr); sys.stdout.buffer.write(b'raw')")])

    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "later",
    [
        "def double(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()",
        "def double(x)",
        "def double(x):\n    return 0\n1 / 0",
    ],
    ids=["a stub", "a syntax error", "an exception below it"],
)
def test_nothing_that_is_not_valid_replaces_an_answer(later):
    loaded = run_cells([answered("def double(x):\n    return 2 * x"), answered(later, 1)])

    assert loaded.names["double"](4) == 8 and "double" not in loaded.problems


def test_the_last_valid_definition_wins():
    loaded = run_cells([answered("def double(x):\n    return 0"), answered("def double(x):\n    return 2 * x", 1)])

    assert loaded.names["double"](4) == 8


def test_source_and_traceback_of_learners_code_can_be_read():
    function = run_cells([answered("def double(x):\n    return 1 / 0")]).names["double"]

    assert inspect.getsource(function) == "def double(x):\n    return 1 / 0"
    assert inspect.getsourcefile(function) == "<learner: double>"


def test_files_next_to_the_notebook_can_be_imported_and_the_folder_is_left_again(tmp_path):
    (tmp_path / "beside_the_notebook.py").write_text("value = 5")
    here = Path.cwd()

    loaded = run_cells([own("from beside_the_notebook import value\nimport os\nwhere = os.getcwd()")], folder=tmp_path)

    assert loaded.names["value"] == 5 and Path(loaded.names["where"]) == tmp_path
    assert Path.cwd() == here and str(tmp_path) not in sys.path


def test_the_environment_is_left_as_it_was():
    before = dict(os.environ)
    run_cells([own("x = 1")])

    assert dict(os.environ) == before


def test_names_that_are_given_can_be_used():
    assert run_cells([own("y = base + 1")], names={"base": 1}).names["y"] == 2


# Magics


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("%matplotlib inline\nx = 1", {"x": 1}),
        ("!pip install things\nx = 1", {"x": 1}),
        ("if True:\n    !ls\nx = 1", {"x": 1}),
        ("files = !ls\nx = 1", {"x": 1}),
        ("%%time\nx = 1", {"x": 1}),
        ("x?\nx = 1", {"x": 1}),
        ("%%bash\necho hello; exit 1", {}),
        ("%time\nx = '''\n%not\n!not\n'''", {"x": "\n%not\n!not\n"}),
        ("%time\nx = (7\n  % 4)", {"x": 3}),
        ("%time\nx = 7 \\\n  % 4", {"x": 3}),
        ("%time\ns = \"it's ''' # \"\n!ls\nx = 1", {"x": 1}),
        ('%time\n# ([{ """ it\'s\n!ls\nx = 1', {"x": 1}),
    ],
)
def test_magics_become_comments_and_python_stays(source, names):
    loaded = run_cells([own(source)])

    assert loaded.problems == {}
    assert {name: loaded.names.get(name) for name in names} == names


def test_magics_keep_the_line_numbers():
    assert run_cells([own("%time\n!ls\n1 / 0", index=2)]).problems[2].line == 3


def test_plain_cells_are_returned_as_they_are():
    source = "x = '%d' % 3  # is it? yes!"

    assert plain_python(source) == source
