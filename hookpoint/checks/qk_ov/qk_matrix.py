"""Checks for `qk_matrix` (part 2, notebook 13)."""

import dataclasses
import math

import torch
from torch import Tensor

from hookpoint.checks.author import WHOLE, Exercise, Slip, same

from ._heads import CFG, HEADS, drawn, left_alone, loaded, of_head, ours

PLAIN = dataclasses.replace(CFG, attn_only=True, normalization_type=None)


def reference(model, layer, head):
    """Entry by entry the dot product of a query and a key; `model` is a dict of weights."""
    W_Q, W_K = of_head(model, layer, head, "W_Q", "W_K")
    return torch.stack([torch.stack([(query * key).sum() for key in W_K]) for query in W_Q])


def values(learner, draw):
    """Entry (i, j) is the unscaled score of place i of the query's vector with place j of the key's, without biases."""
    for dtype in (torch.float32, torch.float64):
        weights = drawn(draw, dtype=dtype)
        model = loaded(learner, weights)
        for layer, head in HEADS:
            same(learner.qk_matrix(model, layer, head), reference(weights, layer, head), f"for head {layer}.{head}")
        left_alone(learner, model, weights)


def gives_scores(learner, draw):
    """x_query @ qk_matrix @ x_key, divided by sqrt(d_head), is the score that the model computes."""
    weights = {name: w if "b_" not in name else 0 * w for name, w in drawn(draw, PLAIN, torch.float64).items()}
    model, tokens = loaded(learner, weights, PLAIN), draw.ids(PLAIN.d_vocab, 2, PLAIN.n_ctx)
    _, cache = ours(weights, PLAIN).run_with_cache(tokens)
    x, scores = cache["blocks.1.hook_resid_pre"], cache["blocks.1.attn.hook_attn_scores"][:, 1]
    got = learner.qk_matrix(model, 1, 1)
    same(got, reference(weights, 1, 1), "for head 1.1")
    same((x @ got @ x.mT / math.sqrt(PLAIN.d_head)).tril(), scores.tril(), "in x_query @ qk_matrix @ x_key", WHOLE)


def right(model, layer, head):
    attn = model.blocks[layer].attn
    return attn.W_Q[head] @ attn.W_K[head].T


def transposed(model, layer, head):
    return right(model, layer, head).T


def of_ov(model, layer, head):
    attn = model.blocks[layer].attn
    return attn.W_V[head] @ attn.W_O[head]


def inner(model, layer, head):
    attn = model.blocks[layer].attn
    return attn.W_Q[head].T @ attn.W_K[head]


def scaled(model, layer, head):
    return right(model, layer, head) / model.cfg.d_head**0.5


def scaled_by_width(model, layer, head):
    return right(model, layer, head) / model.cfg.d_head


def all_heads(model, layer, head):
    attn = model.blocks[layer].attn
    return (attn.W_Q @ attn.W_K.mT).sum(dim=0)


def every_head(model, layer, head):
    attn = model.blocks[layer].attn
    return attn.W_Q @ attn.W_K.mT


def swapped(model, layer, head):
    return right(model, head, layer)


def with_biases(model, layer, head):
    attn = model.blocks[layer].attn
    return (attn.W_Q[head] + attn.b_Q[head]) @ (attn.W_K[head] + attn.b_K[head]).T


def folded(model, layer, head):
    w = model.blocks[layer].ln1.w if hasattr(model.blocks[layer].ln1, "w") else 1
    return (right(model, layer, head).T * w).T * w


def keys_twice(model, layer, head):
    attn = model.blocks[layer].attn
    return attn.W_K[head] @ attn.W_K[head].T


EXERCISE = Exercise(
    "qk_matrix",
    checks=(values, gives_scores),
    reference=reference,
    gives=Tensor,
    needs={"FactoredMatrix": "factored"},
    slips=(
        Slip("the matrix is transposed: rows must be the query's side", transposed),
        Slip("it is the OV matrix", of_ov),
        Slip("the [d_head, d_head] product comes back: sum over d_head, not over d_model", inner),
        Slip("the matrix is divided by the root of d_head; the text asks for it unscaled", scaled),
        Slip("the matrix is divided by d_head", scaled_by_width),
        Slip("all heads of the layer are added up", all_heads),
        Slip("all heads of the layer come back", every_head),
        Slip("layer and head are swapped", swapped),
        Slip("the biases are added to the rows of W_Q and W_K", with_biases),
        Slip("LayerNorm's gain is folded in", folded),
        Slip("W_K is used on both sides", keys_twice),
    ),
)
