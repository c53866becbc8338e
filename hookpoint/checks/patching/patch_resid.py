"""Checks for `patch_resid` (part 2, notebook 12)."""

import torch
from torch import Tensor

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Slip, same

from . import _handmade as hand
from ._plain import SMALL, Case, put
from ._sweeps import NEEDS, patched, resid, table, taken, whole

ROWS = slice(None)


def reference(model, corrupt, clean_cache, metric):
    """One edited run for each place, by the model as a plain function; `model` is a `Case`."""
    _, clean = model.run(model.clean)
    name = "blocks.{}.hook_resid_pre".format
    return torch.stack([
        torch.stack([
            model.patched(corrupt, {name(layer): put(clean[name(layer)], slice(None), at)})
            for at in range(corrupt.shape[1])
        ])
        for layer in range(model.cfg.n_layers)
    ])  # fmt: skip


def called(learner, case):
    return learner.patch_resid(case.model, case.corrupt, case.cache(case.clean), case.metric)


def exact(learner, draw):
    """On a model whose effects are fractions, every place has its exact number."""
    case = Case(learner, draw, handmade=True)
    got = called(learner, case)
    same(got, reference(case, case.corrupt, None, None), "on the model of fractions")
    # Before the first layer the stream is the token: the same as exchanging the token itself.
    tokens = case.corrupt.clone()
    tokens[:, 2] = case.clean[:, 2]
    want = case.value(hand.tensor([hand.Program(row).logits for row in tokens.tolist()]))
    same(got[0, 2], want, "before the first layer, position 2")


def values(learner, draw):
    """Entry (layer, position) is the metric of the corrupt run with the clean stream before that layer, there alone."""
    case = Case(learner, draw, cfg=SMALL, squared=True)
    same(called(learner, case), reference(case, case.corrupt, None, None))


def one_sequence(learner, draw):
    """One sequence will do, and one layer, and an input of one position."""
    case = Case(learner, draw, cfg=SMALL, batch=1, length=3)
    same(called(learner, case), reference(case, case.corrupt, None, None), "for one sequence")
    case = Case(learner, draw, cfg=SMALL, batch=2, length=1)
    same(called(learner, case), reference(case, case.corrupt, None, None), "for one position")


def one_difference(learner, draw):
    """What is the same in both runs makes no difference: positions before the one where the inputs differ."""
    case = Case(learner, draw, cfg=SMALL)
    case.clean[:, :2] = case.corrupt[:, :2]
    case.clean[:, 2] = (case.corrupt[:, 2] + 1) % case.cfg.d_vocab
    case.clean[:, 3:] = case.corrupt[:, 3:]
    got, start = called(learner, case), case.value(case.run(case.corrupt)[0])
    same(got[0], reference(case, case.corrupt, None, None)[0], "where the inputs differ at position 2 alone")
    if not torch.allclose(got[:, :2], start.expand(got.shape[0], 2), rtol=1e-3, atol=1e-3):
        raise Mismatch(
            "differs from the corrupt run at positions before the first one at which the inputs differ.", got=got
        )


def traceless(learner, draw):
    """The model is left without hooks: a second call, and a plain run, give the same as before."""
    case = Case(learner, draw, cfg=SMALL, batch=2, length=3)
    cache = case.cache(case.clean)
    once = learner.patch_resid(case.model, case.corrupt, cache, case.metric)
    case.left_alone("patch_resid")
    again = learner.patch_resid(case.model, case.corrupt, cache, case.metric)
    same(again, reference(case, case.corrupt, None, None), "at the second call")
    same(again, once, "at the second call")


def right(model, corrupt, clean_cache, metric, name="resid_pre"):
    return table([
        [
            patched(model, corrupt, metric, (resid(layer, name), taken(clean_cache[resid(layer, name)], ROWS, at)))
            for at in range(corrupt.shape[1])
        ]
        for layer in range(model.cfg.n_layers)
    ])  # fmt: skip


def all_positions(model, corrupt, clean_cache, metric):
    length = corrupt.shape[1]
    return table([
        [patched(model, corrupt, metric, (resid(layer), whole(clean_cache[resid(layer)]))) for _ in range(length)]
        for layer in range(model.cfg.n_layers)
    ])  # fmt: skip


def after_the_layer(model, corrupt, clean_cache, metric):
    return right(model, corrupt, clean_cache, metric, "resid_post")


def attention_out(model, corrupt, clean_cache, metric):
    return right(model, corrupt, clean_cache, metric, "attn_out")


def transposed(model, corrupt, clean_cache, metric):
    return right(model, corrupt, clean_cache, metric).T


def accumulated(model, corrupt, clean_cache, metric):
    edits, values = [], []
    for layer in range(model.cfg.n_layers):
        for at in range(corrupt.shape[1]):
            edits.append((resid(layer), taken(clean_cache[resid(layer)], slice(None), at)))
            values.append(patched(model, corrupt, metric, *edits))
    return torch.stack(values).reshape(model.cfg.n_layers, -1)


def from_here_on(model, corrupt, clean_cache, metric):
    return table([
        [
            patched(model, corrupt, metric, (resid(layer), taken(clean_cache[resid(layer)], ROWS, slice(at, None))))
            for at in range(corrupt.shape[1])
        ]
        for layer in range(model.cfg.n_layers)
    ])  # fmt: skip


def up_to_here(model, corrupt, clean_cache, metric):
    return table([
        [
            patched(model, corrupt, metric, (resid(layer), taken(clean_cache[resid(layer)], ROWS, slice(at + 1))))
            for at in range(corrupt.shape[1])
        ]
        for layer in range(model.cfg.n_layers)
    ])  # fmt: skip


def first_row_only(model, corrupt, clean_cache, metric):
    return table([
        [
            patched(model, corrupt, metric, (resid(layer), taken(clean_cache[resid(layer)], 0, at)))
            for at in range(corrupt.shape[1])
        ]
        for layer in range(model.cfg.n_layers)
    ])  # fmt: skip


def unpatched(model, corrupt, clean_cache, metric):
    return right(model, corrupt, model.run_with_cache(corrupt)[1], metric)


def change(model, corrupt, clean_cache, metric):
    return right(model, corrupt, clean_cache, metric) - patched(model, corrupt, metric)


def restored_share(model, corrupt, clean_cache, metric):
    corrupt_value = patched(model, corrupt, metric)
    values = right(model, corrupt, clean_cache, metric)
    return (values - corrupt_value) / (values[0].max() - corrupt_value)


def sent_on(model, corrupt, clean_cache, metric):
    """The difference of both streams is added, on top of what is there in the corrupt run at that layer already."""
    _, own = model.run_with_cache(corrupt)

    def added(name, at):
        def hook(act, point):
            act = act.clone()
            act[:, at] += clean_cache[name][:, at]
            return act

        return hook

    return table([
        [patched(model, corrupt, metric, (resid(layer), added(resid(layer), at))) for at in range(corrupt.shape[1])]
        for layer in range(model.cfg.n_layers)
    ])  # fmt: skip


def hook_left(model, corrupt, clean_cache, metric):
    values = right(model, corrupt, clean_cache, metric)
    model.hook_points()[resid(0)].hooks.append(taken(clean_cache[resid(0)], slice(None), 0))
    return values


EXERCISE = Exercise(
    "patch_resid",
    checks=(exact, values, one_sequence, one_difference, traceless),
    reference=reference,
    gives=Tensor,
    needs=NEEDS,
    tolerance=WHOLE,
    slips=(
        Slip("the whole stream is put in at once, at all positions, instead of at one", all_positions),
        Slip("the stream is put in after the layer (hook_resid_post) instead of before it", after_the_layer),
        Slip("the output of the attention is put in instead of the stream", attention_out),
        Slip("the table has a row for each position and a column for each layer", transposed),
        Slip("each patch stays in force for those after it", accumulated),
        Slip("the stream is put in at that position and at all after it", from_here_on),
        Slip("the stream is put in at that position and at all before it", up_to_here),
        Slip("only the first sequence is patched", first_row_only),
        Slip("the values put in are those of the corrupt run itself", unpatched),
        Slip("the metric of the corrupt run is subtracted", change),
        Slip("the numbers are rescaled: the corrupt run is 0", restored_share),
        Slip("the clean stream is added to the corrupt one instead of put in its place", sent_on),
        Slip("a hook is left on the model", hook_left),
    ),
)
