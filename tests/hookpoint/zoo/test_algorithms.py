"""Promises of the small algorithms: fair data, measurements that can fail, and models that do what they show."""

import itertools

import pytest
import torch

from hookpoint import zoo
from hookpoint.zoo.data import dyck
from hookpoint.zoo.data.lists import max_lists, sort_lists
from hookpoint.zoo.data.split import held_out, rows_of
from hookpoint.zoo.recipes import brackets, sorting
from hookpoint.zoo.recipes import max as maximum

MODELS = ("brackets", "max_of_list", "sort_list")


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def by_stack(word):
    """Whether a word is balanced, by taking pairs off a stack."""
    stack = []
    for bracket in word:
        if bracket == dyck.OPEN:
            stack.append(bracket)
        elif not stack:
            return False
        else:
            stack.pop()
    return not stack


# What is held out


def test_about_a_tenth_is_held_out_whatever_the_length():
    for length in (1, 5, 40):
        rows = torch.randint(1000, (20_000, length), generator=generator())
        assert held_out(rows).float().mean().item() == pytest.approx(0.1, abs=0.02)


def test_neighbouring_rows_are_held_out_independently():
    rows = torch.stack([torch.arange(20_000), torch.zeros(20_000, dtype=torch.int64)], dim=1)
    flags = held_out(rows)
    assert (flags[1:] & flags[:-1]).float().mean().item() == pytest.approx(0.01, abs=0.005)


def test_an_unordered_split_keeps_all_arrangements_together_and_an_ordered_one_does_not():
    rows = torch.randint(30, (500, 6), generator=generator())
    turned = rows[:, torch.randperm(6, generator=generator(1))]
    assert torch.equal(held_out(rows, ordered=False), held_out(turned, ordered=False))
    assert not torch.equal(held_out(rows), held_out(turned))


def test_the_splits_share_no_row_and_give_as_many_as_asked():
    draw = generator()

    def some(split):
        return rows_of(split, 300, lambda n: torch.randint(9, (n, 3), generator=draw)).tolist()

    train, other = some("train"), some("held_out")
    assert len(train) == len(other) == 300
    assert not {tuple(row) for row in train} & {tuple(row) for row in other}


def test_an_unknown_split_is_an_error():
    with pytest.raises(ValueError, match='"train" or "held_out", not \'test\''):
        rows_of("test", 1, lambda n: torch.zeros(n, 2, dtype=torch.int64))


# Lists


def test_lists_to_take_the_largest_of_end_in_equals_and_stay_in_range():
    lists = max_lists(2000, generator())
    assert lists.shape == (2000, 11)
    assert (lists[:, 10] == 64).all()
    assert lists[:, :10].min() == 0 and lists[:, :10].max() == 63


def test_the_largest_number_is_spread_over_the_whole_range():
    largest = max_lists(8000, generator())[:, :10].max(dim=1).values
    shares = torch.histc(largest.float(), 4, 0, 64) / 8000
    assert shares.min() > 0.04 and shares.max() < 0.5


def test_lists_to_sort_carry_their_own_answer():
    for row in sort_lists(300, generator(), "held_out").tolist():
        assert row[8] == 32
        assert row[9:] == sorted(row[:8])


# Brackets


def test_balanced_is_what_a_stack_says_for_every_word_of_eight():
    words = torch.tensor(list(itertools.product((dyck.OPEN, dyck.CLOSE), repeat=8)))
    assert dyck.is_balanced(words).tolist() == [by_stack(word) for word in words.tolist()]


def test_balanced_words_are_equally_likely():
    words = dyck.balanced_words(6000, generator())
    assert all(map(by_stack, words.tolist()))
    # 16,796 words have ten pairs; the 4,862 that begin with a closed pair go on with any word of nine.
    begins_deep = (words[:, 1] == dyck.OPEN).float().mean().item()
    assert begins_deep == pytest.approx(1 - 4862 / 16796, abs=0.03)


@pytest.mark.parametrize(("slip", "equal"), [("flip", False), ("swap", True), ("shuffle", True)])
def test_every_slip_breaks_the_word_and_says_whether_counting_sees_it(slip, equal):
    words = dyck.broken_words(300, slip, generator())
    assert not any(map(by_stack, words.tolist()))
    assert ((words == dyck.OPEN).sum(dim=1) == 10).tolist() == [equal] * 300


def test_an_unknown_slip_is_an_error():
    with pytest.raises(ValueError, match="flip, swap, shuffle, not 'drop'"):
        dyck.broken_words(1, "drop", generator())


def test_half_of_the_sequences_are_balanced_and_the_verdicts_are_true():
    sequences, verdicts = dyck.bracket_sequences(600, generator())
    assert (verdicts == dyck.BALANCED).sum() == 300
    for sequence, verdict in zip(sequences.tolist(), verdicts.tolist(), strict=True):
        assert (sequence[0], sequence[-1]) == (dyck.START, dyck.END)
        assert (verdict == dyck.BALANCED) == by_stack(sequence[1:-1])


# Measurements on patterns whose answer is known


def test_attention_on_a_number_adds_up_all_its_places():
    lists = torch.tensor([[7, 3, 7, 0, 0, 0, 0, 0, 0, 0, 64]])
    pattern = torch.zeros(1, 11, 11)
    pattern[0, -1, :4] = torch.tensor([0.5, 0.2, 0.2, 0.1])
    assert maximum.attention_on(pattern, lists, torch.tensor([7])).item() == pytest.approx(0.7)


def test_rank_correlation_is_1_for_growing_numbers_and_minus_1_for_falling_ones():
    growing = torch.tensor([1.0, 10.0, 11.0, 500.0])
    assert maximum.rank_correlation(growing) == pytest.approx(1)
    assert maximum.rank_correlation(-growing) == pytest.approx(-1)


def test_attention_on_the_next_number_is_1_for_a_perfect_head_and_0_for_one_that_is_off_by_one():
    lists = sort_lists(20, generator())
    pattern = torch.zeros(20, 16, 16)
    order = torch.stack([row.argsort() for row in lists[:, :8]])
    pattern[:, 8:].scatter_(2, order[:, :, None], 1.0)
    assert sorting.attention_on_next(pattern, lists) == pytest.approx(1)
    off = pattern.roll(1, dims=2)
    assert sorting.attention_on_next(off, lists) < 0.35


def test_a_list_with_one_wrong_number_is_not_solved():
    lists = sort_lists(4, generator())
    logits = torch.zeros(4, 17, 33)
    logits[:, 8:16].scatter_(2, lists[:, 9:, None], 1.0)
    assert sorting.solved(logits, lists) == 1
    logits[0, 11] = logits[0, 11].roll(1)
    assert sorting.solved(logits, lists) == 0.75


def test_counting_calls_every_word_with_equal_numbers_balanced():
    words = torch.tensor([[1, 0] * 10, [0, 1] * 10, [0] * 11 + [1] * 9])
    verdicts = brackets.counting_verdict(dyck.framed(words))
    assert verdicts.tolist() == [dyck.BALANCED, dyck.BALANCED, dyck.BROKEN]


def test_linear_r2_is_1_for_a_linear_target_and_not_above_0_for_noise():
    x = torch.randn(400, 5, generator=generator())
    x[:, 4] = x[:, 3]  # columns that depend on each other
    y, noise = x @ torch.tensor([1.0, 2, 3, 4, 5]) + 7, torch.randn(400, generator=generator(1))
    assert brackets.linear_r2((x[:200], y[:200]), (x[200:], y[200:])) == pytest.approx(1)
    assert brackets.linear_r2((x[:200], noise[:200]), (x[200:], noise[200:])) < 0.05


def test_attention_below_zero_counts_only_ends_looks_at_negative_places():
    pattern = torch.zeros(1, 2, 22, 22)
    pattern[0, 0, -1, 1:4] = torch.tensor([0.3, 0.4, 0.3])
    pattern[0, 1, -1, 0] = 1.0
    below = torch.zeros(1, 20, dtype=torch.bool)
    below[0, 1:3] = True
    assert brackets.attention_below_zero(pattern, below).tolist() == pytest.approx([0.7, 0])


# The shipped models


@pytest.mark.parametrize("name", MODELS)
def test_a_model_with_shuffled_weights_does_not(name):
    figures = zoo.recipe(name).evidence(shuffled(zoo.open(name)))
    phenomena = [figure for figure in figures if not figure.control]
    assert sum(not figure.holds for figure in phenomena) >= 2


def shuffled(trained):
    """The trained model with the numbers of every matrix in another order."""
    state = trained.model.state_dict()
    order = generator()
    mixed = {key: w.flatten()[torch.randperm(w.numel(), generator=order)].view_as(w) for key, w in state.items()}
    return zoo.Trained(trained.recipe, lambda step: mixed, [], [])


def test_the_largest_number_may_stand_anywhere():
    lists = torch.full((10, 11), 5)
    lists[:, 10] = 64
    lists[torch.arange(10), torch.arange(10)] = 50
    answers = zoo.load("max_of_list")(lists)[:, -1].argmax(dim=1)
    assert answers.tolist() == [50] * 10


def test_sorting_survives_equal_numbers():
    numbers = [9, 4, 9, 4, 30, 1, 9, 17]
    tokens = numbers + [32]
    model = zoo.load("sort_list")
    for _ in numbers:
        tokens.append(model(torch.tensor([tokens]))[0, -1].argmax().item())
    assert tokens[9:] == sorted(numbers)


def test_one_exchange_of_brackets_turns_the_verdict():
    words = torch.tensor([[0, 1] * 10, [1, 0] + [0, 1] * 9, [0, 0, 1, 1] * 5, [0, 1, 1, 0] * 5])
    verdicts = zoo.load("brackets")(dyck.framed(words))[:, -1].argmax(dim=1)
    assert verdicts.tolist() == [dyck.BALANCED, dyck.BROKEN, dyck.BALANCED, dyck.BROKEN]
