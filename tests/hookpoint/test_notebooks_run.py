"""Every notebook runs from top to bottom in a real kernel: what fails in a blank one has one reason only.

The solved ones of part 1 are run by `tests/part1_build_gpt2/walkthrough.py`, all in one workspace.
"""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.relative_to(ROOT / "exercises").as_posix() for path in (ROOT / "exercises").glob("*/*.ipynb"))


SOLVED = [name for name in NAMES if not name.startswith("part1")]


def executed(path: Path, folder: Path):
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True)
    client.execute(cwd=str(folder))
    return notebook


def outputs(notebook, kind: str) -> list[tuple[str, dict]]:
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [(cell.id, output) for cell in cells for output in cell.outputs if output.output_type == kind]


@pytest.mark.parametrize("name", NAMES)
def test_the_blank_notebook_says_only_that_something_is_not_written(name, tmp_path):
    notebook = executed(ROOT / "exercises" / name, tmp_path)
    failed = outputs(notebook, "error")
    checked = [output for id, output in failed if id.startswith("check-")]
    assert {output.ename for output in checked} == {"CheckFailed"}
    assert all("is not written yet" in output.evalue for output in checked)
    # A demo that uses what an earlier one could not make has nothing else to say than that.
    assert {output.ename for _, output in failed} <= {"CheckFailed", "NotImplementedError", "NameError"}


@pytest.mark.slow
@pytest.mark.parametrize("name", SOLVED)
def test_the_solved_notebook_runs_without_an_error(name, tmp_path):
    assert outputs(executed(ROOT / "solutions" / name, tmp_path), "error") == []
