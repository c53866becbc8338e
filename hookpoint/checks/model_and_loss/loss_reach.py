"""Checks for `loss_reach` (part 1, notebook 04)."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Slip, same

from ._functional import CFG, drawn, from_stream, gpt2_shapes, stream, token_losses

SHAPES = gpt2_shapes(CFG)


def reference(model, tokens):
    """One loss at a time, one backward each, from the stream at the first block; `model` is a dict of weights."""
    resid = stream(tokens[None], model).detach().requires_grad_()
    losses = token_losses(from_stream(resid, model, CFG), tokens[None])[0]
    rows = [torch.autograd.grad(loss, resid, retain_graph=True)[0][0].norm(dim=-1) for loss in losses]
    return torch.stack([*rows, torch.zeros_like(rows[0])])


def model_and_tokens(learner, draw, length, dtype=torch.float32):
    weights = drawn(draw, SHAPES, dtype)
    model = learner.given.gpt2(CFG)
    learner.given.load(model, weights)
    return model, draw.ids(CFG.d_vocab, length), weights


def values(learner, draw):
    """Entry (t, s) is the length of the gradient of the loss at t with respect to the stream at s."""
    for length, dtype in ((7, torch.float64), (2, torch.float32), (2, torch.float32)):
        model, tokens, weights = model_and_tokens(learner, draw, length, dtype)
        tokens[length // 2] = tokens[0]  # positions are asked for, not tokens: one that stands twice tells them apart
        same(learner.loss_reach(model, tokens), reference(weights, tokens))


def shape_of_reach(learner, draw):
    """No loss reaches a later position, every loss reaches its own and the earlier ones, and the last row is 0."""
    model, tokens, _ = model_and_tokens(learner, draw, 5, torch.float64)
    reach = learner.loss_reach(model, tokens)
    possible = torch.ones(len(tokens), len(tokens), dtype=torch.bool).tril()
    possible[-1] = False
    if reach.shape != possible.shape:
        raise Mismatch(f"returned shape {list(reach.shape)}, expected {list(possible.shape)}.", got=reach)
    for wrong, what in (((reach != 0) & ~possible, "must be 0"), (~(reach > 0) & possible, "must be above 0")):
        if wrong.any():
            row, column = wrong.nonzero()[0].tolist()
            line = f"  The loss at {row} against the stream at {column}: yours is {reach[row, column].item():.4f}."
            raise Mismatch(f"returned a number at ({row}, {column}) that {what}.", line, got=reach)


def traceless(learner, draw):
    """The model is left as it was: its weights, their .grad and requires_grad and its hooks."""
    model, tokens, weights = model_and_tokens(learner, draw, 3)
    model.blocks[1].mlp.b_in.requires_grad = False  # one that is frozen, and has no gradient yet
    learner.given.logits_gradient(model, tokens[None], draw.normal(1, 3, CFG.d_vocab), "embed.W_E")
    before = learner.given.traces(model)
    learner.loss_reach(model, tokens)
    after, now = learner.given.traces(model), learner.given.weights(model)
    for name in SHAPES:
        grad, kept = after["grad"][name], before["grad"][name]
        if (grad is None) != (kept is None) or (kept is not None and not torch.equal(grad, kept)):
            line = "  torch.autograd.grad gives a gradient without storing it in the parameters."
            raise Mismatch(f"changes the .grad of {name}, which belongs to whoever trains the model.", line)
        if after["requires_grad"][name] != before["requires_grad"][name]:
            raise Mismatch(f"leaves {name} with requires_grad={after['requires_grad'][name]}.")
        if not torch.equal(now[name], weights[name]):
            raise Mismatch(f"changes the weights in {name}.")
    if after["hooks"] != before["hooks"]:
        raise Mismatch(
            "leaves a hook on the model.", "  Remove it in a finally block, so that an error cannot skip it."
        )


def parts_of(model, tokens):
    """The stream before the first block, and the logits that come of it, for one sequence."""
    resid = (model.embed(tokens[None]) + model.pos_embed(tokens[None])).detach().requires_grad_()
    after = resid
    for block in model.blocks:
        after = block(after)
    return resid, model.unembed(model.ln_final(after))


def rows_of(losses, resid):
    return torch.stack([torch.autograd.grad(loss, resid, retain_graph=True)[0][0] for loss in losses])


def last_row_added(rows):
    return torch.cat([rows, torch.zeros_like(rows[:1])])


def right(model, tokens):
    resid, logits = parts_of(model, tokens)
    return last_row_added(rows_of(token_losses(logits, tokens[None])[0], resid).norm(dim=-1))


def summed_loss(model, tokens):
    resid, logits = parts_of(model, tokens)
    (row,) = rows_of([token_losses(logits, tokens[None]).sum()], resid).norm(dim=-1)
    return last_row_added(row.repeat(len(tokens) - 1, 1))


def summed_so_far(model, tokens):
    resid, logits = parts_of(model, tokens)
    return last_row_added(rows_of(token_losses(logits, tokens[None])[0].cumsum(0), resid).norm(dim=-1))


def summed_from_here(model, tokens):
    resid, logits = parts_of(model, tokens)
    losses = token_losses(logits, tokens[None])[0]
    return last_row_added(rows_of([losses[at:].sum() for at in range(len(losses))], resid).norm(dim=-1))


def share_of_mean(model, tokens):
    return right(model, tokens) / (len(tokens) - 1)


def transposed(model, tokens):
    return right(model, tokens).T


def row_late(model, tokens):
    return right(model, tokens).roll(1, 0)


def last_row_missing(model, tokens):
    return right(model, tokens)[:-1]


def square_of_predictions(model, tokens):
    return right(model, tokens)[:-1, :-1]


def own_token(model, tokens):
    resid, logits = parts_of(model, tokens)
    rows = rows_of(F.cross_entropy(logits.mT, tokens[None], reduction="none")[0], resid).norm(dim=-1)
    return last_row_added(rows[:-1])


def own_token_everywhere(model, tokens):
    resid, logits = parts_of(model, tokens)
    return rows_of(F.cross_entropy(logits.mT, tokens[None], reduction="none")[0], resid).norm(dim=-1)


def wrapped_round(model, tokens):
    resid, logits = parts_of(model, tokens)
    losses = F.cross_entropy(logits.mT, tokens.roll(-1)[None], reduction="none")[0]
    return rows_of(losses, resid).norm(dim=-1)


def squared(model, tokens):
    return right(model, tokens).square()


def absolute_sum(model, tokens):
    resid, logits = parts_of(model, tokens)
    return last_row_added(rows_of(token_losses(logits, tokens[None])[0], resid).abs().sum(-1))


def root_mean_square(model, tokens):
    return right(model, tokens) / math.sqrt(model.cfg.d_model)


def of_the_logit(model, tokens):
    resid, logits = parts_of(model, tokens)
    return last_row_added(rows_of(logits[0, :-1].gather(-1, tokens[1:, None])[:, 0], resid).norm(dim=-1))


def of_the_probability(model, tokens):
    resid, logits = parts_of(model, tokens)
    return last_row_added(rows_of((-token_losses(logits, tokens[None])[0]).exp(), resid).norm(dim=-1))


def in_bits(model, tokens):
    return right(model, tokens) / math.log(2)


def after_first_block(model, tokens):
    return from_later(model, tokens, 1)


def before_unembedding(model, tokens):
    return from_later(model, tokens, len(model.blocks))


def from_later(model, tokens, layer):
    resid = model.embed(tokens[None]) + model.pos_embed(tokens[None])
    for block in model.blocks[:layer]:
        resid = block(resid)
    after = resid = resid.detach().requires_grad_()
    for block in model.blocks[layer:]:
        after = block(after)
    return last_row_added(
        rows_of(token_losses(model.unembed(model.ln_final(after)), tokens[None])[0], resid).norm(dim=-1)
    )


def without_positions(model, tokens):
    resid = after = model.embed(tokens[None]).detach().requires_grad_()
    for block in model.blocks:
        after = block(after)
    return last_row_added(
        rows_of(token_losses(model.unembed(model.ln_final(after)), tokens[None])[0], resid).norm(dim=-1)
    )


def gradients_stored(model, tokens):
    resid, logits = parts_of(model, tokens)
    for loss in token_losses(logits, tokens[None])[0]:
        loss.backward(retain_graph=True)
    return right(model, tokens)


def gradients_cleared(model, tokens):
    model.zero_grad()
    return right(model, tokens)


def all_thawed(model, tokens):
    model.requires_grad_(True)
    return right(model, tokens)


def left_frozen(model, tokens):
    model.requires_grad_(False)
    return right(model, tokens)


def hook_left(model, tokens):
    model.blocks[0].register_forward_pre_hook(lambda module, inputs: None)
    return right(model, tokens)


EXERCISE = Exercise(
    "loss_reach",
    checks=(values, shape_of_reach, traceless),
    reference=reference,
    gives=Tensor,
    needs={name: f"hookpoint.model.loss:{name}" for name in ("per_token_loss", "lm_loss")},
    tolerance=WHOLE,
    slips=(
        Slip("every row is the gradient of the summed loss; row t belongs to the loss at t alone", summed_loss),
        Slip("row t is the gradient of the losses up to t, added up", summed_so_far),
        Slip("row t is the gradient of the losses from t on, added up", summed_from_here),
        Slip("each loss is divided by the number of predictions, as in the mean", share_of_mean),
        Slip("the table is transposed: the loss's position is the row, the stream's the column", transposed),
        Slip("every row stands one too low: the loss at t predicts token t + 1", row_late),
        Slip("the last row, of zeros, is missing", last_row_missing),
        Slip("the last row and the last column are missing", square_of_predictions),
        Slip("the loss at t scores token t, which the model has already read", own_token),
        Slip("every row, the last too, scores the token that the model has just read", own_token_everywhere),
        Slip("the last row is not 0: the last position is scored on the first token", wrapped_round),
        Slip("the lengths are squared", squared),
        Slip("the absolute values are added up (L1), where the length is the root of the sum of squares", absolute_sum),
        Slip("the length is divided by the root of d_model", root_mean_square),
        Slip("the gradient is that of the target's logit, not of its loss", of_the_logit),
        Slip("the gradient is that of the target's probability, not of its loss", of_the_probability),
        Slip("the losses are in bits, not in nats", in_bits),
        Slip("the stream is taken after the first block instead of before it", after_first_block),
        Slip(
            "the stream is taken after the last block, where positions no longer meet",
            before_unembedding,
        ),
        Slip("the position vectors are not in the stream", without_positions),
        Slip("the gradients are stored in the parameters by backward", gradients_stored),
        Slip("the parameters' gradients are cleared", gradients_cleared),
        Slip("the parameters are left with requires_grad off", left_frozen),
        Slip("every parameter is left with requires_grad on, also one that was frozen before", all_thawed),
        Slip("a hook is left on the model", hook_left),
    ),
)
