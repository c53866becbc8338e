"""Checks for `ov_matrix` (part 2, notebook 13)."""

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Slip, same

from ._heads import HEADS, drawn, left_alone, loaded, of_head


def reference(model, layer, head):
    """One unit vector at a time through W_V and W_O; `model` is a dict of weights."""
    W_V, W_O = of_head(model, layer, head, "W_V", "W_O")
    return torch.stack([(W_V[row][:, None] * W_O).sum(dim=0) for row in range(len(W_V))])


def values(learner, draw):
    """Row i is what the head writes if it attends to a vector that is 1 at place i, without biases."""
    for dtype in (torch.float32, torch.float64):
        weights = drawn(draw, dtype=dtype)
        model = loaded(learner, weights)
        for layer, head in HEADS:
            same(learner.ov_matrix(model, layer, head), reference(weights, layer, head), f"for head {layer}.{head}")
        left_alone(learner, model, weights)


def right(model, layer, head):
    attn = model.blocks[layer].attn
    return attn.W_V[head] @ attn.W_O[head]


def transposed(model, layer, head):
    return right(model, layer, head).T


def of_qk(model, layer, head):
    attn = model.blocks[layer].attn
    return attn.W_Q[head] @ attn.W_K[head].T


def inner(model, layer, head):
    attn = model.blocks[layer].attn
    return attn.W_O[head] @ attn.W_V[head]


def all_heads(model, layer, head):
    attn = model.blocks[layer].attn
    return (attn.W_V @ attn.W_O).sum(dim=0)


def every_head(model, layer, head):
    attn = model.blocks[layer].attn
    return attn.W_V @ attn.W_O


def swapped(model, layer, head):
    attn = model.blocks[head].attn
    return attn.W_V[layer] @ attn.W_O[layer]


def first_layer(model, layer, head):
    return right(model, 0, head)


def with_bias(model, layer, head):
    attn = model.blocks[layer].attn
    return (attn.W_V[head] + attn.b_V[head]) @ attn.W_O[head]


def with_output_bias(model, layer, head):
    return right(model, layer, head) + model.blocks[layer].attn.b_O


def folded(model, layer, head):
    return model.blocks[layer].ln1.w[:, None] * right(model, layer, head)


def scaled(model, layer, head):
    return right(model, layer, head) / model.cfg.d_head**0.5


def shared_output(model, layer, head):
    attn = model.blocks[layer].attn
    return attn.W_V[head] @ attn.W_O.mean(dim=0)


EXERCISE = Exercise(
    "ov_matrix",
    checks=(values,),
    reference=reference,
    gives=Tensor,
    needs={"FactoredMatrix": "factored"},
    slips=(
        Slip("the matrix is transposed: rows must be what is read, columns what is written", transposed),
        Slip("W_Q and W_K are multiplied, which is the other circuit", of_qk),
        Slip("W_O stands before W_V, which gives a [d_head, d_head] matrix", inner),
        Slip("all heads of the layer are added up", all_heads),
        Slip("all heads of the layer come back", every_head),
        Slip("layer and head are swapped", swapped),
        Slip("the layer is ignored", first_layer),
        Slip("b_V is added to every row of W_V", with_bias),
        Slip("b_O is added", with_output_bias),
        Slip("LayerNorm's gain is folded in", folded),
        Slip("the matrix is divided by the root of d_head, which belongs to scores", scaled),
        Slip("W_O is averaged over the heads", shared_output),
    ),
)
