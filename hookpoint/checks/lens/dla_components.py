"""Checks for `dla_components` (part 2, notebook 11)."""

from dataclasses import replace

import torch
from torch import Tensor

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Slip, same

from ._parts import added, bias, by_own_scale, direction, last_stream, towards
from ._subject import BATCH, CFG, DEEP, by_hand, components, drawn, expected_by_hand, pair


def reference(model, cache, answer, wrong, pos=-1):
    raise NotImplementedError  # its parameters name the arguments; what is compared with is the effect of removal


def told(got, n_layers):
    """The values. Raises `Mismatch` unless there is a label for each."""
    values, labels = got
    wanted = 2 * n_layers + 2
    if len(labels) != wanted or not all(isinstance(label, str) for label in labels):
        raise Mismatch(f"returned {len(labels)} labels, expected {wanted} strings.", got=got)
    twice = [label for label in labels if labels.count(label) > 1]
    if twice:
        raise Mismatch(f"returned the label {twice[0]!r} more than once: each part has its own.", got=got)
    own = ["embed", *(f"{layer}_{part}_out" for layer in range(n_layers) for part in ("attn", "mlp"))]
    if set(own) <= set(labels) and list(labels[:-1]) != own:
        raise Mismatch("gives the labels of the parts in another order than the values.", got=got)
    return values


def hand_set(learner, draw):
    """In a model that is set by hand each part contributes what a pencil finds."""
    random = drawn(learner, draw)  # tells slips apart that agree in a model as simple as the other
    learner.dla_components(random.there, random.cache, *pair(draw))
    subject, answer, wrong = by_hand(learner)
    got = learner.dla_components(subject.there, subject.cache, answer, wrong)
    same(told(got, 1), expected_by_hand("components"), "in the model that is set by hand")


def effects(learner, draw):
    """Each value is what the logit difference loses when that part is taken out and the scale stays as it was."""
    for dtype, depth in ((torch.float32, CFG.n_layers), (torch.float64, DEEP)):
        subject = drawn(learner, draw, dtype, centred=True, cfg=replace(CFG, n_layers=depth))
        answer, wrong = pair(draw)
        got = learner.dla_components(subject.there, subject.cache, answer, wrong)
        same(told(got, depth), components(subject, answer, wrong), f"in a model of {depth} layers")


def at_a_position(learner, draw):
    """With `pos` it is the logit difference at that position."""
    subject, (answer, wrong) = drawn(learner, draw, centred=True), pair(draw)
    for pos in (3, 0):
        got = learner.dla_components(subject.there, subject.cache, answer, wrong, pos=pos)
        same(told(got, CFG.n_layers), components(subject, answer, wrong, pos), f"at position {pos}")


def all_together(learner, draw):
    """The values of a row, the last one included, sum to its logit difference."""
    for dtype, pos in ((torch.float32, -1), (torch.float64, 2)):
        subject, (answer, wrong), rows = drawn(learner, draw, dtype), pair(draw), torch.arange(BATCH)
        values = told(learner.dla_components(subject.there, subject.cache, answer, wrong, pos), CFG.n_layers)
        end = subject.logits[:, pos]
        when = f"in the sum over all parts, at position {pos}"
        same(values.sum(0), end[rows, answer] - end[rows, wrong], when)


def listed(values):
    """With the stack's own labels and "bias", as most answers have them: a slip is named only where they agree too."""
    parts = [f"{layer}_{part}_out" for layer in range(len(values) // 2 - 1) for part in ("attn", "mlp")]
    labels = ["embed", *parts, "bias"]
    return values, labels + [f"part {at}" for at in range(len(labels), len(values))]


def right(model, cache, answer, wrong, pos=-1, **changes):
    values = (added(model, cache)[:, :, pos] * direction(model, cache, answer, wrong, pos, **changes)).sum(-1)
    return torch.cat([values, bias(model, answer, wrong)[None]])


def unscaled(model, cache, answer, wrong, pos=-1):
    return listed(right(model, cache, answer, wrong, pos, scaled=False))


def no_eps(model, cache, answer, wrong, pos=-1):
    return listed(right(model, cache, answer, wrong, pos, eps=False))


def no_gain(model, cache, answer, wrong, pos=-1):
    return listed(right(model, cache, answer, wrong, pos, gain=False))


def mean_of_the_whole(model, cache, answer, wrong, pos=-1):
    parts = added(model, cache)[:, :, pos]
    parts = parts - last_stream(model, cache)[:, pos].mean(-1, keepdim=True)
    values = parts * model.ln_final.w * towards(model, answer, wrong) / cache["ln_final.hook_scale"][:, pos]
    return listed(torch.cat([values.sum(-1), bias(model, answer, wrong)[None]]))


def no_norm(model, cache, answer, wrong, pos=-1):
    values = (added(model, cache)[:, :, pos] * towards(model, answer, wrong)).sum(-1)
    return listed(torch.cat([values, (model.unembed.b_U[answer] - model.unembed.b_U[wrong])[None]]))


def each_its_own_scale(model, cache, answer, wrong, pos=-1):
    values = by_own_scale(model, added(model, cache)[:, :, pos], towards(model, answer, wrong))
    return listed(torch.cat([values, (model.unembed.b_U[answer] - model.unembed.b_U[wrong])[None]]))


def bias_in_each(model, cache, answer, wrong, pos=-1):
    values = right(model, cache, answer, wrong, pos)
    values[:-1] += model.ln_final.b @ towards(model, answer, wrong).T
    return listed(values)


def first_position(model, cache, answer, wrong, pos=-1):
    return listed(right(model, cache, answer, wrong, 0))


def always_the_end(model, cache, answer, wrong, pos=-1):
    return listed(right(model, cache, answer, wrong, -1))


def averaged(model, cache, answer, wrong, pos=-1):
    length = cache["hook_embed"].shape[1]
    return listed(torch.stack([right(model, cache, answer, wrong, at) for at in range(length)]).mean(0))


def scale_of_the_end(model, cache, answer, wrong, pos=-1):
    towards_it = direction(model, cache, answer, wrong, -1)
    values = (added(model, cache)[:, :, pos] * towards_it).sum(-1)
    return listed(torch.cat([values, bias(model, answer, wrong)[None]]))


def no_positions(model, cache, answer, wrong, pos=-1):
    return listed(right(model, cache | {"hook_pos_embed": 0 * cache["hook_pos_embed"]}, answer, wrong, pos))


def no_embeddings(model, cache, answer, wrong, pos=-1):
    return listed(right(model, cache, answer, wrong, pos)[1:])


def apart_embeddings(model, cache, answer, wrong, pos=-1):
    parts = torch.stack([cache["hook_embed"], cache["hook_pos_embed"], *added(model, cache)[1:]])
    values = (parts[:, :, pos] * direction(model, cache, answer, wrong, pos)).sum(-1)
    return listed(torch.cat([values, bias(model, answer, wrong)[None]]))


def no_bias_row(model, cache, answer, wrong, pos=-1):
    return listed(right(model, cache, answer, wrong, pos)[:-1])


def bias_of_unembedding(model, cache, answer, wrong, pos=-1):
    values = right(model, cache, answer, wrong, pos)
    return listed(torch.cat([values[:-1], (model.unembed.b_U[answer] - model.unembed.b_U[wrong])[None]]))


def bias_of_layernorm(model, cache, answer, wrong, pos=-1):
    values = right(model, cache, answer, wrong, pos)
    return listed(torch.cat([values[:-1], (model.ln_final.b @ towards(model, answer, wrong).T)[None]]))


def bias_is_zero(model, cache, answer, wrong, pos=-1):
    values = right(model, cache, answer, wrong, pos)
    return listed(torch.cat([values[:-1], 0 * values[-1:]]))


def swapped(model, cache, answer, wrong, pos=-1):
    return listed(-right(model, cache, answer, wrong, pos))


def batch_first(model, cache, answer, wrong, pos=-1):
    values = right(model, cache, answer, wrong, pos)
    return values.T, listed(values)[1]


def mlps_first(model, cache, answer, wrong, pos=-1):
    values = right(model, cache, answer, wrong, pos)
    order = [0, *(2 * at + part for at in range(model.cfg.n_layers) for part in (2, 1)), len(values) - 1]
    return listed(values[order])


def attentions_first(model, cache, answer, wrong, pos=-1):
    values = right(model, cache, answer, wrong, pos)
    return listed(torch.cat([values[:1], values[1:-1:2], values[2:-1:2], values[-1:]]))


def answer_alone(model, cache, answer, wrong, pos=-1):
    towards_it = model.unembed.W_U[:, answer].T * model.ln_final.w
    towards_it = (towards_it - towards_it.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"][:, pos]
    values = (added(model, cache)[:, :, pos] * towards_it).sum(-1)
    rest = model.ln_final.b @ model.unembed.W_U[:, answer] + model.unembed.b_U[answer]
    return listed(torch.cat([values, rest[None]]))


def gradient_times_part(model, cache, answer, wrong, pos=-1):
    end = last_stream(model, cache)[:, pos].detach().clone().requires_grad_()
    with torch.enable_grad():
        total = (model.ln_final(end) * towards(model, answer, wrong)).sum()
        (slope,) = torch.autograd.grad(total, end)
    values = (added(model, cache)[:, :, pos] * slope).sum(-1)
    return listed(torch.cat([values, bias(model, answer, wrong)[None]]))


EXERCISE = Exercise(
    "dla_components",
    checks=(hand_set, effects, at_a_position, all_together),
    reference=reference,
    gives=(Tensor, list),
    tolerance=WHOLE,
    needs={
        "apply_ln_final": "ours_apply_ln_final",
        "logit_diff": "ours_logit_diff",
        "logit_lens": "ours_logit_lens",
        "get_resid_stack": "ours_resid_stack",
    },
    slips=(
        Slip("nothing is divided by the scale of the final LayerNorm", unscaled),
        Slip("the scale lacks the model's eps", no_eps),
        Slip("the gain of the final LayerNorm is left out", no_gain),
        Slip("the mean of the whole stream is taken off every part; each has its own", mean_of_the_whole),
        Slip("the final LayerNorm is left out altogether", no_norm),
        Slip("every part is divided by a scale of its own, as if it were alone in the stream", each_its_own_scale),
        Slip("the final LayerNorm's bias is in every part; it is there once, in the last value", bias_in_each),
        Slip("position 0 is read", first_position),
        Slip("`pos` is ignored: the last position is read", always_the_end),
        Slip("the mean over all positions is taken", averaged),
        Slip("the scale is that of the last position, whatever `pos` is", scale_of_the_end),
        Slip("the position vectors are missing", no_positions),
        Slip("the embeddings' value is missing", no_embeddings),
        Slip("token and position embedding have a value each; they come together as the first", apart_embeddings),
        Slip("the last value, of the biases, is missing", no_bias_row),
        Slip("the last value has the unembedding's bias only: LayerNorm's counts as well", bias_of_unembedding),
        Slip("the last value has LayerNorm's bias only: the unembedding's counts as well", bias_of_layernorm),
        Slip("the last value is 0", bias_is_zero),
        Slip("every sign is reversed: it is the answer minus the wrong token", swapped),
        Slip("the batch is the first axis; the part is", batch_first),
        Slip("in each layer the MLP stands before the attention", mlps_first),
        Slip("all attentions stand before all MLPs; they come layer by layer", attentions_first),
        Slip("the wrong token is left out: the answer's own logit is cut up", answer_alone),
        Slip("the scale is differentiated too: each part is multiplied with the true gradient", gradient_times_part),
    ),
)
