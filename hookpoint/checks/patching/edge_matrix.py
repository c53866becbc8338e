"""Checks for `edge_matrix` (part 2, notebook 12)."""

import torch
from torch import Tensor

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Slip, same

from . import _handmade as hand
from . import path_patch as paths
from ._plain import SMALL, Case
from ._sweeps import NEEDS


def heads_of(cfg) -> list:
    return [(layer, head) for layer in range(cfg.n_layers) for head in range(cfg.n_heads)]


def reference(model, clean, corrupt, metric):
    """Edge by edge with the reference of `path_patch`; `model` is a `Case`."""
    heads, start = heads_of(model.cfg), model.value(model.run(clean)[0])
    edges = torch.zeros(len(heads), len(heads) + 1)
    for row, sender in enumerate(heads):
        for column, to in enumerate([*heads, "logits"]):
            if to == "logits" or to[0] > sender[0]:
                receivers = ["logits"] if to == "logits" else [(*to, part) for part in "qkv"]
                edges[row, column] = model.value(paths.reference(model, sender, receivers, clean, corrupt)) - start
    return edges


def in_fractions(case) -> Tensor:
    """The matrix of the model of fractions."""
    rows = list(zip(case.clean.tolist(), case.corrupt.tolist(), strict=True))
    start = case.value(hand.tensor([hand.Program(row).logits for row in case.clean.tolist()]))
    edges = torch.zeros(6, 7)
    for row, sender in enumerate(hand.HEADS):
        for column, to in enumerate([*hand.HEADS, "logits"]):
            if to == "logits" or to[0] > sender[0]:
                receivers = ["logits"] if to == "logits" else [(*to, part) for part in "qkv"]
                logits = hand.tensor([hand.through_paths(*both, sender, receivers) for both in rows])
                edges[row, column] = case.value(logits) - start
    return edges


def exact(learner, draw):
    """On a model whose effects are fractions, every path has its exact effect, sign included, and no path has 0."""
    case = Case(learner, draw, handmade=True, batch=2, length=3)
    watch = learner.given.watch_tokens(case.model)
    got = learner.edge_matrix(case.model, case.clean, case.corrupt, case.metric)
    same(got, in_fractions(case), "on the model of fractions")
    # Twelve pairs of heads with a path, and six senders to the logits.
    count = len(learner.given.tokens_fed(watch))
    if count > 4 * (12 + 6) + 6:
        raise Mismatch(
            f"runs the model {count} times for 18 paths.",
            "  Four runs for each path that can be there are enough.",
            got=got,
        )


def values(learner, draw):
    """Entry (sender, receiver) is the metric with that path noised, minus the clean run's; the last column: logits."""
    case = Case(learner, draw, cfg=SMALL, squared=True, length=3)
    got = learner.edge_matrix(case.model, case.clean, case.corrupt, case.metric)
    same(got, reference(case, case.clean, case.corrupt, None))
    case.left_alone("edge_matrix")


def made(model, clean, corrupt, metric, path=paths.right, entry=lambda new, start: new - start,
         later=lambda a, b: a > b, parts="qkv", logits=True, heads=None, fill=0.0, base=None):  # fmt: skip
    """Right by default; each argument is one way to go wrong."""
    heads = heads or heads_of(model.cfg)
    with torch.no_grad():
        start = metric(model(clean if base is None else base))
        edges = torch.full((len(heads), len(heads) + logits), fill)
        for row, sender in enumerate(heads):
            for column, to in enumerate([*heads, "logits"][: len(heads) + logits]):
                if to == "logits" or later(to[0], sender[0]):
                    receivers = ["logits"] if to == "logits" else [(*to, part) for part in parts]
                    edges[row, column] = entry(metric(path(model, sender, receivers, clean, corrupt)), start)
    return edges


def signs_lost(model, clean, corrupt, metric):
    return made(model, clean, corrupt, metric).abs()


def signs_turned(model, clean, corrupt, metric):
    return -made(model, clean, corrupt, metric)


def metric_itself(model, clean, corrupt, metric):
    return made(model, clean, corrupt, metric, entry=lambda new, start: new)


def denoised(model, clean, corrupt, metric):
    return made(model, corrupt, clean, metric)


def against_corrupt(model, clean, corrupt, metric):
    return made(model, clean, corrupt, metric, base=corrupt)


def total_effects(model, clean, corrupt, metric):
    return made(model, clean, corrupt, metric, path=paths.heads_free)


def values_alone(model, clean, corrupt, metric):
    return made(model, clean, corrupt, metric, parts="v")


def queries_alone(model, clean, corrupt, metric):
    return made(model, clean, corrupt, metric, parts="q")


def mlps_recomputed(model, clean, corrupt, metric):
    return made(model, clean, corrupt, metric, path=paths.mlps_free)


def without_logits(model, clean, corrupt, metric):
    return made(model, clean, corrupt, metric, logits=False)


def transposed(model, clean, corrupt, metric):
    return made(model, clean, corrupt, metric).T


def one_layer_late(model, clean, corrupt, metric):
    return made(model, clean, corrupt, metric, later=lambda a, b: a > b + 1)


def next_layer_alone(model, clean, corrupt, metric):
    return made(model, clean, corrupt, metric, later=lambda a, b: a == b + 1)


def head_by_head(model, clean, corrupt, metric):
    """Heads first, then layers: the numbering (head, layer)."""
    order = [(layer, head) for head in range(model.cfg.n_heads) for layer in range(model.cfg.n_layers)]
    return made(model, clean, corrupt, metric, heads=order)


def every_pair(model, clean, corrupt, metric):
    return made(model, clean, corrupt, metric, later=lambda a, b: True)


def nan_where_none(model, clean, corrupt, metric):
    return made(model, clean, corrupt, metric, fill=float("nan"))


def shares(model, clean, corrupt, metric):
    edges = made(model, clean, corrupt, metric)
    return edges / (metric(model(corrupt)) - metric(model(clean))).detach()


EXERCISE = Exercise(
    "edge_matrix",
    checks=(exact, values),
    reference=reference,
    gives=Tensor,
    needs=NEEDS | {"path_patch": "our_path_patch"},
    tolerance=WHOLE,
    slips=(
        Slip("the signs are lost", signs_lost),
        Slip("every sign is turned: the clean run's metric minus the noised one's", signs_turned),
        Slip("the clean run's metric is not subtracted", metric_itself),
        Slip("clean and corrupt are exchanged: paths are restored in the corrupt run", denoised),
        Slip("the corrupt run's metric is subtracted", against_corrupt),
        Slip("other heads are not frozen, so that an edge counts what passes through them too", total_effects),
        Slip("a receiver hears by v alone", values_alone),
        Slip("a receiver hears by q alone", queries_alone),
        Slip("MLPs are recomputed on the way", mlps_recomputed),
        Slip("the column of the logits is missing", without_logits),
        Slip("senders are columns and receivers are rows", transposed),
        Slip("heads of the layer right after the sender's are left out", one_layer_late),
        Slip("only heads of the layer right after the sender's are in it", next_layer_alone),
        Slip("heads are numbered head by head instead of layer by layer", head_by_head),
        Slip("pairs without a path are run too", every_pair),
        Slip("pairs without a path have nan", nan_where_none),
        Slip("the numbers are shares of what lies between the clean and the corrupt run", shares),
    ),
)
