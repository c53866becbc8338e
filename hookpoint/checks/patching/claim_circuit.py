"""Checks for `claim_circuit` (part 2, notebook 12): compiled circuits, each another variant, against their keys."""

import torch

from hookpoint.checks.author import Exercise, Mismatch, Ref, Slip
from hookpoint.checks.protocol.given.patching import answer_margin
from hookpoint.zoo.compile import answers
from hookpoint.zoo.recipes import circuits

from ._circuits import Wrong, every
from ._sweeps import NEEDS

FAMILIES = ("sort", "majority", "brackets")
ENOUGH = 0.9


def reference(model, clean, corrupt, metric):
    """The answer key is the oracle; only the names of these parameters are used."""
    raise NotImplementedError


def f1(claimed: set, truth: set) -> float:
    """The harmonic mean of precision and recall."""
    return 2 * len(claimed & truth) / (len(claimed) + len(truth))


def variant(learner, draw, family: str, n: int = 12):
    """A compiled model that nobody has seen, with its key; on the learner's side the model and the metric."""
    made, key = circuits.generate(family, draw.number(0, 2**30))
    model = learner.given.gpt2(made.cfg, None)
    learner.given.load(model, {name: p.detach() for name, p in made.named_parameters()})
    task = circuits.task(family)
    clean, corrupt = (task.sequences(n, draw.generator()) for _ in range(2))
    metric = learner.given.answer_margin(task.answers(clean))
    return made, answers.nodes_of(key, "circuit"), model, clean, corrupt, metric


def claimed(learner, model, clean, corrupt, metric, made) -> set:
    """What came back, as a set of nodes of the model."""
    got = learner.claim_circuit(model, clean, corrupt, metric)
    if isinstance(got, Ref) or not isinstance(got, (set, frozenset, list, tuple)):
        raise Mismatch("returned something else than a set of nodes.", got=got)
    unknown = [node for node in got if node not in every(made.cfg)]
    if unknown:
        raise Mismatch(
            f"claims {str(unknown[0])[:40]}, which is no node of this model.",
            "  A node is (layer, head) or ('mlp', layer).",
            got=got,
        )
    return set(got)


def against_the_key(learner, draw):
    """On compiled models that nobody has seen, the claim is the circuit in the answer key, or nearly (mean F1 0.9)."""
    scores, lines = [], []
    for family in FAMILIES:
        made, truth, model, clean, corrupt, metric = variant(learner, draw, family)
        got = claimed(learner, model, clean, corrupt, metric, made)
        scores.append(f1(got, truth))
        hits, every_node = len(got & truth), len(every(made.cfg))
        lines.append(
            f"  {family}: {len(got)} of {every_node} nodes claimed, {hits} of the {len(truth)} in the circuit."
        )
    mean = sum(scores) / len(scores)
    if mean < ENOUGH:
        raise Mismatch(f"has a mean F1 of {mean:.2f} on three compiled models, expected at least {ENOUGH}.", *lines)


def does_it(learner, draw):
    """What is claimed does the task: with all other nodes as they are on other inputs, the metric hardly moves."""
    made, truth, model, clean, corrupt, metric = variant(learner, draw, "count")
    got = claimed(learner, model, clean, corrupt, metric, made)
    value = answer_margin(circuits.task("count").answers(clean))
    left = RESAMPLED.left(made, clean, corrupt, value)
    share = float((left(got) - left(set())) / (left(every(made.cfg)) - left(set())))
    if abs(share - 1) > 0.1:
        raise Mismatch(
            f"claims nodes that keep {share:.0%} of the metric when the rest is exchanged.",
            "  The circuit in the answer key keeps 100%.",
        )
    # The control: as many nodes, chosen at random, are not the circuit.
    others = sorted(every(made.cfg) - truth, key=str)
    if f1(got, truth) <= f1(set(others[: len(got)]), truth):
        raise Mismatch("is no nearer to the circuit than as many other nodes.")
    again = claimed(learner, model, clean, corrupt, metric, made)
    if again != got:
        raise Mismatch("claims other nodes at the second call with the same arguments.")


class Resampled(Wrong):
    """Nodes outside are as they are on the corrupt input, row by row."""

    def left(self, model, clean, ref_tokens, metric):
        _, cache = model.run_with_cache(ref_tokens)

        def kept(circuit):
            hooks = []
            for node in every(model.cfg) - set(circuit):
                name = f"blocks.{node[1]}.hook_mlp_out" if node[0] == "mlp" else f"blocks.{node[0]}.attn.hook_z"
                put = (
                    (lambda act, point: cache[point.name])
                    if node[0] == "mlp"
                    else self.one(node[1], lambda name, act: cache[name])
                )
                hooks.append((name, put))
            with torch.no_grad():
                return metric(model.run_with_hooks(clean, hooks))

        return kept


RESAMPLED = Resampled()


def effects(model, clean, corrupt, metric) -> dict:
    """For each node the share of the metric that is lost when it is as on the corrupt input."""
    left, nodes = RESAMPLED.left(model, clean, corrupt, metric), every(model.cfg)
    whole, none = left(nodes), left(set())
    return {node: float((whole - left(nodes - {node})) / (whole - none)) for node in sorted(nodes, key=str)}


def right(model, clean, corrupt, metric):
    return {node for node, effect in effects(model, clean, corrupt, metric).items() if abs(effect) > 0.02}


def whole_model(model, clean, corrupt, metric):
    return every(model.cfg)


def nothing(model, clean, corrupt, metric):
    return set()


def heads_alone(model, clean, corrupt, metric):
    return {node for node in right(model, clean, corrupt, metric) if node[0] != "mlp"}


def mlps_alone(model, clean, corrupt, metric):
    return {node for node in right(model, clean, corrupt, metric) if node[0] == "mlp"}


def largest_alone(model, clean, corrupt, metric):
    found = effects(model, clean, corrupt, metric)
    return {max(reversed(list(found)), key=found.get)}


def complement(model, clean, corrupt, metric):
    return every(model.cfg) - right(model, clean, corrupt, metric)


def last_layer(model, clean, corrupt, metric):
    return {node for node in right(model, clean, corrupt, metric) if model.cfg.n_layers - 1 in node[-1:] + node[:1]}


def key_of_the_shipped(model, clean, corrupt, metric):
    known = {circuits.generate(family, 0)[0].cfg: family for family in (*FAMILIES, "count")}
    return answers.nodes_of(circuits.answer_key(known[model.cfg]), "circuit")


def layer_after_head(model, clean, corrupt, metric):
    swapped = {node if node[0] == "mlp" else node[::-1] for node in right(model, clean, corrupt, metric)}
    return swapped & every(model.cfg)


def all_that_attend(model, clean, corrupt, metric):
    """Every head and MLP whose output is not the same on both inputs."""
    (_, one), (_, other) = model.run_with_cache(clean), model.run_with_cache(corrupt)
    found = set()
    for node in every(model.cfg):
        name = f"blocks.{node[1]}.hook_mlp_out" if node[0] == "mlp" else f"blocks.{node[0]}.attn.hook_z"
        place = (...,) if node[0] == "mlp" else (slice(None), slice(None), node[1])
        if (one[name] - other[name])[place].abs().max() > 1e-3:
            found.add(node)
    return found


EXERCISE = Exercise(
    "claim_circuit",
    checks=(against_the_key, does_it),
    reference=reference,
    needs=NEEDS | {"path_patch": "our_path_patch", "faithfulness": "our_faithfulness"},
    slips=(
        Slip("every node is claimed", whole_model),
        Slip("nothing is claimed", nothing),
        Slip("MLPs are never claimed", heads_alone),
        Slip("heads are never claimed", mlps_alone),
        Slip("only the node with the largest effect is claimed", largest_alone),
        Slip("the nodes without an effect are claimed", complement),
        Slip("only nodes of the last layer are claimed", last_layer),
        Slip("the answer key of the zoo's own variant is handed in for another variant", key_of_the_shipped),
        Slip("a head is named (head, layer)", layer_after_head),
        Slip("every node that writes other things on other inputs is claimed, needed or not", all_that_attend),
    ),
)
