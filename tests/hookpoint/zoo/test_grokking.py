"""Promises of the grokking recipes: their data, the quick step, the measurements, and what is shipped."""

import dataclasses
import math

import pytest
import torch

from hookpoint import zoo
from hookpoint.zoo.data.sums import every_sum, split
from hookpoint.zoo.definition import Trained
from hookpoint.zoo.recipes import grokking
from hookpoint.zoo.recipes import grokking_evidence as measured


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# Data


def test_every_sum_is_there_once_with_its_answer():
    tokens, answers = every_sum(5)

    assert tokens.tolist() == [[a, b, 5] for a in range(5) for b in range(5)]
    assert answers.tolist() == [(a + b) % 5 for a in range(5) for b in range(5)]


def test_a_sum_is_held_out_only_if_neither_order_is_in_training():
    parts = split(11)
    pairs = {name: {(i // 11, i % 11) for i in getattr(parts, name).tolist()} for name in vars(parts)}

    assert len(pairs["train"]) == math.floor(0.35 * 121)
    assert len(pairs["train"] | pairs["mirrored"] | pairs["held_out"]) == 121 == sum(map(len, pairs.values()))
    assert all((b, a) in pairs["train"] for a, b in pairs["mirrored"])
    assert all((b, a) not in pairs["train"] for a, b in pairs["held_out"])


def test_the_split_is_the_same_whatever_was_drawn_before():
    before = split(13).train
    torch.rand(7)

    assert torch.equal(before, split(13).train)


# The quick step


@pytest.fixture
def scrambled():
    """A small model in which every parameter, biases too, is random and matters."""
    model = grokking.build(p=7, d_model=8).double()
    for i, parameter in enumerate(model.parameters()):
        parameter.data = 0.5 * noise(*parameter.shape, seed=i)
        parameter.requires_grad_(True)
    return model


def test_the_table_step_gives_the_models_own_logits(scrambled):
    tokens, _ = every_sum(7)

    ours = grokking.table_logits(scrambled, tokens[:, 0], tokens[:, 1])

    torch.testing.assert_close(ours, scrambled(tokens)[:, -1], rtol=0, atol=1e-12)


def test_the_table_step_gives_the_models_own_gradients(scrambled):
    tokens, answers = every_sum(7)
    few = torch.tensor([3, 3, 17, 40, 48])
    parameters = dict(scrambled.named_parameters())

    def gradients(logits):
        loss = torch.nn.functional.cross_entropy(logits, answers[few])
        return torch.autograd.grad(loss, list(parameters.values()), materialize_grads=True)

    quick = gradients(grokking.table_logits(scrambled, tokens[few, 0], tokens[few, 1]))
    plain = gradients(scrambled(tokens[few])[:, -1])

    for name, ours, theirs in zip(parameters, quick, plain, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12, msg=name)


# Measurements


def waves(p, ks, d_model=32):
    """An embedding made of the waves of `ks` alone, around a mean, each in random directions."""
    x = 2 * torch.pi * torch.arange(p, dtype=torch.float64)[:, None] / p
    parts = [(k * x).cos() * noise(1, d_model, seed=k) + (k * x).sin() * noise(1, d_model, seed=100 + k) for k in ks]
    return sum(parts) + noise(1, d_model, seed=999)


def test_key_frequencies_are_those_that_were_built_in():
    assert set(measured.key_frequencies(waves(31, [2, 7, 15]))) == {2, 7, 15}


def test_random_numbers_have_no_key_frequency():
    assert measured.key_frequencies(noise(59, 64)) == []


def test_power_is_what_projections_on_sines_and_cosines_give():
    W_E = noise(13, 5)
    x = torch.arange(13, dtype=torch.float64)
    pairs = [((2 * torch.pi * k * x / 13).cos(), (2 * torch.pi * k * x / 13).sin()) for k in range(1, 7)]
    power = torch.stack([sum((wave @ W_E).square().sum() for wave in pair) for pair in pairs])

    torch.testing.assert_close(measured.embedding_power(W_E), power / power.sum())


def test_keeping_frequencies_keeps_these_and_the_mean_and_nothing_else():
    built, other = waves(31, [3, 5]), waves(31, [4, 11])

    kept = measured.keep_frequencies(built + other - other.mean(dim=0), [3, 5])

    torch.testing.assert_close(kept, built, rtol=0, atol=1e-10)


def sum_waves(p, k, sign=1):
    """Logits cos(2 pi k (a + sign * b - c) / p) for all a, b, c."""
    a, b, c = torch.meshgrid(*[torch.arange(p, dtype=torch.float64)] * 3, indexing="ij")
    return (2 * torch.pi * k * (a + sign * b - c) / p).cos().reshape(p * p, p)


@pytest.mark.parametrize(
    ("logits", "share"),
    [
        (sum_waves(11, 3), 1.0),
        (sum_waves(11, 3) + 100 * noise(121, 1), 1.0),  # a number for a whole row says nothing
        (3 * sum_waves(11, 3) + 4 * sum_waves(11, 2), 9 / 25),
        (sum_waves(11, 3, sign=-1), 0.0),
        (sum_waves(11, 4), 0.0),
    ],
    ids=["the wave", "shifted rows", "with another", "a - b", "another alone"],
)
def test_cosine_share_is_the_share_of_the_variance(logits, share):
    assert measured.cosine_share(logits, [3]) == pytest.approx(share, abs=1e-9)


def test_accuracy_counts_right_answers_in_the_part_alone():
    _, answers = every_sum(5)
    logits = torch.nn.functional.one_hot(answers, 5).float()
    logits[:4] = logits[:4].roll(1, dims=1)

    assert measured.accuracy(logits, torch.tensor([0, 1, 2, 10])) == 0.25


def test_cutting_frequencies_leaves_the_model_as_it_was():
    model = zoo.load("grokking")
    before = model.embed.W_E.clone()

    cut = measured.cut_accuracy(model, [1], split(59).train)

    assert cut < 0.2 and torch.equal(model.embed.W_E, before)


# What is shipped


def figures_of(trained):
    return {figure.name: figure for figure in measured.evidence(trained)}


def test_the_shipped_model_adds_sums_that_it_never_saw_in_either_order():
    tokens, answers = every_sum(59)
    unseen = split(59).held_out

    logits = zoo.load("grokking")(tokens[unseen])[:, -1]

    assert (logits.argmax(dim=1) == answers[unseen]).float().mean() > 0.97


def test_it_knew_its_sums_by_heart_long_before():
    tokens, answers = every_sum(59)
    right = zoo.load("grokking", step=200)(tokens)[:, -1].argmax(dim=1) == answers

    assert right[split(59).train].all()
    assert right[split(59).held_out].float().mean() < 0.05


@pytest.mark.parametrize("name", ["embed.W_E", "blocks.0.mlp.W_out", "unembed.W_U"])
def test_shuffled_weights_fail_the_evidence(name):
    shipped = zoo.open("grokking")
    state = dict(shipped.model.state_dict())
    order = torch.randperm(state[name].numel(), generator=torch.Generator().manual_seed(1))
    state[name] = state[name].flatten()[order].view_as(state[name])
    steps = list(shipped.steps)
    broken = Trained(
        shipped.recipe, lambda step: state if step is None else shipped.at(step).state_dict(), steps, shipped.log
    )

    assert not figures_of(broken)["accuracy on held-out sums"].holds


def test_a_model_that_never_knew_its_sums_fails_its_evidence():
    shipped = zoo.open("grokking")
    never = Trained(shipped.recipe, lambda step: shipped.at(0).state_dict(), [0, 50], [])

    assert measured.memorised_at(never) == 50
    assert not figures_of(never)["accuracy on training sums, once memorised"].holds


def test_another_seed_starts_from_other_weights_and_the_same_from_the_same():
    def start(seed):
        brief = dataclasses.replace(grokking.LIVE, updates=0, keep=(0,))
        return grokking.train(brief, zoo.Run("grokking_live", seed)).embed.W_E

    assert torch.equal(start(1), start(1)) and not torch.equal(start(1), start(2))
