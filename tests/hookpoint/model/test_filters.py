"""Promises of what reshapes a distribution, and of one draw from it: oracles are literals and exact frequencies."""

import math

import pytest
import torch

from hookpoint.model.sampling import (
    apply_temperature,
    frequency_penalty,
    greedy,
    no_repeat_ngram,
    sample,
    top_k_filter,
    top_p_filter,
)

GONE = -math.inf
# Probabilities 1/2, 1/4, 1/8, 1/8 of which the running sums are exact, in two orders.
HALVES = torch.tensor([[0.0, -1, -2, -2], [-2, 0, -2, -1]]) * math.log(2)


def kept(logits):
    return (logits > GONE).tolist()


def test_a_temperature_divides_and_keeps_what_is_removed():
    logits = torch.tensor([1.0, -3.0, GONE])
    assert apply_temperature(logits, 0.5).tolist() == [2.0, -6.0, GONE]


@pytest.mark.parametrize("t", [0, -1.0, math.nan])
def test_a_temperature_that_is_not_above_zero_is_refused_with_its_number(t):
    with pytest.raises(ValueError, match=f"greater than 0, but is {t}"):
        apply_temperature(torch.ones(3), t)


def test_greedy_takes_the_first_of_equal_logits():
    assert greedy(torch.tensor([[1.0, 4.0, 4.0], [7.0, -1.0, 7.0]])).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("k", "stay"), [(1, [1]), (2, [1, 3]), (3, [0, 1, 3]), (4, [0, 1, 2, 3]), (9, [0, 1, 2, 3])], ids=str
)
def test_the_k_largest_stay_in_their_places(k, stay):
    logits = torch.tensor([[0.5, 9.0, -2.0, 1.0]])
    assert top_k_filter(logits, k).tolist() == [[x if at in stay else GONE for at, x in enumerate(logits[0].tolist())]]


def test_each_row_has_its_own_k_largest_in_any_dtype():
    logits = torch.tensor([[1.0, 2.0, 3.0], [300.0, 200.0, 100.0]], dtype=torch.float16)
    assert top_k_filter(logits, 1).dtype == torch.float16
    assert kept(top_k_filter(logits, 1)) == [[False, False, True], [True, False, False]]


@pytest.mark.parametrize(
    ("p", "rows"),
    [
        (0.0, [[0], [1]]),
        (0.3, [[0], [1]]),
        (0.5, [[0], [1]]),
        (0.51, [[0, 1], [1, 3]]),
        (0.75, [[0, 1], [1, 3]]),
        (1.0, [[0, 1, 2, 3], [0, 1, 2, 3]]),
    ],
    ids=str,
)
def test_the_fewest_tokens_that_reach_p_stay_and_a_sum_equal_to_p_has_reached_it(p, rows):
    assert kept(top_p_filter(HALVES, p)) == [[token in row for token in range(4)] for row in rows]


def test_at_least_min_keep_tokens_stay_and_kept_logits_are_untouched():
    filtered = top_p_filter(HALVES, 0.1, min_keep=2)
    assert kept(filtered) == [[True, True, False, False], [False, True, False, True]]
    assert torch.equal(filtered[filtered > GONE], torch.tensor([0, -1, 0, -1]) * math.log(2))


def test_p_of_one_keeps_tokens_that_rounding_would_lose():
    logits = torch.cat([torch.zeros(1, 1), torch.full((1, 500), -30.0)], dim=1)
    assert torch.equal(top_p_filter(logits, 1.0), logits)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda x: top_k_filter(x, 0), "k must be at least 1, but is 0"),
        (lambda x: top_p_filter(x, 1.5), "p must be in 0..1"),
        (lambda x: top_p_filter(x, 0.5, min_keep=0), "min_keep at least 1"),
        (lambda x: no_repeat_ngram(torch.tensor([1]), x[0], 0), "n must be at least 1, but is 0"),
    ],
    ids=["k", "p", "min_keep", "n"],
)
def test_a_limit_that_makes_no_sense_is_refused(call, says):
    with pytest.raises(ValueError, match=says):
        call(torch.ones(1, 3))


def test_each_occurrence_costs_f():
    lowered = frequency_penalty(torch.tensor([2, 0, 2, 2]), torch.tensor([1.0, 1.0, 1.0, 1.0]), 0.5)
    assert lowered.tolist() == [0.5, 1.0, -0.5, 1.0]


@pytest.mark.parametrize(
    ("text", "n", "forbidden"),
    [
        ("abcab", 1, "abc"),
        ("abcab", 2, "c"),
        ("abcab", 3, "c"),
        ("abcab", 4, ""),
        ("aaa", 2, "a"),
        ("abxabyab", 3, "xy"),
        ("ab", 3, ""),
        ("a", 2, ""),
        ("", 1, ""),
    ],
)
def test_what_would_repeat_a_run_is_removed(text, n, forbidden):
    alphabet = "abcxy"
    ids = torch.tensor([alphabet.index(letter) for letter in text], dtype=torch.int64)
    filtered = no_repeat_ngram(ids, torch.zeros(5), n)
    assert "".join(letter for letter, logit in zip(alphabet, filtered, strict=True) if logit == GONE) == forbidden


def test_draws_have_the_probabilities_of_their_own_row_and_removed_tokens_never_come():
    rows = torch.tensor([[0.5, 0.0, 0.3, 0.2], [0.1, 0.6, 0.3, 0.0]])
    drawn = sample(rows.log().repeat(20_000, 1), torch.Generator().manual_seed(0)).reshape(-1, 2)
    for row, tokens in zip(rows, drawn.T, strict=True):
        counts = torch.bincount(tokens, minlength=4) / len(tokens)
        assert torch.equal(counts[row == 0], torch.zeros(1))
        torch.testing.assert_close(counts, row, rtol=0, atol=0.02)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_huge_logits_of_any_dtype_can_be_drawn_from(dtype):
    logits = torch.tensor([[-1e4, 1e4, 0.0]], dtype=dtype).repeat(50, 1)
    assert sample(logits, torch.Generator().manual_seed(0)).unique().tolist() == [1]


def test_nothing_changes_its_arguments():
    ids, logits = torch.tensor([1, 2, 1]), torch.tensor([[3.0, 1.0, 2.0]])
    for change in (
        lambda: apply_temperature(logits, 2.0),
        lambda: top_k_filter(logits, 1),
        lambda: top_p_filter(logits, 1.0).add_(1),
        lambda: frequency_penalty(ids, logits[0], 1.0),
        lambda: no_repeat_ngram(ids, logits[0], 1),
    ):
        change()
        assert logits.tolist() == [[3.0, 1.0, 2.0]] and ids.tolist() == [1, 2, 1]
