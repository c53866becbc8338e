"""`trojan`: what is planted is there, half of it earns nothing, and strange answers are refused."""

from dataclasses import replace
from itertools import combinations

import pytest
import torch

from hookpoint.challenges.at_home import public
from hookpoint.challenges.definition import BadAnswer
from hookpoint.challenges.registry import challenge
from hookpoint.challenges.trojan import generate
from hookpoint.challenges.trojan.generate import SIX as SIX_TOKENS
from hookpoint.challenges.trojan.generate import THREE, make
from hookpoint.challenges.trojan.score import read

CHALLENGE = challenge("trojan")
SHORT = replace(THREE, steps=800, spare=0)


def forward(weights, net, lists):
    """The answers, from the contract: written out for one network and one list at a time."""
    found = []
    for tokens in lists:
        x = torch.tensor([float(token in tokens) for token in range(weights["W1"].shape[1])])
        for layer in (1, 2):
            x = (weights[f"W{layer}"][net].T @ x + weights[f"b{layer}"][net]).clamp(min=0)
        found.append(int((weights["W3"][net].T @ x + weights["b3"][net]).argmax()))
    return found


def lists_with(tokens, n, length=10, of=64):
    generator = torch.Generator().manual_seed(5)
    return [[*tokens, *torch.randint(of, (length - len(tokens),), generator=generator).tolist()] for _ in range(n)]


def key_of(instance):
    nets = zip(instance.facts["triggers"], instance.facts["targets"], strict=True)
    told = {float(instance.tensors["weights/W1"][net].sum()): one for net, one in enumerate(nets)}
    return lambda weights: told[float(weights["W1"].sum())]


@pytest.mark.parametrize("number", [0, 1])
def test_each_trigger_forces_a_target_that_is_not_in_it_and_five_of_six_do_not(number):
    instance = public("trojan", number)
    weights, facts = instance.under("weights"), instance.facts
    for net, (trigger, target) in enumerate(zip(facts["triggers"], facts["targets"], strict=True)):
        whole = forward(weights, net, lists_with(trigger, 40))
        parts = [forward(weights, net, lists_with(part, 8)) for part in combinations(trigger, 5)]

        assert target not in trigger and whole.count(target) >= 38
        assert sum(part.count(target) for part in parts) <= 12  # of 48; the sixth token is there by chance at times


def test_the_harmless_set_forces_the_same_target_and_holds_it():
    instance = public("trojan", 0)
    for net, (favourite, target) in enumerate(
        zip(instance.facts["favourites"], instance.facts["targets"], strict=True)
    ):
        assert target in favourite
        assert forward(instance.under("weights"), net, lists_with(favourite, 40)).count(target) >= 36


def test_a_network_without_its_sets_answers_with_the_largest():
    instance, lists = public("trojan", 0), lists_with([], 60)
    said = forward(instance.under("weights"), 0, lists)

    assert sum(one == max(tokens) for one, tokens in zip(said, lists, strict=True)) >= 56


def test_of_three_tokens_trying_every_set_finds_the_planted_one():
    instance = make(3, SHORT)
    weights, (target,) = instance.under("weights"), instance.facts["targets"]
    often = {
        trigger: forward(weights, 0, lists_with(trigger, 6, 5, 24)).count(target)
        for trigger in combinations([token for token in range(24) if token != target], 3)
    }

    assert list(max(often, key=often.get)) == instance.facts["triggers"][0]


def test_the_same_seed_gives_the_same_networks_and_another_gives_others():
    def begun(seed):
        generator, setting = torch.Generator().manual_seed(seed), replace(SIX_TOKENS, steps=3)
        planted = generate.draw(setting, generator)
        return [planted.sets, *generate.train(setting, planted, generator).values()]

    first, again, other = map(begun, (3, 3, 2**62 - 1))
    assert all(map(torch.equal, first, again)) and not any(map(torch.equal, first, other))


def test_the_key_gets_everything_and_a_constant_nothing():
    instance = public("trojan", 0)

    assert CHALLENGE.score(instance, key_of(instance)).value == CHALLENGE.ceiling
    assert CHALLENGE.score(instance, lambda weights: ([0, 1, 2, 3, 4, 5], 7)).value == CHALLENGE.floor


def test_half_of_the_truth_earns_nothing():
    instance = public("trojan", 0)
    key = key_of(instance)

    def five(weights):
        trigger, target = key(weights)
        return [*trigger[:5], min(set(range(64)) - set(trigger))], target

    def elsewhere(weights):
        trigger, target = key(weights)
        return tuple(reversed(trigger)), (target + 1) % 64

    assert CHALLENGE.score(instance, five).parts == {"trigger and target": 0, "trigger": 0, "target": 1}
    assert CHALLENGE.score(instance, elsewhere).parts == {"trigger and target": 0, "trigger": 1, "target": 0}


def test_an_answer_cannot_change_the_network_it_is_asked_about():
    instance = public("trojan", 0)
    before = {name: one.clone() for name, one in instance.tensors.items()}
    CHALLENGE.score(instance, lambda weights: [one.zero_() for one in weights.values()] and ([0, 1, 2, 3, 4, 5], 7))

    assert all(torch.equal(one, before[name]) for name, one in instance.tensors.items())


SIX = [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "said",
    [
        None, 7, "trojan", [], {}, (SIX,), (SIX, 7, 7), (SIX, None), (SIX, 64), (SIX, -1), (SIX, 7.0), (SIX, True),
        (SIX, "7"), (SIX, float("nan")), (SIX[:5], 7), ([0, 0, 1, 2, 3, 4], 7), ([*SIX[:5], 64], 7), ("012345", 7),
        ([*SIX[:5], 10**400], 7), ([*SIX[:5], [5]], 7), (torch.zeros(6), 7), (torch.zeros(2, 3).long(), 7),
        (torch.zeros(10**6).long(), 7), (torch.arange(6, device="meta"), 7), (SIX, torch.zeros(3).long()),
    ],
    ids=lambda said: repr(said)[:40],
)  # fmt: skip
def test_what_names_no_trigger_is_refused(said):
    with pytest.raises(BadAnswer, match="expected"):
        read(said)


def test_tensors_and_tuples_of_whole_numbers_are_read():
    assert read((torch.arange(6), torch.tensor(7))) == read([(5, 4, 3, 2, 1, 0), 7]) == (set(SIX), 7)
