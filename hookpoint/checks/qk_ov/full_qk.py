"""Checks for `full_qk` (part 2, notebook 13)."""

import torch

from hookpoint.checks.author import Exercise, Mismatch, Slip, same
from hookpoint.interp.qk_ov import FactoredMatrix

from ._heads import CFG, HEADS, drawn, is_factored, left_alone, loaded, of_head

CALL = "Make it of two factors: FactoredMatrix(..., ...)."


def reference(model, layer, head):
    """Every query token with every key token; `model` is a dict of weights."""
    W_Q, W_K = of_head(model, layer, head, "W_Q", "W_K")
    queries, keys = ([token @ W for token in model["embed.W_E"]] for W in (W_Q, W_K))
    return (torch.stack(queries)[:, None] * torch.stack(keys)[None]).sum(dim=-1)


def values(learner, draw):
    """AB is [V, V]: the unscaled score of every token as query (row) with every token as key (column)."""
    for dtype in (torch.float32, torch.float64):
        weights = drawn(draw, dtype=dtype)
        model = loaded(learner, weights)
        for layer, head in HEADS:
            got = learner.full_qk(model, layer, head)
            is_factored(got, CALL)
            same(got.AB.value, reference(weights, layer, head), f"in AB, for head {layer}.{head}")
        left_alone(learner, model, weights)


def stays_small(learner, draw):
    """No [V, V] tensor is made on the way."""
    model = loaded(learner, drawn(draw))
    is_factored(learner.full_qk(model, 1, 0), CALL)
    largest = learner.given.largest_made(learner.full_qk, model, 1, 0)
    if largest >= CFG.d_vocab**2:
        raise Mismatch(
            f"makes a tensor of {largest} numbers for a vocabulary of {CFG.d_vocab}.",
            "  With 50,257 tokens that would be 10 GB: multiply from the small side.",
        )


def made(model, layer, head, left=None, right=None):
    attn, W_E = model.blocks[layer].attn, model.embed.W_E
    left, right = W_E if left is None else left, W_E if right is None else right
    return FactoredMatrix(left @ attn.W_Q[head], (right @ attn.W_K[head]).T)


def transposed(model, layer, head):
    return made(model, layer, head).T


def positions(model, layer, head):
    W_pos = model.pos_embed.W_pos
    return made(model, layer, head, W_pos, W_pos)


def keys_by_unembedding(model, layer, head):
    return made(model, layer, head, right=model.unembed.W_U.T)


def key_positions(model, layer, head):
    return made(model, layer, head, right=model.pos_embed.W_pos)


def scaled(model, layer, head):
    return FactoredMatrix(made(model, layer, head).A / model.cfg.d_head**0.5, made(model, layer, head).B)


def of_ov(model, layer, head):
    attn = model.blocks[layer].attn
    return FactoredMatrix(model.embed.W_E @ attn.W_V[head], attn.W_O[head] @ model.unembed.W_U)


def dense(model, layer, head):
    return made(model, layer, head).AB


def multiplied_out(model, layer, head):
    AB = made(model, layer, head).AB
    return FactoredMatrix(AB, torch.eye(len(AB), dtype=AB.dtype))


def with_biases(model, layer, head):
    attn, W_E = model.blocks[layer].attn, model.embed.W_E
    return FactoredMatrix(W_E @ attn.W_Q[head] + attn.b_Q[head], (W_E @ attn.W_K[head] + attn.b_K[head]).T)


def normalised(model, layer, head):
    read = model.blocks[layer].ln1(model.embed.W_E)
    return made(model, layer, head, read, read)


def with_position_zero(model, layer, head):
    read = model.embed.W_E + model.pos_embed.W_pos[0]
    return made(model, layer, head, read, read)


def swapped(model, layer, head):
    return made(model, head, layer)


EXERCISE = Exercise(
    "full_qk",
    checks=(values, stays_small),
    reference=reference,
    needs={"FactoredMatrix": "factored", "qk_matrix": "qk_of"},
    slips=(
        Slip("the circuit is transposed: rows must be the query's token", transposed),
        Slip("W_pos is used instead of W_E", positions),
        Slip("the keys come from W_U; both sides of a score are read from the stream, by W_E", keys_by_unembedding),
        Slip("the keys are positions", key_positions),
        Slip("the scores are divided by the root of d_head; the text asks for them unscaled", scaled),
        Slip("it is the OV circuit", of_ov),
        Slip("a plain tensor comes back", dense),
        Slip("AB is multiplied out and then called a factor", multiplied_out),
        Slip("the biases are added", with_biases),
        Slip("the embedding is normalised first, which the text leaves out", normalised),
        Slip("the vector of position 0 is added to every token", with_position_zero),
        Slip("layer and head are swapped", swapped),
    ),
)
