"""Parity with TransformerLens 4.3, and three places where it does not do what its names say.

The three are tested as they are, so that a release that mends one is noticed here.
"""

from dataclasses import replace

import pytest
import torch

from hookpoint.model import GPT2, HOOK_NAMES, tl_hook_names, to_transformer_lens

EDITED_ALIKE = [name for name in HOOK_NAMES if "resid_mid" not in name]


@pytest.fixture
def model(fitting_cfg, scrambled):
    return scrambled(fitting_cfg)


@pytest.fixture
def bridge(transformer_lens, model):
    return to_transformer_lens(model)


@pytest.fixture
def native(transformer_lens):
    """A model that TransformerLens builds itself, of the same sizes."""
    cfg = transformer_lens.TransformerBridgeConfig(
        d_model=12, d_head=4, n_heads=3, n_layers=2, n_ctx=9, d_vocab=13, act_fn="gelu_new", seed=0
    )
    return transformer_lens.TransformerBridge.boot_native(cfg).eval()


def close(ours, theirs, atol=1e-4):
    torch.testing.assert_close(ours, theirs, rtol=0, atol=atol)


def shift(amount):
    return lambda act, hook: act + amount


# Parity


def test_logits_agree(model, bridge, tokens):
    close(model(tokens), bridge(tokens))


def test_logits_agree_in_double_precision(transformer_lens, fitting_cfg, scrambled, tokens):
    model = scrambled(fitting_cfg, torch.float64)
    close(model(tokens), to_transformer_lens(model)(tokens), atol=1e-9)


def test_every_hook_point_has_a_counterpart_with_the_same_shape_and_value(model, bridge, tokens):
    _, ours = model.run_with_cache(tokens)
    _, theirs = bridge.run_with_cache(tokens)
    assert tl_hook_names(model).keys() == model.hook_points().keys()
    for name, their_name in tl_hook_names(model).items():
        close(ours[name], theirs[their_name])


def test_our_names_are_transformer_lens_own_legacy_names(model, bridge, tokens):
    _, theirs = bridge.run_with_cache(tokens)
    for name, their_name in tl_hook_names(model).items():
        assert torch.equal(theirs[name], theirs[their_name]), name


@pytest.mark.parametrize("pattern", EDITED_ALIKE)
def test_an_edit_has_the_same_effect_on_the_logits(model, bridge, tokens, pattern):
    name, their_name = pattern.format(layer=0), HOOK_NAMES[pattern].format(layer=0)
    shape = model.run_with_cache(tokens, names=name)[1][name].shape
    # Different at each position: the softmax does not see a shift that all keys share.
    amount = torch.rand(shape, generator=torch.Generator().manual_seed(2))
    ours = model.run_with_hooks(tokens, [(name, shift(amount))])
    close(ours, bridge.run_with_hooks(tokens, fwd_hooks=[(their_name, shift(amount))]))
    assert (ours - model(tokens)).abs().max() > 1e-2


def test_weights_are_the_same_matrices(model, bridge):
    assert torch.equal(bridge.W_Q[1], model.blocks[1].attn.W_Q)
    assert torch.equal(bridge.W_O[1], model.blocks[1].attn.W_O)
    assert torch.equal(bridge.W_U, model.unembed.W_U)
    assert torch.equal(bridge.b_U, model.unembed.b_U)


def test_head_results_are_transformer_lens_hook_result(model, bridge, tokens):
    bridge.set_use_attn_result(True)
    _, theirs = bridge.run_with_cache(tokens)
    _, ours = model.run_with_cache(tokens)
    results = model.blocks[1].attn.head_results(ours["blocks.1.attn.hook_z"])
    close(results, theirs["blocks.1.attn.hook_result"])


def test_building_a_bridge_leaves_the_global_generator_alone(transformer_lens, model):
    state = torch.get_rng_state()
    to_transformer_lens(model)
    assert torch.equal(state, torch.get_rng_state())


# Config's options, and the native way for what Hugging Face's GPT-2 cannot express


OPTIONS = [
    {"act_fn": "relu"},
    {"attn_only": True},
    {"normalization_type": None, "act_fn": "relu"},
    {"normalization_type": None, "attn_only": True},
    {"attention_dir": "bidirectional"},
    {"normalization_type": None, "attention_dir": "bidirectional"},
    {"d_head": 5},
]


@pytest.fixture(params=OPTIONS, ids=str)
def toy(request, fitting_cfg, scrambled):
    return scrambled(replace(fitting_cfg, **request.param), torch.float64)


def test_a_toy_models_logits_agree(transformer_lens, toy, tokens):
    close(toy(tokens), to_transformer_lens(toy)(tokens), atol=1e-9)


def test_a_toy_models_values_agree_wherever_there_is_a_counterpart(transformer_lens, toy, tokens):
    _, ours = toy.run_with_cache(tokens)
    _, theirs = to_transformer_lens(toy).run_with_cache(tokens)
    names = tl_hook_names(toy)
    for name, their_name in names.items():
        close(ours[name], theirs[their_name], atol=1e-9)
    assert all(name.endswith("attn_scores") for name in ours.keys() - names.keys())


def test_only_a_native_bridge_lacks_the_scores(fitting_cfg, scrambled):
    gpt2, native = scrambled(fitting_cfg), scrambled(replace(fitting_cfg, normalization_type=None))
    assert "blocks.0.attn.hook_attn_scores" in tl_hook_names(gpt2)
    assert "blocks.0.attn.hook_attn_scores" not in tl_hook_names(native)


def test_a_native_bridge_leaves_the_global_generator_alone(transformer_lens, fitting_cfg):
    model, state = GPT2(replace(fitting_cfg, normalization_type=None)), torch.get_rng_state()
    to_transformer_lens(model)
    assert torch.equal(state, torch.get_rng_state())


def test_the_weights_of_a_native_bridge_are_copies(transformer_lens, fitting_cfg, scrambled, tokens):
    model = scrambled(replace(fitting_cfg, normalization_type=None))
    bridge = to_transformer_lens(model)
    before = bridge(tokens)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert torch.equal(bridge(tokens), before)


# Trap 1: an edit of resid_mid


def from_mid(model, mid, mlp_reads):
    """Logits when layer 0 leaves `mid` in the stream and its MLP reads `mlp_reads`, without any hook."""
    block = model.blocks[0]
    resid = model.blocks[1](mid + block.mlp(block.ln2(mlp_reads)))
    return model.unembed(model.ln_final(resid))


def test_an_edit_of_resid_mid_is_an_edit_of_the_stream_here_and_of_the_mlps_input_there(model, bridge, tokens):
    name, amount = "blocks.0.hook_resid_mid", torch.linspace(-1, 1, 12)
    mid = model.run_with_cache(tokens)[1][name]
    ours = model.run_with_hooks(tokens, [(name, shift(amount))])
    theirs = bridge.run_with_hooks(tokens, fwd_hooks=[(name, shift(amount))])
    close(ours, from_mid(model, mid + amount, mlp_reads=mid + amount))
    close(theirs, from_mid(model, mid, mlp_reads=mid + amount))
    assert (ours - theirs).abs().max() > 0.1


def test_an_edit_of_attn_out_there_is_an_edit_of_resid_mid_here(model, bridge, tokens):
    amount = torch.linspace(-1, 1, 12)
    ours = model.run_with_hooks(tokens, [("blocks.0.hook_resid_mid", shift(amount))])
    close(ours, bridge.run_with_hooks(tokens, fwd_hooks=[("blocks.0.hook_attn_out", shift(amount))]))


# Trap 2: attention scores of native models


def test_attn_scores_are_scores_here_and_the_pattern_in_a_native_model(model, native, tokens):
    name, pattern = "blocks.0.attn.hook_attn_scores", "blocks.0.attn.hook_pattern"
    _, theirs = native.run_with_cache(tokens)
    _, ours = model.run_with_cache(tokens)
    assert torch.equal(theirs[name], theirs[pattern])
    close(ours[name].softmax(dim=-1), ours[pattern])
    assert not torch.equal(ours[name], ours[pattern])


def test_an_edit_of_attn_scores_counts_here_and_not_in_a_native_model(model, native, tokens):
    def first_key_wins(act, hook):
        return torch.where(torch.arange(6) == 0, 1e4, act)

    name = "blocks.0.attn.hook_attn_scores"
    with pytest.warns(UserWarning):
        theirs = native.run_with_hooks(tokens, fwd_hooks=[(name, first_key_wins)])
    close(theirs, native(tokens))
    with model.hooked([(name, first_key_wins)]):
        _, cache = model.run_with_cache(tokens)
    assert torch.equal(cache["blocks.0.attn.hook_pattern"][..., 0], torch.ones(3, 3, 6))


# Trap 3: per-head results of native models


def test_a_native_model_has_no_per_head_results(native):
    with pytest.raises(NotImplementedError):
        native.set_use_attn_result(True)


# When it is not installed


def test_without_transformer_lens_the_error_is_one_line_with_the_command(model, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "transformer_lens", None)
    for name in [name for name in sys.modules if name.startswith("transformer_lens.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(
        ImportError, match=r'^TransformerLens 4 is not installed; run: pip install "hookpoint\[interp\]"$'
    ):
        to_transformer_lens(model)
