"""Promises of the training loop and its pieces."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hookpoint.model import GPT2, Config, TrainConfig
from hookpoint.model.training import (
    clip_grad_norm,
    decay_groups,
    evaluate,
    get_batch,
    lr_schedule,
    train,
    train_step,
    windows,
)

CFG = Config(d_vocab=13, n_ctx=8, d_model=10, n_layers=2, n_heads=2, d_head=3, d_mlp=17)
RUN = TrainConfig(steps=6, batch=3, pos=5, max_lr=0.02, min_lr=0.002, warmup=2, eval_every=4)
DATA = torch.randint(13, (300,), generator=torch.Generator().manual_seed(0))


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def weights(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_targets_are_the_tokens_after_the_inputs():
    data = torch.randperm(50, generator=rng())
    x, y = get_batch(data, 7, 5, rng())
    place = {token: index for index, token in enumerate(data.tolist())}
    assert all(data[place[a] + 1] == b for a, b in zip(x.flatten().tolist(), y.flatten().tolist(), strict=True))


def test_every_place_comes_up_and_no_other():
    data = torch.arange(100, 111)
    x, _ = get_batch(data, 500, 4, rng())
    assert set(x[:, 0].tolist()) == set(range(100, 107))


@pytest.mark.parametrize("boundaries", [[0, 4, 6], [4, 6]], ids=["with 0", "without 0"])
def test_rows_stay_within_documents(boundaries):
    x, y = get_batch(torch.arange(12), 500, 3, rng(), boundaries)
    assert set(x[:, 0].tolist()) == {0, 6, 7, 8}
    assert y.max() == 11


def test_no_place_for_a_row_is_an_error():
    with pytest.raises(ValueError, match="no document has the 6 tokens"):
        get_batch(torch.arange(8), 2, 5, rng(), [4])


@pytest.mark.parametrize(
    ("step", "rate"), [(0, 0.25), (3, 1.0), (6, 0.55), (9, 0.1), (10, 0.1), (99, 0.1)], ids=lambda value: str(value)
)
def test_the_schedule_at_its_corners(step, rate):
    assert lr_schedule(step, 1.0, 0.1, warmup=4, total=10) == pytest.approx(rate)


def test_without_a_warm_up_the_schedule_starts_at_the_top():
    assert lr_schedule(0, 1.0, 0.1, warmup=0, total=10) == 1.0


def with_gradients(*gradients):
    params = [nn.Parameter(torch.zeros(len(gradient))) for gradient in gradients]
    for parameter, gradient in zip(params, gradients, strict=True):
        parameter.grad = torch.tensor(gradient)
    return params


def test_clipping_scales_all_gradients_together():
    params = with_gradients([3.0], [0.0, 4.0])
    assert clip_grad_norm(iter([*params, nn.Parameter(torch.ones(2))]), 1.0) == 5.0
    torch.testing.assert_close([p.grad for p in params], [torch.tensor([0.6]), torch.tensor([0.0, 0.8])])


def test_short_gradients_are_left_alone_and_none_at_all_have_norm_0():
    params = with_gradients([3.0], [4.0])
    assert clip_grad_norm(params, 6.0) == 5.0
    assert params[0].grad == 3.0
    assert clip_grad_norm([nn.Parameter(torch.ones(2))], 1.0) == 0.0


def test_biases_of_heads_do_not_decay_and_every_parameter_is_in_one_group():
    model = GPT2(CFG)
    decayed, spared = (group["params"] for group in decay_groups(model, 0.1))
    assert any(parameter is model.blocks[0].attn.b_Q for parameter in spared)
    assert any(parameter is model.embed.W_E for parameter in decayed)
    assert sorted(map(id, decayed + spared)) == sorted(map(id, model.parameters()))


def test_micro_batches_take_the_step_of_one_big_batch():
    x, y = get_batch(DATA, 6, 5, rng())
    results = []
    for batches in ([(x, y)], [(x[:1], y[:1]), (x[1:], y[1:])]):
        model = GPT2(CFG).double()
        loss = train_step(model, batches, torch.optim.SGD(model.parameters(), lr=1.0), max_norm=0.5)
        results.append((loss, weights(model)))
    assert results[0][0] == pytest.approx(results[1][0])
    torch.testing.assert_close(results[0][1], results[1][1])


def test_evaluation_weighs_tokens_and_restores_the_mode():
    model = GPT2(CFG).train()
    pairs = list(windows(DATA[:38], 3, 5))
    whole = torch.cat([F.cross_entropy(model(x).flatten(0, 1), y.flatten(), reduction="none") for x, y in pairs])
    assert evaluate(model, iter(pairs)) == pytest.approx(whole.mean().item(), rel=1e-5)
    assert model.training


@pytest.mark.parametrize("length", [6, 11, 12, 38])
def test_windows_hold_every_prediction_once(length):
    pairs = list(windows(torch.arange(length), 3, 5))
    assert torch.cat([y.flatten() for _, y in pairs]).tolist() == list(range(1, length))
    assert all(torch.equal(x + 1, y) and len(x) <= 3 and x.shape[1] <= 5 for x, y in pairs)


def test_a_session_tells_its_steps_rates_and_losses():
    history = train(GPT2(CFG), DATA, replace(RUN, stop=5), seed=0)
    assert history["steps"] == [0, 1, 2, 3, 4]
    assert history["lr"] == [lr_schedule(step, 0.02, 0.002, 2, 6) for step in range(5)]
    assert [step for step, _ in history["val_loss"]] == [4, 5]
    assert history["train_loss"][0] == pytest.approx(math.log(13), abs=0.1)


def test_a_run_in_two_sessions_is_the_run_in_one(tmp_path):
    whole, first, second = GPT2(CFG, seed=0), GPT2(CFG, seed=0), GPT2(CFG, seed=1)
    told = train(whole, DATA, RUN, seed=3)
    train(first, DATA, replace(RUN, stop=2, checkpoint=tmp_path / "run.safetensors"), seed=3)
    rest = train(second, DATA, RUN, seed=3, resume=tmp_path / "run.safetensors")
    assert torch.equal(weights(second), weights(whole))
    assert rest["train_loss"] == told["train_loss"][2:]


def test_the_last_tenth_is_never_trained_on():
    data = torch.cat([DATA[:270] % 10, 10 + DATA[:30] % 3])
    model = GPT2(CFG)
    before = model.embed.W_E.detach().clone()
    train(model, data, replace(RUN, weight_decay=0.0, batch=20), seed=0)
    moved = (model.embed.W_E - before).any(-1)
    assert moved[:10].all() and not moved[10:].any()
