"""Promises of the four options that leave GPT-2, each against what it leaves or replaces."""

from dataclasses import replace

import pytest
import torch

from hookpoint.model import GPT2


def same_weights(model, cfg):
    """A model of another config with the weights of `model` that it has a place for."""
    other = GPT2(cfg, seed=None)
    shapes = other.state_dict()
    other.load_state_dict({name: weight for name, weight in model.state_dict().items() if name in shapes})
    return other


@torch.no_grad()
def test_relu_takes_the_place_of_gelu(model, cfg, tokens):
    relu = same_weights(model, replace(cfg, act_fn="relu"))

    _, cache = relu.run_with_cache(tokens)

    pre, post = cache["blocks.0.mlp.hook_pre"], cache["blocks.0.mlp.hook_post"]
    assert (pre < 0).any() and torch.equal(post, pre * (pre > 0))


@torch.no_grad()
def test_an_attention_only_model_is_one_whose_mlps_write_nothing(model, cfg, tokens):
    for block in model.blocks:
        block.mlp.W_out.zero_(), block.mlp.b_out.zero_()

    attn_only = same_weights(model, replace(cfg, attn_only=True))

    torch.testing.assert_close(attn_only(tokens), model(tokens))


def test_an_attention_only_model_has_neither_parameters_nor_hook_points_of_an_mlp(cfg):
    attn_only = GPT2(replace(cfg, attn_only=True))

    names = [*attn_only.state_dict(), *attn_only.hook_points()]
    assert not [name for name in names if "mlp" in name or "ln2" in name or "resid_mid" in name]
    assert "blocks.0.ln1.hook_scale" in names


def test_without_normalisation_there_is_no_layer_norm(cfg):
    plain = GPT2(replace(cfg, normalization_type=None))

    assert not [name for name in [*plain.state_dict(), *plain.hook_points()] if "ln" in name]


@torch.no_grad()
def test_without_normalisation_a_head_reads_the_residual_stream_itself(model, cfg, tokens):
    plain = same_weights(model, replace(cfg, normalization_type=None))

    _, cache = plain.run_with_cache(tokens)

    resid, attn = cache["blocks.1.hook_resid_pre"], plain.blocks[1].attn
    torch.testing.assert_close(cache["blocks.1.attn.hook_v"][..., 0, :], resid @ attn.W_V[0] + attn.b_V[0])
    torch.testing.assert_close(plain(tokens), cache["blocks.2.hook_resid_post"] @ plain.unembed.W_U + plain.unembed.b_U)


@pytest.mark.parametrize(("direction", "reaches"), [("causal", False), ("bidirectional", True)])
@torch.no_grad()
def test_only_a_bidirectional_model_reads_the_future(model, cfg, tokens, direction, reaches):
    directed = same_weights(model, replace(cfg, attention_dir=direction))
    changed = tokens.clone()
    changed[:, -1] = 0

    moved = (directed(tokens) - directed(changed))[:, :-1].abs().max()

    assert (moved > 1e-3) == reaches


@torch.no_grad()
def test_a_bidirectional_pattern_is_the_softmax_of_every_score(model, cfg, tokens):
    both = same_weights(model, replace(cfg, attention_dir="bidirectional"))

    _, cache = both.run_with_cache(tokens)

    q, k = cache["blocks.0.attn.hook_q"], cache["blocks.0.attn.hook_k"]
    weights = torch.exp(torch.matmul(q.transpose(1, 2), k.permute(0, 2, 3, 1)) / cfg.d_head**0.5)
    torch.testing.assert_close(cache["blocks.0.attn.hook_pattern"], weights / weights.sum(-1, keepdim=True))
