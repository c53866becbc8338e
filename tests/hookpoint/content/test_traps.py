"""The traps that a course of generated notebooks falls into, one test or more for each that concerns its sources.

Numbers as in the list of traps: 1 leak, 2 re-insertion, 3 cell ids, 5 a number as the last expression, 7 executed
outputs, 9 sources are no modules. Those that nbgrader sets, 1 (its list of ignored files), 4 (stderr counts as zero),
6 (its file of settings) and 8 (cells for the solutions only), are in tests/hookpoint/grading/test_nbgrader.py.
"""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hookpoint.content.build import build, read_course
from hookpoint.content.leak import readable, secret_lines

ROOT = Path(__file__).parents[3]
COMMITTED = sorted([*(ROOT / "solutions").glob("*/*.ipynb"), *(ROOT / "exercises").glob("*/*.ipynb")])
NUMBER = "part1_build_gpt2/01_doubling.ipynb"

every_notebook = pytest.mark.parametrize("path", COMMITTED, ids=lambda path: f"{path.parts[-3]}-{path.stem}")


def cells_of(root: Path, folder: str = "exercises") -> list[dict]:
    return json.loads((root / folder / NUMBER).read_text(encoding="utf-8"))["cells"]


def built(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*.ipynb"))}


def test_no_solution_line_of_the_course_occurs_under_exercises():
    """Trap 1: whatever lies in the folder for learners, no line of any solution is in it."""
    files = [path for path in (ROOT / "exercises").rglob("*") if path.is_file()]
    texts = {path: readable(path.name, path.read_text(encoding="utf-8")) for path in files}

    secrets = [line for lesson in read_course(ROOT) for line in secret_lines(lesson.cells)]

    assert [(path, line) for path, text in texts.items() for line in secrets if line in text] == []


def test_a_built_notebook_holds_nothing_that_pairs_it_with_its_source(authored, tmp_path):
    """Trap 2: an editor that finds pairing metadata may put the answers back."""
    authored.write(tmp_path, "# ---\n# jupyter:\n#   jupytext:\n#     formats: ipynb,py\n# ---\n\n" + authored.LESSON)

    build(tmp_path)

    assert not any(b"jupytext" in content for content in built(tmp_path).values())


@every_notebook
def test_a_committed_notebook_holds_nothing_that_pairs_it_with_its_source(path):
    """Trap 2, for what is committed."""
    metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]

    assert set(metadata) == {"hookpoint", "kernelspec", "language_info"}


@pytest.mark.parametrize("place", ["# %%\nfrom", "# %% exercise"], ids=["at the top", "before an answer"])
def test_a_cell_that_is_inserted_changes_no_other_id(authored, tmp_path, place):
    """Trap 3: ids that count cells would make every edit a diff of the whole notebook."""
    authored.write(tmp_path)
    build(tmp_path)
    before = [cell["id"] for cell in cells_of(tmp_path)]

    authored.write(tmp_path, authored.LESSON.replace(place, "# %%\nprint('new')\n\n" + place))
    build(tmp_path)

    after = [cell["id"] for cell in cells_of(tmp_path)]
    assert [id for id in after if id in before] == before
    assert len(after) == len(before) + 1


def test_an_answer_keeps_its_id_when_its_text_changes(authored, tmp_path):
    """Trap 3: a learner's answer is found again in the next release."""
    ids = []
    for solution in ("return x + x", "return 2 * x"):
        authored.write(tmp_path, authored.title(solution) + authored.exercise(solution=solution))
        build(tmp_path)
        ids.append([cell["id"] for cell in cells_of(tmp_path) if "nbgrader" in cell["metadata"]])

    assert ids == [["double", "check-double"]] * 2


def test_the_same_source_gives_the_same_bytes_whatever_the_order_of_hashes(authored, tmp_path):
    """Trap 3: a build in another process, with another hash seed, is no diff."""
    code = "import sys, pathlib; from hookpoint.content.build import build; build(pathlib.Path(sys.argv[1]))"
    results = []
    for seed in ("0", "1", "2"):
        authored.write(tmp_path / seed)
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / seed)], env=environment, check=True)
        results.append(built(tmp_path / seed))

    assert len(results[0]) == 2
    assert results[0] == results[1] == results[2]


def test_a_source_saved_on_windows_gives_the_same_bytes(authored, tmp_path):
    """Trap 3: line ends and a byte-order mark are an editor's affair; what is built has LF alone."""
    authored.write(tmp_path / "unix")
    authored.write(tmp_path / "windows", "\ufeff" + authored.LESSON.replace("\n", "\r\n"))

    for system in ("unix", "windows"):
        build(tmp_path / system)

    assert built(tmp_path / "unix") == built(tmp_path / "windows")
    assert not any(b"\r" in content for content in built(tmp_path / "unix").values())


@every_notebook
def test_a_check_cell_ends_in_a_call_that_gives_back_nothing(path):
    """Trap 5: nbgrader takes a number as the last value for partial credit, so the cell is `checks.run` alone."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    checks = ["".join(cell["source"]) for cell in cells if cell["metadata"]["hookpoint"]["kind"] == "check"]

    for source in checks:
        (statement,) = ast.parse(source).body
        assert ast.unparse(statement.value.func) == "checks.run"


def test_what_a_check_cell_calls_is_declared_to_give_back_nothing():
    """Trap 5: `checks.run` has no value that a grader could take for points."""
    from hookpoint import checks

    assert checks.run.__annotations__["return"] is None


@every_notebook
def test_a_committed_notebook_holds_no_outputs(path):
    """Trap 7: executed outputs are large, differ on every machine, and may show a solution."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]

    ran = [cell for cell in cells if cell["cell_type"] == "code" and (cell["outputs"] or cell["execution_count"])]
    assert ran == []


def test_a_built_notebook_is_stale_once_it_has_been_run(authored, tmp_path):
    """Trap 7: outputs saved into a generated notebook are seen and built away."""
    authored.write(tmp_path)
    path = next(path for path in build(tmp_path) if "solutions" in path.parts)
    path.write_text(path.read_text().replace('"execution_count": null', '"execution_count": 1', 1))

    assert build(tmp_path, check=True) == [path]


def test_the_committed_notebooks_fit_their_sources():
    """Trap 7: what is committed is what the builder writes, byte for byte."""
    assert build(ROOT, check=True) == []


def test_nothing_imports_a_source():
    """Trap 9: sources have numbers in front and are read as text; no folder of them is a package."""
    assert list((ROOT / "solutions").rglob("__init__.py")) == []
    files = [*(ROOT / "hookpoint").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    assert len(files) > 50

    imported = [(path.name, name) for path in files for name in imports(path)]

    assert [(file, name) for file, name in imported if name.split(".")[0] in ("solutions", "exercises")] == []


def imports(path: Path) -> list[str]:
    """The modules that a file imports at any depth."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    froms = [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return froms + [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
