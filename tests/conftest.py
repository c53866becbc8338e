"""The autograders' view of a submission, and what all tests share."""

import os
import signal
from pathlib import Path

# Three test processes share two cores: threads only get in each other's way, also in the kernels and servers that tests
# start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A supervisor's judges stand back for pages: beside two more test processes they would hardly come to run.
os.environ.setdefault("HOOKPOINT_NICE", "0")

import pytest
import torch

from hookpoint.checks import InProcess, judge
from hookpoint.content.cells import load_cells
from hookpoint.content.execute import run_cells

# A shell may start the tests with SIGINT ignored (a job in the background), and processes that a test starts and
# interrupts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parent.parent

torch.set_num_threads(1)


# The files that take minutes: begun first, so that no process is left alone with one of them at the end.
LONGEST = (
    "part1_build_gpt2/test_walkthrough.py", "test_notebooks_run.py", "grading/test_nbgrader.py",
    "grading/test_nbgrader_real.py", "hosting/test_supervisor.py", "hosting/test_cluster.py", "app/test_browser.py",
    "hosting/test_walkthrough.py", "hosting/test_rehearsal.py", "grading/test_grader.py", "grading/test_gradebook.py",
)  # fmt: skip


def pytest_collection_modifyitems(items):
    def place(item) -> int:
        path = item.path.as_posix()
        return next((at for at, end in enumerate(LONGEST) if path.endswith(end)), len(LONGEST))

    items.sort(key=place)


def pytest_addoption(parser):
    parser.addoption(
        "--submission",
        metavar="PATH",
        default=str(ROOT / "solutions"),
        help="a notebook, or a folder that holds notebooks, to grade with tests/part*/ (default: the solutions)",
    )


class Submission:
    """One notebook's names, as its author's cells define them."""

    def __init__(self, path: Path):
        self.path = path
        cells = load_cells(path)
        loaded = run_cells(cells, folder=path.parent)
        self.names = loaded.names
        self.problems = loaded.why_missing(cells)

    def passes(self, exercise: str, check: str) -> None:
        """Fails the test with the check's own message unless the exercise passes this one check."""
        verdict = judge(exercise, InProcess(self.names, self.problems), only=check)
        if not verdict.passed:
            pytest.fail(verdict.message, pytrace=False)


@pytest.fixture(scope="module")
def submission(request) -> Submission:
    """The submitted notebook that this test module grades: `test_03_attention.py` grades `03_attention.ipynb`."""
    name = Path(request.path).stem.removeprefix("test_")
    given = Path(request.config.getoption("--submission"))
    part = Path(request.path).parent.name
    for path in (given, given / f"{name}.ipynb", given / part / f"{name}.ipynb"):
        if path.is_file() and path.stem == name:
            return Submission(path)
    pytest.skip(f"{given} holds no {name}.ipynb")
