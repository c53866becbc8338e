"""Promises of `Config`."""

import dataclasses

import pytest

from hookpoint.model import GPT2, Config

SIZES = {"d_vocab": 7, "n_ctx": 6, "d_model": 5, "n_layers": 2, "n_heads": 3, "d_head": 4, "d_mlp": 8}


@pytest.mark.parametrize("field", SIZES)
@pytest.mark.parametrize("value", [0, -1, 2.0, True, "4", None], ids=repr)
def test_a_size_that_is_not_a_positive_integer_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"{field} must be a positive integer, not {value!r}"):
        Config(**{**SIZES, field: value})


@pytest.mark.parametrize("field", ["eps", "init_range"])
@pytest.mark.parametrize("value", [0.0, -1e-5, float("nan"), "small"], ids=repr)
def test_a_number_that_is_not_positive_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"{field} must be a positive number, not"):
        Config(**SIZES, **{field: value})


def test_a_config_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config(**SIZES).d_model = 6


def test_equal_sizes_are_equal_configs():
    assert Config(**SIZES) == Config(**SIZES)
    assert hash(Config(**SIZES)) == hash(Config(**SIZES))


def test_gpt2_small_has_the_published_number_of_parameters():
    # 124,439,808 with the head tied to the embedding; ours has a head of its own, with a bias.
    import torch

    with torch.device("meta"):
        model = GPT2(Config.gpt2_small(), seed=None)
    total = sum(parameter.numel() for parameter in model.parameters())
    assert total == 124_439_808 + 768 * 50_257 + 50_257


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("act_fn", "gelu"),
        ("act_fn", None),
        ("normalization_type", "none"),
        ("normalization_type", "RMS"),
        ("attn_only", 1),
        ("attn_only", None),
        ("attention_dir", "both"),
    ],
)
def test_an_option_that_is_none_of_its_values_is_refused_by_name(option, value):
    with pytest.raises(ValueError, match=f"{option} must be .* or .*, not {value!r}"):
        Config(**SIZES, **{option: value})


@pytest.mark.parametrize(
    ("option", "value"),
    [("act_fn", "relu"), ("normalization_type", None), ("attn_only", True), ("attention_dir", "bidirectional")],
)
def test_any_option_away_from_its_default_leaves_gpt2(option, value):
    assert Config(**SIZES).is_gpt2
    assert not Config(**SIZES, **{option: value}).is_gpt2
