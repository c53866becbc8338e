"""The cache that notebook 08 teaches, against the model without a cache."""

import pytest
import torch

from hookpoint.model import GPT2, Attention, Config
from hookpoint.model.cache import (
    KVCache,
    PreallocatedKVCache,
    attn_with_cache,
    cache_bytes,
    causal_mask,
    crop_cache,
    generate_cached,
    next_logits,
    positions_with_cache,
    reorder_cache,
)

CFG = Config(d_vocab=23, n_ctx=12, d_model=15, n_layers=3, n_heads=2, d_head=7, d_mlp=19, eps=0.1, init_range=0.5)


def ids(*shape, seed=0):
    return torch.randint(CFG.d_vocab, shape, generator=torch.Generator().manual_seed(seed))


def pair(length, seed=0, batch=2):
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, length, CFG.n_heads, CFG.d_head)
    return torch.randn(shape, generator=generator), torch.randn(shape, generator=generator)


def filled(length, batch=2):
    cache = KVCache(CFG)
    for layer in range(CFG.n_layers):
        cache.append(layer, *pair(length, seed=layer, batch=batch))
    return cache


@torch.no_grad()
def uncached(model, tokens, n):
    for _ in range(n):
        tokens = torch.cat([tokens, model(tokens[:, -CFG.n_ctx :])[:, -1:].argmax(-1)], dim=1)
    return tokens


def test_append_joins_on_positions():
    cache, (k, v) = KVCache(CFG), pair(5)
    cache.append(1, k[:, :2], v[:, :2])
    k_all, v_all = cache.append(1, k[:, 2:], v[:, 2:])
    assert torch.equal(k_all, k)
    assert torch.equal(v_all, v)


def test_length_counts_what_every_layer_holds():
    cache = filled(3)
    cache.append(0, *pair(2))
    assert (KVCache(CFG).length, cache.length) == (0, 3)


def test_no_graph_is_kept():
    k, v = pair(2)
    k_all, v_all = KVCache(CFG).append(0, k.requires_grad_() * 2, v)
    assert not k_all.requires_grad
    assert not v_all.requires_grad


def test_causal_mask_puts_the_queries_last():
    assert causal_mask(2, 4).tolist() == [[True, True, True, False], [True, True, True, True]]


@pytest.mark.parametrize("split", [[1] * 7, [5, 2], [7]], ids=["one by one", "5 + 2", "at once"])
def test_attention_in_parts_is_the_whole_layer(split):
    attn, generator = Attention(CFG).double(), torch.Generator().manual_seed(1)
    x = torch.randn(2, 7, CFG.d_model, generator=generator, dtype=torch.float64)
    with torch.no_grad():
        for parameter in attn.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    cache = KVCache(CFG)
    parts = [attn_with_cache(attn, chunk, cache, 2) for chunk in x.split(split, dim=1)]
    assert torch.allclose(torch.cat(parts, dim=1), attn(x), atol=1e-12)


def test_positions_follow_the_cache():
    assert positions_with_cache(3, 4).tolist() == [3, 4, 5, 6]


@pytest.mark.parametrize(("length", "n"), [(4, 6), (10, 8), (15, 3), (1, 0)])
def test_generates_what_the_model_gives_without_a_cache(length, n):
    model, prompt = GPT2(CFG).double(), ids(3, length)
    assert torch.equal(generate_cached(model, prompt, n, temperature=0), uncached(model, prompt, n))


def test_next_logits_are_the_models():
    model, tokens = GPT2(CFG).double(), ids(2, 9)
    cache = KVCache(CFG)
    for chunk in tokens.split([4, 1, 4], dim=1):
        logits = next_logits(model, chunk, cache)
    assert torch.allclose(logits, model(tokens)[:, -1], atol=1e-12)


def test_a_row_that_stopped_is_filled_and_the_others_go_on():
    model, prompt = GPT2(CFG).double(), ids(3, 4)
    free = uncached(model, prompt, 6)
    stop = int(free[0, 4])
    stopped = generate_cached(model, prompt, 6, temperature=0, stop=stop)
    for row, wanted in zip(stopped[:, 4:].tolist(), free[:, 4:].tolist(), strict=True):
        ends = wanted.index(stop) if stop in wanted else 6
        assert row == wanted[:ends] + [stop] * (6 - ends)


def test_top_k_of_one_is_greedy_and_the_mode_comes_back():
    model, prompt = GPT2(CFG).double().train(), ids(3, 4)
    drawn = generate_cached(model, prompt, 5, top_k=1, top_p=0.9, generator=torch.Generator().manual_seed(0))
    assert torch.equal(drawn, uncached(model, prompt, 5))
    assert model.training


@pytest.mark.parametrize(("n", "kept"), [(0, 0), (2, 2), (5, 5), (9, 5)])
def test_crop_keeps_the_newest(n, kept):
    cache = filled(5)
    cropped = crop_cache(cache, n)
    assert (cropped.length, cache.length) == (kept, 5)
    assert torch.equal(cropped.append(1, *pair(1))[0][:, :kept], cache.layers[1][0][:, 5 - kept :])


def test_reorder_takes_rows_from_where_index_says():
    cache = filled(4, batch=3)
    reordered = reorder_cache(cache, torch.tensor([2, 2, 0]))
    reordered.append(0, *pair(1, batch=3))
    assert torch.equal(reordered.layers[2][1], cache.layers[2][1][[2, 2, 0]])
    assert cache.layers[0][0].shape[1] == 4


def test_gpt2_small_keeps_seventy_two_kilobytes_a_token():
    assert cache_bytes(Config.gpt2_small(), B=1, T=1) == 72 * 1024
    assert cache_bytes(CFG, B=2, T=5, bytes_per_number=2) == sum(
        part.numel() * 2 for held in filled(5).layers for part in held
    )


def test_what_is_set_aside_holds_the_same_and_stays_where_it_is():
    cache, (k, v) = PreallocatedKVCache(CFG, batch=2), pair(6)
    first, _ = cache.append(1, k[:, :2], v[:, :2])
    k_all, v_all = cache.append(1, k[:, 2:], v[:, 2:])
    assert torch.equal(k_all, k)
    assert torch.equal(v_all, v)
    assert first.data_ptr() == k_all.data_ptr()
    assert cache.length == 0


def test_what_does_not_fit_is_refused_and_leaves_the_cache_alone():
    cache = PreallocatedKVCache(CFG, batch=2)
    cache.append(0, *pair(CFG.n_ctx))
    with pytest.raises(ValueError, match="13 positions do not fit into the 12"):
        cache.append(0, *pair(1))
    assert cache.filled[0] == CFG.n_ctx
