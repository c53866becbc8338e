"""The lens against interventions in the model itself: what it says a model would say, the model says."""

import math
from dataclasses import replace

import pytest
import torch

from hookpoint import zoo
from hookpoint.interp import attribution, lens
from hookpoint.model import GPT2, Config

CFG = Config(d_vocab=13, n_ctx=9, d_model=10, n_layers=3, n_heads=2, d_head=4, d_mlp=11, eps=0.1)
TOYS = [CFG, replace(CFG, normalization_type=None), replace(CFG, attn_only=True, normalization_type=None)]


def subject(cfg=CFG, seed=0):
    model = GPT2(cfg, seed=None).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(0.5 * torch.randn(p.shape, generator=generator, dtype=torch.float64))
    model.requires_grad_(False)
    tokens = torch.randint(cfg.d_vocab, (4, 7), generator=generator)
    return model, tokens, *model.run_with_cache(tokens)


def pairs(cfg=CFG):
    answer = torch.tensor([1, 2, 3, 4])
    return answer, answer + 5


@pytest.mark.parametrize("cfg", TOYS)
@pytest.mark.parametrize("layer", range(4))
def test_the_lens_reads_what_a_model_without_the_later_layers_says(cfg, layer):
    model, tokens, _, cache = subject(cfg)
    later = tuple(f"blocks.{at}." for at in range(layer, cfg.n_layers))
    silent = [(lambda name: name.startswith(later) and name.endswith("_out"), lambda act, hook: 0 * act)]
    torch.testing.assert_close(lens.logit_lens(model, cache)[layer], model.run_with_hooks(tokens, silent))


def test_a_residual_that_is_its_own_scale_is_normalised_as_without_one():
    model, _, _, cache = subject()
    resid = cache["blocks.1.hook_resid_pre"]
    torch.testing.assert_close(lens.apply_ln_final(resid, model, resid), lens.apply_ln_final(resid, model))


def test_the_rank_counts_larger_logits_and_gives_ties_the_better_place():
    logits = torch.tensor([[[[3.0, 1.0, 3.0, 0.0]]], [[[0.0, 0.0, 0.0, 9.0]]]])
    assert lens.lens_rank(logits, torch.tensor([[2]])).tolist() == [[[0]], [[1]]]


def test_the_divergence_is_that_of_the_final_from_the_lens():
    final, read = torch.tensor([[[0.5, 0.5]]]).log(), torch.tensor([[[[0.25, 0.75]]]]).log()
    torch.testing.assert_close(lens.lens_kl(read, final), torch.tensor([[[0.5 * math.log(4 / 3)]]]))


def test_the_tuned_lens_starts_as_the_plain_one():
    model, _, logits, cache = subject()
    A, b = lens.tuned_lens_fit(model, cache["blocks.1.hook_resid_pre"][0], logits[0], steps=0)
    assert torch.equal(A, torch.eye(10).double()) and not b.any()


def test_the_tuned_lens_undoes_a_shift():
    model, _, _, cache = subject()
    stream = torch.randn(200, 10, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    final = (lens.apply_ln_final(stream, model) @ model.unembed.W_U + model.unembed.b_U)[None]
    moved = stream + torch.tensor([2.0, -2.0] * 5).double()
    A, b = lens.tuned_lens_fit(model, moved[:150], final[0, :150], steps=150, lr=0.03)
    left = [model.unembed(model.ln_final(x[150:][None]))[None] for x in (moved, moved @ A + b)]
    plain, tuned = (lens.lens_kl(each, final[:, 150:]).mean() for each in left)
    assert tuned < 0.1 * plain


@pytest.mark.parametrize("cfg", TOYS)
@pytest.mark.parametrize("pos", [-1, 2])
def test_components_sum_to_the_logit_difference(cfg, pos):
    model, _, logits, cache = subject(cfg)
    values, labels = attribution.dla_components(model, cache, *pairs(), pos)
    whole = attribution.logit_diff(logits, *pairs(), last=torch.full((4,), pos % 7), per_prompt=True)
    torch.testing.assert_close(values.sum(0), whole)
    assert len(labels) == len(values)


@pytest.mark.parametrize("cfg", TOYS)
def test_a_heads_share_is_what_the_model_loses_without_it_on_the_direct_path(cfg):
    model, tokens, logits, cache = subject(cfg)
    shares = attribution.dla_heads(model, cache, *pairs())
    z, W_O = cache["blocks.1.attn.hook_z"], model.blocks[1].attn.W_O
    cut = [("blocks.2.hook_resid_post", lambda act, hook: act - z[:, :, 1] @ W_O[1])]
    if cfg.normalization_type:
        cut.append(("ln_final.hook_scale", lambda act, hook: cache["ln_final.hook_scale"]))
    without = attribution.logit_diff(model.run_with_hooks(tokens, cut), *pairs(), per_prompt=True)
    whole = attribution.logit_diff(logits, *pairs(), per_prompt=True)
    torch.testing.assert_close(shares[1, 1], whole - without)


@pytest.mark.parametrize("cfg", TOYS)
def test_heads_sum_to_the_attention_without_its_output_bias(cfg):
    model, _, _, cache = subject(cfg)
    out = {f"blocks.{at}.hook_attn_out": block.attn.b_O for at, block in enumerate(model.blocks)}
    unbiased = cache | {name: cache[name] - bias for name, bias in out.items()}
    # The scale is that of the run as it was, which `hook_resid_post` still has.
    values, labels = attribution.dla_components(model, unbiased, *pairs())
    attention = values[[at for at, label in enumerate(labels) if "attn" in label]]
    torch.testing.assert_close(attribution.dla_heads(model, cache, *pairs()).sum(1), attention)


def test_neurons_and_the_bias_sum_to_the_mlp():
    model, _, _, cache = subject()
    values, labels = attribution.dla_components(model, cache, *pairs())
    without = cache | {"blocks.1.hook_mlp_out": cache["blocks.1.hook_mlp_out"] - model.blocks[1].mlp.b_out}
    unbiased, _ = attribution.dla_components(model, without, *pairs())
    neurons = attribution.dla_neurons(model, cache, 1, *pairs())
    torch.testing.assert_close(neurons.sum(-1), unbiased[labels.index("1_mlp_out")])
    assert not torch.allclose(unbiased, values)


def test_the_logit_difference_reads_each_row_where_it_ends():
    logits = torch.arange(24.0).view(2, 3, 4).square()
    got = attribution.logit_diff(logits, torch.tensor([3, 1]), torch.tensor([0, 0]), torch.tensor([0, 1]), True)
    assert got.tolist() == [9.0, 17.0**2 - 16.0**2]


def test_lens_and_attribution_read_a_shipped_model_without_layernorm():
    model = zoo.load("induction").requires_grad_(False)
    tokens = torch.randint(model.cfg.d_vocab, (2, 9), generator=torch.Generator().manual_seed(0))
    logits, cache = model.run_with_cache(tokens)
    torch.testing.assert_close(lens.logit_lens(model, cache)[-1], logits)
