"""Checks for `path_patch` (part 2, notebook 12)."""

from dataclasses import replace

import torch
from torch import Tensor

from hookpoint.checks.author import WHOLE, Exercise, Slip, same
from hookpoint.checks.model_and_loss._functional import mlp

from . import _handmade as hand
from ._plain import CFG, Case, heads_of, normed, put, unembedded, z_at
from ._sweeps import ALL, NEEDS, passes, taken, z


def reference(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    """What the sender adds is carried along the stream by hand: no run has frozen heads. `model` is a `Case`."""
    case, w, cfg = model, model.weights, model.cfg
    (_, before), (_, other) = case.run(clean), case.run(corrupt)
    layer, head = sender
    moved = (other[z_at(layer)] - before[z_at(layer)])[:, :, head] @ w[f"blocks.{layer}.attn.W_O"][head]
    edits = {}
    for at in range(layer, cfg.n_layers):
        name = f"blocks.{at}."
        if at > layer:
            heard = normed(before[f"{name}hook_resid_pre"] + moved, w, f"{name}ln1", cfg)
            for to, number, part in (each for each in receivers if each != "logits"):
                if to == at:
                    new = heads_of(heard, w, at, part.upper())
                    key = f"{name}attn.hook_{part}"
                    last = edits.get(key, lambda value: value)
                    edits[key] = lambda value, last=last, new=new, number=number: put(new, ALL, ALL, number)(
                        last(value)
                    )
        if not freeze_mlps and not cfg.attn_only:
            mid = before[f"{name}hook_resid_pre"] + attention_out(before, w, at)
            moved = moved + mlp_out(mid + moved, w, name, cfg) - mlp_out(mid, w, name, cfg)
    if "logits" in receivers:
        return unembedded(before["end"] + moved, w, cfg)
    return case.run(clean, edits)[0]


def attention_out(cache, w, layer):
    name = f"blocks.{layer}.attn."
    return torch.einsum("bthk,hkd->btd", cache[f"{name}hook_z"], w[f"{name}W_O"]) + w[f"{name}b_O"]


def mlp_out(x, w, name, cfg):
    return mlp(normed(x, w, f"{name}ln2", cfg), w, f"{name}mlp")


EDGES = [
    ((0, 0), [(1, 0, "q")]),
    ((0, 0), [(1, 1, "k")]),
    ((1, 0), [(2, 1, "v")]),
    ((0, 1), [(2, 0, "v")]),
    ((0, 1), [(1, 1, "v")]),
    ((1, 0), [(2, 1, "v"), (2, 0, "v")]),
    ((0, 0), ["logits"]),
    ((2, 0), ["logits"]),
]
SILENT = [
    ((0, 0), [(1, 0, "v")]),
    ((0, 0), [(1, 0, "k"), (1, 1, "q")]),
    ((0, 0), [(2, 0, "v")]),
    ((1, 0), [(1, 1, "v")]),
    ((2, 1), [(1, 0, "q"), (0, 1, "v"), (2, 1, "v")]),
]


def exact(learner, draw):
    """On a model whose effects are fractions, each path has its exact effect: by q, k or v, by others or directly."""
    case = Case(learner, draw, handmade=True, batch=2, length=4)
    rows = list(zip(case.clean.tolist(), case.corrupt.tolist(), strict=True))
    # All are asked for before one is looked at: what tells two mistakes apart may be another path.
    every = [learner.path_patch(case.model, *edge, case.clean, case.corrupt) for edge in EDGES]
    for got, (sender, receivers) in zip(every, EDGES, strict=True):
        want = hand.tensor([hand.through_paths(clean, corrupt, sender, receivers) for clean, corrupt in rows])
        same(got, want, f"from {sender} to {told(receivers)}")


def no_path(learner, draw):
    """Where no path leads from the sender to the receivers, the logits are those of the clean run."""
    case = Case(learner, draw, handmade=True, batch=2, length=4)
    want = hand.tensor([hand.Program(row).logits for row in case.clean.tolist()])
    every = [learner.path_patch(case.model, *edge, case.clean, case.corrupt) for edge in SILENT]
    for got, (sender, receivers) in zip(every, SILENT, strict=True):
        same(got, want, f"from {sender} to {told(receivers)}, to which there is no path")


def told(receivers) -> str:
    return "the logits" if "logits" in receivers else " and ".join(f"{part} of {(a, b)}" for a, b, part in receivers)


def frozen_or_not(learner, draw):
    """With freeze_mlps, or without a word, MLPs keep their clean values; with False they pass on what they hear."""
    case = Case(learner, draw)
    for sender, receivers in (((0, 1), [(2, 0, "k"), (1, 1, "v")]), ((0, 0), ["logits"])):
        flags = {
            "freeze_mlps=True": {"freeze_mlps": True},
            "freeze_mlps=False": {"freeze_mlps": False},
            "freeze_mlps left out": {},
        }
        all_ways = [
            learner.path_patch(case.model, sender, receivers, case.clean, case.corrupt, **flag)
            for flag in flags.values()
        ]
        for got, (way, flag) in zip(all_ways, flags.items(), strict=True):
            want = reference(case, sender, receivers, case.clean, case.corrupt, **flag)
            same(got, want, f"from {sender} to {told(receivers)} with {way}")


def in_a_gpt2(learner, draw):
    """With LayerNorm, MLPs and biases too, only what the sender itself writes reaches the receivers, and only them."""
    case = Case(learner, draw, length=3)
    for sender, receivers in (
        ((0, 1), [(2, 0, "q"), (2, 0, "k"), (2, 0, "v")]),
        ((0, 0), [(1, 1, "v"), (2, 1, "q")]),
        ((1, 0), ["logits"]),
    ):
        got = learner.path_patch(case.model, sender, receivers, case.clean, case.corrupt)
        same(got, reference(case, sender, receivers, case.clean, case.corrupt), f"from {sender} to {told(receivers)}")


def nothing_to_tell(learner, draw):
    """Where clean and corrupt are the same, it is the clean run, and no hook is left; one sequence will do."""
    case = Case(learner, draw, cfg=replace(CFG, n_layers=2), batch=1, length=3)
    want = case.run(case.clean)[0]
    same(
        learner.path_patch(case.model, (0, 0), [(1, 1, "v")], case.clean, case.clean),
        want,
        "where both inputs are the same",
    )
    case.left_alone("path_patch")


def right(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    return passes(model, sender, receivers, clean, corrupt, freeze_mlps)


def heads_free(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    return passes(model, sender, receivers, clean, corrupt, freeze_mlps, heads=False)


def total_effect(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    with torch.no_grad():
        _, other = model.run_with_cache(corrupt)
        return model.run_with_hooks(clean, [(z(sender[0]), taken(other[z(sender[0])], ALL, ALL, sender[1]))])


def all_three(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    return passes(model, sender, receivers, clean, corrupt, freeze_mlps, parts=lambda part: "qkv")


def queries_and_keys(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    return passes(
        model, sender, receivers, clean, corrupt, freeze_mlps, parts=lambda part: "v" if part == "v" else "qk"
    )


def mlps_free(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    return passes(model, sender, receivers, clean, corrupt, False)


def mlps_frozen(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    return passes(model, sender, receivers, clean, corrupt, True)


def flag_turned(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    return passes(model, sender, receivers, clean, corrupt, not freeze_mlps)


def whole_layer(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    return passes(model, sender, receivers, clean, corrupt, freeze_mlps, sent="layer")


def exchanged(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    return passes(model, sender, receivers, corrupt, clean, freeze_mlps)


def frozen_to_corrupt(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    return passes(model, sender, receivers, clean, corrupt, freeze_mlps, source=lambda model, before, other: other)


def corrupt_under_it(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    return passes(model, sender, receivers, clean, corrupt, freeze_mlps, base=corrupt)


def ended_on_corrupt(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    return passes(model, sender, receivers, clean, corrupt, freeze_mlps, last=corrupt)


def two_passes(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    """The logits of the run with everything frozen, whoever receives."""
    return passes(model, sender, ["logits"], clean, corrupt, freeze_mlps)


def receivers_from_corrupt(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    """The receivers get all that the corrupt run has, not what this sender changes."""
    if "logits" in receivers:
        return right(model, sender, receivers, clean, corrupt, freeze_mlps)
    with torch.no_grad():
        _, other = model.run_with_cache(corrupt)
        edits = [(z(at, part), taken(other[z(at, part)], ALL, ALL, to)) for at, to, part in receivers]
        return model.run_with_hooks(clean, edits)


def all_heads_receive(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    if "logits" in receivers:
        return right(model, sender, receivers, clean, corrupt, freeze_mlps)
    every = [(at, to, part) for at, _, part in receivers for to in range(model.cfg.n_heads)]
    return passes(model, sender, every, clean, corrupt, freeze_mlps)


def first_receiver(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    return passes(model, sender, list(receivers)[:1], clean, corrupt, freeze_mlps)


def mlps_frozen_to_the_end(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    return passes(model, sender, receivers, clean, corrupt, freeze_mlps, freeze_final=freeze_mlps)


def end_alone(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    return passes(model, sender, receivers, clean, corrupt, freeze_mlps, at_end=True)


def logits_are_the_total(model, sender, receivers, clean, corrupt, freeze_mlps=True):
    if "logits" in receivers:
        return total_effect(model, sender, receivers, clean, corrupt)
    return right(model, sender, receivers, clean, corrupt, freeze_mlps)


EXERCISE = Exercise(
    "path_patch",
    checks=(exact, no_path, frozen_or_not, in_a_gpt2, nothing_to_tell),
    reference=reference,
    gives=Tensor,
    needs=NEEDS,
    tolerance=WHOLE,
    slips=(
        Slip("no head is frozen on the way, so that the sender is heard through other heads too", heads_free),
        Slip("the receivers are forgotten: it is the sender's total effect", total_effect),
        Slip("q, k and v of every receiver are all taken", all_three),
        Slip("a receiver's q and k are taken together", queries_and_keys),
        Slip("MLPs are always recomputed on the way", mlps_free),
        Slip("MLPs are always frozen, whatever freeze_mlps says", mlps_frozen),
        Slip("freeze_mlps is read the wrong way round", flag_turned),
        Slip("all heads of the sender's layer are taken from corrupt", whole_layer),
        Slip("clean and corrupt are exchanged", exchanged),
        Slip("the other heads are frozen to their corrupt values", frozen_to_corrupt),
        Slip("the run in which heads are frozen reads the corrupt input", corrupt_under_it),
        Slip("the last run reads the corrupt input", ended_on_corrupt),
        Slip("the logits come from the run with frozen heads, so that a receiver's answer is not heard", two_passes),
        Slip("the receivers get what they have in the corrupt run, whoever sent it", receivers_from_corrupt),
        Slip("every head of a receiver's layer receives", all_heads_receive),
        Slip("only the first of the receivers receives", first_receiver),
        Slip("MLPs stay frozen in the last run, so that they do not hear the receivers", mlps_frozen_to_the_end),
        Slip("the sender is changed at the last position alone", end_alone),
        Slip("to the logits, every way is counted, not the direct one alone", logits_are_the_total),
    ),
)
