"""Checks for `dla_heads` (part 2, notebook 11)."""

from dataclasses import replace

import torch
from torch import Tensor

from hookpoint.checks.author import WHOLE, Exercise, Slip, same

from ._parts import by_own_scale, direction, towards, written
from ._subject import CFG, DEEP, by_hand, drawn, effect, expected_by_hand, pair


def reference(model, cache, answer, wrong, pos=-1):
    raise NotImplementedError  # its parameters name the arguments; what is compared with is the effect of removal


@torch.no_grad()
def removed(subject, answer, wrong, pos=-1):
    """Each head taken out of the last stream: what attention gives with its z minus what it gives without."""
    layers = []
    for layer, block in enumerate(subject.model.blocks):
        z = subject.cache[f"blocks.{layer}.attn.hook_z"][:, pos]
        heads = [z[:, head] @ block.attn.W_O[head] for head in range(subject.cfg.n_heads)]
        layers.append(effect(subject, torch.stack(heads), answer, wrong, pos))
    return torch.stack(layers)


def hand_set(learner, draw):
    """In a model that is set by hand each head contributes what a pencil finds."""
    random = drawn(learner, draw)  # tells slips apart that agree in a model as simple as the other
    learner.dla_heads(random.there, random.cache, *pair(draw))
    subject, answer, wrong = by_hand(learner)
    got = learner.dla_heads(subject.there, subject.cache, answer, wrong)
    same(got, expected_by_hand("heads")[None], "in the model that is set by hand")


def effects(learner, draw):
    """Each value is what the logit difference loses when that head's part is taken out and the scale stays."""
    for dtype, depth in ((torch.float32, CFG.n_layers), (torch.float64, DEEP)):
        subject = drawn(learner, draw, dtype, centred=True, cfg=replace(CFG, n_layers=depth))
        answer, wrong = pair(draw)
        got = learner.dla_heads(subject.there, subject.cache, answer, wrong)
        same(got, removed(subject, answer, wrong), f"in a model of {depth} layers")


def at_a_position(learner, draw):
    """With `pos` it is the logit difference at that position."""
    subject, (answer, wrong) = drawn(learner, draw, centred=True), pair(draw)
    for pos in (3, 0):
        got = learner.dla_heads(subject.there, subject.cache, answer, wrong, pos=pos)
        same(got, removed(subject, answer, wrong, pos), f"at position {pos}")


def product(parts, along):
    """[layer, batch, head, d_model] times [batch, d_model]: [layer, head, batch]."""
    return (parts * along[:, None]).sum(-1).transpose(1, 2)


def right(model, cache, answer, wrong, pos=-1, **changes):
    return product(written(model, cache)[:, :, pos], direction(model, cache, answer, wrong, pos, **changes))


def biases(model):
    return torch.stack([block.attn.b_O for block in model.blocks])[:, None, None]


def output_bias_in_each(model, cache, answer, wrong, pos=-1):
    parts = written(model, cache)[:, :, pos] + biases(model)
    return product(parts, direction(model, cache, answer, wrong, pos))


def output_bias_shared(model, cache, answer, wrong, pos=-1):
    parts = written(model, cache)[:, :, pos] + biases(model) / model.cfg.n_heads
    return product(parts, direction(model, cache, answer, wrong, pos))


def layernorm_bias_in_each(model, cache, answer, wrong, pos=-1):
    return right(model, cache, answer, wrong, pos) + model.ln_final.b @ towards(model, answer, wrong).T


def unscaled(model, cache, answer, wrong, pos=-1):
    return right(model, cache, answer, wrong, pos, scaled=False)


def no_eps(model, cache, answer, wrong, pos=-1):
    return right(model, cache, answer, wrong, pos, eps=False)


def no_gain(model, cache, answer, wrong, pos=-1):
    return right(model, cache, answer, wrong, pos, gain=False)


def no_norm(model, cache, answer, wrong, pos=-1):
    return product(written(model, cache)[:, :, pos], towards(model, answer, wrong))


def each_its_own_scale(model, cache, answer, wrong, pos=-1):
    parts = written(model, cache)[:, :, pos]
    return by_own_scale(model, parts, towards(model, answer, wrong)[:, None]).transpose(1, 2)


def scale_of_its_layer(model, cache, answer, wrong, pos=-1):
    plain = right(model, cache, answer, wrong, pos, scaled=False)
    scales = [cache[f"blocks.{at}.ln1.hook_scale"][:, pos, 0] for at in range(model.cfg.n_layers)]
    return plain / torch.stack(scales)[:, None]


def first_position(model, cache, answer, wrong, pos=-1):
    return right(model, cache, answer, wrong, 0)


def always_the_end(model, cache, answer, wrong, pos=-1):
    return right(model, cache, answer, wrong, -1)


def averaged(model, cache, answer, wrong, pos=-1):
    length = cache["hook_embed"].shape[1]
    return torch.stack([right(model, cache, answer, wrong, at) for at in range(length)]).mean(0)


def other_heads_matrix(model, cache, answer, wrong, pos=-1):
    changed = {name: value.flip(2) for name, value in cache.items() if name.endswith("hook_z")}
    return right(model, cache | changed, answer, wrong, pos)


def first_layers_matrix(model, cache, answer, wrong, pos=-1):
    parts = [model.blocks[0].attn.head_results(cache[f"blocks.{at}.attn.hook_z"]) for at in range(model.cfg.n_layers)]
    return product(torch.stack(parts)[:, :, pos], direction(model, cache, answer, wrong, pos))


def values_for_z(model, cache, answer, wrong, pos=-1):
    changed = {name: cache[name[:-1] + "v"] for name in cache if name.endswith("hook_z")}
    return right(model, cache | changed, answer, wrong, pos)


def heads_first(model, cache, answer, wrong, pos=-1):
    return right(model, cache, answer, wrong, pos).transpose(0, 1)


def batch_first(model, cache, answer, wrong, pos=-1):
    return right(model, cache, answer, wrong, pos).permute(2, 0, 1)


def mean_of_rows(model, cache, answer, wrong, pos=-1):
    return right(model, cache, answer, wrong, pos).mean(-1)


def swapped(model, cache, answer, wrong, pos=-1):
    return -right(model, cache, answer, wrong, pos)


def answer_alone(model, cache, answer, wrong, pos=-1):
    along = model.unembed.W_U[:, answer].T * model.ln_final.w
    along = (along - along.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"][:, pos]
    return product(written(model, cache)[:, :, pos], along)


EXERCISE = Exercise(
    "dla_heads",
    checks=(hand_set, effects, at_a_position),
    reference=reference,
    gives=Tensor,
    tolerance=WHOLE,
    needs={
        "apply_ln_final": "ours_apply_ln_final",
        "logit_diff": "ours_logit_diff",
        "logit_lens": "ours_logit_lens",
        "dla_components": "ours_dla_components",
        "get_resid_stack": "ours_resid_stack",
    },
    slips=(
        Slip("b_O is added to every head; it belongs to the layer and to none of them", output_bias_in_each),
        Slip("b_O is shared out among the heads; it belongs to none of them", output_bias_shared),
        Slip("the final LayerNorm's bias is in every head's value", layernorm_bias_in_each),
        Slip("nothing is divided by the scale of the final LayerNorm", unscaled),
        Slip("the scale lacks the model's eps", no_eps),
        Slip("the gain of the final LayerNorm is left out", no_gain),
        Slip("the final LayerNorm is left out altogether", no_norm),
        Slip("every head is divided by a scale of its own, as if it were alone in the stream", each_its_own_scale),
        Slip("each layer is divided by the scale of its own ln1; what counts is the final one", scale_of_its_layer),
        Slip("position 0 is read", first_position),
        Slip("`pos` is ignored: the last position is read", always_the_end),
        Slip("the mean over all positions is taken", averaged),
        Slip("each head's z meets another head's W_O", other_heads_matrix),
        Slip("the W_O of layer 0 serves every layer", first_layers_matrix),
        Slip("the values at this position stand in the place of z, which is what attention has gathered", values_for_z),
        Slip("the heads are the first axis; the layers are", heads_first),
        Slip("the batch is the first axis; it is the last", batch_first),
        Slip("the mean over the batch has been taken", mean_of_rows),
        Slip("every sign is reversed: it is the answer minus the wrong token", swapped),
        Slip("the wrong token is left out: the answer's own logit is cut up", answer_alone),
    ),
)
