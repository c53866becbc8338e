"""Promises of the hidden Markov processes: each against sums over every path of states."""

import itertools

import pytest
import torch

from hookpoint.zoo.data.processes import RRXOR_STATES, Process, clock, forward_filter, mess3, rrxor, stationary

ALL = {"mess3": mess3(), "rrxor": rrxor(), "clock": clock(4, 0.2, 0.8)}
every_process = pytest.mark.parametrize("process", ALL.values(), ids=ALL)


@pytest.fixture
def lopsided():
    """Two states and three symbols, with nothing symmetric and a prior that is not the stationary one."""
    T = torch.rand(3, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return Process(T / T.sum(dim=(0, 2))[None, :, None], torch.tensor([0.9, 0.1], dtype=torch.float64))


def path_sums(process, word):
    """P(word, last state) for each last state, by summing over every path in Python."""
    n = len(process.prior)
    sums = [0.0] * n
    for path in itertools.product(range(n), repeat=len(word) + 1):
        probability = float(process.prior[path[0]])
        for symbol, state, following in zip(word, path, path[1:], strict=False):
            probability *= float(process.T[symbol, state, following])
        sums[path[-1]] += probability
    return torch.tensor(sums, dtype=torch.float64)


def test_beliefs_are_the_sums_over_all_paths(lopsided):
    words = torch.tensor([[0, 2, 1, 1], [2, 2, 0, 1]])

    beliefs = lopsided.beliefs(words)

    for word, row in zip(words.tolist(), beliefs, strict=True):
        for length in range(1, 5):
            sums = path_sums(lopsided, word[:length])
            torch.testing.assert_close(row[length - 1], sums / sums.sum())


def test_words_are_all_words_in_order_with_their_probabilities(lopsided):
    words, probabilities = lopsided.words(3)

    assert words.tolist() == [list(word) for word in itertools.product(range(3), repeat=3)]
    wanted = torch.stack([path_sums(lopsided, word).sum() for word in words.tolist()])
    torch.testing.assert_close(probabilities, wanted)


def test_the_next_symbol_has_the_probability_of_the_longer_word_over_that_of_the_shorter(lopsided):
    word = [1, 0, 2]
    shorter = path_sums(lopsided, word).sum()
    wanted = torch.stack([path_sums(lopsided, [*word, symbol]).sum() / shorter for symbol in range(3)])

    torch.testing.assert_close(lopsided.next_symbol(lopsided.beliefs(torch.tensor([word])))[0, -1], wanted)


def test_the_optimal_loss_is_the_entropy_of_longer_words_minus_that_of_shorter_ones(lopsided):
    def entropy(length):
        _, p = lopsided.words(length)
        return -(p * p.log()).sum()

    wanted = torch.stack([entropy(1), entropy(2) - entropy(1), entropy(3) - entropy(2)])
    torch.testing.assert_close(lopsided.optimal_loss(3), wanted)


def test_samples_come_as_often_as_their_words_are_probable(lopsided):
    samples = lopsided.sample(40_000, 2, torch.Generator().manual_seed(0))

    counts = torch.bincount(samples[:, 0] * 3 + samples[:, 1], minlength=9) / 40_000
    torch.testing.assert_close(counts.double(), lopsided.words(2)[1], rtol=0, atol=0.01)


def test_a_word_of_a_thousand_symbols_leaves_a_belief_that_sums_to_one():
    process = mess3()

    beliefs = process.beliefs(process.sample(2, 1000, torch.Generator().manual_seed(0)))

    torch.testing.assert_close(beliefs.sum(dim=-1), torch.ones(2, 1000, dtype=torch.float64))


def test_an_impossible_word_is_an_error_that_says_where():
    after_two_flips = torch.tensor([[0, 0, 0], [0, 1, 0]])  # 0 xor 1 is 1, if the first flip comes first
    start = torch.zeros(5, dtype=torch.float64)
    start[RRXOR_STATES.index("start")] = 1

    with pytest.raises(ValueError, match="row 1 has probability 0 from position 2 on: .* emits 0"):
        forward_filter(rrxor().T, start, after_two_flips)


@every_process
def test_every_state_goes_somewhere_and_the_prior_stays_as_it_is(process):
    move = process.T.sum(dim=0)

    torch.testing.assert_close(move.sum(dim=1), torch.ones(len(move), dtype=torch.float64))
    torch.testing.assert_close(process.prior @ move, process.prior)
    assert (process.prior > 0).all()


def test_two_separate_parts_have_no_one_prior():
    with pytest.raises(ValueError, match="do not reach each other"):
        stationary(torch.eye(2, dtype=torch.float64)[None])


def test_mess3_on_numbers_that_were_worked_out_by_hand():
    # x = .1, a = .8: stays with .8, the right symbol with .8, each other one with .1
    T = mess3(x=0.1, a=0.8).T

    assert T[0, 0].tolist() == pytest.approx([0.8 * 0.8, 0.1 * 0.1, 0.1 * 0.1])
    assert T[1, 0].tolist() == pytest.approx([0.8 * 0.1, 0.1 * 0.8, 0.1 * 0.1])


def test_every_third_symbol_of_rrxor_is_the_exclusive_or_of_the_two_before():
    words = rrxor().sample(200, 12, torch.Generator().manual_seed(0)).tolist()

    def fits(word, start):
        return all(word[i] == word[i - 1] ^ word[i - 2] for i in range(start, 12, 3))

    assert all(any(fits(word, start) for start in (2, 3, 4)) for word in words)
    assert not any(all(fits(word, 2) for word in words[i : i + 50]) for i in range(0, 200, 50))


def test_the_clock_goes_round_and_rings_at_the_first_hour():
    exact = clock(hours=3, late=0.0, right=1.0)

    words, probabilities = exact.words(6)

    assert words.tolist() == [[0, 0, 1, 0, 0, 1], [0, 1, 0, 0, 1, 0], [1, 0, 0, 1, 0, 0]]
    assert probabilities.tolist() == pytest.approx([1 / 3] * 3)


def test_a_late_clock_stays_and_a_wrong_bell_rings_elsewhere():
    T = clock(hours=3, late=0.25, right=0.8).T

    assert T[1, 2].tolist() == pytest.approx([0.75 * 0.8, 0.0, 0.25 * 0.2])
    assert T[0, 2].tolist() == pytest.approx([0.75 * 0.2, 0.0, 0.25 * 0.8])
