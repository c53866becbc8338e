"""Promises of the sparse autoencoders: the module, their data, the measurements, and what is shipped."""

import pytest
import torch
from torch.nn import functional as F

from hookpoint import zoo
from hookpoint.zoo.architectures.sae import SAE, best_cosines, sae_loss, unexplained
from hookpoint.zoo.architectures.toy import ToyModel
from hookpoint.zoo.definition import Trained
from hookpoint.zoo.recipes import saes


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def scrambled():
    """An SAE in which every parameter is random, biases too, and rows of the decoder are not of length 1."""

    def build(k=None):
        sae = SAE(5, 7, k, seed=None)
        for seed, parameter in enumerate(sae.parameters()):
            parameter.data = noise(*parameter.shape, seed=seed)
        return sae

    return build


# The module


def test_it_subtracts_the_decoders_bias_encodes_rectifies_decodes_and_adds_the_bias(scrambled):
    sae, x = scrambled(), noise(3, 2, 5, seed=9)

    recon, acts = sae(x)

    wanted = F.relu(F.linear(x - sae.b_dec, sae.W_enc.T, sae.b_enc))
    torch.testing.assert_close(acts, wanted)
    torch.testing.assert_close(recon, F.linear(wanted, sae.W_dec.T, sae.b_dec))


def test_with_k_the_k_largest_activations_of_each_row_stay_as_they_are(scrambled):
    dense, sparse, x = scrambled(), scrambled(k=2), noise(20, 5, seed=9)

    before, after = dense(x)[1], sparse(x)[1]

    for row_before, row_after in zip(before.tolist(), after.tolist(), strict=True):
        second = sorted(row_before)[-2]
        assert row_after == [value if value >= second else 0.0 for value in row_before]


def test_the_decoder_comes_back_to_rows_of_length_one_and_a_row_of_zeros_stays(scrambled):
    sae = scrambled()
    before = sae.W_dec.detach().clone()
    sae.W_dec.data[3] = 0

    sae.normalise_decoder_()

    norms = sae.W_dec.norm(dim=1)
    torch.testing.assert_close(norms, torch.tensor([1.0, 1, 1, 0, 1, 1, 1]))
    assert (F.cosine_similarity(sae.W_dec, before, dim=1)[norms > 0] > 0.9999).all()


def test_the_loss_on_numbers_that_were_worked_out_by_hand():
    sae = SAE(2, 1, seed=None)
    sae.load_state_dict({"W_enc": torch.tensor([[1.0], [0.0]]), "b_enc": torch.tensor([0.5]),
                         "W_dec": torch.tensor([[1.0, 0.0]]), "b_dec": torch.zeros(2)})  # fmt: skip
    # (2, 1) -> act 2.5, recon (2.5, 0), error .25 + 1; (-3, 0) -> act 0, recon (0, 0), error 9
    assert sae_loss(sae, torch.tensor([[2.0, 1.0], [-3.0, 0.0]]), l1=0.1).item() == pytest.approx((1.5 + 9) / 2)


# What is measured


def test_the_best_cosine_is_of_the_nearest_direction_whatever_the_lengths_and_not_of_the_opposite_one():
    truth = torch.tensor([[2.0, 0.0], [0.0, 0.5]])
    directions = torch.tensor([[3.0, 4.0], [0.0, -9.0], [0.0, 0.0]])

    assert best_cosines(directions, truth).tolist() == pytest.approx([0.6, 0.8])


def test_a_latent_that_never_fires_is_not_counted_as_a_find():
    sae, truth = SAE(2, 2, seed=None), torch.eye(2)
    sae.start_from(truth)
    sae.b_enc.data[1] = -100.0

    found = saes.recovery(sae, noise(50, 2), truth)

    assert found.tolist() == pytest.approx([1.0, 0.0])


def test_the_share_missed_is_nothing_for_the_identity_and_one_for_the_mean():
    x = noise(100, 2) + 5
    identity, mean = SAE(2, 4, seed=None), SAE(2, 4, seed=None)
    identity.start_from(torch.cat([torch.eye(2), -torch.eye(2)]))
    mean.b_dec.data = x.mean(dim=0)

    assert unexplained(identity, x) == pytest.approx(0.0, abs=1e-9)
    assert unexplained(mean, x) == pytest.approx(1.0)


# Data


def test_a_hidden_vector_is_a_sum_of_true_features_and_never_of_none():
    toy = ToyModel(3, 4, (1.0, 0.1), seed=1)
    toy.W.data[0] = 100.0  # an instance that has no part in it

    vectors = saes.hidden_vectors(toy, 2000, torch.Generator().manual_seed(0))

    assert vectors.shape == (2000, 3)
    assert (vectors.norm(dim=1) > 0).all() and vectors.norm(dim=1).max() < 50
    lone = F.cosine_similarity(vectors[:, None], saes.true_features(toy), dim=2).max(dim=1).values > 0.9999
    # One of four features at a time, given that there is one at all: 4 * .1 * .9^3 / (1 - .9^4) = .848
    assert lone.float().mean().item() == pytest.approx(0.848, abs=0.03)


def test_the_gaussian_vectors_have_the_mean_and_covariance_they_are_given():
    mean, covariance = torch.tensor([1.0, -2.0]), torch.tensor([[2.0, 0.6], [0.6, 0.5]])

    x = saes.gaussian_vectors(mean, covariance, 100_000, torch.Generator().manual_seed(0))

    torch.testing.assert_close(x.mean(dim=0), mean, rtol=0, atol=0.02)
    torch.testing.assert_close(torch.cov(x.T), covariance, rtol=0, atol=0.03)


# What is shipped


@pytest.mark.parametrize("name", saes.SETTINGS)
def test_every_shipped_decoder_has_rows_of_length_one_at_every_checkpoint(name):
    trained = zoo.open(name)

    for sae in (trained.model, *map(trained.at, trained.steps)):
        torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.ones(sae.W_dec.shape[0]))


def test_the_topk_sae_has_one_latent_active_at_a_time():
    x = saes.hidden_vectors(zoo.load("superposition_5_2"), 500, torch.Generator().manual_seed(7))

    assert ((zoo.load("sae_5_2_topk")(x)[1] > 0).sum(dim=1) <= 1).all()


@pytest.mark.parametrize("name", ["sae_40_16", "sae_5_2_topk"])
def test_a_decoder_with_shuffled_numbers_fails_the_evidence(name):
    recipe, sae = zoo.recipe(name), zoo.load(name)
    order = torch.randperm(sae.W_dec.numel(), generator=torch.Generator().manual_seed(0))
    sae.W_dec.data = sae.W_dec.data.flatten()[order].reshape(sae.W_dec.shape)

    figures = recipe.evidence(Trained(recipe, lambda step: sae.state_dict(), [], []))

    failed = {figure.name for figure in figures if not figure.holds}
    assert "the nearest latent's cosine, worst feature" in failed


def test_an_sae_that_knows_the_features_is_not_passed_off_as_the_failure(monkeypatch):
    monkeypatch.setattr(saes, "loss_at_truth", lambda name: 1.0)  # a second of training that is not asked about here
    recipe, sae = zoo.recipe("sae_5_2"), zoo.load("sae_5_2")
    sae.start_from(saes.true_features(zoo.load("superposition_5_2")))

    figures = recipe.evidence(Trained(recipe, lambda step: sae.state_dict(), [], []))

    assert {figure.name for figure in figures if not figure.holds} >= {"the nearest latent's cosine, worst feature"}
