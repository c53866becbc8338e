"""Promises of the fused GPT-2: the teaching model's numbers, with and without a cache."""

import itertools
from dataclasses import replace

import pytest
import torch

from hookpoint.model import GPT2
from hookpoint.model.fast import PreallocatedCache, fast_logits

VARIANTS = [
    {"act_fn": act_fn, "normalization_type": normalization, "attn_only": attn_only, "attention_dir": direction}
    for act_fn, normalization, attn_only, direction in itertools.product(
        ("gelu_new", "relu"), ("LN", None), (False, True), ("causal", "bidirectional")
    )
]
CAUSAL = [variant for variant in VARIANTS if variant["attention_dir"] == "causal"]


def named(variant):
    return "-".join(map(str, variant.values()))


def close(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


# Without a cache


@pytest.mark.parametrize("variant", VARIANTS, ids=named)
def test_the_logits_are_the_teaching_models(cfg, scrambled, tokens, variant):
    model = scrambled(replace(cfg, **variant), torch.float64)
    close(fast_logits(model, tokens), model(tokens))


@pytest.mark.parametrize("variant", VARIANTS, ids=named)
def test_the_gradient_of_every_parameter_is_the_teaching_models(cfg, scrambled, tokens, variant):
    model = scrambled(replace(cfg, **variant), torch.float64)
    weights = torch.randn(3, 6, 13, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    ours = torch.autograd.grad((fast_logits(model, tokens) * weights).sum(), list(model.parameters()))
    theirs = torch.autograd.grad((model(tokens) * weights).sum(), list(model.parameters()))
    for (name, _), our, their in zip(model.named_parameters(), ours, theirs, strict=True):
        close(our, their)
        assert their.any() or name.endswith("b_K"), name


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (5, 9), (4, 2)], ids=str)
def test_any_number_of_rows_and_positions_will_do(model, shape):
    tokens = torch.randint(13, shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(fast_logits(model, tokens), model(tokens), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_the_logits_follow_the_dtype_of_the_weights(cfg, scrambled, tokens, dtype):
    logits, wide = fast_logits(scrambled(cfg, dtype), tokens), scrambled(cfg, torch.float64)(tokens)
    assert logits.dtype == dtype
    error = (logits.double() - wide).abs().max() / wide.abs().max()
    assert error < {torch.float16: 1e-2, torch.bfloat16: 5e-2}[dtype]


def test_last_only_gives_the_last_position(model, tokens):
    torch.testing.assert_close(fast_logits(model, tokens, last_only=True), model(tokens)[:, -1:])


def test_a_position_without_a_vector_is_an_error_that_names_n_ctx(model):
    with pytest.raises(ValueError, match="n_ctx is 9"):
        fast_logits(model, torch.zeros(1, 10, dtype=torch.long))


# With a cache


@pytest.mark.parametrize("variant", CAUSAL, ids=named)
@pytest.mark.parametrize("parts", [(6,), (3, 3), (1, 4, 1), (1,) * 6], ids=str)
def test_tokens_given_in_parts_get_the_logits_that_they_get_at_once(cfg, scrambled, tokens, variant, parts):
    model = scrambled(replace(cfg, **variant), torch.float64)
    cache = PreallocatedCache(model, batch=3)
    logits = torch.cat([fast_logits(model, part, cache) for part in tokens.split(parts, dim=1)], dim=1)
    close(logits, model(tokens))
    assert cache.length == 6


def test_the_cache_holds_the_keys_and_values_of_the_teaching_model(cfg, scrambled, tokens):
    model = scrambled(cfg, torch.float64)
    cache = PreallocatedCache(model, batch=3)
    for part in tokens.split((2, 4), dim=1):
        fast_logits(model, part, cache)
    _, acts = model.run_with_cache(tokens)
    for layer in range(3):
        close(cache.keys[layer, :, :, :6].transpose(1, 2), acts[f"blocks.{layer}.attn.hook_k"])
        close(cache.values[layer, :, :, :6].transpose(1, 2), acts[f"blocks.{layer}.attn.hook_v"])


def test_with_a_cache_no_gradient_is_kept(model, tokens):
    cache = PreallocatedCache(model, batch=3)
    assert not fast_logits(model, tokens, cache).requires_grad
    assert not cache.keys.requires_grad


def test_positions_beyond_n_ctx_are_an_error_that_leaves_the_cache_as_it_was(cfg, model, tokens):
    cache = PreallocatedCache(model, batch=3)
    fast_logits(model, tokens, cache)
    with pytest.raises(ValueError, match="positions 6 to 9 were asked for, but n_ctx is 9"):
        fast_logits(model, tokens[:, :4], cache)
    rest = fast_logits(model, tokens[:, :3], cache)
    torch.testing.assert_close(rest, model(torch.cat([tokens, tokens[:, :3]], dim=1))[:, 6:])


def test_a_cache_for_another_number_of_rows_is_refused_with_both_numbers(model, tokens):
    with pytest.raises(ValueError, match="the cache holds 3 sequences, but tokens holds 1"):
        fast_logits(model, tokens[:1], PreallocatedCache(model, batch=3))


def test_a_bidirectional_model_cannot_be_cached(cfg):
    with pytest.raises(ValueError, match="bidirectional"):
        PreallocatedCache(GPT2(replace(cfg, attention_dir="bidirectional")), batch=1)
