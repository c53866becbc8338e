"""Promises of the belief models: the split of their data, the map to beliefs, and what is shipped."""

import math

import pytest
import torch

from hookpoint import zoo
from hookpoint.zoo.definition import Trained
from hookpoint.zoo.recipes import beliefs
from hookpoint.zoo.recipes.beliefs import Measured, Reading, r2, sequences

every_model = pytest.mark.parametrize("name", beliefs.SETTINGS)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


# The data


@every_model
def test_no_held_out_sequence_begins_as_a_training_sequence_does(name):
    setting = beliefs.SETTINGS[name]
    train, held = (sequences(name, 3000, seeded(), split)[:, : setting.prefix] for split in ("train", "held_out"))

    beginnings = [{tuple(row) for row in rows.tolist()} for rows in (train, held)]
    assert not beginnings[0] & beginnings[1]
    assert len(beginnings[1]) >= 15


@every_model
def test_sequences_come_in_the_number_asked_for_one_symbol_longer_than_the_model_reads(name):
    words = sequences(name, 77, seeded())

    assert words.shape == (77, beliefs.build(name).cfg.n_ctx + 1)
    assert torch.equal(words, sequences(name, 77, seeded()))
    assert words.unique().tolist() == list(range(beliefs.SETTINGS[name].process().n_symbols))


# The map


def split_in_half(inputs, targets):
    half = len(inputs) // 2
    return Reading(inputs[:half], targets[:half], inputs[half:], targets[half:])


def test_an_affine_image_is_explained_whole_and_unrelated_numbers_are_not_explained():
    targets = noise(400, 2)

    assert r2(split_in_half(targets @ noise(2, 6, seed=1) + 3, targets)) == pytest.approx(1.0)
    assert r2(split_in_half(noise(400, 6, seed=2), targets)) < 0.05


def test_a_map_that_was_learned_by_heart_scores_nothing_on_other_rows():
    assert r2(split_in_half(noise(100, 60, seed=1), noise(100, 2))) < -0.5


def test_half_of_the_variance_known_is_an_r2_of_a_half():
    known, unknown = noise(4000, 1), noise(4000, 1, seed=1)

    assert r2(split_in_half(known, torch.cat([known, unknown], dim=1))) == pytest.approx(0.5, abs=0.03)


def test_inputs_that_depend_on_each_other_do_no_harm():
    targets = noise(400, 2)
    inputs = targets @ noise(2, 3, seed=1)

    assert r2(split_in_half(torch.cat([inputs, inputs], dim=1), targets)) == pytest.approx(1.0)


def test_the_noisy_reading_is_what_drawn_noise_gives():
    targets = noise(4000, 2)
    clean = targets @ noise(2, 4, seed=1) + 0.3 * noise(4000, 4, seed=2) + 5
    size = (clean[:2000] - clean[:2000].mean(dim=0)).square().mean().sqrt()
    # Fifty drawings of the noise on the rows of the fit and on those that are scored.
    drawn = [split_in_half(clean + 0.5 * size * noise(4000, 4, seed=seed), targets) for seed in range(10, 60)]
    many = Reading(*(torch.cat([getattr(each, part) for each in drawn]) for part in vars(drawn[0])))

    assert r2(split_in_half(clean, targets), noise=0.5) == pytest.approx(r2(many), abs=0.003)


def test_what_is_a_thousand_times_smaller_than_the_rest_is_found_exactly_and_lost_in_noise():
    hidden, loud = noise(2000, 1), noise(2000, 3, seed=1)
    reading = split_in_half(torch.cat([loud, 1e-3 * hidden], dim=1), hidden)

    assert r2(reading) == pytest.approx(1.0)
    assert r2(reading, noise=0.1) < 0.05


def test_the_size_of_the_whole_stream_does_not_change_a_noisy_reading():
    targets = noise(400, 2)
    inputs = targets @ noise(2, 4, seed=1) + noise(400, 4, seed=2)

    assert r2(split_in_half(1e4 * inputs, targets), 0.1) == pytest.approx(r2(split_in_half(inputs, targets), 0.1))


# What maps are compared with


def test_the_last_symbols_are_one_number_per_value_and_nothing_before_the_first():
    on = Measured("clock", n=1)
    on.words = {split: torch.tensor([[1, 0, 1]]) for split in on.words}
    on.beliefs, on.first = {split: torch.zeros(1, 3, 3) for split in on.words}, 0

    rows = on.of_last_symbols(2).fit

    assert rows.tolist() == [[0, 1, 0, 0], [1, 0, 0, 1], [0, 1, 1, 0]]


def test_the_excess_is_nothing_for_the_best_prediction_and_the_missing_entropy_for_a_uniform_one():
    on = Measured("mess3", n=50)
    best = on.process.next_symbol(on.beliefs["held_out"])
    entropy = -(best * best.log()).sum(dim=-1)[:, 5:].mean().item()

    assert on.excess(lambda words: best.log() + 7) == pytest.approx(0.0, abs=1e-9)
    assert on.excess(lambda words: torch.zeros(50, 10, 3)) == pytest.approx(math.log(3) - entropy, abs=1e-9)


def test_only_positions_whose_context_is_held_out_are_scored():
    on = Measured("clock", n=20)

    reading = on.of_next_symbol()

    assert len(reading.scored) == 20 * (16 - 8 + 1)


def test_the_next_symbol_gives_the_belief_in_mess3_and_less_than_half_of_it_in_the_clock():
    given = {name: r2(Measured(name, n=400).of_next_symbol()) for name in beliefs.SETTINGS}

    assert given["mess3"] == pytest.approx(1.0)
    assert given["clock"] < 0.55


# What is shipped


@every_model
@torch.no_grad()
def test_the_shipped_model_predicts_nearly_as_an_ideal_observer_does(name):
    on = Measured(name, n=300)

    predicted = zoo.load(name)(on.words["held_out"])[:, on.first :].softmax(dim=-1)

    best = on.process.next_symbol(on.beliefs["held_out"])[:, on.first :]
    constant = best.mean(dim=(0, 1))
    assert (predicted - best).abs().mean() < (constant - best).abs().mean() / 3


@every_model
def test_a_model_with_shuffled_weights_fails_its_evidence(name):
    recipe, shipped = zoo.recipe(name), zoo.open(name)
    model = shipped.model
    for parameter in model.parameters():
        order = torch.randperm(parameter.numel(), generator=seeded())
        parameter.data = parameter.data.flatten()[order].reshape(parameter.shape)
    states = {None: model.state_dict(), 0: shipped.at(0).state_dict()}

    figures = recipe.evidence(Trained(recipe, states.get, [0], []))

    assert {"R2 of beliefs, noisy reading", "nats above the best possible prediction"} <= {
        figure.name for figure in figures if not figure.holds
    }
