"""Verdicts and their words: every form of message is read here, and is the same in both implementations."""

import time

import pytest
import torch
from torch import Tensor

from hookpoint.checks import judge
from hookpoint.checks.author import Exercise, Mismatch, Slip, agree, same
from hookpoint.errors import UsageError
from hookpoint.model import Config


def reference(x, n):
    return x * n


def multiplies(learner, draw):
    """It multiplies x by n."""
    x = draw.normal(2, 3)
    same(learner.f(x, 3), x * 3)
    same(learner.f(x.double(), 2), x.double() * 2, "in float64")


def adds(x, n):
    return x + n


def squares(x, n):
    return x**2


def thrice(x, n):
    return x * 3


EXERCISE = Exercise(
    "f",
    checks=(multiplies,),
    reference=reference,
    gives=Tensor,
    forbids=("softmax",),
    slips=(Slip("n is added", adds), Slip("x is squared and n forgotten", squares), Slip("n is always 3", thrice)),
)


def verdict_of(way, source, **options):
    with way(source) as link:
        return judge(EXERCISE, link, **options)


def test_a_right_answer_passes_without_a_word(way):
    verdict = verdict_of(way, "def f(x, n): return n * x")
    assert verdict.passed and verdict.message == "" and verdict.slip == "" and verdict.notes == ()


def test_a_recognised_slip_is_named(way):
    verdict = verdict_of(way, "def f(x, n): return x + n")
    lines = verdict.message.split("\n")
    assert (verdict.status, verdict.slip, verdict.check) == ("failed", "adds", "multiplies")
    assert lines[0] == "f(x float32[2, 3], 3) has the right shape but the wrong values."
    assert lines[1].startswith("  First differs at (0, 0): expected ") and lines[1].endswith("; 6 of 6 differ.")
    assert lines[2:] == [
        "  Your numbers are exactly what you get when n is added.",
        "  Checked: It multiplies x by n.",
        "  Next: hookpoint hint f",
    ]


def test_a_slip_is_recognised_only_up_to_the_failure(way):
    verdict = verdict_of(way, "def f(x, n): return x * 3")
    assert verdict.slip == "thrice" and "wrong values in float64" in verdict.message


def test_an_unknown_slip_is_not_named(way):
    verdict = verdict_of(way, "def f(x, n): return 1.01 * x * n")
    assert verdict.status == "failed" and verdict.slip == "" and "exactly what you get" not in verdict.message


def test_a_slip_that_is_known_to_answer_otherwise_is_not_tried_again(way):
    tried = []

    def adds(x, n):
        tried.append("adds")
        return x + n

    def squares(x, n):
        tried.append("squares")
        return x**2

    slips = Slip("n is added", adds), Slip("x is squared", squares)
    exercise = Exercise("f", checks=(multiplies,), slips=slips, reference=reference)

    def named(source, seed):
        tried.clear()
        with way(source) as link:
            return judge(exercise, link, seed).slip, set(tried)

    assert named("def f(x, n): return x + n", "one") == ("adds", {"adds", "squares"})
    assert named("def f(x, n): return x * x", "one") == ("squares", {"squares"})
    assert named("def f(x, n): return x - n", "one") == ("", set())
    assert named("def f(x, n): return n + x", "one") == ("adds", {"adds"})
    assert named("def f(x, n): return x * x", "another") == ("squares", {"adds", "squares"})


def test_a_slip_that_raises_is_named_only_for_the_same_error(way):
    def transposed(x, n):
        return x.T.reshape(5) * n

    exercise = Exercise("f", checks=(multiplies,), slips=(Slip("x is transposed", transposed),), reference=reference)
    with way("def f(x, n): return n * x.T.reshape(5)") as link:
        same_error = judge(exercise, link)
    with way("def f(x, n): return x @ x") as link:
        other_error = judge(exercise, link)
    assert "  This is what happens when x is transposed." in same_error.message
    assert other_error.status == "error" and other_error.slip == ""


def test_two_slips_that_cannot_be_told_apart_are_both_named(way):
    twins = Exercise(
        "f", checks=(multiplies,), slips=(Slip("n is added", adds), Slip("n is summed", lambda x, n: x + n))
    )
    with way("def f(x, n): return x + n") as link:
        verdict = judge(twins, link)
    assert "when n is added, or when n is summed." in verdict.message and verdict.slip == ""


FORMS = {
    "nothing": ("def f(x, n): pass", "failed", "f(x float32[2, 3], 3) returned None, expected a tensor."),
    "a stub": ("def f(x, n): raise NotImplementedError()", "missing", "f is not written yet."),
    "another name": ("def g(x, n): return x", "missing", "f is not defined."),
    "a syntax error": ("def f(x, n) return x", "error", "SyntaxError: expected ':' (line 1 of the cell)"),
    "an exception": ("def f(x, n): return x[9]", "error", "f(x float32[2, 3], 3) raised IndexError: index 9 is out of"),
    "recursion": ("def f(x, n): return f(x, n)", "error", "f(x float32[2, 3], 3) calls itself without an end"),
    "an endless loop": ("def f(x, n):\n    while True: pass", "timeout", "did not come back within 2 s."),
    "an edited input": ("def f(x, n): return x.mul_(n)", "failed", "f(x float32[2, 3], 3) changes x in place."),
    "a banned call": ("def f(x, n): return x.softmax(-1)", "failed", "f(x float32[2, 3], 3) uses torch's own softmax."),
    "a banned relative": ("def f(x, n): return x.log_softmax(-1)", "failed", "uses torch's own log_softmax."),
    "what torch cannot do": (
        "def f(x, n): raise NotImplementedError('not for Half')",
        "error",
        "f(x float32[2, 3], 3) raised NotImplementedError: not for Half",
    ),
    "an equal object": (
        "class A:\n    def __eq__(self, other): return True\ndef f(x, n): return A()",
        "failed",
        "returned an A object, expected a tensor.",
    ),
    "a huge result": ("import torch\ndef f(x, n): return torch.zeros(1 << 25)", "failed", "is larger than 64 MB."),
    "a deep result": (
        "def f(x, n):\n    r = []\n    for _ in range(99): r = [r]\n    return r",
        "failed",
        "returned something that is too deep or too long to be checked.",
    ),
    "too few arguments": (
        "def f(x): return x",
        "error",
        "raised TypeError: f() takes 1 positional argument but 2 were",
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_accident_has_its_own_words(way, form):
    source, status, said = FORMS[form]
    verdict = verdict_of(way, source)
    assert verdict.status == status and said in verdict.message and verdict.slip == ""
    assert verdict.message.count("\n") < 6 and verdict.message.endswith("  Next: hookpoint hint f")


@pytest.mark.parametrize("ending", ["import os; os._exit(0)", "import os, signal; os.kill(os.getpid(), 9)"])
def test_code_that_ends_the_process_is_an_error_of_its_own(child, ending):
    verdict = verdict_of(child, f"def f(x, n):\n    {ending}")
    assert verdict.status == "error" and "ended the Python process" in verdict.message


def test_cells_that_end_the_process_are_an_error_too(child):
    verdict = verdict_of(child, "import os\nos._exit(0)")
    assert verdict.status == "error" and "ended the Python process" in verdict.message


def test_a_loop_ends_at_its_deadline(child):
    started = time.monotonic()
    verdict_of(child, "import time\ndef f(x, n):\n    while True: time.sleep(1)")
    assert time.monotonic() - started < 4


def test_one_lost_process_costs_no_other_judgement(child):
    with child("import os\ndef f(x, n): return n * x\ndef g(x, n): os._exit(0)") as link:
        lost = judge(Exercise("g", checks=(lambda learner, draw: learner.g(1, 2),)), link)
        assert lost.status == "error" and judge(EXERCISE, link).passed


def test_notes_come_beside_the_verdict_and_never_change_it(way):
    verdict = verdict_of(way, "import warnings\ndef f(x, n):\n    warnings.warn('old api')\n    return x * n")
    assert verdict.passed and verdict.notes == ("Your code warned: old api",)


def test_hidden_inputs_stay_hidden(way):
    open_, hidden = (verdict_of(way, "def f(x, n): return x + n", reveal=reveal).message for reveal in (True, False))
    assert "f(x float32[2, 3], 3)" in open_ and "expected" in open_
    assert "f(x float32[2, 3], int)" in hidden and "expected" not in hidden and "n is added" in hidden


def test_an_error_text_cannot_carry_hidden_inputs_out(way):
    verdict = verdict_of(way, "def f(x, n): raise ValueError(str(x.tolist()))", reveal=False)
    assert verdict.message.startswith("f(x float32[2, 3], int) raised ValueError\n")


def test_another_seed_gives_other_inputs(way):
    one, other = (verdict_of(way, "def f(x, n): return x + n", seed=seed).message for seed in "ab")
    assert one.split("\n")[1] != other.split("\n")[1]


def test_a_check_that_stumbles_says_so_and_names_no_slip(way):
    def careless(learner, draw):
        """It has a length."""
        assert len(learner.f(1, 2)) == 3

    exercise = Exercise("f", checks=(careless,), slips=(Slip("n is added", adds),))
    with way("def f(x, n): return x + n") as link:
        verdict = judge(exercise, link)
    assert verdict.status == "failed" and verdict.slip == "" and "which does not fit the contract" in verdict.message
    assert verdict.gap.startswith("TypeError")


def test_one_check_can_be_run_alone(way):
    with way("def f(x, n): return n * x") as link:
        assert judge(EXERCISE, link, only="multiplies").passed
        with pytest.raises(UsageError, match="has no check named `divides`"):
            judge(EXERCISE, link, only="divides")


def test_an_unknown_exercise_gets_a_suggestion(way):
    with way("") as link, pytest.raises(UsageError, match="Did you mean `causal_mask`"):
        judge("casual_mask", link)


def test_a_failing_line_of_a_mismatch_is_kept(way):
    def strict(learner, draw):
        """It refuses."""
        raise Mismatch("is not strict.", "  It should be.", got=learner.f(torch.ones(1), 2))

    with way("def f(x, n): return x") as link:
        lines = judge(Exercise("f", checks=(strict,), reference=reference), link).message.split("\n")
    assert lines[:2] == ["f(x float32[1], 2) is not strict.", "  It should be."]


def test_an_error_says_under_which_circumstances_it_came(way):
    def any_layout(learner, draw):
        """It takes any layout."""
        agree(learner.f, lambda x: x.reshape(6), draw.normal(2, 3))

    with way("def f(x): return x.view(6)") as link:
        message = judge(Exercise("f", checks=(any_layout,)), link).message
    assert message.startswith("f(float32[2, 3]) with inputs that are not contiguous, raised RuntimeError: view size")
    assert ".reshape(...)" in message


def test_a_config_is_spelled_out_where_a_function_computes_with_it(way):
    cfg = Config(d_vocab=7, n_ctx=5, d_model=4, n_layers=1, n_heads=2, d_head=3, d_mlp=6)

    def counts(learner, draw):
        """It counts."""
        same(learner.f(cfg), 12)

    exercise = Exercise("f", checks=(counts,), reference=lambda cfg: 12)
    with way("def f(cfg): return 13") as link:
        shown, hidden = (judge(exercise, link, reveal=reveal).message for reveal in (True, False))
    assert shown.startswith(
        "f(Config(d_vocab=7, n_ctx=5, d_model=4, n_layers=1, n_heads=2, d_head=3, d_mlp=6)) returned"
    )
    assert hidden.startswith("f(Config) is wrong.")


def test_a_prerequisite_that_is_called_wrongly_goes_by_the_learners_name(way):
    def called(learner, draw):
        """It calls."""
        learner.f(1)

    def reference(a, b):
        return a

    exercise = Exercise("f", checks=(called,), needs={"helper": reference})
    with way("def f(x): return helper(x)") as link:
        assert "TypeError: helper() missing 1 required positional argument: 'b'" in judge(exercise, link).message
