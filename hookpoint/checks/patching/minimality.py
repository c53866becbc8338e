"""Checks for `minimality` (part 2, notebook 12)."""

from hookpoint.checks.author import WHOLE, Exercise, Mismatch, Slip

from . import faithfulness as faithful
from ._circuits import HEADS_ONLY, OF_CLEAN, OVER_POSITIONS, RIGHT, ZERO, close, every, gpt2, handmade, other_texts
from ._sweeps import NEEDS


def reference(model, circuit, clean, ref_tokens, metric):
    """By the model as a plain function; `model` is a `Left`."""
    return {node: model.share(circuit) - model.share(circuit - {node}) for node in circuit}


def compared(learner, case, ref, left, circuit, where):
    got = learner.minimality(case.model, set(circuit), case.clean, ref, case.metric)
    want = reference(left, circuit, case.clean, ref, None)
    for node in got:
        if node not in want:
            raise Mismatch(f"has the key {node!r}, which is no node of the circuit.", got=got)
    for node, number in want.items():
        if node not in got:
            raise Mismatch(f"lacks the circuit's node {node!r}.", got=got)
        close(got[node], number, f"for the node {node} of the circuit {sorted(circuit, key=str)} {where}", whole=got)


def exact(learner, draw):
    """On a model whose effects are fractions, each node has its exact share of what the circuit does."""
    case, ref, left = handmade(learner, draw)
    compared(learner, case, ref, left, {(0, 1), (1, 1), (2, 0)}, "on the model of fractions")
    compared(learner, case, ref, left, {(2, 1)}, "on the model of fractions")


def with_mlps(learner, draw):
    """MLPs are nodes as heads are, heads outside the circuit stay ablated, and a circuit may hold every node."""
    case, ref, left = gpt2(learner, draw)
    compared(learner, case, ref, left, {(0, 1), (1, 2), ("mlp", 0), ("mlp", 1)}, "on a GPT-2")
    compared(learner, case, ref, left, left.whole, "on a GPT-2")
    case, ref, left = other_texts(draw, case)
    compared(learner, case, ref, left, {(0, 1), ("mlp", 1)}, "with two other ref_tokens, on the same GPT-2")
    case.left_alone("minimality")


def ends(learner, draw):
    """The empty circuit has no node, so there is nothing to take out of it."""
    case, ref, _ = handmade(learner, draw)
    if got := learner.minimality(case.model, set(), case.clean, ref, case.metric):
        raise Mismatch("has nodes where the circuit has none.", got=got)


def lost(way=RIGHT, whole=None, entry=lambda full, less: full - less, scale=True):
    """The slip that takes nodes out in this way."""

    def slip(model, circuit, clean, ref_tokens, metric):
        left = way.left(model, clean, ref_tokens, metric)
        base = whole(model, circuit) if whole else set(circuit)
        span = left(every(model.cfg)) - left(set()) if scale else 1.0
        return {node: entry(left(base), left(base - {node})) / span for node in circuit}

    return slip


def right(model, circuit, clean, ref_tokens, metric):
    return lost()(model, circuit, clean, ref_tokens, metric)


def from_the_whole_model(model, circuit, clean, ref_tokens, metric):
    return lost(whole=lambda model, circuit: every(model.cfg))(model, circuit, clean, ref_tokens, metric)


def what_remains(model, circuit, clean, ref_tokens, metric):
    left = RIGHT.left(model, clean, ref_tokens, metric)
    span = left(every(model.cfg)) - left(set())
    return {node: (left(circuit - {node}) - left(set())) / span for node in circuit}


def node_alone(model, circuit, clean, ref_tokens, metric):
    return {node: faithful.right(model, {node}, clean, ref_tokens, metric) for node in circuit}


def gained(model, circuit, clean, ref_tokens, metric):
    return {node: -value for node, value in right(model, circuit, clean, ref_tokens, metric).items()}


def absolute(model, circuit, clean, ref_tokens, metric):
    return {node: abs(value) for node, value in right(model, circuit, clean, ref_tokens, metric).items()}


def unscaled(model, circuit, clean, ref_tokens, metric):
    return lost(scale=False)(model, circuit, clean, ref_tokens, metric)


def of_the_circuit(model, circuit, clean, ref_tokens, metric):
    left = RIGHT.left(model, clean, ref_tokens, metric)
    span = left(circuit) - left(set())
    return {node: (left(circuit) - left(circuit - {node})) / span for node in circuit}


def zeros(model, circuit, clean, ref_tokens, metric):
    return lost(ZERO)(model, circuit, clean, ref_tokens, metric)


def mean_of_clean(model, circuit, clean, ref_tokens, metric):
    return lost(OF_CLEAN)(model, circuit, clean, ref_tokens, metric)


def mean_over_positions(model, circuit, clean, ref_tokens, metric):
    return lost(OVER_POSITIONS)(model, circuit, clean, ref_tokens, metric)


def mlps_left(model, circuit, clean, ref_tokens, metric):
    return lost(HEADS_ONLY)(model, circuit, clean, ref_tokens, metric)


def one_after_another(model, circuit, clean, ref_tokens, metric):
    """Nodes that were taken out stay out."""
    left = RIGHT.left(model, clean, ref_tokens, metric)
    span, kept, found = left(every(model.cfg)) - left(set()), set(circuit), {}
    for node in sorted(circuit, key=str):
        before = left(kept)
        kept = kept - {node}
        found[node] = (before - left(kept)) / span
    return found


def every_node(model, circuit, clean, ref_tokens, metric):
    left = RIGHT.left(model, clean, ref_tokens, metric)
    span = left(every(model.cfg)) - left(set())
    return {node: (left(circuit) - left(circuit - {node})) / span for node in every(model.cfg)}


EXERCISE = Exercise(
    "minimality",
    checks=(exact, with_mlps, ends),
    reference=reference,
    gives=dict,
    needs=NEEDS | {"faithfulness": "our_faithfulness"},
    tolerance=WHOLE,
    slips=(
        Slip("each node is taken out of the whole model instead of out of the circuit", from_the_whole_model),
        Slip("what remains without the node comes back, not what is lost", what_remains),
        Slip("each node is left alone, and its own faithfulness comes back", node_alone),
        Slip("every sign is turned: what is gained without the node", gained),
        Slip("the signs are lost", absolute),
        Slip("the numbers are on the metric's own scale", unscaled),
        Slip("the numbers are shares of what the circuit keeps, not of what the whole model has", of_the_circuit),
        Slip("nodes are set to 0 instead of to their mean", zeros),
        Slip("the mean is taken over the clean input instead of over ref_tokens", mean_of_clean),
        Slip("the mean is taken over positions too", mean_over_positions),
        Slip("MLPs are never ablated", mlps_left),
        Slip("a node that was taken out stays out for those after it", one_after_another),
        Slip("nodes outside the circuit have numbers too", every_node),
    ),
)
