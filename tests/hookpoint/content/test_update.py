"""A newer release comes into a workspace, and nothing the learner wrote is lost."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hookpoint.content.cells import load_cells
from hookpoint.content.execute import run_cells
from hookpoint.content.merge import GONE, merge
from hookpoint.content.update import update

NEW_STUB = 'def double(x, times=2):\n    """Twice x, or more."""\n    # YOUR CODE HERE\n    raise NotImplementedError()'


def newer(
    small, *, stub: str = "", demo: str = "print(double(math.tau))", intro: str = "# 01 · First, better"
) -> list[dict]:
    """The first notebook with its intro, demo and perhaps stub changed, and a picture added."""
    return [
        small.cell("prose", intro),
        small.cell("setup", "import math"),
        *small.exercise("double", stub=stub),
        small.cell("demo", demo),
        small.cell("prose", "A new picture."),
        *small.exercise("scale", minutes=15, points=3),
    ]


def states(workspace) -> dict[str, str]:
    return {change.notebook.stem: change.state for change in update(workspace.path)}


def test_new_text_and_stubs_come_in(workspace, release, small):
    release("01_first", newer(small, stub=NEW_STUB))

    assert states(workspace) == {"01_first": "updated", "02_second": "current"}
    assert workspace.sources("01_first") == [cell["source"] for cell in newer(small, stub=NEW_STUB)]


def test_answers_stay_where_the_stubs_were(workspace, release, small):
    workspace.solve("double")
    release("01_first", newer(small, stub=NEW_STUB))

    (change, _) = update(workspace.path)

    assert workspace.sources("01_first")[6] == small.answers["double"]
    assert "the stub of `double` has changed; your answer is kept" in str(change)
    assert NEW_STUB not in workspace.sources("01_first")


def test_an_own_cell_stays_after_the_cell_it_followed(workspace, release, small):
    workspace.add("01_first", "my_note = 1", after="check-double")
    workspace.add("01_first", "my_end = 2")
    release("01_first", newer(small))
    update(workspace.path)

    sources = workspace.sources("01_first")

    assert sources[sources.index("my_note = 1") - 1] == 'checks.run("double")'
    assert sources[-1] == "my_end = 2"


def demo_of(workspace) -> str:
    return next(c["id"] for c in workspace.read("01_first")["cells"] if c["source"].startswith("print"))


def test_an_edited_cell_of_ours_stays_in_place_where_the_release_kept_it(workspace, release, small):
    workspace.edit("01_first", demo_of(workspace), "print('mine')")
    release("01_first", newer(small, demo=small.first[8]["source"]))
    update(workspace.path)

    sources = workspace.sources("01_first")

    assert sources[8] == "print('mine')" and small.first[8]["source"] not in sources


def test_an_edited_cell_of_ours_stands_after_the_new_one_where_the_release_changed_it(workspace, release, small):
    workspace.edit("01_first", demo_of(workspace), "print('mine')")
    release("01_first", newer(small))

    (change, _) = update(workspace.path)

    assert workspace.sources("01_first")[8:10] == ["print(double(math.tau))", "print('mine')"]
    assert "1 of our cells that you had edited stands after the new text" in str(change)


def test_a_check_cell_is_ours_again_and_what_was_typed_into_it_stands_after_it(workspace, release, small):
    workspace.edit("01_first", "check-double", "print('mine')")
    release("01_first", newer(small))
    update(workspace.path)

    assert workspace.sources("01_first")[7:9] == ['checks.run("double")', "print('mine')"]


def test_an_own_cell_above_that_defines_the_same_name_does_not_take_the_answers_place(workspace, release, small):
    workspace.add("01_first", "def double(x):\n    return 'a first try'", after="double")
    content = workspace.read("01_first")
    content["cells"][6], content["cells"][7] = content["cells"][7], content["cells"][6]
    workspace.notebook("01_first").write_text(json.dumps(content))
    workspace.solve("double")
    release("01_first", newer(small))
    update(workspace.path)

    cells = {cell["id"]: cell["source"] for cell in workspace.read("01_first")["cells"]}

    assert cells["double"] == small.answers["double"]
    assert "def double(x):\n    return 'a first try'" in cells.values()


def test_answers_to_exercises_that_are_gone_are_kept_at_the_end(workspace, release, small):
    workspace.solve("double", "scale")
    release("01_first", small.first[:9])
    update(workspace.path)

    assert workspace.sources("01_first")[-2:] == [GONE, small.answers["scale"]]


def test_a_stub_of_an_exercise_that_is_gone_goes(workspace, release, small):
    release("01_first", small.first[:9])
    update(workspace.path)

    assert workspace.sources("01_first") == [cell["source"] for cell in small.first[:9]]


def test_the_old_notebook_is_saved(workspace, release, small):
    workspace.solve("double")
    before = workspace.notebook("01_first").read_text()
    release("01_first", newer(small))

    (change, _) = update(workspace.path)

    assert change.backup.read_text() == before and change.backup.parent.name == "backups"


def test_an_update_to_the_same_release_writes_nothing(workspace):
    workspace.solve("double")
    workspace.add("01_first", "x = 1", after="double")
    before = workspace.notebook("01_first").read_bytes()

    assert states(workspace) == {"01_first": "current", "02_second": "current"}
    assert workspace.notebook("01_first").read_bytes() == before
    assert not (workspace.path / ".hookpoint" / "backups").exists()


def test_a_new_notebook_is_copied(workspace, release, small):
    release("03_third", [small.cell("prose", "# 03")])

    assert states(workspace)["03_third"] == "new"


def test_a_notebook_that_the_release_dropped_is_left_alone(workspace, small, tmp_path):
    workspace.solve("triple")
    before = workspace.notebook("02_second").read_bytes()
    (tmp_path / "release" / "exercises" / "part1_small" / "02_second.ipynb").unlink()

    assert states(workspace)["02_second"] == "kept"
    assert workspace.notebook("02_second").read_bytes() == before


def test_one_broken_notebook_costs_the_others_nothing(workspace, release, small):
    workspace.notebook("02_second").write_text("{")
    release("01_first", newer(small))

    assert states(workspace) == {"01_first": "updated", "02_second": "failed"}
    assert workspace.notebook("02_second").read_text() == "{"


def test_answers_survive_an_editor_that_drops_metadata(workspace, release, small):
    workspace.solve("double", "scale")
    content = workspace.read("01_first")
    content["cells"] = [{**cell, "metadata": {}, "id": f"x{i}"} for i, cell in enumerate(content["cells"])]
    workspace.notebook("01_first").write_text(json.dumps({**content, "metadata": {}}))
    release("01_first", newer(small))
    update(workspace.path)

    cells = {c["id"]: c["source"] for c in workspace.read("01_first")["cells"]}

    assert (cells["double"], cells["scale"]) == (small.answers["double"], small.answers["scale"])
    assert list(cells.values()).count('checks.run("double")') == 1


def test_a_copied_answer_cell_is_kept_and_the_stub_makes_way(workspace, release, small):
    content = workspace.read("01_first")
    at = [cell["id"] for cell in content["cells"]].index("double")
    copied = {**content["cells"][at], "id": "pasted", "source": small.answers["double"]}
    content["cells"].insert(at + 1, copied)
    workspace.notebook("01_first").write_text(json.dumps(content))
    release("01_first", newer(small, stub=NEW_STUB))
    update(workspace.path)

    sources = workspace.sources("01_first")

    assert sources.count(small.answers["double"]) == 1 and NEW_STUB not in sources


def test_outputs_of_kept_cells_and_the_learners_kernel_stay(workspace, release, small):
    content = workspace.read("01_first")
    content["metadata"]["kernelspec"] = {"name": "my-venv"}
    content["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "seen"}]
    workspace.notebook("01_first").write_text(json.dumps(content))
    release("01_first", newer(small))
    update(workspace.path)

    merged = workspace.read("01_first")

    assert merged["metadata"]["kernelspec"] == {"name": "my-venv"}
    assert merged["cells"][1]["outputs"][0]["text"] == "seen"


# Whatever a learner and an author may do

OWN = st.text(alphabet="abc xyz=1\n'", min_size=1, max_size=12).map(lambda text: f"mine {text}")
EDIT = st.one_of(
    st.tuples(st.just("edit"), st.integers(0, 99), OWN),
    st.tuples(st.just("add"), st.integers(0, 99), OWN),
    st.tuples(st.just("copy"), st.integers(0, 99), OWN),
    st.tuples(st.just("strip"), st.integers(0, 99), OWN),
    st.tuples(st.just("delete"), st.integers(0, 99), OWN),
    st.tuples(st.just("answer"), st.integers(0, 99), OWN),
)


def typed(cells: list[dict], edits: list[tuple]) -> list[dict]:
    """The cells after a learner's edits; what the learner wrote says `mine`."""
    cells = copy.deepcopy(cells)
    for number, (kind, where, text) in enumerate(edits):
        at = where % len(cells) if cells else 0
        text = f"{text} {number}"
        if kind == "add" or not cells:
            own = {"cell_type": "code", "id": f"own{number}", "metadata": {}, "source": text, "outputs": []}
            cells.insert(at, {**own, "execution_count": None})
        elif kind == "edit":
            cells[at]["source"] = text
        elif kind == "copy":
            cells.insert(at, {**copy.deepcopy(cells[at]), "id": f"copy{number}", "source": text})
        elif kind == "strip":
            cells[at]["metadata"] = {}
        elif kind == "delete":
            del cells[at]
        else:
            name = ("double", "scale")[where % 2]
            for cell in cells:
                if cell["metadata"].get("hookpoint", {}).get("exercise") == name and cell["cell_type"] == "code":
                    cell["source"] = f"def {name}(x):\n    return 'mine {number}'"
    return cells


def a_release(small, order: list[int]) -> dict:
    """A later release: any of the blocks, in any order, some of them with new text."""
    blocks = [
        [small.cell("prose", "# 01 · First\n\nYou will double things.")],
        [small.cell("prose", "# 01 · Another beginning")],
        [small.cell("setup", "import math")],
        [small.cell("setup", "import math, sys")],
        small.exercise("double"),
        [small.cell("demo", "print(double(math.pi))")],
        [small.cell("demo", "print(double(1))")],
        small.exercise("scale"),
        small.exercise("triple"),
    ]
    return small.notebook("01_first", [copy.deepcopy(cell) for index in order for cell in blocks[index]])


ORDER = st.permutations(range(9)).flatmap(lambda order: st.integers(0, 9).map(lambda count: order[:count]))


@settings(max_examples=150, deadline=None)
@given(edits=st.lists(EDIT, max_size=8), orders=st.lists(ORDER, min_size=1, max_size=3))
def test_whatever_is_edited_and_released_no_text_of_the_learner_is_lost(small, edits, orders):
    cells = typed(small.first, edits)
    notebook = {**small.notebook("01_first", []), "cells": cells}
    mine = {cell["source"] for cell in cells if "mine" in cell["source"]}

    for order in orders:
        notebook = merge(notebook, a_release(small, order)).notebook
        kept = [cell["source"] for cell in notebook["cells"]]
        ids = [cell["id"] for cell in notebook["cells"]]

        assert mine <= set(kept)
        assert len(ids) == len(set(ids))
        assert merge(notebook, a_release(small, order)).notebook == notebook


@settings(max_examples=50, deadline=None)
@given(edits=st.lists(EDIT, max_size=6), order=ORDER)
def test_the_whole_release_is_in_the_merged_notebook_but_for_answers_and_edits(small, edits, order):
    cells = typed(small.first, edits)
    release = a_release(small, order)

    merged = merge({**small.notebook("01_first", []), "cells": cells}, release).notebook["cells"]

    marks = [cell["metadata"]["hookpoint"] for cell in merged if "hookpoint" in cell["metadata"]]
    assert marks == [cell["metadata"]["hookpoint"] for cell in release["cells"]]


def test_a_merged_notebook_runs(workspace, release, small):
    workspace.solve("double", "scale")
    release("01_first", newer(small))
    update(workspace.path)

    loaded = run_cells(load_cells(workspace.notebook("01_first")))

    assert loaded.problems == {} and loaded.names["Scale"](3)(loaded.names["double"](2)) == 12


@pytest.mark.parametrize("extra", ["", "\n\nprint(double(2))"])
def test_an_answer_with_more_in_its_cell_is_kept_whole(workspace, release, small, extra):
    workspace.edit("01_first", "double", small.answers["double"] + extra)
    release("01_first", newer(small, stub=NEW_STUB))
    update(workspace.path)

    assert small.answers["double"] + extra in workspace.sources("01_first")
