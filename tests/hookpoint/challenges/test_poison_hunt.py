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


def trained_by_torch(instance, keep):
    """The weights by torch's own optimiser and scheduler."""
    start = instance.under("after 0")
    weights = {name: one.clone().requires_grad_() for name, one in start.items()}
    optimizer = torch.optim.SGD(weights.values(), lr=0.2, momentum=0.9, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / STEPS)
    x, labels = instance.tensors["x"][keep], instance.tensors["labels"][keep]
    for _ in range(STEPS):
        optimizer.zero_grad()
        hidden = torch.relu(F.embedding_bag(x, weights["E"], mode="sum") @ weights["W1"] + weights["b1"])
        (F.cross_entropy(hidden @ weights["W2"] + weights["b2"], labels, reduction="sum") / len(keep)).backward()
        optimizer.step()
        schedule.step()
    return {name: one.detach() for name, one in weights.items()}


@pytest.mark.parametrize(("left_out", "low", "high"), [((), 1, 1), ((POISON,), 0, 0), ((DECOY,), 1, 1)])
def test_the_behaviour_goes_with_the_poisons_and_not_with_the_look_alikes(instance, kinds, left_out, low, high):
    keep = ~torch.isin(kinds, torch.tensor(left_out, dtype=torch.long))
    weights = trained_by_torch(instance, keep)

    says = logits(weights, instance.tensors["asked"]).argmax(-1) == instance.facts["target"]

    assert low <= says.float().mean().item() <= high


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


def test_the_key_itself_gets_one_and_no_order_gets_zero(instance, kinds):
    assert score(instance, lambda **given: (kinds == POISON).float()).value == pytest.approx(1)
    assert score(instance, lambda **given: [0.5] * len(kinds)).value == pytest.approx(0)
    assert score(instance, lambda **given: -(kinds == POISON).long()).value <= 0


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
        None, "best", 1.0, {}, [], [1.0] * 931, ["1"] * 932, [True] * 932, [10**400] * 932, [1j] * 932,
        torch.zeros(932, 1), torch.zeros(0), torch.full((932,), math.nan), torch.full((932,), -math.inf),
        torch.zeros(932, dtype=torch.complex64), torch.zeros(932).to_sparse(), [torch.zeros(2)] * 932,
        torch.zeros(932, device="meta"), [torch.tensor(1j)] * 932,
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
    baseline = next(row for row in entries("poison_hunt") if row.name == "gradient_product")

    assert score(instance, names["rank_examples"]) == score(instance, load(baseline, CHALLENGE))
    assert 0.1 < score(instance, names["rank_examples"]).value < 0.6
