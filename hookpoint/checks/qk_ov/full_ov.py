"""Checks for `full_ov` (part 2, notebook 13)."""

import torch

from hookpoint.checks.author import Exercise, Mismatch, Slip, same
from hookpoint.interp.qk_ov import FactoredMatrix

from ._heads import CFG, HEADS, drawn, is_factored, left_alone, loaded, of_head

CALL = "Make it of two factors: FactoredMatrix(..., ...)."


def reference(model, layer, head):
    """Every token on its own way through the head; `model` is a dict of weights."""
    W_V, W_O = of_head(model, layer, head, "W_V", "W_O")
    rows = [((token @ W_V) @ W_O) @ model["unembed.W_U"] for token in model["embed.W_E"]]
    return torch.stack(rows)


def values(learner, draw):
    """AB is [V, V]: from the token that is attended to (row) to the logits that this adds (columns)."""
    for dtype in (torch.float32, torch.float64):
        weights = drawn(draw, dtype=dtype)
        model = loaded(learner, weights)
        for layer, head in HEADS:
            got = learner.full_ov(model, layer, head)
            is_factored(got, CALL)
            same(got.AB.value, reference(weights, layer, head), f"in AB, for head {layer}.{head}")
        left_alone(learner, model, weights)


def stays_small(learner, draw):
    """No [V, V] tensor is made on the way."""
    model = loaded(learner, drawn(draw))
    is_factored(learner.full_ov(model, 1, 0), CALL)
    largest = learner.given.largest_made(learner.full_ov, model, 1, 0)
    if largest >= CFG.d_vocab**2:
        raise Mismatch(
            f"makes a tensor of {largest} numbers for a vocabulary of {CFG.d_vocab}.",
            "  With 50,257 tokens that would be 10 GB: multiply from the small side.",
        )


def made(model, layer, head, left=None, right=None, W_O=None):
    attn = model.blocks[layer].attn
    left = model.embed.W_E if left is None else left
    right = model.unembed.W_U if right is None else right
    return FactoredMatrix(left @ attn.W_V[head], (attn.W_O[head] if W_O is None else W_O) @ right)


def transposed(model, layer, head):
    return made(model, layer, head).T


def unembedded_by_embedding(model, layer, head):
    return made(model, layer, head, right=model.embed.W_E.T)


def without_unembedding(model, layer, head):
    return made(model, layer, head, right=torch.eye(model.cfg.d_model, dtype=model.embed.W_E.dtype))


def without_embedding(model, layer, head):
    return made(model, layer, head, left=torch.eye(model.cfg.d_model, dtype=model.embed.W_E.dtype))


def positions(model, layer, head):
    return made(model, layer, head, left=model.pos_embed.W_pos)


def of_qk(model, layer, head):
    attn, W_E = model.blocks[layer].attn, model.embed.W_E
    return FactoredMatrix(W_E @ attn.W_Q[head], (W_E @ attn.W_K[head]).T)


def dense(model, layer, head):
    return made(model, layer, head).AB


def multiplied_out(model, layer, head):
    AB = made(model, layer, head).AB
    return FactoredMatrix(AB, torch.eye(len(AB), dtype=AB.dtype))


def with_direct_path(model, layer, head):
    attn = model.blocks[layer].attn
    OV = attn.W_V[head] @ attn.W_O[head]
    return FactoredMatrix(model.embed.W_E, (OV + torch.eye(len(OV), dtype=OV.dtype)) @ model.unembed.W_U)


def normalised(model, layer, head):
    return made(model, layer, head, left=model.blocks[layer].ln1(model.embed.W_E))


def gain_folded(model, layer, head):
    return made(model, layer, head, left=model.embed.W_E * model.blocks[layer].ln1.w)


def with_bias(model, layer, head):
    attn = model.blocks[layer].attn
    return FactoredMatrix(model.embed.W_E @ attn.W_V[head] + attn.b_V[head], attn.W_O[head] @ model.unembed.W_U)


def swapped(model, layer, head):
    return made(model, head, layer)


EXERCISE = Exercise(
    "full_ov",
    checks=(values, stays_small),
    reference=reference,
    needs={"FactoredMatrix": "factored", "ov_matrix": "ov_of"},
    slips=(
        Slip("the circuit is transposed: rows must be the token attended to", transposed),
        Slip("the embedding is used a second time where W_U belongs", unembedded_by_embedding),
        Slip("W_U is missing", without_unembedding),
        Slip("W_E is missing", without_embedding),
        Slip("the rows are positions: W_pos is used instead of W_E", positions),
        Slip("it is the QK circuit", of_qk),
        Slip("a plain tensor comes back", dense),
        Slip("AB is multiplied out and then called a factor", multiplied_out),
        Slip("the direct path past the head is added", with_direct_path),
        Slip("the embedding is normalised first, which the text leaves out", normalised),
        Slip("LayerNorm's gain is folded in", gain_folded),
        Slip("b_V is added", with_bias),
        Slip("layer and head are swapped", swapped),
    ),
)
