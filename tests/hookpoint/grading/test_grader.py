"""The grader in its sandbox: every right solution passes, every stub is missing, one mess costs one exercise."""

import pytest

from hookpoint.content.course import course, course_root
from hookpoint.grading.base import Base
from hookpoint.grading.grader import grade, lanes
from hookpoint.grading.level import probe
from hookpoint.grading.pool import grade_all
from hookpoint.grading.submission import Handed, read

pytestmark = pytest.mark.skipif(not probe().enough, reason=f"needs the sandbox: {probe()}")
SOLUTIONS = course_root().parent / "solutions"


@pytest.fixture(scope="module")
def box():
    with Base(probe()) as base:
        yield base.box()


@pytest.fixture
def graded(box, tmp_path):
    """The statuses, by exercise, of a script that answers notebook 03."""

    def graded(source, lane="quick"):
        path = tmp_path / "03_attention.py"
        path.write_text(source)
        return {one.exercise: one for one in grade(read(path), box, "a seed", lane)}

    return graded


@pytest.mark.slow
def test_every_solution_has_full_marks_and_every_stub_is_missing():
    solved = [Handed(SOLUTIONS / one.part / f"{one.name}.ipynb", one.name) for one in course().notebooks]
    blank = [Handed(one.path, f"{one.name} blank") for one in course().notebooks]
    for _, result in grade_all([*solved, *blank], probe(), "a seed", workers=2):
        wanted = "missing" if result.submission.endswith("blank") else "passed"
        found = [f"{one.exercise} {one.status}: {one.message}" for one in result.verdicts if one.status != wanted]
        assert not found and not result.trouble, f"{result.submission}: {found}"
        assert len(result.verdicts) == len(course().notebook(result.notebook).exercises)


RIGHT = """
# %%
import math
import torch
# %%
def causal_mask(query_len, key_len, device=None):
    return torch.ones(query_len, key_len, dtype=torch.bool, device=device).tril(key_len - query_len)
# %%
def apply_mask(scores):
    allowed = torch.ones(scores.shape[-2:], dtype=torch.bool).tril(scores.shape[-1] - scores.shape[-2])
    return scores.masked_fill(~allowed, torch.finfo(scores.dtype).min)
"""


def test_an_answer_that_spoils_the_process_costs_the_next_one_nothing(graded):
    spoiling = RIGHT.replace("    return torch.ones", "    torch.Tensor.masked_fill = None\n    return torch.ones")
    assert [graded(spoiling)[id].status for id in ("causal_mask", "apply_mask")] == ["passed", "passed"]
    alone = RIGHT.replace("def apply_mask(scores):", "def apply_mask(scores):\n    torch.Tensor.masked_fill = None")
    assert graded(alone)["apply_mask"].status == "error"  # the control: what it does is fatal


def test_an_exit_and_a_loop_cost_their_own_exercise(graded, box, monkeypatch):
    monkeypatch.setattr(box, "limit", 1.0)
    ends = RIGHT.replace("    return torch.ones", "    import os; os._exit(0)\n    return torch.ones")
    assert [graded(ends)[id].status for id in ("causal_mask", "apply_mask")] == ["error", "passed"]
    loops = RIGHT.replace("    return torch.ones", "    while True: pass\n    return torch.ones")
    assert [graded(loops)[id].status for id in ("causal_mask", "apply_mask")] == ["timeout", "passed"]


def test_a_cell_that_ends_the_process_is_left_out(graded):
    found = graded(RIGHT + "# %%\nimport os\nos._exit(0)\n")
    assert [found[id].status for id in ("causal_mask", "apply_mask")] == ["passed", "passed"]
    found = graded(RIGHT.replace("def apply_mask", "import os; os._exit(0)\ndef apply_mask"))
    assert found["causal_mask"].status == "passed" and found["apply_mask"].status == "error"
    assert "ended the Python process" in found["apply_mask"].message


def test_inputs_stay_hidden(graded):
    """A wrong answer's message tells kinds and shapes; what the exception says of its arguments is left out."""
    told = graded(RIGHT.replace("    return torch.ones", "    raise ValueError(query_len)\n    return torch.ones"))
    assert told["causal_mask"].status == "error" and "raised ValueError" in told["causal_mask"].message
    assert "ValueError: " not in told["causal_mask"].message


@pytest.mark.parametrize("block", ["if True:", "with torch._C.DisableTorchFunction():"])
def test_the_function_that_is_asked_for_is_not_to_be_had(box, tmp_path, block):
    path = tmp_path / "02_embed_and_mlp.py"
    path.write_text(
        "# %%\nimport torch\nfrom torch.nn import functional as F\n# %%\ndef gelu_new(x):\n"
        f"    {block}\n        return F.gelu(x, approximate='tanh')\n"
    )
    found = {one.exercise: one for one in grade(read(path), box, "a seed", "quick")}["gelu_new"]
    assert found.status == "failed" and "build it from simpler operations" in found.message


def test_long_exercises_have_a_lane_of_their_own():
    submission = read(SOLUTIONS / "part1_build_gpt2" / "06_training.ipynb")
    assert [exercise.id for exercise in lanes(submission)["long"]] == ["train"]
    assert len(lanes(submission)["quick"]) == 7


def test_a_submission_out_of_time_says_so(graded, monkeypatch):
    from hookpoint.grading import grader

    monkeypatch.setitem(grader.BUDGET, "quick", -1.0)
    found = graded(RIGHT)["causal_mask"]
    assert found.status == "timeout" and "have used up the time" in found.message
