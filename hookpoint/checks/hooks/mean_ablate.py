"""Checks for `mean_ablate` (part 2, notebook 09)."""

from fractions import Fraction

import torch

from hookpoint.checks.author import WHOLE, Exercise, Slip

from ._edits import must_raise, same_edit, same_run, with_head, z_of
from ._exact import EXACT, exact_logits, exact_z, integers
from ._forward import CFG, left_alone, model_of, pair_of, run, some_weights


def reference(model, layer, head, ref_tokens, per_position):
    """Names the arguments in messages."""


def exact_effect(learner, draw):
    """On a model whose effects are fractions, the head writes exactly its mean over the reference texts."""
    weights, ref = integers(draw), draw.ids(EXACT.d_vocab, 3, 5)
    tokens, model, head = draw.ids(EXACT.d_vocab, 2, 4), model_of(learner, weights, EXACT), draw.number(0, 3)
    theirs = exact_z(ref, weights)
    at_each = [[average(text[at][head][k] for text in theirs) for k in range(EXACT.d_head)] for at in range(5)]
    over_all = [average(row[k] for row in at_each) for k in range(EXACT.d_head)]
    pairs = [learner.mean_ablate(model, 0, head, ref, **how) for how in ({}, {"per_position": False})]
    for pair in pairs:  # both are known before one is judged, so that slips can be told apart
        learner.given.edited_run(model, tokens, [pair_of(pair)])
    for pair, means, when in zip(pairs, (at_each, [over_all] * 5), ("per position", "over all positions"), strict=True):
        z = exact_z(tokens, weights)
        for row in z:
            for at, heads in enumerate(row):
                heads[head] = means[at]
        wanted = {"logits": exact_logits(tokens, weights, z)}
        same_run(learner, model, tokens, [pair], wanted, f"{when}, in a one-layer model")


def average(numbers):
    numbers = list(numbers)
    return sum(numbers, Fraction()) / len(numbers)


def start(learner, draw, dtype=torch.float32):
    weights = some_weights(draw, dtype=dtype)
    return model_of(learner, weights), weights


def mean_of(ref, weights, layer, head, axes):
    return run(ref, weights)[1][z_of(layer)][:, :, head].mean(dim=axes)


def at_each_position(learner, draw):
    """By default the mean is over the reference texts at each position; a shorter run uses the first positions."""
    for layer, head, texts, dtype in ((0, 2, 4, torch.float32), (1, 0, 1, torch.float64)):
        model, weights = start(learner, draw, dtype)
        ref = draw.ids(CFG.d_vocab, texts, 5)
        refs = ref, torch.cat([ref[:1], ref])  # in the second, one text comes twice and counts twice
        pairs = [learner.mean_ablate(model, layer, head, ref) for ref in refs]
        for ref, pair in zip(refs, pairs, strict=True):
            mean = mean_of(ref, weights, layer, head, 0)
            for rows, length in ((5, 3), (2, 5), (1, 1)):
                edits = {z_of(layer): [with_head(head, mean[:length])]}
                when = f"for a run of {rows} x {length} tokens and a reference of {len(ref)} x 5"
                same_edit(learner, model, draw.ids(CFG.d_vocab, rows, length), weights, [pair], edits, when)
    left_alone(learner, model, {})


def over_positions_too(learner, draw):
    """With per_position=False it is one mean over texts and positions, for runs of any length."""
    model, weights = start(learner, draw)
    ref, layer, head = draw.ids(CFG.d_vocab, 3, 4), 1, 1
    mean = mean_of(ref, weights, layer, head, (0, 1))
    pair = learner.mean_ablate(model, layer, head, ref, per_position=False)
    for rows, length in ((2, 6), (1, 2)):
        tokens = draw.ids(CFG.d_vocab, rows, length)
        edits, when = {z_of(layer): [with_head(head, mean)]}, f"with per_position=False, for {rows} x {length} tokens"
        same_edit(learner, model, tokens, weights, [pair], edits, when)


def too_long(learner, draw):
    """A run that is longer than the reference is an error with per_position=True."""
    model, _ = start(learner, draw)
    tokens = draw.ids(CFG.d_vocab, 2, 5)
    for positions in (4, 1):  # one position would stretch to any length
        pair = pair_of(learner.mean_ablate(model, 0, 1, draw.ids(CFG.d_vocab, 3, positions)))
        when = f"gives an edit that takes a run of 5 positions after a reference of {positions}"
        must_raise(f"{when}, without an error.", learner.given.edited_run, model, tokens, [pair])


def taken_once(learner, draw):
    """The mean is taken when mean_ablate is called, from a plain run: later edits and weights do not change it."""
    model, weights = start(learner, draw)
    ref, tokens = draw.ids(CFG.d_vocab, 4, 5), draw.ids(CFG.d_vocab, 3, 5)
    pairs = [learner.mean_ablate(model, layer, head, ref) for layer, head in ((0, 0), (1, 2), (1, 2))]
    means = [mean_of(ref, weights, 0, 0, 0), mean_of(ref, weights, 1, 2, 0)]
    edits = {z_of(0): [with_head(0, means[0])], z_of(1): [with_head(2, means[1])]}
    same_edit(learner, model, tokens, weights, pairs[:2], edits, "with two ablated heads in one list")
    change = draw.normal(CFG.n_heads, CFG.d_head)
    learner.given.add_to(model, "blocks.1.attn.b_V", change)
    weights["blocks.1.attn.b_V"] = weights["blocks.1.attn.b_V"] + change
    edits.pop(z_of(0))
    for pair, calls in zip(pairs[1:], ("one call", "no call"), strict=True):
        when = f"when the model's weights have changed since mean_ablate, after {calls} of its hook"
        same_edit(learner, model, tokens, weights, [pair], edits, when)
    pair = learner.mean_ablate(model, 1, 2, ref)
    edits = {z_of(1): [with_head(2, mean_of(ref, weights, 1, 2, 0))]}
    same_edit(learner, model, tokens, weights, [pair], edits, "by a new call, after the model's weights have changed")


def averaging(make_mean, at_call=False):
    """A pair from the head's z on the reference, `make_mean(z_ref, head) -> something that z[:, :, head] can take`."""

    def ablate(model, layer, head, ref_tokens, per_position=True):
        name = f"blocks.{layer}.attn.hook_z"

        def taken():
            with torch.no_grad():
                z = model.run_with_cache(ref_tokens, [name])[1][name]
            return make_mean(z, head, per_position)

        early = None if at_call else taken()

        def hook(z, point):
            mean = taken_apart(model, taken) if at_call else early
            if mean.ndim > 1 and per_position and z.shape[1] > mean.shape[-2]:
                raise ValueError("longer than the reference")
            z = z.clone()
            z[:, :, head] = mean[..., : z.shape[1], :] if mean.ndim > 1 else mean
            return z

        return name, hook

    return ablate


def taken_apart(model, taken):
    kept = {name: list(point.hooks) for name, point in model.hook_points().items()}
    try:
        for point in model.hook_points().values():
            point.hooks.clear()
        return taken()
    finally:
        for name, point in model.hook_points().items():
            point.hooks[:] = kept[name]


def standard(z, head, per_position):
    return z[:, :, head].mean(0) if per_position else z[:, :, head].mean((0, 1))


def one_mean_always(*args, **kwargs):
    return averaging(lambda z, head, per: z[:, :, head].mean((0, 1)))(*args, **kwargs)


def per_position_always(*args, **kwargs):
    return averaging(lambda z, head, per: z[:, :, head].mean(0))(*args, **kwargs)


def switch_reversed(*args, **kwargs):
    return averaging(lambda z, head, per: standard(z, head, not per))(*args, **kwargs)


def over_heads(*args, **kwargs):
    return averaging(lambda z, head, per: standard(z.mean(2, keepdim=True), 0, per))(*args, **kwargs)


def summed(*args, **kwargs):
    return averaging(lambda z, head, per: standard(z, head, per) * len(z))(*args, **kwargs)


def first_text(*args, **kwargs):
    return averaging(lambda z, head, per: standard(z[:1], head, per))(*args, **kwargs)


def last_position_mean(*args, **kwargs):
    return averaging(lambda z, head, per: standard(z[:, -1:].expand_as(z), head, per))(*args, **kwargs)


def over_positions_of_first(*args, **kwargs):
    def mean(z, head, per):
        return z[:, :, head].mean(1)[:1].expand(z.shape[1], -1) if per else standard(z, head, per)

    return averaging(mean)(*args, **kwargs)


def next_head(*args, **kwargs):
    return averaging(lambda z, head, per: standard(z, (head + 1) % z.shape[2], per))(*args, **kwargs)


def at_each_call(*args, **kwargs):
    return averaging(standard, at_call=True)(*args, **kwargs)


def medians(*args, **kwargs):
    def mean(z, head, per):
        return z[:, :, head].median(0).values if per else z[:, :, head].flatten(0, 1).median(0).values

    return averaging(mean)(*args, **kwargs)


def current_batch(model, layer, head, ref_tokens, per_position=True):
    def hook(z, point):
        if per_position and z.shape[1] > ref_tokens.shape[1]:
            raise ValueError("longer than the reference")
        z = z.clone()
        z[:, :, head] = standard(z, head, per_position)
        return z

    return f"blocks.{layer}.attn.hook_z", hook


def whole_layer(model, layer, head, ref_tokens, per_position=True):
    name = f"blocks.{layer}.attn.hook_z"
    with torch.no_grad():
        mean = model.run_with_cache(ref_tokens, [name])[1][name].mean(0 if per_position else (0, 1))

    def hook(z, point):
        if per_position and z.shape[1] > len(mean):
            raise ValueError("longer than the reference")
        return (mean[: z.shape[1]] if per_position else mean).expand_as(z).clone()

    return name, hook


def added(model, layer, head, ref_tokens, per_position=True):
    name, fill = averaging(standard)(model, layer, head, ref_tokens, per_position)
    return name, lambda z, point: torch.cat(
        [z[:, :, :head], z[:, :, [head]] + fill(z, point)[:, :, [head]], z[:, :, head + 1 :]], dim=2
    )


def stretched(model, layer, head, ref_tokens, per_position=True):
    name = f"blocks.{layer}.attn.hook_z"
    with torch.no_grad():
        mean = standard(model.run_with_cache(ref_tokens, [name])[1][name], head, per_position)

    def hook(z, point):
        z = z.clone()
        pos = z.shape[1]
        z[:, :, head] = mean[torch.arange(pos).clamp(max=len(mean) - 1)] if per_position else mean
        return z

    return name, hook


EXERCISE = Exercise(
    "mean_ablate",
    checks=(exact_effect, at_each_position, over_positions_too, too_long, taken_once),
    reference=reference,
    tolerance=WHOLE,
    needs={"run_with_hooks": "ours_run_with_hooks", "run_with_cache": "ours_run_with_cache"},
    slips=(
        Slip("the mean is over texts and positions also with per_position=True", one_mean_always),
        Slip("per_position=False is ignored", per_position_always),
        Slip("per_position has the opposite meaning", switch_reversed),
        Slip("the mean is over the heads of the layer as well", over_heads),
        Slip("it is the sum over the reference texts, not the mean", summed),
        Slip("it is the first reference text's output, not the mean of all", first_text),
        Slip("the mean at the last position is used at all positions", last_position_mean),
        Slip("the mean is over positions, and of the first text, not over texts", over_positions_of_first),
        Slip("the mean is that of the next head", next_head),
        Slip("the mean is taken anew whenever the hook is called", at_each_call),
        Slip("it is the median, not the mean", medians),
        Slip("the mean is that of the texts that are edited, not of the reference", current_batch),
        Slip("all heads of the layer get their means", whole_layer),
        Slip("the mean is added to the head's output instead of replacing it", added),
        Slip("beyond the reference's length the last mean is used, without an error", stretched),
    ),
)  # fmt: skip
