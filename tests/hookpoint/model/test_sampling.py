"""Promises of `generate`: the ids of an uncached loop, chance from the given generator, and what it costs."""

from dataclasses import replace

import pytest
import torch

from hookpoint.model import GPT2
from hookpoint.model.sampling import generate


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


@torch.no_grad()
def greedy_by_recomputing(model, ids, n):
    """The definition: run everything that fits again for each token."""
    for _ in range(n):
        logits = model(ids[:, -model.cfg.n_ctx :])[:, -1]
        ids = torch.cat([ids, logits.argmax(dim=-1, keepdim=True)], dim=1)
    return ids


@pytest.fixture
def certain(cfg):
    """A model that predicts 3, 7 and 11 with probabilities .5, .3, .2 after anything."""
    model = GPT2(cfg, seed=None)
    with torch.no_grad():
        model.unembed.b_U.fill_(-1e4)
        model.unembed.b_U[[3, 7, 11]] = torch.tensor([0.5, 0.3, 0.2]).log()
    return model


@pytest.fixture
def varied(cfg):
    """A model without biases, so that what it predicts depends on what it has read."""
    return GPT2(replace(cfg, init_range=1.0)).double()


@pytest.mark.parametrize("length", [1, 5, 9, 12])
@pytest.mark.parametrize("n", [0, 1, 4, 20])
def test_greedy_ids_are_those_of_an_uncached_loop_also_beyond_the_context(varied, length, n):
    ids = torch.randint(13, (3, length), generator=rng())
    assert torch.equal(generate(varied, ids, n, temperature=0), greedy_by_recomputing(varied, ids, n))


def test_the_model_of_the_test_above_tells_contexts_apart(varied):
    grown = generate(varied, torch.randint(13, (3, 5), generator=rng()), 20, temperature=0)
    assert grown[:, 5:].unique().numel() > 4


def test_inside_the_context_each_token_is_read_once(model, tokens):
    read = []
    model.pos_embed.register_forward_hook(lambda module, args, out: read.append(out.shape[1]))
    generate(model, tokens, 3, temperature=0)
    assert read == [6, 1, 1]


@pytest.mark.parametrize(("temperature", "shares"), [(1.0, [0.5, 0.3, 0.2]), (0.5, [25 / 38, 9 / 38, 4 / 38])])
def test_samples_have_the_models_probabilities_sharpened_by_the_temperature(certain, temperature, shares):
    ids = torch.zeros(4000, 1, dtype=torch.long)
    drawn = generate(certain, ids, 2, temperature, generator=rng())[:, 1:]
    found = torch.tensor([(drawn == token).double().mean() for token in (3, 7, 11)])
    torch.testing.assert_close(found, torch.tensor(shares).double(), rtol=0, atol=0.02)


@pytest.mark.parametrize(
    ("knobs", "shares"),
    [({"top_k": 2}, [5 / 8, 3 / 8, 0]), ({"top_p": 0.6}, [5 / 8, 3 / 8, 0]), ({"top_k": 2, "top_p": 0.6}, [1, 0, 0])],
    ids=["top_k", "top_p", "top_p of what top_k has left"],
)
def test_filters_share_out_what_they_cut(certain, knobs, shares):
    ids = torch.zeros(4000, 1, dtype=torch.long)
    drawn = generate(certain, ids, 2, **knobs, generator=rng())[:, 1:]
    found = torch.tensor([(drawn == token).double().mean() for token in (3, 7, 11)])
    torch.testing.assert_close(found, torch.tensor(shares).double(), rtol=0, atol=0.02)


def test_the_temperature_comes_before_the_filters(certain):
    drawn = generate(certain, torch.zeros(500, 1, dtype=torch.long), 1, 0.5, top_p=0.6, generator=rng())
    assert (drawn[:, 1] == 3).all()  # of .5 .3 .2 two reach .6; sharpened to .66 .24 .10, one does


def test_a_temperature_near_zero_is_greedy_and_not_nan(certain):
    drawn = generate(certain, torch.zeros(50, 1, dtype=torch.long), 1, temperature=1e-30, generator=rng())
    assert (drawn[:, 1] == 3).all()


def test_of_equally_likely_tokens_greedy_takes_the_first(cfg):
    assert generate(GPT2(cfg, seed=None), torch.tensor([[5]]), 2, temperature=0).tolist() == [[5, 0, 0]]


def test_chance_comes_from_the_generator_alone(model, tokens):
    state = torch.get_rng_state()
    first, again, other = (generate(model, tokens, 3, generator=rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(state, torch.get_rng_state())


def test_a_row_that_has_stopped_is_filled_and_the_others_go_on(certain):
    grown = generate(certain, torch.full((200, 2), 7), 6, stop=7, generator=rng())
    for row in grown[:, 2:].tolist():
        if 7 in row:
            assert set(row[row.index(7) :]) == {7}
    assert 0.05 < (grown[:, 2:] != 7).all(dim=1).double().mean() < 0.2  # .7 ** 6 is .118; the prompt's 7 stops no row


def test_the_prompt_is_kept_and_left_alone(model, tokens):
    before = tokens.clone()
    grown = generate(model, tokens, 2, generator=rng())
    assert torch.equal(tokens, before) and torch.equal(grown[:, :6], before)
    assert grown.shape == (3, 8) and grown.dtype == torch.int64


def test_the_ids_can_be_trained_on(model, tokens):
    grown = generate(model, tokens, 2, generator=rng())
    model(grown).sum().backward()
    assert model.embed.W_E.grad is not None


@pytest.mark.parametrize(
    ("change", "says"), [({"n": -1}, "-1"), ({"temperature": -0.5}, "-0.5"), ({"temperature": float("nan")}, "nan")]
)
def test_a_wish_that_makes_no_sense_is_refused_with_its_number(model, tokens, change, says):
    with pytest.raises(ValueError, match=f"cannot be negative.*{says}"):
        generate(model, tokens, **{"n": 1, **change})


def test_an_empty_prompt_is_refused(model):
    with pytest.raises(ValueError, match="at least one token"):
        generate(model, torch.zeros(2, 0, dtype=torch.long), 3)


def test_a_bidirectional_model_is_refused(cfg, tokens):
    with pytest.raises(ValueError, match="bidirectional"):
        generate(GPT2(replace(cfg, attention_dir="bidirectional")), tokens, 1)
