"""Promises of loading: Hugging Face's weights arrive whole or not at all, and a resized model keeps what it knew."""

from dataclasses import replace

import pytest
import torch

from hookpoint.model import GPT2, Config
from hookpoint.model.loading import extend_context, load_state, map_name, parity, resize_vocab, split_qkv, tie_weights

CFG = Config(d_vocab=13, n_ctx=9, d_model=12, n_layers=2, n_heads=3, d_head=4, d_mlp=17, eps=0.1)


@pytest.fixture
def hf():
    """A Hugging Face GPT-2 in which every weight is random."""
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(
        vocab_size=13, n_positions=9, n_embd=12, n_layer=2, n_head=3, n_inner=17, layer_norm_epsilon=0.1,
        tie_word_embeddings=False,
    )  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        model = transformers.GPT2LMHeadModel(config).eval()
        for parameter in model.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator))
    return model


@pytest.fixture
def tokens():
    return torch.tensor([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]])


def snapshot(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def unchanged(model, before):
    return all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_loaded_model_has_the_logits_of_the_one_it_came_from(hf, tokens):
    model = GPT2(CFG)
    report = load_state(model, hf.state_dict())
    assert (report["missing"], report["unexpected"]) == ([], [])
    assert parity(model, tokens, hf(tokens).logits)["max_abs"] < 1e-4


def test_a_bare_state_without_head_gets_the_embedding_for_one(hf, tokens):
    state = {name.removeprefix("transformer."): value for name, value in hf.state_dict().items()}
    del state["lm_head.weight"]
    load_state(model := GPT2(CFG), state)
    assert torch.equal(model.unembed.W_U, hf.transformer.wte.weight.T)


def test_a_tied_model_takes_a_tied_state_and_refuses_another(hf):
    tie_weights(model := GPT2(CFG))
    before = snapshot(model)
    with pytest.raises(ValueError, match="tied"):
        load_state(model, hf.state_dict())
    assert unchanged(model, before)
    tied = hf.state_dict() | {"lm_head.weight": hf.transformer.wte.weight}
    load_state(model, tied)
    assert torch.equal(model.unembed.W_U, hf.transformer.wte.weight.T)


@pytest.mark.parametrize("name", ["transformer.h.1.ln_2.bias", "transformer.wpe.weight"])
def test_what_is_missing_is_named_and_nothing_changes(hf, name):
    state = hf.state_dict()
    del state[name]
    before = snapshot(model := GPT2(CFG))
    with pytest.raises(ValueError, match=map_name(name)):
        load_state(model, state)
    assert unchanged(model, before)
    assert load_state(model, state, strict=False)["missing"] == [map_name(name)]


def test_what_is_unexpected_is_named_and_buffers_are_not(hf):
    state = hf.state_dict() | {
        "transformer.h.0.attn.bias": torch.ones(1),
        "transformer.h.2.ln_1.weight": torch.ones(12),
    }
    with pytest.raises(ValueError, match=r"h\.2\.ln_1\.weight"):
        load_state(GPT2(CFG), state)
    assert load_state(GPT2(CFG), state, strict=False)["unexpected"] == ["transformer.h.2.ln_1.weight"]


@pytest.mark.parametrize(
    ("name", "shape"),
    [("h.0.attn.c_attn.weight", (36, 12)), ("h.0.attn.c_attn.bias", (12,)), ("h.0.attn.c_proj.weight", (12, 1)),
     ("h.1.ln_1.bias", (1,)), ("wpe.weight", (1, 12))],
)  # fmt: skip
def test_a_wrong_shape_is_named_and_nothing_changes(hf, name, shape):
    before = snapshot(model := GPT2(CFG))
    with pytest.raises(ValueError, match=name.replace(".", r"\.")):
        load_state(model, hf.state_dict() | {f"transformer.{name}": torch.zeros(shape)}, strict=False)
    assert unchanged(model, before)


def test_half_of_a_joint_matrix_is_enough_to_load_that_half(hf):
    state = hf.state_dict()
    bias = state.pop("transformer.h.1.attn.c_attn.bias")
    report = load_state(model := GPT2(CFG), state, strict=False)
    assert report["missing"] == [f"blocks.1.attn.b_{part}" for part in "QKV"]
    assert bias.any() and not model.blocks[1].attn.b_Q.any()


def test_split_qkv_puts_numbered_columns_where_they_belong():
    W_Q, W_K, W_V, b_Q, b_K, b_V = split_qkv(torch.arange(12.0).expand(4, 12), torch.arange(12.0), 2)
    assert W_K[1, 2].tolist() == [6.0, 7.0] == b_K[1].tolist()
    assert (W_Q[0, 0, 0], W_V[1, 3, 1], b_Q[0, 0], b_V[1, 1]) == (0, 11, 0, 11)


def test_uneven_heads_are_refused():
    with pytest.raises(ValueError, match="4 heads"):
        split_qkv(torch.zeros(10, 30), torch.zeros(30), 4)


def test_parity_by_hand():
    model = torch.nn.Embedding(2, 2)  # two tokens, two logits: probabilities 3/4 and 1/4 against 1/2 and 1/2
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[3.0, 1.0], [1.0, 1.0]]).log())
    reference = torch.zeros(1, 2, 2)
    result = parity(model.train(), torch.tensor([[0, 1]]), reference)
    assert result["max_abs"] == pytest.approx(1.0986123)
    assert result["mean_kl"] == pytest.approx(0.5 * 0.5 * 0.2876821, rel=1e-5)
    assert result["top1_agreement"] == 1.0 and model.training


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("d_vocab", [20, 13, 5])
def test_a_resized_vocabulary_keeps_the_old_tokens(scrambled, tokens, d_vocab, tied):
    model = scrambled(CFG)
    if tied:
        tie_weights(model)
    kept, old = min(d_vocab, 13), model(tokens % 5).detach()
    resized = resize_vocab(model, d_vocab)
    assert resized.cfg == replace(CFG, d_vocab=d_vocab) and resized.embed.W_E.shape == (d_vocab, 12)
    torch.testing.assert_close(resized(tokens % 5)[..., :kept], old[..., :kept])
    assert ("unembed.W_U" not in dict(resized.named_parameters())) == tied


def test_a_new_token_has_the_mean_logit(scrambled, tokens):
    model = scrambled(CFG)
    old = model(tokens).detach()
    torch.testing.assert_close(resize_vocab(model, 15)(tokens)[..., 13:], old.mean(-1, keepdim=True).expand(2, 5, 2))


def test_an_extended_context_runs_on_longer_texts_and_no_further(scrambled):
    model = scrambled(CFG)
    text = torch.arange(14)[None] % 13
    old = model(text[:, :9]).detach()
    extend_context(model, 14)
    torch.testing.assert_close(model(text)[:, :9], old)
    with pytest.raises(ValueError, match="n_ctx is 14"):
        model(torch.zeros(1, 15, dtype=torch.long))
    with pytest.raises(ValueError, match="fewer"):
        extend_context(model, 13)
