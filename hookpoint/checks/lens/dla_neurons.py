"""Checks for `dla_neurons` (part 2, notebook 11)."""

from dataclasses import replace

import torch
from torch import Tensor

from hookpoint.checks.author import WHOLE, Exercise, Slip, same

from ._parts import direction, towards
from ._subject import CFG, DEEP, by_hand, drawn, effect, expected_by_hand, pair


def reference(model, cache, layer, answer, wrong, pos=-1):
    raise NotImplementedError  # its parameters name the arguments; what is compared with is the effect of removal


@torch.no_grad()
def removed(subject, layer, answer, wrong, pos=-1):
    """Each neuron's vector, as far as the neuron is on, taken out of the last stream."""
    on, W_out = subject.cache[f"blocks.{layer}.mlp.hook_post"][:, pos], subject.model.blocks[layer].mlp.W_out
    parts = [on[:, [neuron]] * W_out[neuron] for neuron in range(subject.cfg.d_mlp)]
    return effect(subject, torch.stack(parts), answer, wrong, pos).T


def hand_set(learner, draw):
    """In a model that is set by hand each neuron contributes what a pencil finds."""
    random = drawn(learner, draw)  # tells slips apart that agree in a model as simple as the other
    learner.dla_neurons(random.there, random.cache, 1, *pair(draw))
    subject, answer, wrong = by_hand(learner)
    got = learner.dla_neurons(subject.there, subject.cache, 0, answer, wrong)
    same(got, expected_by_hand("neurons").T, "in the model that is set by hand")


def effects(learner, draw):
    """Each value is what the logit difference loses when that neuron's vector is taken out and the scale stays."""
    for dtype, layer, depth in ((torch.float32, 1, CFG.n_layers), (torch.float64, 0, DEEP)):
        subject = drawn(learner, draw, dtype, centred=True, cfg=replace(CFG, n_layers=depth))
        answer, wrong = pair(draw)
        got = learner.dla_neurons(subject.there, subject.cache, layer, answer, wrong)
        same(got, removed(subject, layer, answer, wrong), f"in layer {layer} of {depth}")


def at_a_position(learner, draw):
    """With `pos` it is the logit difference at that position."""
    subject, (answer, wrong) = drawn(learner, draw, centred=True), pair(draw)
    layer = CFG.n_layers - 1
    for pos in (3, 0):
        got = learner.dla_neurons(subject.there, subject.cache, layer, answer, wrong, pos=pos)
        same(got, removed(subject, layer, answer, wrong, pos), f"at position {pos} of layer {layer}")


def right(model, cache, layer, answer, wrong, pos=-1, **changes):
    along = direction(model, cache, answer, wrong, pos, **changes)
    return cache[f"blocks.{layer}.mlp.hook_post"][:, pos] * (along @ model.blocks[layer].mlp.W_out.T)


def before_activation(model, cache, layer, answer, wrong, pos=-1):
    name = f"blocks.{layer}.mlp.hook_p"
    return right(model, cache | {f"{name}ost": cache[f"{name}re"]}, layer, answer, wrong, pos)


def always_on(model, cache, layer, answer, wrong, pos=-1):
    name = f"blocks.{layer}.mlp.hook_post"
    return right(model, cache | {name: torch.ones_like(cache[name])}, layer, answer, wrong, pos)


def unit_vectors(model, cache, layer, answer, wrong, pos=-1):
    length = model.blocks[layer].mlp.W_out.norm(dim=-1).clamp(min=1e-9)
    return right(model, cache, layer, answer, wrong, pos) / length


def output_bias_in_each(model, cache, layer, answer, wrong, pos=-1):
    along = direction(model, cache, answer, wrong, pos)
    return right(model, cache, layer, answer, wrong, pos) + (along @ model.blocks[layer].mlp.b_out)[:, None]


def output_bias_shared(model, cache, layer, answer, wrong, pos=-1):
    along = direction(model, cache, answer, wrong, pos)
    share = (along @ model.blocks[layer].mlp.b_out)[:, None] / model.cfg.d_mlp
    return right(model, cache, layer, answer, wrong, pos) + share


def layernorm_bias_in_each(model, cache, layer, answer, wrong, pos=-1):
    constant = model.ln_final.b @ towards(model, answer, wrong).T
    return right(model, cache, layer, answer, wrong, pos) + constant[:, None]


def unscaled(model, cache, layer, answer, wrong, pos=-1):
    return right(model, cache, layer, answer, wrong, pos, scaled=False)


def no_eps(model, cache, layer, answer, wrong, pos=-1):
    return right(model, cache, layer, answer, wrong, pos, eps=False)


def no_gain(model, cache, layer, answer, wrong, pos=-1):
    return right(model, cache, layer, answer, wrong, pos, gain=False)


def no_norm(model, cache, layer, answer, wrong, pos=-1):
    along = towards(model, answer, wrong)
    return cache[f"blocks.{layer}.mlp.hook_post"][:, pos] * (along @ model.blocks[layer].mlp.W_out.T)


def scale_of_its_layer(model, cache, layer, answer, wrong, pos=-1):
    plain = right(model, cache, layer, answer, wrong, pos, scaled=False)
    return plain / cache[f"blocks.{layer}.ln2.hook_scale"][:, pos]


def each_its_own_scale(model, cache, layer, answer, wrong, pos=-1):
    on = cache[f"blocks.{layer}.mlp.hook_post"][:, pos]
    parts = on[..., None] * model.blocks[layer].mlp.W_out
    return (model.ln_final(parts) * towards(model, answer, wrong)[:, None]).sum(-1)


def last_layer(model, cache, layer, answer, wrong, pos=-1):
    return right(model, cache, model.cfg.n_layers - 1, answer, wrong, pos)


def first_layer(model, cache, layer, answer, wrong, pos=-1):
    return right(model, cache, 0, answer, wrong, pos)


def first_layers_matrix(model, cache, layer, answer, wrong, pos=-1):
    along = direction(model, cache, answer, wrong, pos)
    return cache[f"blocks.{layer}.mlp.hook_post"][:, pos] * (along @ model.blocks[0].mlp.W_out.T)


def reading_side(model, cache, layer, answer, wrong, pos=-1):
    along = direction(model, cache, answer, wrong, pos)
    return cache[f"blocks.{layer}.mlp.hook_post"][:, pos] * (along @ model.blocks[layer].mlp.W_in)


def first_position(model, cache, layer, answer, wrong, pos=-1):
    return right(model, cache, layer, answer, wrong, 0)


def always_the_end(model, cache, layer, answer, wrong, pos=-1):
    return right(model, cache, layer, answer, wrong, -1)


def neurons_first(model, cache, layer, answer, wrong, pos=-1):
    return right(model, cache, layer, answer, wrong, pos).T


def summed(model, cache, layer, answer, wrong, pos=-1):
    return right(model, cache, layer, answer, wrong, pos).sum(-1)


def absolute(model, cache, layer, answer, wrong, pos=-1):
    return right(model, cache, layer, answer, wrong, pos).abs()


def swapped(model, cache, layer, answer, wrong, pos=-1):
    return -right(model, cache, layer, answer, wrong, pos)


def answer_alone(model, cache, layer, answer, wrong, pos=-1):
    along = model.unembed.W_U[:, answer].T * model.ln_final.w
    along = (along - along.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"][:, pos]
    return cache[f"blocks.{layer}.mlp.hook_post"][:, pos] * (along @ model.blocks[layer].mlp.W_out.T)


EXERCISE = Exercise(
    "dla_neurons",
    checks=(hand_set, effects, at_a_position),
    reference=reference,
    gives=Tensor,
    tolerance=WHOLE,
    needs={
        "apply_ln_final": "ours_apply_ln_final",
        "logit_diff": "ours_logit_diff",
        "logit_lens": "ours_logit_lens",
        "dla_components": "ours_dla_components",
        "dla_heads": "ours_dla_heads",
        "get_resid_stack": "ours_resid_stack",
    },
    slips=(
        Slip("the numbers before the activation function are taken (hook_pre)", before_activation),
        Slip("every neuron counts as on with 1: how much it is on is left out", always_on),
        Slip("the neurons' vectors are normalised to length 1", unit_vectors),
        Slip("b_out is added to every neuron; it belongs to none of them", output_bias_in_each),
        Slip("b_out is shared out among the neurons; it belongs to none of them", output_bias_shared),
        Slip("the final LayerNorm's bias is in every neuron's value", layernorm_bias_in_each),
        Slip("nothing is divided by the scale of the final LayerNorm", unscaled),
        Slip("the scale lacks the model's eps", no_eps),
        Slip("the gain of the final LayerNorm is left out", no_gain),
        Slip("the final LayerNorm is left out altogether", no_norm),
        Slip("it is divided by the scale of the layer's own ln2; what counts is the final one", scale_of_its_layer),
        Slip("every neuron is divided by a scale of its own, as if it were alone in the stream", each_its_own_scale),
        Slip("`layer` is ignored: the last layer is read", last_layer),
        Slip("`layer` is ignored: the first layer is read", first_layer),
        Slip("the W_out of layer 0 is used in every layer", first_layers_matrix),
        Slip("W_in, which reads, stands in the place of W_out, which writes", reading_side),
        Slip("position 0 is read", first_position),
        Slip("`pos` is ignored: the last position is read", always_the_end),
        Slip("the neurons are the first axis; the batch is", neurons_first),
        Slip("the neurons have been added up", summed),
        Slip("absolute values are taken: what pushes towards the wrong token looks helpful", absolute),
        Slip("every sign is reversed: it is the answer minus the wrong token", swapped),
        Slip("the wrong token is left out: the answer's own logit is cut up", answer_alone),
    ),
)
