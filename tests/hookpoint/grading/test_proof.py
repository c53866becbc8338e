"""The proof finds what it is for: checks that accept wrong answers, refuse right ones, or name the wrong slip."""

from textwrap import dedent

import pytest
import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Mismatch, Slip, same, shaped
from hookpoint.checks.child import Nursery
from hookpoint.checks.exercise import Verdict
from hookpoint.errors import AuthoringError
from hookpoint.grading.answers import Answer, read_answers
from hookpoint.grading.proof import Proof, check_form, prove_accidents, prove_answers, prove_slips, prove_solution

RIGHT = "def double(x): return 2 * x\n"


def values(learner, draw):
    """It doubles."""
    x = draw.normal(2, 3)
    same(learner.double(x), 2 * x)


def only_the_shape(learner, draw):
    """It has the right shape."""
    shaped(learner.double(draw.normal(2, 3)), 2, 3)


def too_strict(learner, draw):
    """It is exactly this."""
    x = draw.normal(2, 3) * 100
    if not torch.equal(learner.double(x), x + x + 1e-3):
        raise Mismatch("is not what the author typed.")


def squared(x):
    return x**2


def halved(x):
    return x / 2


def halved_again(x):
    return x * 0.5


def exercise(*checks, slips=()):
    return Exercise("double", checks=checks, slips=slips, gives=Tensor, reference=lambda x: 2 * x)


@pytest.fixture(scope="module")
def nursery():
    with Nursery(limit=2.0) as nursery:
        yield nursery


@pytest.fixture
def solved(tmp_path):
    path = tmp_path / "02_doubles.py"
    path.write_text(f'# %% exercise="double" minutes=1\n{RIGHT}')
    return path


def test_a_sound_exercise_holds(solved, nursery):
    proof, sound = Proof("double"), exercise(values, slips=(Slip("x is squared", squared), Slip("x is halved", halved)))
    prove_solution(proof, sound, solved, nursery, "s")
    prove_slips(proof, sound, "s")
    prove_accidents(proof, sound, solved)
    assert proof.holds, proof.problems
    assert (proof.solution, proof.slips) == ((2, 2), (2, 2)) and proof.accidents[0] == proof.accidents[1] > 8


def test_a_refused_solution_is_a_problem(solved, nursery):
    proof = Proof("double")
    prove_solution(proof, exercise(too_strict), solved, nursery, "s")
    assert proof.solution == (0, 2) and "the solution is rejected in process" in proof.problems[0]


def test_a_slip_that_passes_is_a_problem():
    proof = Proof("double")
    prove_slips(proof, exercise(only_the_shape, slips=(Slip("x is squared", squared),)), "s")
    assert proof.slips == (0, 1) and "slip squared is passed" in proof.problems[0]


def test_slips_that_cannot_be_told_apart_are_a_problem():
    proof = Proof("double")
    prove_slips(proof, exercise(values, slips=(Slip("x is halved", halved), Slip("it is half", halved_again))), "s")
    assert proof.slips == (0, 2)


def test_accidents_that_pass_are_problems(solved):
    proof = Proof("double")
    prove_accidents(proof, exercise(only_the_shape), solved)
    assert any("returns NaN is passed" in problem for problem in proof.problems)
    assert any("off by a thousandth is passed" in problem for problem in proof.problems)


def test_a_check_that_stumbles_is_a_problem(solved):
    def careless(learner, draw):
        """It has a sum."""
        assert learner.double(draw.normal(2)).sum().item() == "never"

    proof = Proof("double")
    prove_accidents(proof, exercise(careless), solved)
    assert any("the check stumbles on" in problem for problem in proof.problems)


def answers(**sources):
    return [Answer(label, label.startswith("right"), dedent(source)) for label, source in sources.items()]


def test_right_answers_must_be_accepted_and_there_must_be_three(nursery):
    proof = Proof("double")
    prove_answers(proof, exercise(too_strict), answers(right=RIGHT), nursery, "s")
    assert "has 1 alternative right answers; 3 are needed" in proof.problems[0]
    assert "the right answer 'right' is failed" in proof.problems[1]


def test_wrong_answers_must_be_rejected(nursery):
    three = {f"right{i}": RIGHT for i in range(3)}
    proof = Proof("double")
    prove_answers(proof, exercise(only_the_shape), answers(**three, wrong="def double(x): return 3 * x"), nursery, "s")
    assert proof.right == (6, 6) and proof.wrong == (0, 2)


def test_a_wrong_answer_that_defines_nothing_proves_nothing(nursery):
    three = {f"right{i}": RIGHT for i in range(3)}
    proof = Proof("double")
    prove_answers(proof, exercise(values), answers(**three, wrong="pass"), nursery, "s")
    assert proof.wrong == (0, 2) and "is missing" in proof.problems[0]


def test_a_message_of_seven_lines_is_a_problem():
    proof = Proof("double")
    check_form(proof, Verdict("double", "failed", "\n".join("1234567")), "it")
    assert "more than 6 lines" in proof.problems[0]


def test_answers_are_read_with_their_marks(tmp_path):
    path = tmp_path / "double.py"
    path.write_text('"""Notes."""\n# %% right="plain"\nx = 1\n\n# %% wrong="other"\ny = 2\n')
    assert read_answers(path) == [Answer("plain", True, "x = 1\n"), Answer("other", False, "y = 2\n")]


def test_a_misspelt_mark_is_told_with_its_line(tmp_path):
    path = tmp_path / "double.py"
    path.write_text('# %% rihgt="plain"\nx = 1\n')
    with pytest.raises(AuthoringError, match="double.py:1: "):
        read_answers(path)
