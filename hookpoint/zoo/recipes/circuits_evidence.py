"""The figures that prove an answer key on the weights: every part by ablation, every edge by patching, with controls.

A part is called needed when resampling it costs more than two points of accuracy. For the simple circuits that test is
right about every node and edge. For the hard ones it is wrong, and the figures say how.
"""

from hookpoint.model import GPT2
from hookpoint.zoo.compile import Key, Task, edges_of, nodes_of
from hookpoint.zoo.compile.measure import Bench
from hookpoint.zoo.compile.program import Node
from hookpoint.zoo.definition import Figure

NEEDED = 0.02


def simple_figures(model: GPT2, task: Task, key: Key) -> list[Figure]:
    """The proof that plain ablation and patching find exactly what the key says."""
    bench, circuit = Bench(model, task), nodes_of(key, "circuit")
    drops = bench.node_drops()
    return [
        *_as_a_whole(bench, circuit),
        Figure("smallest drop, one node of the circuit resampled", min(drops[node] for node in circuit), low=NEEDED),
        Figure(
            "largest drop, one node outside resampled",
            max(drop for node, drop in drops.items() if node not in circuit),
            high=NEEDED,
            control=True,
        ),
        *_edges(model, task, key, n=100),
    ]


def hard_figures(model: GPT2, task: Task, key: Key) -> list[Figure]:
    """The proof of the key where plain ablation fails: its verdict on single nodes beside the truth."""
    bench, circuit = Bench(model, task, n=100), nodes_of(key, "circuit")
    drops = bench.node_drops()
    cancelling = nodes_of(key, "decoy") & {sender for sender, _, _ in edges_of(key, "decoy")}
    idle = nodes_of(key, "decoy") - cancelling
    figures = [
        *_as_a_whole(bench, circuit),
        Figure("largest drop, one idle decoy resampled", max(drops[node] for node in idle), high=NEEDED, control=True),
        *_unlisted_edges(model, task, key, n=16),
    ]
    if cancelling:
        figures += _cancelling_figures(bench, drops, cancelling)
    if backups := nodes_of(key, "backup"):
        figures += _backup_figures(bench, drops, _answering(key), backups, idle)
    else:
        figures.append(
            Figure("smallest drop, one node of the circuit resampled", min(drops[node] for node in circuit), low=NEEDED)
        )
    if negatives := nodes_of(key, "negative"):
        figures += _negative_figures(bench, drops, _answering(key), negatives, idle, backed_up=bool(backups))
    return figures


def _as_a_whole(bench: Bench, circuit: set[Node]) -> list[Figure]:
    """The circuit suffices, and without it there is nothing."""
    outside = set(bench.nodes) - circuit
    return [
        Figure("accuracy", bench.accuracy, low=0.999),
        Figure(
            "accuracy, everything outside the circuit resampled at once", bench.accuracy_without(*outside), low=0.999
        ),
        Figure("accuracy, the circuit resampled", bench.accuracy_without(*circuit), high=0.75, control=True),
        Figure("accuracy, always the most frequent answer", bench.constant_accuracy, high=0.75, control=True),
    ]


def _edges(model: GPT2, task: Task, key: Key, n: int) -> list[Figure]:
    """Every edge of the key matters, and no other."""
    bench, listed = Bench(model, task, n=n), edges_of(key)
    smallest = min(bench.edge_drop(edge) for edge in sorted(listed, key=str))
    return [
        Figure("smallest drop, one edge of the key patched", smallest, low=NEEDED),
        *_unlisted_edges(model, task, key, n),
    ]


def _unlisted_edges(model: GPT2, task: Task, key: Key, n: int) -> list[Figure]:
    bench, listed = Bench(model, task, n=n), edges_of(key)
    largest = max(abs(bench.edge_drop(edge)) for edge in bench.edges if edge not in listed)
    return [Figure("largest change, one edge that is not in the key patched", largest, high=NEEDED, control=True)]


def _answering(key: Key) -> Node:
    """The part of the circuit that writes the answer, where there is one such part."""
    (node,) = (sender for sender, receiver, _ in edges_of(key, "circuit") if receiver == "logits")
    return node


def _cancelling_figures(bench: Bench, drops: dict[Node, float], cancelling: set[Node]) -> list[Figure]:
    """Plain ablation calls every one of them needed; together they do nothing."""
    together = bench.accuracy - bench.accuracy_without(*cancelling)
    false = sum(drops[node] > NEEDED for node in cancelling)
    return [
        Figure("smallest drop, one cancelling head resampled", min(drops[node] for node in cancelling), low=NEEDED),
        Figure("drop, all cancelling heads resampled at once", together, high=NEEDED, control=True),
        Figure("heads outside the circuit that plain ablation calls needed", false, low=len(cancelling)),
    ]


def _backup_figures(
    bench: Bench, drops: dict[Node, float], main: Node, backups: set[Node], idle: set[Node]
) -> list[Figure]:
    """Plain ablation calls the answering head and its backup idle; without both there is no answer."""
    (backup,) = backups
    intact, bereft = bench.loudness(backup), bench.loudness(backup, main)
    with_idle = max(bench.accuracy - bench.accuracy_without(main, node) for node in idle)
    return [
        Figure("drop, the answering head resampled alone", drops[main], high=NEEDED),
        Figure("drop, the backup resampled alone", drops[backup], high=NEEDED),
        Figure("drop, both resampled", bench.accuracy - bench.accuracy_without(main, backup), low=0.5),
        Figure("largest drop, the answering head and an idle decoy", with_idle, high=NEEDED, control=True),
        Figure("what the backup writes, for 1 of the answering head", intact / bench.loudness(main), high=0.01),
        Figure("the same, the answering head resampled", bereft / bench.loudness(main), low=1),
        Figure(
            "drop, the edge from the answering head to the logits", bench.edge_drop((main, "logits", "logits")), low=0.5
        ),
    ]


def _negative_figures(
    bench: Bench, drops: dict[Node, float], main: Node, negatives: set[Node], idle: set[Node], backed_up: bool
) -> list[Figure]:
    """Accuracy calls the negative head idle; the answer's logit grows without it, and it masks the answering head."""
    (negative,) = negatives
    intact = bench.answer_logit()
    masked = (intact - bench.answer_logit(main)) / bench.direct_effect(main)
    figures = [
        Figure("drop, the negative head resampled", drops[negative], high=NEEDED),
        Figure("the answer's logit gained, the negative head resampled", bench.answer_logit(negative) - intact, low=2),
        Figure(
            "the largest such change, one idle decoy resampled",
            max(abs(bench.answer_logit(node) - intact) for node in idle),
            high=0.1,
            control=True,
        ),
    ]
    if not backed_up:
        figures.append(
            Figure("share of the answering head's direct effect that resampling it shows", masked, high=0.75)
        )
    return figures
