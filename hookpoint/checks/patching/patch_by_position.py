"""Checks for `patch_by_position` (part 2, notebook 12)."""

import torch
from torch import Tensor

from hookpoint.checks.author import WHOLE, Exercise, Slip, same

from . import _handmade as hand
from ._plain import SMALL, Case, put, z_at
from ._sweeps import NEEDS, patched, table, taken, whole, z

ALL = slice(None)


def reference(model, corrupt, clean_cache, metric):
    """One edited run for each head and position, by the model as a plain function; `model` is a `Case`."""
    _, clean = model.run(model.clean)
    layers, heads, positions = range(model.cfg.n_layers), range(model.cfg.n_heads), range(corrupt.shape[1])
    return torch.stack([
        model.patched(corrupt, {z_at(layer): put(clean[z_at(layer)], ALL, at, head)})
        for layer in layers for head in heads for at in positions
    ]).reshape(len(layers), len(heads), len(positions))  # fmt: skip


def in_fractions(case) -> Tensor:
    """The table of the model of fractions: one head's z at one position, taken from the clean run."""
    values = []
    for head in hand.HEADS:
        for at in range(case.corrupt.shape[1]):
            logits = []
            for corrupt, clean in zip(case.corrupt.tolist(), case.clean.tolist(), strict=True):
                z, other = hand.Program(corrupt).z[head], hand.Program(clean).z[head]
                logits.append(hand.Program(corrupt, z={head: [*z[:at], other[at], *z[at + 1 :]]}).logits)
            values.append(case.value(hand.tensor(logits)))
    return torch.stack(values).reshape(3, 2, -1)


def called(learner, case):
    return learner.patch_by_position(case.model, case.corrupt, case.cache(case.clean), case.metric)


def exact(learner, draw):
    """On a model whose effects are fractions, every head has its exact number at every position."""
    case = Case(learner, draw, handmade=True, batch=2, length=3)
    same(called(learner, case), in_fractions(case), "on the model of fractions")


def values(learner, draw):
    """Entry (layer, head, position) is the metric of the corrupt run with the head's clean z at that position alone."""
    case = Case(learner, draw, cfg=SMALL, squared=True)
    same(called(learner, case), reference(case, case.corrupt, None, None))


def one_sequence(learner, draw):
    """One sequence will do, and as many positions as there are layers or heads."""
    case = Case(learner, draw, cfg=SMALL, batch=1, length=2)
    same(called(learner, case), reference(case, case.corrupt, None, None), "for one sequence")


def traceless(learner, draw):
    """The model is left without hooks: a second call gives the same as the first."""
    case = Case(learner, draw, cfg=SMALL, batch=2, length=2)
    cache = case.cache(case.clean)
    learner.patch_by_position(case.model, case.corrupt, cache, case.metric)
    case.left_alone("patch_by_position")
    again = learner.patch_by_position(case.model, case.corrupt, cache, case.metric)
    same(again, reference(case, case.corrupt, None, None), "at the second call")


def swept(model, corrupt, edits, tokens=None):
    """A table over layers, heads and positions; `edits(layer, head, at)` says what to patch."""
    return table([
        [[edits(layer, head, at) for at in range(corrupt.shape[1])] for head in range(model.cfg.n_heads)]
        for layer in range(model.cfg.n_layers)
    ])  # fmt: skip


def right(model, corrupt, clean_cache, metric):
    return swept(model, corrupt, lambda layer, head, at: patched(
        model, corrupt, metric, (z(layer), taken(clean_cache[z(layer)], ALL, at, head))))  # fmt: skip


def by_key_position(model, corrupt, clean_cache, metric):
    return swept(model, corrupt, lambda layer, head, at: patched(
        model, corrupt, metric, (z(layer, "v"), taken(clean_cache[z(layer, "v")], ALL, at, head))))  # fmt: skip


def pattern_row(model, corrupt, clean_cache, metric):
    name = "pattern"
    return swept(
        model,
        corrupt,
        lambda layer, head, at: patched(
            model, corrupt, metric, (z(layer, name), taken(clean_cache[z(layer, name)], ALL, head, at))
        ),
    )


def all_positions(model, corrupt, clean_cache, metric):
    return swept(model, corrupt, lambda layer, head, at: patched(
        model, corrupt, metric, (z(layer), taken(clean_cache[z(layer)], ALL, ALL, head))))  # fmt: skip


def all_heads(model, corrupt, clean_cache, metric):
    return swept(model, corrupt, lambda layer, head, at: patched(
        model, corrupt, metric, (z(layer), taken(clean_cache[z(layer)], ALL, at))))  # fmt: skip


def from_here_on(model, corrupt, clean_cache, metric):
    return swept(model, corrupt, lambda layer, head, at: patched(
        model, corrupt, metric, (z(layer), taken(clean_cache[z(layer)], ALL, slice(at, None), head))))  # fmt: skip


def first_row_only(model, corrupt, clean_cache, metric):
    return swept(model, corrupt, lambda layer, head, at: patched(
        model, corrupt, metric, (z(layer), taken(clean_cache[z(layer)], 0, at, head))))  # fmt: skip


def position_first(model, corrupt, clean_cache, metric):
    return right(model, corrupt, clean_cache, metric).transpose(1, 2)


def head_first(model, corrupt, clean_cache, metric):
    return right(model, corrupt, clean_cache, metric).transpose(0, 1)


def reordered(model, corrupt, clean_cache, metric):
    """Computed position by position, and then given the right shape without moving the numbers."""
    values = right(model, corrupt, clean_cache, metric)
    return values.transpose(1, 2).reshape(values.shape)


def accumulated(model, corrupt, clean_cache, metric):
    edits = []

    def more(layer, head, at):
        edits.append((z(layer), taken(clean_cache[z(layer)], ALL, at, head)))
        return patched(model, corrupt, metric, *edits)

    return swept(model, corrupt, more)


def accumulated_in_head(model, corrupt, clean_cache, metric):
    return swept(model, corrupt, lambda layer, head, at: patched(
        model, corrupt, metric, (z(layer), taken(clean_cache[z(layer)], ALL, slice(at + 1), head))))  # fmt: skip


def noised(model, corrupt, clean_cache, metric):
    """The same numbers from the other side: the position is left out of a patch of the head."""

    def others(at):
        return [other for other in range(corrupt.shape[1]) if other != at]

    return swept(model, corrupt, lambda layer, head, at: patched(
        model, corrupt, metric, (z(layer), taken(clean_cache[z(layer)], ALL, others(at), head))))  # fmt: skip


def change(model, corrupt, clean_cache, metric):
    return right(model, corrupt, clean_cache, metric) - patched(model, corrupt, metric)


def from_patched_head(model, corrupt, clean_cache, metric):
    """Numbers relative to the run in which the whole head is patched."""
    return right(model, corrupt, clean_cache, metric) - all_positions(model, corrupt, clean_cache, metric)


def unpatched(model, corrupt, clean_cache, metric):
    return right(model, corrupt, model.run_with_cache(corrupt)[1], metric)


def hook_left(model, corrupt, clean_cache, metric):
    values = right(model, corrupt, clean_cache, metric)
    model.hook_points()[z(0)].hooks.append(whole(clean_cache[z(0)]))
    return values


EXERCISE = Exercise(
    "patch_by_position",
    checks=(exact, values, one_sequence, traceless),
    reference=reference,
    gives=Tensor,
    needs=NEEDS,
    tolerance=WHOLE,
    slips=(
        Slip("the position is the one looked at (hook_v) instead of the one that looks", by_key_position),
        Slip("a row of the attention pattern is put in instead of z", pattern_row),
        Slip("the head is patched at all positions", all_positions),
        Slip("all heads of the layer are patched at that position", all_heads),
        Slip("the head is patched at that position and at all after it", from_here_on),
        Slip("the head is patched at that position and at all before it", accumulated_in_head),
        Slip("the head is patched at all positions but this one", noised),
        Slip("only the first sequence is patched", first_row_only),
        Slip("positions come before heads in the result", position_first),
        Slip("heads come before layers in the result", head_first),
        Slip(
            "the numbers were collected position by position and then given the shape of [layer, head, position]",
            reordered,
        ),
        Slip("each patch stays in force for those after it", accumulated),
        Slip("the metric of the corrupt run is subtracted", change),
        Slip("the numbers are relative to the run in which the head is patched everywhere", from_patched_head),
        Slip("the values put in are those of the corrupt run itself", unpatched),
        Slip("a hook is left on the model", hook_left),
    ),
)
