"""Checks for `logit_lens` (part 2, notebook 11)."""

from dataclasses import replace

import torch
from torch import Tensor

from hookpoint.checks.author import WHOLE, Exercise, Slip, same

from ._subject import CFG, DEEP, drawn


@torch.no_grad()
def truncated(model, tokens):
    """The logits of the model with everything that its last layers write set to 0, for each number of layers left."""

    def silent_from(first):
        late = {f"blocks.{layer}.hook_{part}_out" for layer in range(first, model.cfg.n_layers) for part in WRITERS}
        return [(lambda name: name in late, lambda act, hook: torch.zeros_like(act))]

    return torch.stack([model.run_with_hooks(tokens, silent_from(first)) for first in range(model.cfg.n_layers + 1)])


WRITERS = ("attn", "mlp")


def reference(model, cache):
    raise NotImplementedError  # its parameters name the arguments; what is compared with is `truncated`


def values(learner, draw):
    """Entry l has the logits that the model gives when everything from layer l on writes nothing."""
    for dtype, depth in ((torch.float32, CFG.n_layers), (torch.float64, DEEP)):
        subject = drawn(learner, draw, dtype, cfg=replace(CFG, n_layers=depth))
        got, want = learner.logit_lens(subject.there, subject.cache), truncated(subject.model, subject.tokens)
        same(got, want, f"in a model of {depth} layers")


def last_entry(learner, draw):
    """The last entry has the model's own logits."""
    subject = drawn(learner, draw)
    same(learner.logit_lens(subject.there, subject.cache)[-1], subject.logits)


def one_layer(learner, draw):
    """A model of one layer has two entries."""
    subject = drawn(learner, draw, cfg=replace(CFG, n_layers=1))
    same(learner.logit_lens(subject.there, subject.cache), truncated(subject.model, subject.tokens))


def streams(model, cache):
    layers = range(model.cfg.n_layers)
    return [*(cache[f"blocks.{at}.hook_resid_pre"] for at in layers), cache[f"blocks.{layers[-1]}.hook_resid_post"]]


def read(model, streams):
    return torch.stack([model.unembed(model.ln_final(resid)) for resid in streams])


def unnormalised(model, cache):
    return torch.stack([model.unembed(resid) for resid in streams(model, cache)])


def last_missing(model, cache):
    return read(model, streams(model, cache)[:-1])


def first_missing(model, cache):
    return read(model, streams(model, cache)[1:])


def last_twice(model, cache):
    return read(model, [*streams(model, cache)[1:], streams(model, cache)[-1]])


def first_twice(model, cache):
    return read(model, [streams(model, cache)[0], *streams(model, cache)[:-1]])


def no_unembedding_bias(model, cache):
    return read(model, streams(model, cache)) - model.unembed.b_U


def no_layernorm_bias(model, cache):
    return read(model, streams(model, cache)) - model.ln_final.b @ model.unembed.W_U


def probabilities(model, cache):
    return read(model, streams(model, cache)).softmax(-1)


def log_probabilities(model, cache):
    return read(model, streams(model, cache)).log_softmax(-1)


def frozen_at_the_end(model, cache):
    return torch.stack(
        [
            model.unembed(
                (resid - resid.mean(-1, keepdim=True)) / cache["ln_final.hook_scale"] * model.ln_final.w
                + model.ln_final.b
            )
            for resid in streams(model, cache)
        ]
    )


def at_the_middle(model, cache):
    middle = [cache[f"blocks.{at}.hook_resid_mid"] for at in range(model.cfg.n_layers)]
    return read(model, [*middle, streams(model, cache)[-1]])


def what_was_written(model, cache):
    every = streams(model, cache)
    return read(model, [every[0], *(after - before for before, after in zip(every, every[1:], strict=False))])


def each_layers_norm(model, cache):
    *early, last = streams(model, cache)
    read_by = [model.unembed(block.ln1(resid)) for block, resid in zip(model.blocks, early, strict=True)]
    return torch.stack([*read_by, model.unembed(model.ln_final(last))])


def backwards(model, cache):
    return read(model, streams(model, cache)[::-1])


def sorted_as_text(model, cache):
    names = sorted(name for name in cache if name.endswith("hook_resid_pre"))
    return read(model, [*(cache[name] for name in names), streams(model, cache)[-1]])


def no_positions(model, cache):
    return read(model, [cache["hook_embed"], *streams(model, cache)[1:]])


def batch_first(model, cache):
    return read(model, streams(model, cache)).transpose(0, 1)


def last_position(model, cache):
    return read(model, streams(model, cache))[:, :, -1:]


def by_the_embedding(model, cache):
    return torch.stack([model.ln_final(resid) @ model.embed.W_E.T for resid in streams(model, cache)])


EXERCISE = Exercise(
    "logit_lens",
    checks=(values, last_entry, one_layer),
    reference=reference,
    gives=Tensor,
    tolerance=WHOLE,
    needs={"apply_ln_final": "ours_apply_ln_final", "get_resid_stack": "ours_resid_stack"},
    slips=(
        Slip("the final LayerNorm is left out: the stream is unembedded as it is", unnormalised),
        Slip("the last entry is missing: the stream after the last block", last_missing),
        Slip("the first entry is missing: the stream before the first block", first_missing),
        Slip("everything stands one layer early, with the last entry twice", last_twice),
        Slip("everything stands one layer late, with the first entry twice", first_twice),
        Slip("the unembedding's bias b_U is left out", no_unembedding_bias),
        Slip("the final LayerNorm's bias is left out", no_layernorm_bias),
        Slip("a softmax has made probabilities of the logits", probabilities),
        Slip("a log-softmax has been applied to the logits", log_probabilities),
        Slip("every layer is divided by the scale of the last one; here each has its own", frozen_at_the_end),
        Slip("the stream is taken between attention and MLP (hook_resid_mid)", at_the_middle),
        Slip("what each layer adds is read, not the stream that it is added to", what_was_written),
        Slip("each layer's own ln1 is applied; the lens uses the model's last steps", each_layers_norm),
        Slip("the layers come in reverse order", backwards),
        Slip("names are sorted as text, so that blocks.10 comes before blocks.2", sorted_as_text),
        Slip("the position vectors are missing in the first entry", no_positions),
        Slip("the batch is the first axis; the layer is", batch_first),
        Slip("only the last position is read", last_position),
        Slip("the transpose of W_E unembeds; this model has a W_U of its own", by_the_embedding),
    ),
)
