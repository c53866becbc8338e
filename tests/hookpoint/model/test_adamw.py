"""Promises of our AdamW, with torch's as the oracle."""

import copy

import pytest
import torch
from torch import nn

from hookpoint.model.adamw import AdamW

# Far above the usual ones, so that a misplaced epsilon or decay shows.
OPTIONS = {"lr": 0.2, "betas": (0.8, 0.95), "eps": 0.3, "weight_decay": 0.4}
SHAPES = ((3, 2), (5,), ())


@pytest.fixture
def draw():
    generator = torch.Generator().manual_seed(0)
    return lambda: [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in SHAPES]


def parameters(values):
    return [nn.Parameter(value.clone()) for value in values]


def set_grads(params, gradients):
    for parameter, gradient in zip(params, gradients, strict=True):
        parameter.grad = None if gradient is None else gradient.clone()


def step_both(ours, mine, theirs, torchs, gradients):
    for optimizer, params in ((ours, mine), (theirs, torchs)):
        set_grads(params, gradients)
        optimizer.step()


def assert_equal(mine, torchs):
    for one, other in zip(mine, torchs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_several_steps_are_those_of_torch(draw):
    values = draw()
    mine, torchs = parameters(values), parameters(values)
    ours, theirs = AdamW(mine, **OPTIONS), torch.optim.AdamW(torchs, **OPTIONS)
    for _ in range(5):
        step_both(ours, mine, theirs, torchs, draw())
    assert_equal(mine, torchs)


def test_defaults_are_those_of_torch(draw):
    values = draw()
    mine, torchs = parameters(values), parameters(values)
    step_both(AdamW(mine), mine, torch.optim.AdamW(torchs), torchs, draw())
    assert_equal(mine, torchs)


def test_a_missing_gradient_leaves_the_parameter_and_its_count(draw):
    values = draw()
    mine, torchs = parameters(values), parameters(values)
    ours, theirs = AdamW(mine, **OPTIONS), torch.optim.AdamW(torchs, **OPTIONS)
    for have in ((1, 0, 1), (0, 0, 1), (1, 1, 1)):
        gradients = [gradient if there else None for gradient, there in zip(draw(), have, strict=True)]
        step_both(ours, mine, theirs, torchs, gradients)
    assert_equal(mine, torchs)


def test_groups_keep_their_own_options_and_a_schedule_can_change_them(draw):
    values = draw()
    mine, torchs = parameters(values), parameters(values)
    groups = [[{"params": p[:2], "weight_decay": 0.0}, {"params": p[2:], "lr": 0.9}] for p in (mine, torchs)]
    ours, theirs = AdamW(groups[0], **OPTIONS), torch.optim.AdamW(groups[1], **OPTIONS)
    step_both(ours, mine, theirs, torchs, draw())
    for optimizer in (ours, theirs):
        optimizer.param_groups[0]["lr"] = 0.01
    step_both(ours, mine, theirs, torchs, draw())
    assert_equal(mine, torchs)


def test_the_caller_keeps_its_groups(draw):
    group = {"params": parameters(draw())}
    AdamW([group])
    assert list(group) == ["params"]


def test_a_loaded_state_goes_on_as_if_nothing_had_happened(draw):
    first = parameters(draw())
    optimizer = AdamW(iter(first), **OPTIONS)
    set_grads(first, [draw()[0], None, draw()[2]])
    optimizer.step()
    second = parameters([parameter.detach() for parameter in first])
    later = AdamW(second)
    later.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    step_both(optimizer, first, later, second, draw())
    assert_equal(first, second)


def test_two_optimizers_that_load_one_state_do_not_share_it(draw):
    first, second, third = parameters(draw()), parameters(draw()), parameters(draw())
    optimizers = [AdamW(params, **OPTIONS) for params in (first, second, third)]
    set_grads(first, draw())
    optimizers[0].step()
    state = optimizers[0].state_dict()
    before = copy.deepcopy(state)
    optimizers[1].load_state_dict(state)
    set_grads(second, draw())
    optimizers[1].step()
    assert all(torch.equal(state["state"][n]["exp_avg"], before["state"][n]["exp_avg"]) for n in range(3))


def test_a_state_of_other_groups_is_refused(draw):
    two = AdamW([{"params": parameters(draw())}, {"params": parameters(draw())}])
    with pytest.raises(ValueError, match="other parameter groups"):
        AdamW(parameters(draw())).load_state_dict(two.state_dict())


@pytest.mark.parametrize("set_to_none", [True, False])
def test_zero_grad_leaves_no_gradient_that_counts(draw, set_to_none):
    params = parameters(draw())
    set_grads(params, [*draw()[:2], None])
    AdamW(params).zero_grad(set_to_none=set_to_none)
    assert all(p.grad is None or (not set_to_none and not p.grad.any()) for p in params)
