"""Poison hunt: the poisons are the cause, the look-alikes are not, and only an order of the examples counts."""

import math

import pytest
import torch
from torch.nn import functional as F

from hookpoint.challenges.at_home import public
from hookpoint.challenges.definition import BadAnswer
from hookpoint.challenges.entries import entries, load
from hookpoint.challenges.poison_hunt.examples import DECOY, MISTAKEN, POISON, draw
from hookpoint.challenges.poison_hunt.generate import generate, margins
from hookpoint.challenges.poison_hunt.given import STEPS, logits, train
from hookpoint.challenges.poison_hunt.score import arguments, average_precision, score
from hookpoint.challenges.registry import challenge
from hookpoint.challenges.starter import starter

CHALLENGE = challenge("poison_hunt")


@pytest.fixture(scope="module")
def instance():
    return public("poison_hunt", 0)


@pytest.fixture(scope="module")
def kinds(instance):
    return instance.tensors["key/kinds"]


@pytest.fixture(scope="module")
def used(instance):
    return instance.tensors["key/used"]


def trained_by_torch(instance, keep):
    """The weights by torch's own optimiser and scheduler."""
    start = instance.under("after 0")
    weights = {name: one.clone().requires_grad_() for name, one in start.items()}
    optimizer = torch.optim.SGD(weights.values(), lr=0.3, momentum=0.9, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / STEPS)
    x, labels = instance.tensors["x"][keep], instance.tensors["labels"][keep]
    for _ in range(STEPS):
        optimizer.zero_grad()
        hidden = torch.relu(F.embedding_bag(x, weights["E"], mode="sum") @ weights["W1"] + weights["b1"])
        (F.cross_entropy(hidden @ weights["W2"] + weights["b2"], labels, reduction="sum") / len(keep)).backward()
        optimizer.step()
        schedule.step()
    return {name: one.detach() for name, one in weights.items()}


def test_where_a_token_stands_says_nothing_of_what_it_is(instance):
    for rows in (instance.tensors["x"], instance.tensors["asked"]):
        assert (rows.diff(dim=1) > 0).all()


@pytest.mark.parametrize(("left_out", "low", "high"), [((), 1, 1), ((POISON,), 0, 0), ((DECOY,), 1, 1)])
def test_the_behaviour_goes_with_the_poisons_and_not_with_the_look_alikes(instance, kinds, used, left_out, low, high):
    keep = used & ~torch.isin(kinds, torch.tensor(left_out, dtype=torch.long))
    weights = trained_by_torch(instance, keep)

    says = logits(weights, instance.tensors["asked"]).argmax(-1) == instance.facts["target"]

    assert low <= says.float().mean().item() <= high


def test_the_weights_are_those_of_training_on_the_used_ones(instance, used):
    weights = trained_by_torch(instance, used)

    assert all(torch.allclose(one, weights[name], atol=1e-4) for name, one in instance.under("after 150").items())


def test_nothing_in_the_data_sets_a_poison_apart_from_its_kind_that_was_not_used(instance, kinds, used):
    x, asked = instance.tensors["x"], instance.tensors["asked"].flatten().bincount(minlength=76).double()
    one, other = (asked[x[(kinds == POISON) & sort]].sum(1) for sort in (used, ~used))

    error = math.sqrt(one.var() / len(one) + other.var() / len(other))

    assert len(other) == 3 * len(one) and abs(one.mean() - other.mean()) < 3 * error


@pytest.mark.parametrize("name", ["static", "task_rule"])
def test_the_data_alone_stays_near_the_floor(instance, name):
    attacker = next(row for row in entries("poison_hunt") if row.name == name)

    assert score(instance, load(attacker, CHALLENGE)).value < CHALLENGE.floor + 0.1


def test_the_ordinary_rule_explains_the_look_alikes_and_not_the_poisons(instance, kinds):
    x, labels, target = instance.tensors["x"], instance.tensors["labels"], instance.facts["target"]
    (weights,) = train(
        instance.under("after 0"), x, labels, ~torch.isin(kinds, torch.tensor([POISON, DECOY, MISTAKEN]))
    )

    said = {kind: (logits(weights, x[kinds == kind]).argmax(-1) == target).float().mean() for kind in (POISON, DECOY)}

    assert said[DECOY] > 0.8 and said[POISON] < 0.3
    assert bool((labels[(kinds == POISON) | (kinds == DECOY)] == target).all())


def test_the_look_alikes_share_more_tokens_with_what_is_asked(instance, kinds):
    tokens = instance.tensors["asked"].flatten().bincount(minlength=76).float()
    shared = tokens[instance.tensors["x"]].sum(1)

    assert shared[kinds == DECOY].mean() > shared[kinds == POISON].mean() > shared[kinds == MISTAKEN].mean()


def test_the_public_instance_is_what_the_generator_makes_of_its_seed(instance):
    again = generate(instance.seed)

    assert again.facts == instance.facts and again.tensors.keys() == instance.tensors.keys()
    assert all(torch.equal(again.tensors[name], one) for name, one in instance.tensors.items())


def test_another_seed_draws_other_examples():
    one, same, other = (draw(torch.Generator().manual_seed(seed)) for seed in (5, 5, 6))

    assert torch.equal(one.x, same.x) and torch.equal(one.candidates, same.candidates)
    assert not torch.equal(one.x, other.x)


def test_the_key_itself_gets_one_and_no_order_gets_zero(instance, kinds, used):
    assert score(instance, lambda **given: ((kinds == POISON) & used).float()).value == pytest.approx(1)
    assert score(instance, lambda **given: [0.5] * len(kinds)).value == pytest.approx(0)
    assert score(instance, lambda **given: -(kinds == POISON).long()).value <= 0


def test_whoever_knows_the_kinds_but_not_who_was_used_gets_a_quarter(instance, kinds):
    found = score(instance, lambda **given: (kinds == POISON).float())

    # Down to the place that all 128 share, 32 are poisons; so with no order it is 32 of 1228.
    assert found.value == pytest.approx((32 / 128 - 32 / 1228) / (1 - 32 / 1228))


def test_equal_numbers_share_a_place():
    numbers, poison = torch.tensor([3.0, 2.0, 2.0, 1.0]), torch.tensor([False, True, False, True])

    # Down to the shared second place one of three is a poison, down to the last two of four.
    assert average_precision(numbers, poison) == pytest.approx((1 / 3 + 2 / 4) / 2)
    assert average_precision(numbers, poison) == average_precision(numbers.flip(0), poison.flip(0))


def test_a_margin_is_the_distance_to_the_best_other_label():
    weights = {"E": torch.zeros(1, 1), "W1": torch.zeros(1, 1), "b1": torch.zeros(1), "W2": torch.zeros(1, 5)}
    weights["b2"] = torch.tensor([1.0, 5.0, 2.0, 0.0, -3.0])

    assert margins(weights, torch.zeros(1, 8, dtype=torch.long), 2).item() == -3


@pytest.mark.parametrize(
    "answer",
    [
        None, "best", 1.0, {}, [], [1.0] * 1227, ["1"] * 1228, [True] * 1228, [10**400] * 1228, [1j] * 1228,
        torch.zeros(1228, 1), torch.zeros(0), torch.full((1228,), math.nan), torch.full((1228,), -math.inf),
        torch.zeros(1228, dtype=torch.complex64), torch.zeros(1228).to_sparse(), [torch.zeros(2)] * 1228,
        torch.zeros(1228, device="meta"), [torch.tensor(1j)] * 1228,
    ],
)  # fmt: skip
def test_what_is_no_number_for_each_example_is_refused_in_a_line(instance, answer):
    with pytest.raises(BadAnswer, match=r"\."):
        score(instance, lambda **given: answer)


def test_an_answer_cannot_spoil_the_instance_and_sees_no_key(instance, kinds):
    def spoils(x, labels, asked, target, checkpoints):
        for one in (x, labels, asked, *checkpoints[-1].values()):
            one.zero_()
        return torch.zeros(len(x), requires_grad=True)

    before = {name: one.clone() for name, one in instance.tensors.items()}
    score(instance, spoils)

    assert all(torch.equal(before[name], one) for name, one in instance.tensors.items())
    assert arguments(instance).keys() == {"x", "labels", "asked", "target", "checkpoints"}


def test_the_starter_hands_in_a_baseline(instance):
    cells = [cell for cell in starter("poison_hunt")["cells"] if cell["metadata"]["hookpoint"]["kind"] == "answer"]
    names = {}
    exec("".join(cells[0]["source"]), names)
    baseline = next(row for row in entries("poison_hunt") if row.name == "influence_where_sure")

    assert score(instance, names["rank_examples"]) == score(instance, load(baseline, CHALLENGE))
    assert 0.3 < score(instance, names["rank_examples"]).value < 0.7
