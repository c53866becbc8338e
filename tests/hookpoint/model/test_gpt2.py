"""Promises of the reference GPT-2: its values, its contract, its starting weights."""

import math
import subprocess
import sys

import pytest
import torch
from torch.nn import functional as F

from hookpoint.model import GPT2, MLP, Attention, Config, LayerNorm, PosEmbed, gelu_new, init_weights


def normal(*shape, dtype=torch.float32, seed=0):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


# Values


def test_layer_norm_on_numbers_that_were_worked_out_by_hand():
    # mean 2.5, variance 1.25; with eps 0.3125 the scale is exactly 1.25.
    layer_norm = LayerNorm(Config(1, 1, 4, 1, 1, 1, 1, eps=0.3125))
    layer_norm.load_state_dict({"w": torch.tensor([1.0, 2.0, 3.0, 4.0]), "b": torch.full((4,), 0.5)})
    out = layer_norm(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    torch.testing.assert_close(out, torch.tensor([-0.7, -0.3, 1.7, 5.3]))


@pytest.mark.parametrize("shape", [(10,), (5, 10), (2, 3, 10), (2, 3, 4, 10)], ids=str)
def test_layer_norm_agrees_with_torch_on_any_number_of_axes(model, shape):
    x, ln = normal(*shape), model.ln_final
    torch.testing.assert_close(ln(x), F.layer_norm(x, (10,), ln.w, ln.b, eps=0.1))


def test_gelu_new_is_the_tanh_form_and_not_the_exact_one():
    x = torch.linspace(-6, 6, 241, dtype=torch.float64)
    torch.testing.assert_close(gelu_new(x), F.gelu(x, approximate="tanh"), rtol=0, atol=1e-14)
    assert (gelu_new(x) - F.gelu(x)).abs().max() > 1e-4


def test_the_mlp_is_two_linear_layers_with_gelu_between(model):
    x, mlp = normal(2, 4, 10), model.blocks[0].mlp
    hidden = F.gelu(F.linear(x, mlp.W_in.T, mlp.b_in), approximate="tanh")
    torch.testing.assert_close(mlp(x), F.linear(hidden, mlp.W_out.T, mlp.b_out))


def looped_attention(attn, x, d_head):
    """One query at a time, in Python: what the formula says, with no einsum and no mask."""
    out = torch.zeros_like(x)
    for b in range(x.shape[0]):
        for t in range(x.shape[1]):
            for W_Q, b_Q, W_K, b_K, W_V, b_V, W_O in zip(
                attn.W_Q, attn.b_Q, attn.W_K, attn.b_K, attn.W_V, attn.b_V, attn.W_O, strict=True
            ):
                query = x[b, t] @ W_Q + b_Q
                weights = [math.exp(query @ (x[b, s] @ W_K + b_K) / math.sqrt(d_head)) for s in range(t + 1)]
                values = [x[b, s] @ W_V + b_V for s in range(t + 1)]
                z = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
                out[b, t] += z @ W_O
            out[b, t] += attn.b_O
    return out


@torch.no_grad()
def test_attention_agrees_with_a_loop_over_queries_and_keys(cfg, scrambled):
    attn = scrambled(cfg, torch.float64).blocks[1].attn
    x = normal(2, 5, 10, dtype=torch.float64)
    torch.testing.assert_close(attn(x), looped_attention(attn, x, cfg.d_head), rtol=0, atol=1e-12)


def test_attention_agrees_with_torchs_fused_attention(model):
    attn, x = model.blocks[0].attn, normal(2, 5, 10)
    q, k, v = (torch.einsum("btd,hdk->bhtk", x, W) + b[:, None] for W, b in
               [(attn.W_Q, attn.b_Q), (attn.W_K, attn.b_K), (attn.W_V, attn.b_V)])  # fmt: skip
    z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    torch.testing.assert_close(attn(x), torch.einsum("bhtk,hkd->btd", z, attn.W_O) + attn.b_O)


def test_the_pattern_is_exactly_zero_on_the_future_even_where_it_would_score_highest(cfg):
    attn = Attention(cfg)
    with torch.no_grad():  # every key scores (t + 1) * 100, so that the future always looks best
        attn.b_Q.fill_(100.0)
        attn.W_K.fill_(1.0)
    seen = []
    attn.hook_pattern.hooks.append(lambda act, hook: seen.append(act))
    attn(torch.arange(1.0, 6.0)[None, :, None].expand(1, 5, 10))
    assert torch.equal(seen[0].triu(1), torch.zeros_like(seen[0]))
    torch.testing.assert_close(seen[0].sum(-1), torch.ones(1, 2, 5))


@pytest.mark.parametrize("position", range(6))
def test_a_changed_token_changes_nothing_before_it_and_something_from_it_on(model, tokens, position):
    changed = tokens.clone()
    changed[:, position] = 12  # a token that occurs nowhere in `tokens`
    before, after = model(tokens), model(changed)
    assert torch.equal(before[:, :position], after[:, :position])
    assert (before[:, position:] != after[:, position:]).any(dim=-1).all()


def test_rows_of_a_batch_do_not_touch_each_other(model, tokens):
    alone = torch.cat([model(row[None]) for row in tokens])
    torch.testing.assert_close(model(tokens), alone)


# Positions


def test_positions_start_at_the_offset(cfg, model, tokens):
    out = model.pos_embed(tokens, offset=2)
    assert torch.equal(out, model.pos_embed.W_pos[2:8].expand(3, 6, cfg.d_model))


def test_an_edit_of_what_pos_embed_gives_does_not_reach_the_weights(model, tokens):
    weights = model.pos_embed.W_pos.detach().clone()
    with torch.no_grad():
        model.pos_embed(tokens).zero_()
        model.embed(tokens).zero_()
    assert torch.equal(model.pos_embed.W_pos, weights)


@pytest.mark.parametrize(("length", "offset"), [(10, 0), (5, 5), (1, 9), (1, -1)])
def test_a_position_without_a_vector_is_an_error_that_names_n_ctx(cfg, length, offset):
    with pytest.raises(ValueError, match="n_ctx is 9"):
        PosEmbed(cfg)(torch.zeros(1, length, dtype=torch.long), offset=offset)


def test_the_last_position_can_be_used(cfg, model):
    assert model(torch.zeros(1, cfg.n_ctx, dtype=torch.long)).shape == (1, 9, 13)


# Dtypes


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_the_logits_follow_the_dtype_of_the_weights(cfg, scrambled, tokens, dtype):
    logits, wide = scrambled(cfg, dtype)(tokens), scrambled(cfg, torch.float64)(tokens)
    assert logits.dtype == dtype
    error = (logits.double() - wide).abs().max() / wide.abs().max()
    assert error < {torch.float64: 1e-14, torch.float32: 1e-5, torch.float16: 1e-2, torch.bfloat16: 5e-2}[dtype]


def test_halves_that_would_overflow_when_squared_are_normalised_all_the_same(model):
    x = torch.linspace(-900, 900, 10)
    half = model.half().ln_final(x.half())
    assert half.dtype == torch.float16
    torch.testing.assert_close(half.float(), model.float().ln_final(x), rtol=0, atol=1e-2)


def test_gelu_of_a_half_whose_cube_would_overflow_is_the_half_itself():
    assert torch.equal(gelu_new(torch.tensor([60.0, -60.0], dtype=torch.float16)), torch.tensor([60, -0.0]).half())


# The contract


CONTRACT = {
    "embed.W_E": (13, 10),
    "pos_embed.W_pos": (9, 10),
    "blocks.2.ln1.w": (10,),
    "blocks.2.ln1.b": (10,),
    "blocks.2.attn.W_Q": (2, 10, 3),
    "blocks.2.attn.W_K": (2, 10, 3),
    "blocks.2.attn.W_V": (2, 10, 3),
    "blocks.2.attn.W_O": (2, 3, 10),
    "blocks.2.attn.b_Q": (2, 3),
    "blocks.2.attn.b_K": (2, 3),
    "blocks.2.attn.b_V": (2, 3),
    "blocks.2.attn.b_O": (10,),
    "blocks.2.ln2.w": (10,),
    "blocks.2.ln2.b": (10,),
    "blocks.2.mlp.W_in": (10, 17),
    "blocks.2.mlp.b_in": (17,),
    "blocks.2.mlp.W_out": (17, 10),
    "blocks.2.mlp.b_out": (10,),
    "ln_final.w": (10,),
    "ln_final.b": (10,),
    "unembed.W_U": (10, 13),
    "unembed.b_U": (13,),
}


def test_parameters_carry_the_contracts_names_and_shapes(cfg):
    shapes = {name: tuple(parameter.shape) for name, parameter in GPT2(cfg).named_parameters()}
    earlier_blocks = {name for name in shapes if name.startswith(("blocks.0.", "blocks.1."))}
    assert {name: shape for name, shape in shapes.items() if name not in earlier_blocks} == CONTRACT
    assert len(earlier_blocks) == 2 * 16


def test_a_state_dict_brings_the_same_function_to_another_model(cfg, model, tokens):
    other = GPT2(cfg, seed=5)
    assert not torch.equal(other(tokens), model(tokens))
    other.load_state_dict(model.state_dict(), strict=True)
    assert torch.equal(other(tokens), model(tokens))


def test_the_state_dict_holds_parameters_and_nothing_else(model):
    assert list(model.state_dict()) == [name for name, _ in model.named_parameters()]


def test_the_head_is_not_tied_to_the_embedding(model, tokens):
    head = model.unembed.W_U.detach().clone()
    with torch.no_grad():
        model.embed.W_E.zero_()
    assert torch.equal(model.unembed.W_U, head)


# Starting weights


@pytest.fixture(scope="module")
def wide():
    """Wide enough that a standard deviation is known to about one percent."""
    return GPT2(Config(d_vocab=200, n_ctx=100, d_model=96, n_layers=8, n_heads=4, d_head=20, d_mlp=300, init_range=0.5))


@pytest.mark.parametrize("name", ["W_E", "W_pos", "W_Q", "W_K", "W_V", "W_in", "W_U", "W_O", "W_out"])
def test_matrices_start_normal_with_the_written_spread(wide, name):
    values = torch.cat([p.flatten() for path, p in wide.named_parameters() if path.endswith(f".{name}")])
    wanted = 0.5 / 4 if name in ("W_O", "W_out") else 0.5  # sqrt(2 * 8 layers) is 4
    assert values.std().item() == pytest.approx(wanted, rel=0.03)
    assert abs(values.mean().item()) < 0.03 * wanted
    assert (values.abs() > 2.5 * wanted).float().mean().item() == pytest.approx(0.0124, abs=0.006)


def test_biases_start_at_zero_and_gains_at_one(wide):
    for path, parameter in wide.named_parameters():
        name = path.rpartition(".")[-1]
        if not name.startswith("W_"):
            assert torch.equal(parameter, torch.full_like(parameter, 1.0 if name == "w" else 0.0)), path


def test_the_seed_decides_the_weights_and_the_global_generator_is_left_alone(cfg, tokens):
    state = torch.get_rng_state()
    first, again, other = GPT2(cfg, seed=3), GPT2(cfg, seed=3), GPT2(cfg, seed=4)
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(first(tokens), again(tokens))
    assert not torch.equal(first(tokens), other(tokens))


def test_init_weights_overwrites_every_parameter(model, cfg):
    init_weights(model, seed=3)
    for (name, ours), fresh in zip(model.named_parameters(), GPT2(cfg, seed=3).parameters(), strict=True):
        assert torch.equal(ours, fresh), name


def test_seed_none_leaves_the_matrices_zero(cfg):
    assert not GPT2(cfg, seed=None).blocks[0].attn.W_Q.any()
    assert not MLP(cfg).W_in.any()


# Cost


def test_importing_the_model_imports_no_library_that_only_an_adapter_needs():
    program = "import sys, hookpoint.model.gpt2; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "torch" in loaded
    assert not loaded & {"transformers", "transformer_lens", "matplotlib", "pandas", "streamlit", "nbgrader"}
