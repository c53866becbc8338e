"""Promises of hook points: what a hook sees, what it changes, and that it leaves no trace."""

import pytest
import torch

from hookpoint.model import HookedModule, HookPoint


class Chain(HookedModule):
    """x -> a: 2x -> b: 2x + 1; small enough to know every number."""

    def __init__(self):
        super().__init__()
        self.a, self.b = HookPoint(), HookPoint()

    def forward(self, x):
        return self.b(self.a(2 * x) + 1)


X = torch.tensor([1.0, 10.0])


def add(number):
    return lambda act, hook: act + number


def times(number):
    return lambda act, hook: act * number


# Names


def test_the_models_hook_points_carry_transformerlens_names(model):
    names = set(model.hook_points())
    block = {"hook_resid_pre", "hook_resid_mid", "hook_resid_post", "hook_attn_out", "hook_mlp_out"}
    block |= {f"attn.hook_{part}" for part in ("q", "k", "v", "z", "attn_scores", "pattern")}
    block |= {"mlp.hook_pre", "mlp.hook_post"}
    block |= {f"{ln}.hook_{part}" for ln in ("ln1", "ln2") for part in ("scale", "normalized")}
    top = {"hook_embed", "hook_pos_embed", "ln_final.hook_scale", "ln_final.hook_normalized"}
    assert names == top | {f"blocks.{layer}.{name}" for layer in range(3) for name in block}


def test_a_hook_is_told_where_it_is(model, tokens):
    seen = []
    model.run_with_hooks(tokens, [(lambda name: "hook_z" in name, lambda act, hook: seen.append(hook.name))])
    assert seen == ["blocks.0.attn.hook_z", "blocks.1.attn.hook_z", "blocks.2.attn.hook_z"]


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("blocks.1.hook_resid_prr", "blocks.1.hook_resid_pre"),
        ("blocks.0.attn.hook_patern", "blocks.0.attn.hook_pattern"),
    ],
)
def test_an_unknown_name_is_an_error_that_offers_the_nearest(model, tokens, wrong, nearest):
    with pytest.raises(ValueError, match=f"no hook point '{wrong}'. Did you mean '{nearest}'"):
        model.run_with_hooks(tokens, [(wrong, add(1))])
    with pytest.raises(ValueError, match=f"Did you mean '{nearest}'"):
        model.run_with_cache(tokens, names=[wrong])


def test_an_unknown_name_sets_none_of_the_hooks():
    chain = Chain()
    with pytest.raises(ValueError, match="no hook point 'c'"):
        chain.run_with_hooks(X, [("a", add(1)), ("c", add(1))])
    assert torch.equal(chain(X), 2 * X + 1)


# What a hook does


def test_a_returned_value_replaces_and_none_keeps():
    assert torch.equal(Chain().run_with_hooks(X, [("a", add(5))]), 2 * X + 6)
    assert torch.equal(Chain().run_with_hooks(X, [("a", lambda act, hook: None)]), 2 * X + 1)


def test_an_edit_in_place_counts():
    def first_to_zero(act, hook):
        act[0] = 0

    assert Chain().run_with_hooks(X, [("a", first_to_zero)]).tolist() == [1.0, 21.0]


def test_hooks_on_one_point_run_in_the_order_of_the_list():
    assert torch.equal(Chain().run_with_hooks(X, [("a", add(5)), ("a", times(10))]), (2 * X + 5) * 10 + 1)
    assert torch.equal(Chain().run_with_hooks(X, [("a", times(10)), ("a", add(5))]), 2 * X * 10 + 5 + 1)


def test_a_predicate_sets_a_hook_on_every_name_that_it_fits():
    assert torch.equal(Chain().run_with_hooks(X, [(lambda name: True, add(5))]), 2 * X + 5 + 1 + 5)
    assert torch.equal(Chain().run_with_hooks(X, [(lambda name: False, add(5))]), 2 * X + 1)


@pytest.mark.parametrize(
    ("result", "says"),
    [(3.0, "at a returned a float; return a tensor"), (torch.zeros(1), r"at a returned the shape \[1\].* has \[2\]")],
    ids=["float", "shape"],
)
def test_a_replacement_that_does_not_fit_is_refused_where_it_happens(result, says):
    with pytest.raises((TypeError, ValueError), match=says):
        Chain().run_with_hooks(X, [("a", lambda act, hook: result)])


# That it leaves no trace


def test_hooks_are_gone_after_the_run():
    chain = Chain()
    chain.run_with_hooks(X, [("a", add(5))])
    assert torch.equal(chain(X), 2 * X + 1)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_hooks_are_gone_after_an_exception_in_one_of_them(error):
    def breaks(act, hook):
        raise error("in the hook")

    chain = Chain()
    with pytest.raises(error, match="in the hook"):
        chain.run_with_hooks(X, [("a", add(5)), ("b", breaks), ("b", add(5))])
    assert torch.equal(chain(X), 2 * X + 1)


def test_hooks_of_an_outer_block_survive_a_run_inside_it():
    chain = Chain()
    with chain.hooked([("a", add(5))]):
        assert torch.equal(chain.run_with_hooks(X, [("a", times(10)), ("a", add(5))]), (2 * X + 5) * 10 + 5 + 1)
        assert torch.equal(chain(X), 2 * X + 6)
    assert torch.equal(chain(X), 2 * X + 1)


# The cache


def test_the_cache_holds_the_value_at_each_point():
    out, cache = Chain().run_with_cache(X)
    assert {name: value.tolist() for name, value in cache.items()} == {"a": [2.0, 20.0], "b": [3.0, 21.0]}
    assert torch.equal(out, 2 * X + 1)


@pytest.mark.parametrize("grad", [False, True])
def test_a_later_edit_in_place_does_not_reach_what_was_cached(model, tokens, grad):
    # One tensor passes both points: the end of block 0 is the start of block 1.
    end, start = "blocks.0.hook_resid_post", "blocks.1.hook_resid_pre"
    wanted = model.run_with_cache(tokens)[1][end]
    with model.hooked([(start, lambda act, hook: act.zero_())]):
        _, cache = model.run_with_cache(tokens, grad=grad)
    assert torch.equal(cache[end], wanted)
    assert not cache[start].any()


def test_the_cache_sees_an_edited_run_inside_a_hooked_block(model, tokens):
    with model.hooked([("blocks.0.hook_resid_post", lambda act, hook: act.zero_())]):
        _, cache = model.run_with_cache(tokens)
    assert not cache["blocks.1.hook_resid_pre"].any()
    assert cache["blocks.0.hook_mlp_out"].any()


@pytest.mark.parametrize(
    "names",
    [
        "blocks.0.hook_mlp_out",
        lambda name: "0.hook_mlp" in name,
        ["blocks.0.hook_mlp_out", lambda n: "0.hook_mlp" in n],
    ],
    ids=["name", "predicate", "both"],
)
def test_names_chooses_what_is_kept(model, tokens, names):
    _, cache = model.run_with_cache(tokens, names=names)
    assert list(cache) == ["blocks.0.hook_mlp_out"]


def test_caching_does_not_change_the_logits(model, tokens):
    assert torch.equal(model.run_with_cache(tokens)[0], model(tokens))
    assert torch.equal(model.run_with_cache(tokens, grad=True)[0], model(tokens))


def test_cached_values_are_detached_unless_asked_for(model, tokens):
    assert not any(value.requires_grad for value in model.run_with_cache(tokens)[1].values())
    assert all(value.requires_grad for value in model.run_with_cache(tokens, grad=True)[1].values())


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("name", ["hook_embed", "blocks.1.attn.hook_pattern", "blocks.1.ln2.hook_scale"])
def test_gradients_reach_cached_values(cfg, scrambled, tokens, name, frozen):
    model = scrambled(cfg, torch.float64).requires_grad_(not frozen)
    with torch.no_grad():  # must not switch the gradients off that were asked for
        logits, cache = model.run_with_cache(tokens, grad=True)
    (gradient,) = torch.autograd.grad(logits.square().sum(), cache[name])

    offset = torch.zeros_like(cache[name], requires_grad=True)
    moved = model.run_with_hooks(tokens, [(name, lambda act, hook: act + offset)])
    (wanted,) = torch.autograd.grad(moved.square().sum(), offset)
    assert wanted.abs().max() > 1e-3
    torch.testing.assert_close(gradient, wanted)


# What the model's points mean


def test_the_residual_stream_is_the_sum_of_what_was_written_into_it(model, tokens):
    _, cache = model.run_with_cache(tokens)
    written = cache["hook_embed"] + cache["hook_pos_embed"]
    for layer in range(3):
        torch.testing.assert_close(cache[f"blocks.{layer}.hook_resid_pre"], written)
        written = written + cache[f"blocks.{layer}.hook_attn_out"]
        torch.testing.assert_close(cache[f"blocks.{layer}.hook_resid_mid"], written)
        written = written + cache[f"blocks.{layer}.hook_mlp_out"]
        torch.testing.assert_close(cache[f"blocks.{layer}.hook_resid_post"], written)


def test_head_results_and_b_O_add_up_to_the_attention_output(model, tokens):
    _, cache = model.run_with_cache(tokens)
    attn = model.blocks[1].attn
    results = attn.head_results(cache["blocks.1.attn.hook_z"])
    assert results.shape == (3, 6, 2, 10)
    torch.testing.assert_close(results.sum(dim=2) + attn.b_O, cache["blocks.1.hook_attn_out"])


def test_the_difference_of_two_runs_scores_is_a_number(model, tokens):
    name = "blocks.0.attn.hook_attn_scores"
    first, second = (model.run_with_cache(run, names=name)[1][name] for run in (tokens, tokens.flip(0)))
    assert torch.isfinite(first - second).all()


@pytest.mark.parametrize("place", ["hook_resid_pre", "hook_resid_mid", "hook_resid_post"])
def test_a_patched_stream_decides_everything_after_it(model, tokens, place):
    other, name = tokens.flip(0), f"blocks.2.{place}"
    _, cache = model.run_with_cache(other)
    patched = model.run_with_hooks(tokens, [(name, lambda act, hook: cache[name])])
    torch.testing.assert_close(patched, model(other))
