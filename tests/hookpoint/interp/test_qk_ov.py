"""QK and OV circuits, against dense matrices, hand-made models and the shipped ones."""

import math

import pytest
import torch

from hookpoint import zoo
from hookpoint.interp import qk_ov
from hookpoint.interp.qk_ov import FactoredMatrix
from hookpoint.model import GPT2, Config

CFG = Config(d_vocab=19, n_ctx=7, d_model=13, n_layers=2, n_heads=3, d_head=5, d_mlp=17, init_range=0.5)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def model():
    """Random weights, biases and gains too."""
    model = GPT2(CFG, seed=1).double().requires_grad_(False)
    for seed, (name, parameter) in enumerate(model.named_parameters()):
        if not name.rpartition(".")[-1].startswith("W_"):
            parameter.copy_(normal(*parameter.shape, seed=seed))
    return model


def test_a_factored_matrix_is_its_product_in_every_respect():
    A, B = normal(2, 11, 3), normal(2, 3, 11, seed=1)
    dense, factored = A @ B, FactoredMatrix(A, B)
    torch.testing.assert_close(factored.AB, dense)
    torch.testing.assert_close(factored.T.AB, dense.mT)
    torch.testing.assert_close((factored @ factored.T).AB, dense @ dense.mT)
    torch.testing.assert_close((normal(4, 11) @ factored).AB, normal(4, 11) @ dense)
    torch.testing.assert_close(factored.norm(), torch.linalg.matrix_norm(dense))
    torch.testing.assert_close(factored.trace(), dense.diagonal(dim1=-2, dim2=-1).sum(-1))


def test_its_svd_has_the_singular_values_of_the_product():
    A, B = normal(11, 3), normal(3, 7, seed=1)
    U, S, V = FactoredMatrix(A, B).svd()
    torch.testing.assert_close(S, torch.linalg.svdvals(A @ B)[:3])
    torch.testing.assert_close(U @ S.diag() @ V.T, A @ B)
    torch.testing.assert_close(V.T @ V, torch.eye(3).double())


def test_factors_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="cannot be multiplied"):
        FactoredMatrix(normal(4, 3), normal(4, 3))


def test_the_ov_circuit_is_what_a_fully_attended_token_adds_to_the_logits(model):
    attn = model.blocks[1].attn
    written = (model.embed.W_E[4] @ attn.W_V[2]) @ attn.W_O[2]
    torch.testing.assert_close(qk_ov.full_ov(model, 1, 2).AB[4], written @ model.unembed.W_U)
    torch.testing.assert_close(model.embed.W_E[4] @ qk_ov.ov_matrix(model, 1, 2), written)


def test_the_qk_circuit_has_the_query_in_its_rows(model):
    attn, W_E = model.blocks[0].attn, model.embed.W_E
    score = (W_E[4] @ attn.W_Q[1]) @ (W_E[9] @ attn.W_K[1])
    torch.testing.assert_close(qk_ov.full_qk(model, 0, 1).AB[4, 9], score)
    torch.testing.assert_close(W_E[4] @ qk_ov.qk_matrix(model, 0, 1) @ W_E[9], score)


@pytest.mark.parametrize(("degrees", "score"), [(0, 1.0), (60, 0.5), (90, 0.0), (180, -1.0)])
def test_a_turn_scores_the_cosine_of_its_angle(degrees, score):
    turn = torch.tensor([[math.cos(math.radians(degrees)), -math.sin(math.radians(degrees))]] * 2, dtype=torch.float64)
    turn[1] = turn[0].flip(0) * torch.tensor([-1.0, 1.0])
    E = torch.linalg.qr(normal(9, 2))[0]
    assert qk_ov.copying_score(FactoredMatrix(E @ turn, E.T))["eigenvalue"] == pytest.approx(score, abs=1e-9)


def test_copying_compares_within_rows_over_all_tokens():
    ladder = torch.tensor([[2.0 * (v < t) + (v == t) for v in range(9)] for t in range(9)])
    found = qk_ov.copying_score(FactoredMatrix(ladder, torch.eye(9)))
    assert found["top1"] == pytest.approx(1 / 9)
    assert found["top5"] == pytest.approx(5 / 9)


def test_ranks_do_not_depend_on_how_many_rows_are_made_at_a_time():
    A, B = normal(64, 16).float(), normal(64, 16).float().T
    dense = A @ (B + 0.5 * A.T)
    want = (dense > dense.diagonal()[:, None]).sum(dim=1)
    for size in (1, 7, 64):
        torch.testing.assert_close(qk_ov._ranks_of_own(FactoredMatrix(A, B + 0.5 * A.T), size), want)


def test_the_pattern_of_positions_is_that_of_a_run_whose_stream_holds_nothing_else():
    cfg = Config(**{**vars(CFG), "normalization_type": None, "attn_only": True})
    model = GPT2(cfg, seed=1)
    with torch.no_grad():
        model.embed.W_E.zero_()
    cache = model.run_with_cache(torch.zeros(1, cfg.n_ctx, dtype=torch.int64))[1]
    torch.testing.assert_close(
        qk_ov.prev_token_pattern_from_pos(model, 0, 2), cache["blocks.0.attn.hook_pattern"][0, 2]
    )


def test_the_parts_of_a_score_add_up_to_it(model):
    tokens = torch.arange(12).reshape(2, 6)
    cache = model.run_with_cache(tokens)[1]
    values, labels = qk_ov.decompose_scores(model, cache, 1, 2)
    assert labels == ["embed", "pos_embed", "attn_out 0", "mlp_out 0", "bias"]
    torch.testing.assert_close(values.sum(dim=(0, 1)).tril(), cache["blocks.1.attn.hook_attn_scores"][:, 2].tril())


def test_each_part_of_a_score_is_the_difference_that_its_absence_makes(model):
    cache = model.run_with_cache(torch.arange(12).reshape(2, 6))[1]
    values, _ = qk_ov.decompose_scores(model, cache, 1, 0)
    without = {**cache, "hook_embed": 0 * cache["hook_embed"]}
    changed, _ = qk_ov.decompose_scores(model, without, 1, 0)
    lost = values[0].sum(0) + values[:, 0].sum(0) - values[0, 0]
    torch.testing.assert_close(values.sum((0, 1)) - changed.sum((0, 1)), lost)


def test_composition_is_1_where_all_that_is_written_is_read_and_0_at_right_angles():
    a, b, c, d = torch.linalg.qr(normal(7, 7))[0][:4]
    assert qk_ov.composition_score(torch.outer(a, b), torch.outer(b, c)) == pytest.approx(1)
    assert qk_ov.composition_score(torch.outer(a, b), torch.outer(c, d)) == pytest.approx(0, abs=1e-12)


def test_chance_composes_by_one_over_the_root_of_the_shared_width():
    scores = qk_ov.composition_baseline((16, 9), (9, 16), 60, torch.Generator().manual_seed(0))
    assert scores.shape == (60,)
    assert scores.square().mean().item() == pytest.approx(1 / 9, rel=0.1)


def test_what_a_head_reads_becomes_what_it_writes(model):
    read, write, s = qk_ov.svd_read_write(model, 1, 0, 3)
    torch.testing.assert_close(read @ qk_ov.ov_matrix(model, 1, 0), s[:, None] * write)


def test_another_basis_in_a_head_changes_no_logit_and_every_value(model):
    R, tokens = normal(5, 5, seed=3) + 2 * torch.eye(5), torch.arange(12).reshape(2, 6)
    turned = qk_ov.rotate_head(model, 1, 2, R)
    (logits, cache), (new_logits, new) = model.run_with_cache(tokens), turned.run_with_cache(tokens)
    torch.testing.assert_close(new_logits, logits)
    torch.testing.assert_close(new["blocks.1.attn.hook_v"][:, :, 2], cache["blocks.1.attn.hook_v"][:, :, 2] @ R)


def test_the_copying_heads_of_induction_are_those_that_read_the_previous_token_head():
    model = zoo.load("induction").requires_grad_(False)
    copies = [qk_ov.copying_score(qk_ov.full_ov(model, 1, head))["eigenvalue"] > 0.9 for head in range(4)]
    keys = [qk_ov.qk_matrix(model, 1, head).T for head in range(4)]
    reads = [qk_ov.composition_score(qk_ov.ov_matrix(model, 0, 3), key) > 0.2 for key in keys]
    assert copies == reads == [True, True, False, True]
