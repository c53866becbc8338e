"""`truth_without_labels`: truth is there, distractors are louder, and only a group says which is which."""

import math
from importlib import import_module

import pytest
import torch

from hookpoint.challenges.at_home import public
from hookpoint.challenges.definition import BadAnswer
from hookpoint.challenges.entries import entries, load
from hookpoint.challenges.instance import Instance
from hookpoint.challenges.registry import challenge

CHALLENGE = challenge("truth_without_labels")


@pytest.fixture(scope="module", params=[0, 1])
def instance(request):
    return public("truth_without_labels", request.param)


def gaps(instance):
    groups = instance.tensors["groups"]
    return groups[:, :, 0] - groups[:, :, 1]


def supervised(instance):
    """The direction that least squares find with the labels of the groups."""
    labels = torch.where(instance.tensors["order"], 1.0, -1.0).repeat_interleave(2)
    return torch.linalg.lstsq(gaps(instance).flatten(0, 1), labels[:, None]).solution[:, 0]


def scored(instance, direction):
    return CHALLENGE.score(instance, lambda groups: direction).value


def tiny(first, is_true, distractors):
    """An instance with pairs whose differences have these numbers in the first place, and zero elsewhere."""
    differences = torch.zeros(len(first), 64)
    differences[:, 0] = torch.tensor(first)
    key = {"is_true": torch.tensor(is_true), "distractors": torch.tensor(distractors)}
    return Instance("truth_without_labels", 0, {"gaps": differences, "groups": torch.zeros(1, 2, 2, 64), **key}, {})


def test_with_the_labels_the_mark_can_be_reached(instance):
    assert scored(instance, supervised(instance)) > CHALLENGE.pass_mark


def test_at_least_one_distractor_is_louder_than_truth(instance):
    private, is_true = instance.tensors["gaps"], instance.tensors["is_true"]
    sizes = [
        (private[one].mean(dim=0) - private[~one].mean(dim=0)).norm()
        for one in (is_true, *instance.tensors["distractors"].T)
    ]
    assert max(sizes[1:]) > 1.5 * sizes[0]


def test_the_two_pairs_of_a_group_agree_along_truth_and_not_along_the_loudest_direction(instance):
    first, second = gaps(instance).unbind(dim=1)
    truth, loudest = supervised(instance), torch.linalg.svd(torch.cat([first, second]))[2][0]
    agree = [torch.corrcoef(torch.stack([first @ one, second @ one]))[0, 1] for one in (truth, loudest)]
    assert agree[0] > 0.8 and abs(agree[1]) < 0.3


def test_the_order_inside_a_pair_says_nothing(instance):
    for one in (instance.tensors["order"], instance.tensors["is_true"], *instance.tensors["distractors"].T):
        assert abs(one.float().mean() - 0.5) < 4 * 0.5 / math.sqrt(len(one))


def test_the_same_seed_gives_the_same_instance_and_another_seed_another(monkeypatch):
    for name, value in {"STEPS": 2, "LEAST_ACCURACY": 0.0, "LEAST_PROBE": -1.0}.items():
        monkeypatch.setattr(import_module("hookpoint.challenges.truth_without_labels.generate"), name, value)
    first, again, other = (CHALLENGE.generate(2**61 + each).tensors for each in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["groups"], other["groups"])


def test_the_score_is_the_difference_of_two_accuracies():
    made = tiny([1.0, 2.0, -1.0, 3.0], [True, True, False, False], [[True], [False], [False], [False]])
    # The signs are + + - +: three of four are truth's, and two of four the distractor's.
    assert scored(made, torch.eye(64)[0]) == pytest.approx(0.75 - 0.5)


def test_of_several_distractors_the_best_told_counts_and_its_sign_does_not():
    made = tiny([1.0, 2.0, -1.0, -3.0], [True, True, True, False], [[True, False]] * 2 + [[True, True]] * 2)
    # Truth: + + - -, three of four. The second distractor is told always, with the other sign.
    assert scored(made, torch.eye(64)[0]) == pytest.approx(0.75 - 1.0)


@pytest.mark.parametrize("factor", [-1.0, 1e-30, 1e30])
def test_sign_and_length_do_not_matter(instance, factor):
    direction = supervised(instance).double()
    assert scored(instance, direction * factor) == scored(instance, direction)


@pytest.mark.parametrize("name", ["constant", "task_rule", "pca"])
def test_who_takes_the_loudest_gets_less_than_nothing(instance, name):
    [entry] = [entry for entry in entries("truth_without_labels") if entry.name == name]
    assert CHALLENGE.score(instance, load(entry, CHALLENGE)).value < 0.05


@pytest.mark.parametrize(
    "returned",
    [
        None,
        0.5,
        [0.0] * 64,
        torch.zeros(64),
        torch.ones(63),
        torch.ones(64, 1),
        torch.ones(64, dtype=torch.int64),
        torch.full((64,), float("nan")),
        torch.full((64,), float("inf")),
        torch.ones(64, device="meta"),
        torch.ones(64).to_sparse(),
        "truth",
    ],
)
def test_a_broken_answer_is_refused(instance, returned):
    with pytest.raises(BadAnswer):
        scored(instance, returned)
