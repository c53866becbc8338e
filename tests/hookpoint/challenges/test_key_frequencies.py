"""Which frequencies: the key is what the model cannot do without, and power is not it."""

import math

import numpy as np
import pytest
import torch

from hookpoint.challenges.at_home import public
from hookpoint.challenges.definition import BadAnswer
from hookpoint.challenges.entries import entries, load
from hookpoint.challenges.key_frequencies.generate import add_decoys, cut, draw, waves
from hookpoint.challenges.registry import challenge
from hookpoint.model import GPT2, Config
from hookpoint.zoo.recipes.grokking import build

CHALLENGE = challenge("key_frequencies")


@pytest.fixture(scope="module")
def instance():
    return public("key_frequencies", 0)


def model_of(instance):
    model = GPT2(Config(**instance.facts["config"]), seed=None)
    model.load_state_dict(instance.under("weights"))
    return model


@torch.no_grad()
def accuracy(model):
    """By the whole model on all sums, position by position."""
    p = model.cfg.d_vocab - 1
    a, b = torch.arange(p).repeat_interleave(p), torch.arange(p).repeat(p)
    said = model(torch.stack([a, b, torch.full_like(a, p)], dim=1))[:, -1].argmax(dim=1)
    return (said == (a + b) % p).float().mean().item()


@torch.no_grad()
def accuracy_without(instance, k):
    """With the frequency's coefficients of the Fourier transform set to 0."""
    model = model_of(instance)
    p = model.cfg.d_vocab - 1
    spectrum = torch.fft.fft(model.embed.W_E[:p].double(), dim=0)
    spectrum[[k, p - k]] = 0
    model.embed.W_E[:p] = torch.fft.ifft(spectrum, dim=0).real.float()
    return accuracy(model)


def test_without_a_frequency_of_the_key_the_model_cannot_add_and_without_a_decoy_it_can(instance):
    whole = accuracy(model_of(instance))

    assert whole > 0.98
    assert all(accuracy_without(instance, k) < whole - 0.05 for k in instance.facts["key"])
    assert all(accuracy_without(instance, k) > whole - 0.02 for k in instance.facts["decoys"])


def test_each_frequencys_worth_is_as_written_down(instance):
    whole = accuracy(model_of(instance))

    for k in (1, 5, instance.facts["key"][0]):
        assert whole - accuracy_without(instance, k) == pytest.approx(instance.facts["drops"][k - 1], abs=2e-3)


def test_the_decoys_are_louder_than_most_of_the_key(instance):
    numbers = instance.tensors["weights/embed.W_E"][:-1]
    power = torch.fft.rfft(numbers, dim=0).abs().square().sum(dim=1)

    assert power[instance.facts["decoys"]].mean() > power[instance.facts["key"]].mean()


def test_cutting_frequencies_leaves_the_others_and_the_mean():
    x = torch.arange(11, dtype=torch.float64) * 2 * math.pi / 11
    numbers = torch.stack([3 + torch.cos(2 * x) + torch.sin(4 * x), torch.cos(x)], dim=1).float()

    left = cut(numbers, [2, 1])

    assert torch.allclose(left, torch.stack([3 + torch.sin(4 * x), torch.zeros(11)], dim=1).float(), atol=1e-5)


def test_decoys_stand_in_the_embedding_at_their_frequencies_alone():
    model, generator = build(53, 64), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
        before = model.embed.W_E.clone()
        add_decoys(model, [3, 9], generator)

    added = torch.fft.rfft((model.embed.W_E - before)[:53], dim=0).abs().square().sum(dim=1).detach()
    assert added[[3, 9]].sum() / added.sum() == pytest.approx(1, abs=1e-4)
    assert torch.equal(model.embed.W_E[53], before[53])


def test_the_waves_are_of_length_one_and_at_right_angles():
    both = torch.cat([waves(13, 2), waves(13, 5)], dim=1)

    assert torch.allclose(both.T @ both, torch.eye(4), atol=1e-5)


def test_the_same_seed_draws_the_same_settings_and_another_seed_others():
    first, again, other = (draw(torch.Generator().manual_seed(seed)) for seed in (3, 3, 4))

    assert first == again != other


def test_the_key_gets_one_and_one_of_its_frequencies_with_a_decoy_the_f1_by_hand(instance):
    key, decoys = instance.facts["key"], instance.facts["decoys"]

    assert CHALLENGE.score(instance, lambda cfg, weights: key[::-1]).value == 1
    mark = CHALLENGE.score(instance, lambda cfg, weights: [key[0], decoys[0]])
    assert mark.value == pytest.approx(2 / (2 + len(key)))
    assert mark.parts["decoys named"] == 1


@pytest.mark.parametrize("name", ["constant", "task_rule", "loudest_four", "loud_ones"])
def test_without_asking_what_is_read_nobody_reaches_the_mark(instance, name):
    entry = next(one for one in entries("key_frequencies") if one.name == name)

    assert CHALLENGE.score(instance, load(entry, CHALLENGE)).value < 0.8


@pytest.mark.parametrize("form", [torch.tensor, tuple, set, np.array, lambda key: [torch.tensor(k) for k in key]])
def test_the_frequencies_may_come_in_any_plain_form(instance, form):
    assert CHALLENGE.score(instance, lambda cfg, weights: form(instance.facts["key"])).value == 1


BROKEN = {
    "nothing": None,
    "a number": 3,
    "text": "3",
    "zero": [0],
    "too large": [31],
    "huge": [10**400],
    "a fraction": [3.0],
    "NaN": [float("nan")],
    "a truth": [True],
    "twice": [3, 3],
    "a list in the list": [[3]],
    "a tensor of fractions": torch.tensor([3.0]),
    "a table": torch.tensor([[3]]),
    "an endless dict": {3: 4},
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_what_is_no_list_of_frequencies_is_refused(instance, answer):
    with pytest.raises(BadAnswer):
        CHALLENGE.score(instance, lambda cfg, weights: answer)


def test_an_answer_that_spoils_its_weights_does_not_touch_the_instance(instance):
    before = instance.tensors["weights/embed.W_E"].clone()

    CHALLENGE.score(instance, lambda cfg, weights: [weights["embed.W_E"].zero_() is None or 3])

    assert torch.equal(instance.tensors["weights/embed.W_E"], before)
