"""The grader in its sandbox: every right solution passes, every stub is missing, one mess costs one exercise."""

import pytest

from hookpoint.content.course import course, course_root
from hookpoint.grading.base import Base
from hookpoint.grading.box import Run
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


# What `causal_mask` may do to `apply_mask`: what stands before both, what the first does, when the second is wrong.
SPOILS = {
    "a list of theirs": ("SEEN = []", "SEEN.append(1)", "SEEN"),
    "an object of theirs": ("class Box: pass\nBOX = Box()", "BOX.full = True", "hasattr(BOX, 'full')"),
    "an attribute of a class": ("class Box: full = False", "Box.full = True", "Box.full"),
    "a method of a class": ("class Box:\n    def full(self): return 0", "Box.full = lambda self: 1", "Box().full()"),
    "an attribute of a function": ("def box(): pass", "box.full = True", "hasattr(box, 'full')"),
    "a default": ("def box(kept=[]): return kept", "box().append(1)", "box()"),
    "a closure": ("def make():\n    n = [0]\n    return lambda: n\nbox = make()", "box()[0] = 1", "box()[0]"),
    "a cache": ("import functools\n@functools.cache\ndef box(): return []", "box().append(1)", "box()"),
    "a name": ("full = False", "global full; full = True", "full"),
    "a new name": ("", "globals()['full'] = True", "'full' in globals()"),
    "a function of torch": ("", "torch.full = 0", "torch.full == 0"),
    "a method of tensors": ("", "torch.Tensor.sum = 0", "torch.Tensor.sum == 0"),
    "a method of modules": ("", "torch.nn.Linear.forward = 0", "torch.nn.Linear.forward == 0"),
    "a hook for all modules": (
        "", "torch.nn.modules.module.register_module_forward_hook(print)",
        "torch.nn.modules.module._has_any_global_hook()",
    ),
    "a builtin": ("import builtins", "builtins.full = 1", "hasattr(builtins, 'full')"),
    "the environment": ("import os", "os.environ['FULL'] = '1'", "os.environ.get('FULL')"),
    "a file": ("import os", "open('full', 'w').close()", "os.path.exists('full')"),
}  # fmt: skip


@pytest.mark.parametrize("way", SPOILS)
def test_whatever_an_answer_leaves_behind_costs_the_next_one_nothing(graded, way):
    before, act, when = SPOILS[way]
    first = RIGHT.replace("    return torch.ones", f"    {act}\n    return torch.ones").replace(
        "# %%\ndef causal", f"# %%\n{before}\n# %%\ndef causal"
    )
    second = first.replace("    allowed =", f"    if {when}: return None\n    allowed =")
    assert [graded(second)[id].status for id in ("causal_mask", "apply_mask")] == ["passed", "passed"]


def test_wrong_answers_without_traces_are_judged_in_one_process(graded, monkeypatch):
    runs = []
    begin = Run.__init__
    monkeypatch.setattr(Run, "__init__", lambda self, *about: (runs.append(self), begin(self, *about))[1])
    found = graded(RIGHT.replace(".tril(key_len - query_len)", "").replace("~allowed", "allowed"))
    assert found["causal_mask"].status == found["apply_mask"].status == "failed" and len(runs) == 1
    assert found["apply_mask"].slip  # looked for although others were judged before


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
