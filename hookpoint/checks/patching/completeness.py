"""Checks for `completeness` (part 2, notebook 12)."""

from hookpoint.checks.author import WHOLE, Exercise, Slip

from . import faithfulness as faithful
from ._circuits import LARGE, close, every, gpt2, handmade, other_texts
from ._sweeps import NEEDS


def reference(model, circuit, clean, ref_tokens, metric):
    """By the model as a plain function; `model` is a `Left`."""
    return model.share(model.whole - circuit)


def compared(learner, case, ref, left, circuits, where):
    for circuit in circuits:
        got = learner.completeness(case.model, set(circuit), case.clean, ref, case.metric)
        close(
            got, reference(left, circuit, case.clean, ref, None), f"for the circuit {sorted(circuit, key=str)} {where}"
        )


def exact(learner, draw):
    """On a model whose effects are fractions, what stands beside each circuit has its exact share of the metric."""
    case, ref, left = handmade(learner, draw)
    compared(learner, case, ref, left, ({(0, 0), (2, 0)}, {(1, 0), (0, 0), (2, 1)}), "on the model of fractions")


def with_mlps(learner, draw):
    """MLPs are nodes as heads are: the circuit is at its mean over ref_tokens, position by position."""
    case, ref, left = gpt2(learner, draw)
    compared(learner, case, ref, left, ({(0, 1), ("mlp", 0)}, {("mlp", 1), (1, 0), (1, 1)}, {(1, 2)}), "on a GPT-2")
    case, ref, left = other_texts(draw, case)
    compared(learner, case, ref, left, ({(0, 1), ("mlp", 0)},), "with two other ref_tokens, on the same GPT-2")


def beyond(learner, draw):
    """What stands beside may keep more than the whole model does, or less than nothing: nothing is cut off."""
    case, ref, left = gpt2(learner, draw)
    compared(learner, case, ref, left, [left.whole - rest for rest in left.beyond()], "on a GPT-2")


def ends(learner, draw):
    """Beside all nodes nothing is left, which is 0; beside no node all is, which is 1; in larger models too."""
    case, ref, _ = gpt2(learner, draw, LARGE)
    for circuit, want in ((every(case.cfg), 0.0), (set(), 1.0)):
        got = learner.completeness(case.model, circuit, case.clean, ref, case.metric)
        close(got, want, f"for {'no' if want else 'all'} nodes")
    case.left_alone("completeness")


def beside(wrong):
    """The same slip of `faithfulness`, in what is left beside the circuit."""

    def slip(model, circuit, clean, ref_tokens, metric):
        return wrong(model, every(model.cfg) - circuit, clean, ref_tokens, metric)

    slip.__name__ = wrong.__name__
    return slip


def circuit_left(model, circuit, clean, ref_tokens, metric):
    return faithful.right(model, circuit, clean, ref_tokens, metric)


def difference(model, circuit, clean, ref_tokens, metric):
    return circuit_left(model, circuit, clean, ref_tokens, metric) - beside(faithful.right)(
        model, circuit, clean, ref_tokens, metric
    )


def absolute(model, circuit, clean, ref_tokens, metric):
    return beside(faithful.right)(model, circuit, clean, ref_tokens, metric).abs()


EXERCISE = Exercise(
    "completeness",
    checks=(exact, with_mlps, beyond, ends),
    reference=reference,
    gives=float,
    needs=NEEDS | {"faithfulness": "our_faithfulness"},
    tolerance=WHOLE,
    slips=(
        Slip("the circuit is left and all else is ablated: it is its faithfulness", circuit_left),
        Slip("nodes are set to 0 instead of to their mean", beside(faithful.zeros)),
        Slip("the mean is taken over the clean input instead of over ref_tokens", beside(faithful.mean_of_clean)),
        Slip("the mean is taken over positions too", beside(faithful.mean_over_positions)),
        Slip("MLPs are never ablated", beside(faithful.mlps_left)),
        Slip("the metric is divided by the whole model's, and an empty rest is not 0", beside(faithful.plain_ratio)),
        Slip("the metric itself comes back", beside(faithful.metric_left)),
        Slip("it is 1 minus the share of the rest", beside(faithful.one_minus)),
        Slip("the share of the rest is subtracted from the circuit's", difference),
        Slip("the sign is lost", absolute),
        Slip("all below 0 and above 1 is cut off", beside(faithful.cut)),
    ),
)
