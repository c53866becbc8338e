"""What counts as the same, and what is said when it is not."""

import pytest
import torch

from hookpoint.checks.compare import OPERATION, WHOLE, Mismatch, alike, checking, describe, fits, same, shaped


def fact(call, *arguments) -> str:
    with pytest.raises(Mismatch) as caught:
        call(*arguments)
    return "\n".join([caught.value.fact, *caught.value.lines])


def test_rounding_is_accepted_relative_to_the_largest_value():
    want = torch.tensor([1000.0, 0.0])
    same(want + 0.009, want)
    assert "wrong values" in fact(same, want + 0.011, want)


def test_a_whole_model_may_round_a_hundred_times_more():
    want = torch.tensor([1.0])
    same(want + 9e-4, want, "", WHOLE)
    assert "wrong values" in fact(same, want + 9e-4, want, "", OPERATION)


def test_float64_is_held_to_ten_digits():
    want = torch.tensor([1.0], dtype=torch.float64)
    same(want + 9e-11, want)
    assert "wrong values" in fact(same, want + 2e-10, want)


def test_the_tolerance_of_the_running_exercise_is_used():
    with checking(WHOLE, reveal=True):
        same(torch.tensor([1.0009]), torch.tensor([1.0]))


def test_the_first_difference_is_shown_with_its_place():
    got = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
    said = fact(same, got, torch.tensor([[1.0, 2.0], [3.0, 4.0]]), "for two rows")
    assert said == (
        "has the right shape but the wrong values for two rows.\n"
        "  First differs at (1, 1): expected 4.0000, yours 5.0000; 1 of 4 differ."
    )


def test_as_many_digits_are_shown_as_tell_two_numbers_apart():
    got, want = torch.tensor([0.03661], dtype=torch.float64), torch.tensor([0.0366100004], dtype=torch.float64)
    assert "expected 0.0366100004, yours 0.03661." in fact(same, got, want)
    assert "expected -1e-05, yours 1e-05" in fact(same, torch.tensor([1e-5]), torch.tensor([-1e-5]))


@pytest.mark.parametrize(
    ("got", "want", "said"),
    [
        (None, torch.zeros(2), "returned None, expected float32[2]."),
        (torch.zeros(3), torch.zeros(2), "returned shape [3], expected [2]."),
        (torch.zeros(2).double(), torch.zeros(2), "returned float64[2], expected float32[2]."),
        (torch.tensor([float("nan")]), torch.zeros(1), "First differs at (0,): expected 0.0000, yours nan."),
        (4, 5, "returned 4, expected 5."),
        (4.0, 5, "returned 4.0, expected 5."),
        (True, 1, "returned True, expected 1."),
        (2.5, 3.5, "returned 2.5, expected 3.5."),
        ("a", 1.0, "returned 'a', expected a number."),
        ([1, 2], [1, 3], "returned 2, expected 3 at index 1."),
        ([1], [1, 3], "returned 1 items, expected 2."),
        ({"a": 1}, {"a": 1, "b": 2}, "lacks the key 'b'."),
        ({"a": 1, "c": 2}, {"a": 1}, "has a key 'c' that the contract does not name."),
        ("one", "two", "returned 'one', expected 'two'."),
    ],
)
def test_each_kind_of_difference_has_its_words(got, want, said):
    assert said in fact(same, got, want)


def test_hidden_inputs_leave_no_value_in_the_words():
    with checking(OPERATION, reveal=False):
        for got, want in [(torch.zeros(2), torch.ones(2)), (4, 5), (2.5, 3.5), ("one", "two"), ([1, 2], [1, 3])]:
            said = fact(same, got, want)
            assert not any(shown in said for shown in ("1.0000", "5", "3.5", "two", "3"))


def test_values_are_described_by_kind():
    assert describe(torch.zeros(2, 3)) == "float32[2, 3]"
    assert describe([1, 2]) == "[1, 2]" and describe(list(range(99))) == "list of 99"
    with checking(OPERATION, reveal=False):
        assert describe(12) == "int" and describe("secret") == "str of 6"


def test_a_result_of_another_kind_is_named():
    assert fact(fits, None, torch.Tensor) == "returned None, expected a tensor."
    assert fact(fits, ({}, 3), (dict, list)) == "returned ({}, 3), expected a tuple of a dict, a list."
    fits(torch.tensor(1.0), float)


def test_shaped_reads_shape_and_dtype():
    assert fact(shaped, torch.zeros(2), 3) == "returned float32[2], expected float32[3]."
    shaped(torch.zeros(3), 3)


def test_alike_allows_rounding_and_nothing_else():
    a = torch.tensor([1.0, 2.0])
    assert alike([a, 1], [a + 1e-6, 1], OPERATION)
    assert not alike(a, a + 1e-3, OPERATION) and not alike(a, a.double(), OPERATION) and not alike(1, True, OPERATION)
