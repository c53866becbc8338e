"""Whatever an editor or a learner does to a notebook, each answer in it gets the verdict that it deserves."""

import copy
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from hookpoint.grading.base import Base
from hookpoint.grading.grader import grade
from hookpoint.grading.level import probe
from hookpoint.grading.submission import LARGEST_CODE, LARGEST_FILE, MOST_CELLS, Refused, read, read_bytes

ROOT = Path(__file__).parents[3]
NAME = "03_attention"
JUDGED = ("causal_mask", "apply_mask", "attn_pattern")
WRONG = "def apply_mask(scores):\n    return scores\n"
STUB = "def apply_mask(scores):\n    # YOUR CODE HERE\n    raise NotImplementedError()\n"
IMPORTS = "import torch\nfrom torch import Tensor, nn\n"
ALL = {id: "passed" for id in JUDGED}


def notebook(folder: str, name: str = NAME) -> dict:
    content = json.loads((ROOT / folder / "part1_build_gpt2" / f"{name}.ipynb").read_text(encoding="utf-8"))
    return {**content, "cells": [{**cell, "source": "".join(cell["source"])} for cell in content["cells"]]}


def solved(**answers: str) -> dict:
    """The released notebook with the answers typed in, or others by the exercise's id."""
    typed = {cell["id"]: cell["source"] for cell in notebook("solutions")["cells"]}
    content = notebook("exercises")
    for cell in content["cells"]:
        if cell["metadata"]["hookpoint"]["kind"] == "exercise":
            cell["source"] = answers.get(cell["id"], typed[cell["id"]])
    return content


def code(source: str, **metadata) -> dict:
    return {"cell_type": "code", "execution_count": None, "metadata": metadata, "outputs": [], "source": source}


def at(content: dict, id: str) -> int:
    return next(index for index, cell in enumerate(content["cells"]) if cell.get("id") == id)


def with_cells(content: dict, after: str, *sources: str) -> dict:
    """New cells below one that is there."""
    place = at(content, after) + 1
    content["cells"][place:place] = [code(source) for source in sources]
    return content


def without(content: dict, *ids: str) -> dict:
    return {**content, "cells": [cell for cell in content["cells"] if cell.get("id") not in ids]}


def by_vs_code(content: dict) -> dict:
    """No metadata of ours, ids of its own making, and the language of each cell."""
    cells = [
        {**cell, "id": f"{number:08x}", "metadata": {"vscode": {"languageId": "python"}}}
        for number, cell in enumerate(content["cells"])
    ]
    return {**content, "cells": cells, "metadata": {"language_info": {"name": "python", "version": "3.11.7"}}}


def by_colab(content: dict) -> dict:
    """Ids in the metadata, where ours was, and the older format."""
    cells = copy.deepcopy(content["cells"])
    for number, cell in enumerate(cells):
        cell["metadata"] = {"id": f"kW{number:010d}"}
        if cell.pop("id") and cell["cell_type"] == "code":
            cell["metadata"] |= {"colab": {"base_uri": "https://localhost:8080/", "height": 35}, "outputId": "f00"}
            cell["source"] = cell["source"].splitlines(keepends=True)
    about = {"colab": {"provenance": []}, "kernelspec": {"name": "python3", "display_name": "Python 3"}}
    return {"cells": cells, "metadata": about, "nbformat": 4, "nbformat_minor": 0}


def reordered(content: dict) -> dict:
    """The answers from the last to the first, below the imports."""
    answers = [cell for cell in content["cells"] if cell.get("id") in JUDGED]
    rest = without(content, *JUDGED)
    return {**rest, "cells": [*rest["cells"], *reversed(answers)]}


def in_one_cell(content: dict, spoil: str = "") -> dict:
    """All answers below each other in a cell without metadata; `spoil` stands in the second."""
    sources = [content["cells"][at(content, id)]["source"] for id in JUDGED]
    sources[1] += spoil
    rest = without(content, *JUDGED)
    return {**rest, "cells": [*rest["cells"], code("\n\n".join(sources))]}


def with_checks_edited(content: dict) -> dict:
    """Check cells that say what their author would like to hear, with outputs that say so too."""
    for cell in content["cells"]:
        if cell["metadata"]["hookpoint"]["kind"] == "check":
            cell["source"] = "class checks:\n    run = print\nchecks.run('passed')"
            cell["metadata"]["hookpoint"]["points"] = 100
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "passed: 100 of 100 points"}]
    return content


def with_another_notebook(content: dict) -> dict:
    other = notebook("solutions", "02_embed_and_mlp")
    return {**content, "cells": [*other["cells"], *content["cells"]]}


def script(content: dict, percent: bool) -> str:
    """The code as a script; without `# %%` lines the cells of the course that would not run are left out."""
    cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    if percent:
        return "\n\n".join(f"# %%\n{cell['source']}" for cell in cells) + "\n"
    kept = [c["source"] for c in cells if c["metadata"]["hookpoint"]["kind"] in ("setup", "exercise")]
    return "\n\n\n".join(kept) + "\n"


def other(**verdicts: str) -> dict:
    return ALL | verdicts


RIGHT = solved()["cells"][at(solved(), "apply_mask")]["source"]
IPYNB, PY = f"{NAME}.ipynb", f"{NAME}.py"
CASES = {
    "as it was released": (IPYNB, lambda: notebook("exercises"), dict.fromkeys(JUDGED, "missing")),
    "solved": (IPYNB, solved, ALL),
    "solved, under another name": ("my homework.ipynb", solved, ALL),
    "wrong in one place": (IPYNB, lambda: solved(apply_mask=WRONG), other(apply_mask="failed")),
    "VS Code": (IPYNB, lambda: by_vs_code(solved()), ALL),
    "VS Code, wrong in one place": (
        IPYNB,
        lambda: by_vs_code(solved(apply_mask=WRONG)),
        other(apply_mask="failed"),
    ),
    "Colab": (f"Copy of {IPYNB}", lambda: by_colab(solved()), ALL),
    "Colab, under another name": ("Untitled0.ipynb", lambda: by_colab(solved()), ALL),
    "an answer deleted": (IPYNB, lambda: without(solved(), "apply_mask"), other(apply_mask="missing")),
    "answers reordered": (IPYNB, lambda: reordered(solved()), ALL),
    "a right one below a wrong one": (
        IPYNB,
        lambda: with_cells(solved(apply_mask=WRONG), "apply_mask", RIGHT),
        ALL,
    ),
    "a wrong one below the right one": (
        IPYNB,
        lambda: with_cells(solved(), "apply_mask", WRONG),
        other(apply_mask="failed"),
    ),
    "the stub below the right one": (IPYNB, lambda: with_cells(solved(), "apply_mask", STUB), ALL),
    "half a line below the right one": (
        IPYNB,
        lambda: with_cells(solved(), "apply_mask", "def apply_mask(scores):\n    return (scores"),
        ALL,
    ),
    "a cell cut into two": (
        IPYNB,
        lambda: with_cells(solved(attn_pattern="def attn_pattern(s):\n    s = 1"), "attn_pattern", "    return s"),
        other(attn_pattern="failed"),
    ),
    "a helper in a cell of its own": (
        IPYNB,
        lambda: with_cells(
            without(solved(), "attn_pattern"),
            "apply_mask",
            "def shares(scores):\n    return scores.softmax(-1)",
            "def attn_pattern(scores):\n    return shares(scores)",
        ),
        ALL,
    ),
    "an answer that is no function of def": (
        IPYNB,
        lambda: by_vs_code(solved(attn_pattern="attn_pattern = lambda scores: scores.softmax(-1)")),
        ALL,
    ),
    "all answers in one cell": (IPYNB, lambda: in_one_cell(solved()), ALL),
    "all answers in one cell, one of them not Python": (
        IPYNB,
        lambda: in_one_cell(solved(), "\n    return (1"),
        other(apply_mask="error"),
    ),
    "check cells that claim success": (
        IPYNB,
        lambda: with_checks_edited(solved(apply_mask=WRONG)),
        other(apply_mask="failed"),
    ),
    "another notebook pasted in": (IPYNB, lambda: with_another_notebook(solved()), ALL),
    "line ends of Windows": (IPYNB, lambda: json.loads(json.dumps(solved()).replace("\\n", "\\r\\n")), ALL),
    "a byte order mark": (IPYNB, lambda: "\ufeff" + json.dumps(solved()), ALL),
    "a script with cells": (PY, lambda: script(solved(), percent=True), ALL),
    "a script without cells": (PY, lambda: script(solved(), percent=False), ALL),
    "a script of Windows": (PY, lambda: "\ufeff" + script(solved(), percent=True).replace("\n", "\r\n"), ALL),
    "a script of an old Macintosh": (PY, lambda: script(in_one_cell(solved()), percent=True).replace("\n", "\r"), ALL),
}  # fmt: skip


def handed_in(folder: Path, name: str, content: dict | str | bytes) -> Path:
    path = folder / name
    text = json.dumps(content) if isinstance(content, dict) else content
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    return path


@pytest.fixture(scope="module")
def statuses():
    """A function that grades three exercises of a file in one sandbox, and gives the status of each."""
    with Base(probe()) as base:
        box = base.box()

        def statuses(path: Path) -> dict[str, str]:
            submission = read(path)
            exercises = tuple(one for one in submission.notebook.exercises if one.id in JUDGED)
            few = replace(submission, notebook=replace(submission.notebook, exercises=exercises))
            return {graded.exercise: graded.status for graded in grade(few, box, "a seed", "quick")}

        yield statuses


@pytest.mark.parametrize("case", CASES)
def test_each_answer_gets_the_verdict_that_it_deserves(case, statuses, tmp_path):
    name, content, expected = CASES[case]
    assert statuses(handed_in(tmp_path, name, content())) == expected


@pytest.mark.parametrize("minor", range(6))
def test_every_minor_version_of_the_format_is_read(minor, tmp_path):
    content = solved() | {"nbformat_minor": minor}
    if minor < 5:
        for cell in content["cells"]:
            del cell["id"]
    submission = read(handed_in(tmp_path, IPYNB, content))
    answers = {cell.exercise: cell.writes for cell in submission.cells if cell.kind == "exercise"}
    assert answers == {exercise.id: exercise.writes for exercise in submission.notebook.exercises}


def test_a_notebook_of_format_3_is_refused_with_its_remedy(tmp_path):
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": [{"cell_type": "code"}]}]}
    with pytest.raises(Refused, match="old format 3. Save it with Jupyter"):
        read(handed_in(tmp_path, IPYNB, old))


REFUSED = {
    "nothing": (IPYNB, "", "not a Jupyter notebook"),
    "JSON without cells": (IPYNB, "{}", "not a Jupyter notebook"),
    "a list": (IPYNB, "[1]", "not a Jupyter notebook"),
    "100,000 brackets": (IPYNB, "[" * 100_000, "not a Jupyter notebook"),
    "cells that are numbers": (IPYNB, {"cells": [1]}, "not a Jupyter notebook"),
    "a source that is a number": (IPYNB, {"cells": [code("") | {"source": 7}]}, "not a Jupyter notebook"),
    "sources in sources": (IPYNB, {"cells": [code("") | {"source": [["x"]]}]}, "not a Jupyter notebook"),
    "no UTF-8": (IPYNB, b'{"cells": [], "x": "\xff"}', "not UTF-8"),
    "UTF-16": (PY, "x = 1".encode("utf-16"), "not UTF-8"),
    "nothing of the course": ("notes.ipynb", {"cells": [code("x = 1")]}, "defines nothing"),
    "a script with nothing of the course": ("notes.py", "x = 1", "defines nothing"),
    "too many cells": (IPYNB, {"cells": [code("")] * (MOST_CELLS + 1)}, "1,001 code cells"),
    "a script of too many cells": (PY, "# %%\nx = 1\n" * (MOST_CELLS + 1), "1,001 code cells"),
    "too much code": (PY, "#" * (LARGEST_CODE + 1), "100,001 characters of code"),
    "too much data": (IPYNB, '{"cells": [], "x": [' + "0," * 1_000_000 + "0]}", "too much data"),
    "too large": (IPYNB, b" " * (LARGEST_FILE + 1), "larger than 32 MB"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_submission_is_refused_in_one_line(case, tmp_path):
    name, content, says = REFUSED[case]
    with pytest.raises(Refused, match=says) as refused:
        read(handed_in(tmp_path, name, content))
    assert str(refused.value).isprintable()


def test_what_is_no_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "folder.ipynb").mkdir()
    (tmp_path / "loop.ipynb").symlink_to(tmp_path / "loop.ipynb")
    for name in ("pipe.ipynb", "folder.ipynb", "loop.ipynb", "none.ipynb", "/dev/zero", "n" * 5_000, "a\0b"):
        with pytest.raises(Refused):
            read(tmp_path / name)


def test_the_notebook_is_the_one_that_the_file_says_it_is(tmp_path):
    content = with_another_notebook(solved())
    assert read(handed_in(tmp_path, "02_embed_and_mlp.ipynb", content)).notebook.name == NAME
    content["metadata"] = {"hookpoint": {"notebook": "../../etc"}}
    assert read(handed_in(tmp_path, "copy.ipynb", content)).notebook.name in (NAME, "02_embed_and_mlp")


def test_a_cell_counts_for_no_exercise_of_another_notebook(tmp_path):
    submission = read(handed_in(tmp_path, "copy.ipynb", by_colab(with_another_notebook(solved()))))
    ids = {exercise.id for exercise in submission.notebook.exercises}
    assert {cell.exercise for cell in submission.cells if cell.kind == "exercise"} == ids


def test_what_is_odd_is_said(tmp_path):
    content = with_cells(solved(attn_pattern="def attn_pattern(:"), "apply_mask", WRONG, WRONG)
    warnings = read(handed_in(tmp_path, IPYNB, without(content, "causal_mask"))).warnings
    place = at(content, "apply_mask")  # one cell above it is gone, and people count from 1
    assert warnings == (
        "causal_mask: no cell defines causal_mask.",
        f"apply_mask: answered in cells {place}, {place + 1}, {place + 2}; the last of them that runs counts.",
        "attn_pattern: a cell that answers it is not valid Python.",
    )


def test_the_fingerprint_is_of_the_bytes(tmp_path):
    import hashlib

    path = handed_in(tmp_path, PY, "def causal_mask(n, m): pass")
    assert read(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("case", CASES)
def test_bytes_with_a_name_are_read_as_the_file_is(case, tmp_path):
    name, content, _ = CASES[case]
    path = handed_in(tmp_path, name, content())
    assert read_bytes(path.read_bytes(), name, str(path)) == read(path)


def test_what_was_sent_is_bounded_as_a_file_is():
    with pytest.raises(Refused, match="larger than 32 MB"):
        read_bytes(b" " * (LARGEST_FILE + 1), IPYNB)
