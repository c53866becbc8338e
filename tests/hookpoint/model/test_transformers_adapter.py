"""Promises of the conversion to Hugging Face's GPT-2, the independent implementation we are measured against."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from hookpoint.model import GPT2, Config, from_transformers, to_transformers

transformers = pytest.importorskip("transformers")


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-9)], ids=str)
def test_logits_agree_when_nothing_is_at_its_default(fitting_cfg, scrambled, tokens, dtype, tolerance):
    model = scrambled(fitting_cfg, dtype, std=0.5)
    theirs = to_transformers(model)(tokens).logits
    assert theirs.dtype == dtype
    assert theirs.std() > 0.3  # logits of a size on which the tolerance says something
    torch.testing.assert_close(model(tokens), theirs, rtol=0, atol=tolerance)


def test_every_residual_stream_and_pattern_agrees(fitting_cfg, scrambled, tokens):
    model = scrambled(fitting_cfg, torch.float64)
    _, ours = model.run_with_cache(tokens)
    theirs = to_transformers(model)(tokens, output_hidden_states=True, output_attentions=True)
    for layer in range(2):
        close(ours[f"blocks.{layer}.hook_resid_pre"], theirs.hidden_states[layer])
        close(ours[f"blocks.{layer}.attn.hook_pattern"], theirs.attentions[layer])


def close(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)


def test_weights_that_transformers_drew_itself_give_the_same_logits_here(tokens):
    config = transformers.GPT2Config(
        vocab_size=13, n_positions=9, n_embd=12, n_layer=2, n_head=3, initializer_range=0.5, layer_norm_epsilon=0.1
    )
    with torch.random.fork_rng(devices=[]):
        theirs = transformers.GPT2LMHeadModel(config).eval()
    torch.testing.assert_close(from_transformers(theirs)(tokens), theirs(tokens).logits, rtol=0, atol=1e-4)


def test_a_tied_head_becomes_a_matrix_of_its_own(tokens):
    config = transformers.GPT2Config(vocab_size=13, n_positions=9, n_embd=12, n_layer=1, n_head=3)
    ours = from_transformers(transformers.GPT2LMHeadModel(config))
    assert torch.equal(ours.unembed.W_U, ours.embed.W_E.T)
    assert ours.unembed.W_U.data_ptr() != ours.embed.W_E.data_ptr()


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64], ids=str)
def test_there_and_back_is_exact(fitting_cfg, scrambled, dtype):
    model = scrambled(fitting_cfg, dtype)
    back = from_transformers(to_transformers(model))
    assert back.cfg == model.cfg
    for (name, ours), returned in zip(model.state_dict().items(), back.state_dict().values(), strict=True):
        assert torch.equal(ours, returned) and ours.dtype == returned.dtype, name


def test_a_model_without_b_U_keeps_their_own_head_and_survives_saving(fitting_cfg, tokens, tmp_path):
    model = GPT2(fitting_cfg)
    hf = to_transformers(model)
    assert hf.lm_head.bias is None
    hf.save_pretrained(tmp_path)
    loaded = transformers.GPT2LMHeadModel.from_pretrained(tmp_path)
    torch.testing.assert_close(loaded(tokens).logits, model(tokens), rtol=0, atol=1e-5)


def test_the_weights_are_copies(fitting_cfg, scrambled, tokens):
    model = scrambled(fitting_cfg)
    hf = to_transformers(model)
    before = hf(tokens).logits
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert torch.equal(hf(tokens).logits, before)


def test_converting_leaves_the_global_generator_and_the_model_alone(fitting_cfg, scrambled, tokens):
    model = scrambled(fitting_cfg).train()
    logits, state = model(tokens), torch.get_rng_state()
    from_transformers(to_transformers(model))
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(model(tokens), logits) and model.training


# Config's options


@pytest.mark.parametrize(
    "option", [{"act_fn": "relu"}, {"attn_only": True}, {"act_fn": "relu", "attn_only": True}], ids=str
)
def test_relu_and_a_model_without_mlps_can_be_expressed(fitting_cfg, scrambled, tokens, option):
    model = scrambled(replace(fitting_cfg, **option), torch.float64)
    close(model(tokens), to_transformers(model)(tokens).logits)


def test_relu_comes_back_as_relu(fitting_cfg, scrambled, tokens):
    model = scrambled(replace(fitting_cfg, act_fn="relu"))
    back = from_transformers(to_transformers(model))
    assert back.cfg == model.cfg
    assert torch.equal(back(tokens), model(tokens))


def test_a_model_without_mlps_comes_back_with_some_that_write_nothing(fitting_cfg, scrambled, tokens):
    model = scrambled(replace(fitting_cfg, attn_only=True), torch.float64)
    back = from_transformers(to_transformers(model))
    close(back(tokens), model(tokens))
    assert not back.run_with_cache(tokens)[1]["blocks.1.hook_mlp_out"].any()


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"normalization_type": None}, "normalization_type=None"),
        ({"attention_dir": "bidirectional"}, "'bidirectional'"),
    ],
)
def test_what_transformers_cannot_express_is_refused_in_one_line_with_the_way_out(fitting_cfg, option, says):
    with pytest.raises(
        ValueError, match=f"^to_transformers: Hugging Face's GPT-2 has no .*{says}; use to_transf.*lens.$"
    ):
        to_transformers(GPT2(replace(fitting_cfg, **option)))


# Other people's models


class TiedUnembed(nn.Module):
    """A head that owns no matrix: one of several right ways to tie."""

    def __init__(self, embed, d_vocab):
        super().__init__()
        self._embed = [embed]  # in a list, so that it is not registered as a second submodule
        self.b_U = nn.Parameter(torch.zeros(d_vocab))

    @property
    def W_U(self):
        return self._embed[0].W_E.T

    def forward(self, x):
        return x @ self.W_U + self.b_U


def test_a_tied_model_can_be_converted(fitting_cfg, scrambled, tokens):
    model = scrambled(fitting_cfg)
    model.unembed = TiedUnembed(model.embed, fitting_cfg.d_vocab)
    assert "unembed.W_U" not in model.state_dict()
    torch.testing.assert_close(to_transformers(model)(tokens).logits, model(tokens), rtol=0, atol=1e-4)


def test_a_module_that_only_carries_the_names_can_be_converted(fitting_cfg, scrambled, tokens):
    model, bare = scrambled(fitting_cfg), nn.Module()
    bare.cfg = fitting_cfg
    for name in ("embed", "pos_embed", "blocks", "ln_final", "unembed"):
        setattr(bare, name, getattr(model, name))
    torch.testing.assert_close(to_transformers(bare)(tokens).logits, model(tokens), rtol=0, atol=1e-4)


def test_heads_that_do_not_fill_d_model_are_refused_with_both_numbers(model):
    with pytest.raises(ValueError, match="2 heads of 3 make 6 and d_model is 10"):
        to_transformers(model)


def test_a_missing_parameter_is_named(fitting_cfg, scrambled):
    model = scrambled(fitting_cfg)
    del model.blocks[1].attn.b_K
    with pytest.raises(ValueError, match="no parameter blocks.1.attn.b_K"):
        to_transformers(model)


def test_a_misshapen_parameter_is_named_with_both_shapes(fitting_cfg, scrambled):
    model = scrambled(fitting_cfg)
    model.blocks[1].mlp.W_in = nn.Parameter(torch.zeros(17, 12))
    with pytest.raises(ValueError, match=r"blocks.1.mlp.W_in has the shape \[17, 12\]; .* \[12, 17\]"):
        to_transformers(model)


def test_a_model_without_a_config_is_told_so():
    with pytest.raises(ValueError, match="needs its Config as `.cfg`"):
        to_transformers(nn.Linear(2, 2))


@pytest.mark.parametrize(
    "option",
    [{"activation_function": "gelu"}, {"scale_attn_by_inverse_layer_idx": True}, {"add_cross_attention": True}],
)
def test_a_variant_that_computes_something_else_is_refused_by_name(option):
    config = transformers.GPT2Config(vocab_size=13, n_positions=9, n_embd=12, n_layer=1, n_head=3, **option)
    with pytest.raises(ValueError, match=next(iter(option))):
        from_transformers(transformers.GPT2LMHeadModel(config))


# The full size


@pytest.mark.slow
@torch.no_grad()
def test_the_124m_model_agrees_with_transformers_and_with_transformer_lens(transformer_lens):
    """Needs about 2.5 GB: the bridge wraps the transformers model in place and adds no second copy."""
    from hookpoint.model import to_transformer_lens

    generator = torch.Generator().manual_seed(0)
    model = GPT2(Config.gpt2_small())
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1 or ".b_" in name:  # at 0 and 1 a forgotten one would pass
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    tokens = torch.randint(50257, (2, 48), generator=generator)
    ours = model(tokens)
    torch.testing.assert_close(ours, to_transformers(model)(tokens).logits, rtol=0, atol=1e-4)
    torch.testing.assert_close(ours, to_transformer_lens(model)(tokens), rtol=0, atol=1e-4)
