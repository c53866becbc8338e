"""Checks for `patch_heads` (part 2, notebook 12)."""

import torch
from torch import Tensor

from hookpoint.checks.author import WHOLE, Exercise, Slip, same

from . import _handmade as hand
from ._plain import SMALL, Case, put, z_at
from ._sweeps import NEEDS, patched, table, taken, whole, z


def reference(model, corrupt, clean_cache, metric):
    """One edited run for each head, by the model as a plain function; `model` is a `Case`."""
    _, clean = model.run(model.clean)
    everywhere = slice(None)
    return torch.stack([
        torch.stack([
            model.patched(corrupt, {z_at(layer): put(clean[z_at(layer)], everywhere, everywhere, head)})
            for head in range(model.cfg.n_heads)
        ])
        for layer in range(model.cfg.n_layers)
    ])  # fmt: skip


def in_fractions(case) -> Tensor:
    """The table of the model of fractions: each head's z, taken from the clean run."""
    rows = list(zip(case.corrupt.tolist(), case.clean.tolist(), strict=True))
    clean = [hand.Program(row).z for _, row in rows]
    logits = [
        [hand.Program(row, z={head: z[head]}).logits for (row, _), z in zip(rows, clean, strict=True)]
        for head in hand.HEADS
    ]
    return torch.stack([case.value(hand.tensor(each)) for each in logits]).reshape(3, 2)


def called(learner, case):
    return learner.patch_heads(case.model, case.corrupt, case.cache(case.clean), case.metric)


def exact(learner, draw):
    """On a model whose effects are fractions, every head has its exact number, what passes through others included."""
    case = Case(learner, draw, handmade=True)
    same(called(learner, case), in_fractions(case), "on the model of fractions")


def values(learner, draw):
    """Entry (layer, head) is the metric of the corrupt run with that head's clean z, at all positions, in all rows."""
    case = Case(learner, draw, cfg=SMALL, squared=True)
    same(called(learner, case), reference(case, case.corrupt, None, None))


def one_sequence(learner, draw):
    """One sequence will do, and an input of one position."""
    case = Case(learner, draw, cfg=SMALL, batch=1, length=3)
    same(called(learner, case), reference(case, case.corrupt, None, None), "for one sequence")
    case = Case(learner, draw, cfg=SMALL, batch=2, length=1)
    same(called(learner, case), reference(case, case.corrupt, None, None), "for one position")


def traceless(learner, draw):
    """The model is left without hooks: a second call gives the same as the first."""
    case = Case(learner, draw, cfg=SMALL)
    cache = case.cache(case.clean)
    learner.patch_heads(case.model, case.corrupt, cache, case.metric)
    case.left_alone("patch_heads")
    again = learner.patch_heads(case.model, case.corrupt, cache, case.metric)
    same(again, reference(case, case.corrupt, None, None), "at the second call")


ALL = slice(None)


def right(model, corrupt, clean_cache, metric, at=ALL, name="z", tokens=None):
    return table([
        [
            patched(
                model, corrupt, metric, (z(layer, name), taken(clean_cache[z(layer, name)], *places(name, head, at)))
            )
            for head in range(model.cfg.n_heads)
        ]
        for layer in range(model.cfg.n_layers)
    ])  # fmt: skip


def places(name, head, at):
    return (ALL, head) if name == "pattern" else (ALL, at, head)


def pattern_only(model, corrupt, clean_cache, metric):
    return right(model, corrupt, clean_cache, metric, name="pattern")


def values_only(model, corrupt, clean_cache, metric):
    return right(model, corrupt, clean_cache, metric, name="v")


def queries_only(model, corrupt, clean_cache, metric):
    return right(model, corrupt, clean_cache, metric, name="q")


def last_position(model, corrupt, clean_cache, metric):
    return right(model, corrupt, clean_cache, metric, at=-1)


def whole_layer(model, corrupt, clean_cache, metric):
    return table([
        [patched(model, corrupt, metric, (z(layer), whole(clean_cache[z(layer)]))) for _ in range(model.cfg.n_heads)]
        for layer in range(model.cfg.n_layers)
    ])  # fmt: skip


def accumulated(model, corrupt, clean_cache, metric):
    edits, values = [], []
    for layer in range(model.cfg.n_layers):
        for head in range(model.cfg.n_heads):
            edits.append((z(layer), taken(clean_cache[z(layer)], ALL, ALL, head)))
            values.append(patched(model, corrupt, metric, *edits))
    return torch.stack(values).reshape(model.cfg.n_layers, -1)


def in_every_layer(model, corrupt, clean_cache, metric):
    layers = range(model.cfg.n_layers)
    row = [
        patched(model, corrupt, metric, *((z(layer), taken(clean_cache[z(layer)], ALL, ALL, head)) for layer in layers))
        for head in range(model.cfg.n_heads)
    ]
    return table([row for _ in layers])


def position_axis(model, corrupt, clean_cache, metric):
    """The head's number is used on the axis of positions."""
    return table([
        [
            patched(model, corrupt, metric, (z(layer), taken(clean_cache[z(layer)], ALL, head % corrupt.shape[1])))
            for head in range(model.cfg.n_heads)
        ]
        for layer in range(model.cfg.n_layers)
    ])  # fmt: skip


def transposed(model, corrupt, clean_cache, metric):
    return right(model, corrupt, clean_cache, metric).T


def change(model, corrupt, clean_cache, metric):
    return right(model, corrupt, clean_cache, metric) - patched(model, corrupt, metric)


def removed(model, corrupt, clean_cache, metric):
    zeros = {name: torch.zeros_like(value) for name, value in clean_cache.items()}
    return right(model, corrupt, zeros, metric)


def unpatched(model, corrupt, clean_cache, metric):
    return right(model, corrupt, model.run_with_cache(corrupt)[1], metric)


def others_patched(model, corrupt, clean_cache, metric):
    def but(head, heads):
        return [other for other in range(heads) if other != head]

    heads = model.cfg.n_heads
    return table([
        [
            patched(model, corrupt, metric, (z(layer), taken(clean_cache[z(layer)], ALL, ALL, but(head, heads))))
            for head in range(heads)
        ]
        for layer in range(model.cfg.n_layers)
    ])  # fmt: skip


def hook_left(model, corrupt, clean_cache, metric):
    values = right(model, corrupt, clean_cache, metric)
    model.hook_points()[z(0)].hooks.append(taken(clean_cache[z(0)], ALL, ALL, 0))
    return values


EXERCISE = Exercise(
    "patch_heads",
    checks=(exact, values, one_sequence, traceless),
    reference=reference,
    gives=Tensor,
    needs=NEEDS,
    tolerance=WHOLE,
    slips=(
        Slip("the head's attention pattern is put in instead of its z", pattern_only),
        Slip("the head's values (hook_v) are put in instead of its z", values_only),
        Slip("the head's queries (hook_q) are put in instead of its z", queries_only),
        Slip("the head is patched at the last position alone", last_position),
        Slip("all heads of the layer are put in at once", whole_layer),
        Slip("all heads of the layer are put in but this one", others_patched),
        Slip("each patch stays in force for those after it", accumulated),
        Slip("the head is patched in every layer at once", in_every_layer),
        Slip("the head's number is used on the axis of positions", position_axis),
        Slip("the table has a row for each head and a column for each layer", transposed),
        Slip("the metric of the corrupt run is subtracted", change),
        Slip("the head's z is set to 0 instead of to the clean run's", removed),
        Slip("the values put in are those of the corrupt run itself", unpatched),
        Slip("a hook is left on the model", hook_left),
    ),
)
