"""Checks for `prev_token_pattern_from_pos` (part 2, notebook 13)."""

import dataclasses
import math

import torch
from torch import Tensor

from hookpoint.checks.author import Exercise, Mismatch, Slip, Tolerance, same

from ._heads import CFG, HEADS, drawn, left_alone, loaded, of_head

SCALED = Tolerance(1e-5, float64=1e-6)  # in float64 too, the root of d_head may be a float32 tensor
# Wide enough for a direction per position, and one head that is as wide.
COMPASS = dataclasses.replace(CFG, n_ctx=5, d_model=5, d_head=7, attn_only=True, normalization_type=None)


def reference(model, layer, head):
    """Row by row, over the positions up to the query alone; `model` is a dict of weights."""
    W_Q, W_K = of_head(model, layer, head, "W_Q", "W_K")
    W_pos = model["pos_embed.W_pos"]
    pattern = torch.zeros(len(W_pos), len(W_pos), dtype=W_pos.dtype)
    for query, x in enumerate(W_pos):
        fits = torch.stack([(x @ W_Q) @ (key @ W_K) for key in W_pos[: query + 1]]) / math.sqrt(W_Q.shape[1])
        weights = (fits - fits.max()).exp()
        pattern[query, : query + 1] = weights / weights.sum()
    return pattern


def values(learner, draw):
    """Row q is the softmax over positions 0 to q of the scaled scores that W_pos gives, without biases."""
    for dtype in (torch.float32, torch.float64):
        weights = drawn(draw, dtype=dtype)
        model = loaded(learner, weights)
        for layer, head in HEADS:
            got = learner.prev_token_pattern_from_pos(model, layer, head)
            same(got, reference(weights, layer, head), f"for head {layer}.{head}")
        left_alone(learner, model, weights)


def hand_built(draw, back, score):
    """Positions as unit vectors; head 1.0 gives `score` to the position `back` places before, and 0 to all others."""
    weights = {name: 0 * w for name, w in drawn(draw, COMPASS, torch.float64).items()}
    size, attn = COMPASS.n_ctx, "blocks.1.attn."
    weights["pos_embed.W_pos"] = torch.eye(size).double()
    weights[attn + "W_Q"][0, :, :size] = torch.eye(size).double().roll(-back, 1) * score * math.sqrt(COMPASS.d_head)
    weights[attn + "W_K"][0, :, :size] = torch.eye(size).double()
    return weights


def exact(learner, draw):
    """A head built to look one place back, with a score of ln 4, gives that place 4 / (4 + the number of others)."""
    for back in (1, 2):
        weights = hand_built(draw, back, math.log(4))
        want = torch.zeros(5, 5).double()
        for query in range(5):
            parts = torch.tensor([4.0 if key == (query - back) % 5 else 1.0 for key in range(query + 1)]).double()
            want[query, : query + 1] = parts / parts.sum()
        model = loaded(learner, weights, COMPASS)
        same(learner.prev_token_pattern_from_pos(model, 1, 0), want, f"for a head that looks {back} back")
        uniform = torch.ones(5, 5).double().tril()
        uniform /= uniform.sum(dim=1, keepdim=True)
        same(learner.prev_token_pattern_from_pos(model, 1, 1), uniform, "for a head whose scores are all 0")


def future_blind(learner, draw):
    """A score of +50 for the future still gives it exactly 0."""
    uniform = torch.ones(5, 5).double().tril()
    want = uniform / uniform.sum(dim=1, keepdim=True)
    want[4] = torch.tensor([1.0, 0, 0, 0, 0]).double()  # the last position looks past the end, round to the first
    for score in (50.0, 800.0):  # the second one's exponential is beyond float64
        model = loaded(learner, hand_built(draw, -1, score), COMPASS)
        got = learner.prev_token_pattern_from_pos(model, 1, 0)
        same(got, want, f"for a head that would look one place ahead with a score of {score:g}")
        if got.triu(1).any():
            raise Mismatch("is not exactly 0 above the diagonal.", "  Mask scores with minus infinity.", got=got)


def scores(model, layer, head, read=None, read_key=None):
    attn = model.blocks[layer].attn
    read = model.pos_embed.W_pos if read is None else read
    read_key = read if read_key is None else read_key
    return (read @ attn.W_Q[head]) @ (read_key @ attn.W_K[head]).T


def pattern(raw, width, dim=-1, offset=1):
    future = torch.ones_like(raw, dtype=torch.bool).triu(offset)
    return (raw / width**0.5).masked_fill(future, -torch.inf).softmax(dim=dim)


def right(model, layer, head):
    return pattern(scores(model, layer, head), model.cfg.d_head)


def no_mask(model, layer, head):
    return (scores(model, layer, head) / model.cfg.d_head**0.5).softmax(dim=-1)


def masked_after(model, layer, head):
    return no_mask(model, layer, head).tril()


def zeros_in_softmax(model, layer, head):
    return (scores(model, layer, head) / model.cfg.d_head**0.5).tril().softmax(dim=-1)


def unscaled(model, layer, head):
    return pattern(scores(model, layer, head), 1)


def scaled_by_model(model, layer, head):
    return pattern(scores(model, layer, head), model.cfg.d_model)


def scaled_by_width(model, layer, head):
    return pattern(scores(model, layer, head), model.cfg.d_head**2)


def over_queries(model, layer, head):
    raw = scores(model, layer, head) / model.cfg.d_head**0.5
    return raw.masked_fill(torch.ones_like(raw, dtype=torch.bool).triu(1), -1e30).softmax(dim=0)


def tokens(model, layer, head):
    W_E = model.embed.W_E[: model.cfg.n_ctx]
    return pattern(scores(model, layer, head, W_E), model.cfg.d_head)


def transposed(model, layer, head):
    return pattern(scores(model, layer, head).T, model.cfg.d_head)


def raw_scores(model, layer, head):
    return scores(model, layer, head) / model.cfg.d_head**0.5


def with_biases(model, layer, head):
    attn, W_pos = model.blocks[layer].attn, model.pos_embed.W_pos
    raw = (W_pos @ attn.W_Q[head] + attn.b_Q[head]) @ (W_pos @ attn.W_K[head] + attn.b_K[head]).T
    return pattern(raw, model.cfg.d_head)


def normalised(model, layer, head):
    return pattern(scores(model, layer, head, model.blocks[layer].ln1(model.pos_embed.W_pos)), model.cfg.d_head)


def own_position_hidden(model, layer, head):
    raw = scores(model, layer, head) / model.cfg.d_head**0.5
    return raw.masked_fill(torch.ones_like(raw, dtype=torch.bool).triu(0), -1e30).softmax(dim=-1)


def swapped(model, layer, head):
    return right(model, head, layer)


EXERCISE = Exercise(
    "prev_token_pattern_from_pos",
    checks=(values, exact, future_blind),
    reference=reference,
    gives=Tensor,
    tolerance=SCALED,
    needs={"qk_matrix": "qk_of", "FactoredMatrix": "factored"},
    slips=(
        Slip("there is no mask", no_mask),
        Slip("the mask comes after the softmax, so rows no longer sum to 1", masked_after),
        Slip("the future's scores are set to 0 before the softmax, which is a score like any other", zeros_in_softmax),
        Slip("the scores are not divided by the root of d_head", unscaled),
        Slip("the scores are divided by the root of d_model", scaled_by_model),
        Slip("the scores are divided by d_head without the root", scaled_by_width),
        Slip("the softmax runs over queries instead of keys", over_queries),
        Slip("the embedding of tokens is used instead of W_pos", tokens),
        Slip("queries and keys have changed places", transposed),
        Slip("the scores come back without a softmax", raw_scores),
        Slip("the biases are added, which the text leaves out", with_biases),
        Slip("the positions pass LayerNorm first, which the text leaves out", normalised),
        Slip("a position may not look at itself", own_position_hidden),
        Slip("layer and head are swapped", swapped),
    ),
)
