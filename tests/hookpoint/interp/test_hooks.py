"""Promises of runs with edits, of the three ablations, and of the table to TransformerLens."""

import importlib.util
from dataclasses import replace

import pytest
import torch

from hookpoint.checks.hooks.tl_adapter import accepted
from hookpoint.interp.hooks import (
    get_resid_stack,
    grad_cache,
    mean_ablate,
    resample_ablate,
    run_with_cache,
    run_with_hooks,
    tl_adapter,
    zero_ablate_head,
)
from hookpoint.model import GPT2, Config, to_transformer_lens

CFG = Config(d_vocab=13, n_ctx=7, d_model=12, n_layers=2, n_heads=3, d_head=4, d_mlp=11, init_range=0.4)
TOY = replace(CFG, attn_only=True, normalization_type=None)
TOKENS = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [2, 4, 6, 8], [7, 5, 3, 1]])


def shaken(cfg: Config = CFG) -> GPT2:
    """A model in which no bias is 0 and no gain is 1."""
    model, generator = GPT2(cfg), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return model


def edited(model, tokens, *edits):
    """Every value of a run under edits."""
    with torch.no_grad(), model.hooked(edits):
        return run_with_cache(model, tokens)[1]


def test_an_edit_lasts_for_one_run_only():
    model = shaken()
    before = model(TOKENS)
    run_with_hooks(model, TOKENS, [zero_ablate_head(0, 1)])
    assert torch.equal(model(TOKENS), before)


def test_zero_ablation_equals_a_model_whose_head_writes_nothing():
    model, silent = shaken(), shaken()
    with torch.no_grad():
        silent.blocks[1].attn.W_O[2] = 0
    torch.testing.assert_close(run_with_hooks(model, TOKENS, [zero_ablate_head(1, 2)]), silent(TOKENS))


def test_mean_ablation_by_a_reference_of_one_text_gives_every_text_its_output():
    model = shaken()
    alone = edited(model, TOKENS[:1])["blocks.0.attn.hook_z"][0, :, 1]
    z = edited(model, TOKENS, mean_ablate(model, 0, 1, TOKENS[:1]))["blocks.0.attn.hook_z"]
    assert all(torch.allclose(text, alone, atol=1e-6) for text in z[:, :, 1])


def test_mean_ablation_over_positions_leaves_one_vector():
    model = shaken()
    z = edited(model, TOKENS[:, :3], mean_ablate(model, 0, 1, TOKENS, per_position=False))["blocks.0.attn.hook_z"]
    plain = edited(model, TOKENS)["blocks.0.attn.hook_z"][:, :, 1]
    torch.testing.assert_close(z[:, :, 1], plain.mean((0, 1)).expand(5, 3, -1))


def test_mean_ablation_refuses_a_run_longer_than_its_reference():
    model = shaken()
    with pytest.raises(ValueError, match="4 positions, the reference texts have 2"):
        run_with_hooks(model, TOKENS, [mean_ablate(model, 0, 1, TOKENS[:, :2])])


@pytest.mark.parametrize("seed", range(20))
def test_resampling_gives_every_text_the_output_of_another_one(seed):
    model, name = shaken(), "blocks.0.attn.hook_z"
    plain = edited(model, TOKENS)[name][:, :, 2]
    moved = edited(model, TOKENS, resample_ablate(0, 2, torch.Generator().manual_seed(seed)))[name][:, :, 2]
    source = [[torch.equal(new, old) for old in plain].index(True) for new in moved]
    assert sorted(source) == [0, 1, 2, 3, 4]
    assert all(text != other for text, other in enumerate(source))


def test_resampling_refuses_a_single_text():
    with pytest.raises(ValueError, match="two or more"):
        run_with_hooks(shaken(), TOKENS[:1], [resample_ablate(0, 0, torch.Generator())])


@pytest.mark.parametrize(("cfg", "terms"), [(CFG, 5), (TOY, 3)], ids=["GPT-2", "without MLPs"])
def test_the_terms_add_up_to_the_last_stream(cfg, terms):
    _, cache = run_with_cache(shaken(cfg), TOKENS)
    stack, labels = get_resid_stack(cache)
    assert len(stack) == len(labels) == terms
    torch.testing.assert_close(stack.sum(0), cache["blocks.1.hook_resid_post"])


def test_gradients_of_the_logits_sum_at_the_last_stream_are_those_of_the_unembedding():
    model = shaken(TOY)
    found = grad_cache(model, TOKENS, lambda logits: logits.sum())["blocks.1.hook_resid_post"]
    torch.testing.assert_close(found, model.unembed.W_U.detach().sum(1).expand_as(found))


def test_gradients_work_without_grad_mode_and_leave_no_trace():
    model = shaken().requires_grad_(False)
    with torch.no_grad():
        found = grad_cache(model, TOKENS, lambda logits: logits.square().sum())
    assert found.keys() == model.hook_points().keys()
    assert not any(value.requires_grad for value in found.values())
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("transformer_lens") is None, reason="TransformerLens is not installed")
@pytest.mark.parametrize("cfg", [CFG, replace(CFG, d_head=5), TOY], ids=["around GPT-2", "native", "toy"])
def test_every_name_that_the_check_accepts_holds_the_value_in_transformer_lens(cfg):
    model = shaken(cfg)
    with torch.no_grad():
        _, theirs = to_transformer_lens(model).run_with_cache(TOKENS)
        _, mine = run_with_cache(model, TOKENS)
    for name in tl_adapter(model):
        for other in accepted(name):
            torch.testing.assert_close(theirs[other], mine[name], rtol=1e-4, atol=1e-4)
