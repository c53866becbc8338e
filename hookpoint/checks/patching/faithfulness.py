"""Checks for `faithfulness` (part 2, notebook 12)."""

from hookpoint.checks.author import WHOLE, Exercise, Slip

from ._circuits import (
    HEAD_FIRST,
    HEADS_ONLY,
    OF_CLEAN,
    ONE_TEXT,
    OVER_POSITIONS,
    RIGHT,
    ZERO,
    close,
    every,
    gpt2,
    handmade,
    other_texts,
)
from ._sweeps import NEEDS


def reference(model, circuit, clean, ref_tokens, metric):
    """By the model as a plain function; `model` is a `Left`."""
    return model.share(circuit)


def compared(learner, case, ref, left, circuits, where):
    # All are asked for before one is looked at: what tells two mistakes apart may be another circuit.
    every_share = [learner.faithfulness(case.model, set(each), case.clean, ref, case.metric) for each in circuits]
    for got, circuit in zip(every_share, circuits, strict=True):
        want = reference(left, circuit, case.clean, ref, None)
        close(got, want, f"for the circuit {sorted(circuit, key=str)} {where}")


def exact(learner, draw):
    """On a model whose effects are fractions, each circuit has its exact share of the metric."""
    case, ref, left = handmade(learner, draw)
    circuits = [{(1, 1), (0, 1)}, {(2, 0)}, {(0, 1), (1, 1), (2, 0), (2, 1)}, *left.beyond()]
    compared(learner, case, ref, left, circuits, "on the model of fractions")


def with_mlps(learner, draw):
    """MLPs are nodes as heads are: what is not in the circuit is at its mean over ref_tokens, position by position."""
    case, ref, left = gpt2(learner, draw)
    circuits = ({(0, 1), (0, 2), ("mlp", 0)}, {("mlp", 1), (1, 0)}, {(0, 0), (1, 2)})
    compared(learner, case, ref, left, circuits, "on a GPT-2")
    case, ref, left = other_texts(draw, case)
    compared(learner, case, ref, left, circuits[:1], "with two other ref_tokens, on the same GPT-2")


def beyond(learner, draw):
    """A circuit may keep more than the whole model does, or less than nothing: nothing is cut off."""
    case, ref, left = gpt2(learner, draw)
    compared(learner, case, ref, left, left.beyond(), "on a GPT-2")


def ends(learner, draw):
    """All nodes together have 1, and no node at all has 0."""
    case, ref, _ = gpt2(learner, draw)
    for circuit, want in ((every(case.cfg), 1.0), (set(), 0.0)):
        got = learner.faithfulness(case.model, circuit, case.clean, ref, case.metric)
        close(got, want, f"for {'all' if want else 'no'} nodes")
    case.left_alone("faithfulness")


def scaled(way, circuit, model, clean, ref_tokens, metric, every=every):
    left = way.left(model, clean, ref_tokens, metric)
    return (left(circuit) - left(set())) / (left(every(model.cfg)) - left(set()))


def right(model, circuit, clean, ref_tokens, metric):
    return scaled(RIGHT, circuit, model, clean, ref_tokens, metric)


def circuit_ablated(model, circuit, clean, ref_tokens, metric):
    return scaled(RIGHT, every(model.cfg) - circuit, model, clean, ref_tokens, metric)


def ablated_throughout(model, circuit, clean, ref_tokens, metric):
    return 1 - circuit_ablated(model, circuit, clean, ref_tokens, metric)


def zeros(model, circuit, clean, ref_tokens, metric):
    return scaled(ZERO, circuit, model, clean, ref_tokens, metric)


def mean_of_clean(model, circuit, clean, ref_tokens, metric):
    return scaled(OF_CLEAN, circuit, model, clean, ref_tokens, metric)


def mean_over_positions(model, circuit, clean, ref_tokens, metric):
    return scaled(OVER_POSITIONS, circuit, model, clean, ref_tokens, metric)


def one_text(model, circuit, clean, ref_tokens, metric):
    return scaled(ONE_TEXT, circuit, model, clean, ref_tokens, metric)


def mlps_left(model, circuit, clean, ref_tokens, metric):
    return scaled(HEADS_ONLY, circuit, model, clean, ref_tokens, metric)


def head_before_layer(model, circuit, clean, ref_tokens, metric):
    left = HEAD_FIRST.left(model, clean, ref_tokens, metric)
    whole = RIGHT.left(model, clean, ref_tokens, metric)
    return (left(circuit) - whole(set())) / (whole(every(model.cfg)) - whole(set()))


def plain_ratio(model, circuit, clean, ref_tokens, metric):
    left = RIGHT.left(model, clean, ref_tokens, metric)
    return left(circuit) / left(every(model.cfg))


def metric_left(model, circuit, clean, ref_tokens, metric):
    return RIGHT.left(model, clean, ref_tokens, metric)(circuit)


def metric_lost(model, circuit, clean, ref_tokens, metric):
    left = RIGHT.left(model, clean, ref_tokens, metric)
    return left(every(model.cfg)) - left(circuit)


def one_minus(model, circuit, clean, ref_tokens, metric):
    return 1 - right(model, circuit, clean, ref_tokens, metric)


def cut(model, circuit, clean, ref_tokens, metric):
    return right(model, circuit, clean, ref_tokens, metric).clamp(0, 1)


EXERCISE = Exercise(
    "faithfulness",
    checks=(exact, with_mlps, beyond, ends),
    reference=reference,
    gives=float,
    needs=NEEDS,
    tolerance=WHOLE,
    slips=(
        Slip("the circuit is ablated and all else is left", circuit_ablated),
        Slip("in all three runs the nodes that should stay are ablated, and the others stay", ablated_throughout),
        Slip("nodes are set to 0 instead of to their mean", zeros),
        Slip("the mean is taken over the clean input instead of over ref_tokens", mean_of_clean),
        Slip("the mean is taken over positions too", mean_over_positions),
        Slip("the values of the first reference text stand for all", one_text),
        Slip("MLPs are never ablated", mlps_left),
        Slip("a head is read as (head, layer)", head_before_layer),
        Slip("the metric is divided by the whole model's, and the empty circuit is not 0", plain_ratio),
        Slip("the metric itself comes back", metric_left),
        Slip("what is lost comes back, on the metric's own scale", metric_lost),
        Slip("the share that is lost comes back", one_minus),
        Slip("all below 0 and above 1 is cut off", cut),
    ),
)
