"""Promises of the superposition models: their data, the arithmetic, the measurements, and what is shipped."""

import math

import pytest
import torch

from hookpoint import zoo
from hookpoint.zoo.architectures.toy import ToyModel, instance_losses, sparse_features
from hookpoint.zoo.definition import Trained
from hookpoint.zoo.recipes import superposition


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def pentagon():
    """Five unit vectors in the plane, 72 degrees apart, as [hid, feat]."""
    angle = torch.arange(5) * 2 * math.pi / 5 + 0.3
    return torch.stack([angle.cos(), angle.sin()])


# Data


def test_features_are_uniform_and_present_as_often_as_asked_in_every_instance():
    x = sparse_features(20_000, torch.tensor([1.0, 0.3, 0.05]), 2, seeded())

    present = x > 0
    torch.testing.assert_close(present.float().mean(dim=0), torch.tensor([[1.0], [0.3], [0.05]]).expand(3, 2),
                               rtol=0, atol=0.015)  # fmt: skip
    for instance in range(3):
        quartiles = x[:, instance][present[:, instance]].quantile(torch.tensor([0.25, 0.5, 0.75]))
        torch.testing.assert_close(quartiles, torch.tensor([0.25, 0.5, 0.75]), rtol=0, atol=0.04)


def test_features_come_and_go_independently():
    present = (sparse_features(50_000, torch.tensor([0.3]), 3, seeded())[:, 0] > 0).double()

    torch.testing.assert_close(torch.corrcoef(present.T), torch.eye(3, dtype=torch.float64), rtol=0, atol=0.02)


def test_the_same_generator_gives_the_same_batch_and_another_gives_another():
    model = ToyModel(2, 5, (0.5,))

    assert torch.equal(model.batch(9, seeded(1)), model.batch(9, seeded(1)))
    assert not torch.equal(model.batch(9, seeded(1)), model.batch(9, seeded(2)))


# The model


def test_the_output_on_numbers_that_were_worked_out_by_hand():
    model = ToyModel(1, 2, (1.0,), seed=None)
    model.load_state_dict({"W": torch.tensor([[[2.0, -1.0]]]), "b_final": torch.tensor([[0.5, 0.25]])})
    # hidden = 2 * 1 - 1 * 0.5 = 1.5, back to (3, -1.5), with the bias (3.5, -1.25)
    assert model(torch.tensor([[[1.0, 0.5]]])).tolist() == [[[3.5, 0.0]]]


def test_an_instance_sees_its_own_weights_and_features_only():
    model, x = ToyModel(3, 4, (1.0, 1.0)), sparse_features(6, torch.tensor([1.0, 1.0]), 4, seeded())
    before = model(x)

    model.W.data[1] *= 2
    x[:, 1] = 0.1

    after = model(x)
    assert torch.equal(before[:, 0], after[:, 0])
    assert not torch.equal(before[:, 1], after[:, 1])


def test_the_loss_weighs_squares_by_importance_sums_features_and_averages_rows():
    model = ToyModel(1, 2, (1.0,), importance=(1.0, 0.25), seed=None)  # every output is 0
    x = torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]]])

    assert instance_losses(model, x).tolist() == [((1 + 0.25 * 4) + (9 + 0.25 * 16)) / 2]


def test_the_hidden_vector_can_be_read():
    model, x = ToyModel(2, 5, (1.0,)), sparse_features(3, torch.tensor([1.0]), 5, seeded())

    _, cache = model.run_with_cache(x)

    torch.testing.assert_close(cache["hook_hidden"][:, 0], x[:, 0] @ model.W[0].T.detach())


# What is measured


def test_dimensionality_is_one_alone_a_half_in_a_pair_two_fifths_in_a_pentagon_and_nothing_without_a_vector():
    alone_and_pair = torch.tensor([[3.0, 0.0, 0.0, 0.0, 0.0], [0.0, 2.0, -2.0, 0.0, 0.0]])

    share = superposition.feature_dimensionality(torch.stack([alone_and_pair, pentagon()]))

    torch.testing.assert_close(share, torch.tensor([[1, 0.5, 0.5, 0, 0], [0.4] * 5]))


def test_dimensionalities_do_not_change_when_the_hidden_vector_is_turned():
    W = torch.randn(1, 3, 7, generator=seeded())
    turn = torch.linalg.qr(torch.randn(3, 3, generator=seeded(1))).Q

    share = superposition.feature_dimensionality(W)
    torch.testing.assert_close(share, superposition.feature_dimensionality(turn @ W))
    assert share.sum() <= 3 + 1e-5


def test_the_angles_of_a_pentagon_are_seventy_two_degrees_in_any_order_of_its_features():
    shuffled = pentagon()[:, [3, 0, 4, 1, 2]]

    torch.testing.assert_close(superposition.neighbour_angles(shuffled), torch.full((5,), 72.0))


def test_the_largest_cosine_ignores_lengths_and_sees_only_different_features():
    W = torch.tensor([[5.0, 0.0, 0.3], [0.0, 0.1, 0.4]])  # the third is 3-4-5: cosines 0.6 and 0.8

    assert superposition.largest_cosine(W) == pytest.approx(0.8)


@torch.no_grad()
def test_no_affine_map_beats_the_linear_loss_and_keeping_the_important_features_reaches_it():
    model = ToyModel(2, 4, (0.4,), importance=(0.3, 1.0, 0.2, 0.6))
    x, weight = sparse_features(200_000, torch.tensor([0.4]), 4, seeded())[:, 0], torch.tensor([0.3, 1.0, 0.2, 0.6])
    centred = (x - x.mean(dim=0)) * weight.sqrt()
    # The best map of rank 2 by the singular values of the weighted data: what is left of the variance.
    left = torch.linalg.svdvals(centred)[2:].square().sum() / len(x)

    torch.testing.assert_close(superposition.linear_loss(model)[0], left, rtol=0.02, atol=0)


# What is shipped


def evidence_of(name, model):
    """The figures that fail when `model` stands in for the shipped one."""
    recipe, shipped = zoo.recipe(name), zoo.open(name)
    states = {step: shipped.at(step).state_dict() for step in shipped.steps} | {None: model.state_dict()}
    figures = recipe.evidence(Trained(recipe, states.get, shipped.steps, []))
    return {figure.name for figure in figures if not figure.holds and not figure.control}


@pytest.mark.parametrize("name", superposition.SIZES)
def test_the_shipped_model_has_more_features_than_dimensions_only_where_they_are_rare(name):
    model = zoo.load(name)
    n_hid = model.W.shape[1]
    # Dimensionalities sum to at most n_hid, so features that share nothing cannot be more than that.
    alone = superposition.feature_dimensionality(model.W) > 0.9

    assert (model.W[-1].norm(dim=0) > 0.5).sum() > n_hid + 2
    assert alone[-1].sum() == 0


@pytest.mark.parametrize("name", superposition.SIZES)
def test_a_shuffled_model_fails_its_evidence(name):
    model = zoo.load(name)
    assert not evidence_of(name, model)
    for row in model.W.data:
        row.copy_(row.flatten()[torch.randperm(row.numel(), generator=seeded())].reshape(row.shape))

    assert any("linear" in figure for figure in evidence_of(name, model))


def test_the_checkpoints_begin_untrained_and_end_with_the_model():
    trained = zoo.open("superposition_5_2")

    first, last = trained.at(trained.steps[0]), trained.at(trained.steps[-1])
    assert torch.equal(last.W, trained.model.W)
    assert superposition.against_linear(first)[-1] > 3 * superposition.against_linear(last)[-1]
