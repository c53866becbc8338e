"""hookpoint.interp.induction against compiled circuits and patterns made by hand."""

import math

import pytest
import torch

from hookpoint import zoo
from hookpoint.interp import induction
from hookpoint.model import GPT2, Config
from hookpoint.zoo.recipes import circuits

LETTERS, BOS, PERIOD = 13, 12, 11


def letters(n: int = 24) -> torch.Tensor:
    return induction.repeated_tokens(n, PERIOD, LETTERS, seed=0, bos=BOS)


@pytest.mark.parametrize("bos", [0, 3, 6])
def test_every_id_but_the_bos_is_drawn_and_the_half_comes_twice(bos):
    tokens = induction.repeated_tokens(500, 4, 7, seed=1, bos=bos)
    assert set(tokens[:, 1:].unique().tolist()) == set(range(7)) - {bos}
    assert (tokens[:, 0] == bos).all()
    assert torch.equal(tokens[:, 1:5], tokens[:, 5:])


def test_tokens_depend_on_the_seed_alone():
    first = induction.repeated_tokens(3, 5, 50, seed=1, bos=0)
    torch.rand(7)
    assert torch.equal(first, induction.repeated_tokens(3, 5, 50, seed=1, bos=0))
    assert not torch.equal(first, induction.repeated_tokens(3, 5, 50, seed=2, bos=0))


@pytest.mark.parametrize(
    ("score", "place"),
    [
        (induction.prev_token_score, lambda query: query - 1),
        (induction.current_token_score, lambda query: query),
        (induction.first_token_score, lambda query: 0),
        (lambda pattern: induction.induction_score(pattern, 3), lambda query: max(query - 2, 0)),
    ],
)
def test_a_head_that_always_looks_there_has_score_one(score, place):
    pattern = torch.zeros(2, 1, 7, 7)
    for query in range(7):
        pattern[:, 0, query, max(place(query), 0)] = 1.0
    assert score(pattern).tolist() == [1.0]


def test_a_duplicate_token_head_has_induction_score_zero():
    pattern = torch.zeros(1, 1, 7, 7)
    for query in range(4, 7):
        pattern[0, 0, query, query - 3] = 1.0
    assert induction.induction_score(pattern, 3).tolist() == [0.0]


def test_every_head_that_looks_like_induction_is_found_in_the_compiled_circuit():
    found = induction.find_heads(zoo.load("circuit_induction"), 0.3, P=PERIOD)
    assert found == [(1, 0), (1, 1), (1, 2)]


def test_nothing_is_found_in_random_weights():
    cfg = Config(d_vocab=20, n_ctx=41, d_model=8, n_layers=2, n_heads=2, d_head=4, d_mlp=8)
    assert induction.find_heads(GPT2(cfg, seed=0), 0.3) == []


def test_a_model_that_knows_nothing_pays_the_logarithm_of_the_vocabulary_on_both_halves():
    cfg = Config(d_vocab=20, n_ctx=11, d_model=8, n_layers=1, n_heads=2, d_head=4, d_mlp=8)
    tokens = induction.repeated_tokens(3, 5, 20, seed=0, bos=0)
    losses = induction.per_token_gain(GPT2(cfg, seed=None), tokens, 5)
    assert losses == pytest.approx((math.log(20), math.log(20)))


def test_only_the_heads_of_the_answer_key_matter_in_the_compiled_circuit():
    rise = induction.ablate_and_rank(zoo.load("circuit_induction"), letters(), PERIOD)
    for node in circuits.answer_key("circuit_induction")["nodes"]:
        layer, head = node["node"]
        assert (rise[layer, head] > 0.5) == (node["role"] == "circuit")
        assert node["role"] == "circuit" or abs(rise[layer, head]) < 1e-5


def test_the_compiled_circuit_composes_through_the_keys_as_its_answer_key_says():
    key = circuits.answer_key("circuit_induction")
    (edge,) = [edge for edge in key["edges"] if edge["input"] == "k" and edge["sender"] != "embed"]
    model, sender, receiver = zoo.load("circuit_induction"), tuple(edge["sender"]), tuple(edge["receiver"])
    found = induction.k_composition_check(model, sender, receiver, letters(), PERIOD)
    assert found["effect"] > 0.4
    assert set(found["controls"]) == {(0, head) for head in range(3)} - {sender}
    assert all(abs(lost) < 1e-5 for lost in found["controls"].values())


def test_no_hook_is_left_on_the_model():
    model = zoo.load("circuit_induction")
    induction.ablate_and_rank(model, letters(3), PERIOD)
    induction.k_composition_check(model, (0, 2), (1, 2), letters(3), PERIOD)
    assert not any(point.hooks for point in model.hook_points().values())
