"""Promises of the compiled circuits: keys that measurement confirms, or, for the hard ones, misses as stated."""

import json
from itertools import combinations

import pytest
import torch

from hookpoint import zoo
from hookpoint.errors import UsageError
from hookpoint.zoo.compile import edges_of, hard, measure, nodes_of, programs
from hookpoint.zoo.recipes import circuits

every_family = pytest.mark.parametrize("family", circuits.FAMILIES)
every_shipped = pytest.mark.parametrize("name", [recipe.name for recipe in circuits.RECIPES])


@pytest.fixture(autouse=True)
def shipped_only(tmp_path, monkeypatch):
    """What a developer has compiled on this machine is not what is shipped."""
    monkeypatch.setenv("HOOKPOINT_ZOO", str(tmp_path))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def node_that(key, does):
    """The node of a key whose description holds these words."""
    (node,) = (tuple(entry["node"]) for entry in key["nodes"] if does in entry["does"])
    return node


# The keys


def test_the_induction_key_is_the_induction_circuit():
    _, key = circuits.generate("induction", 0)
    before, induction = node_that(key, "position before"), node_that(key, "its own letter")

    assert before[0] == 0 and induction[0] == 1
    assert edges_of(key) == {
        *(("embed", before, at) for at in "qkv"),
        ("embed", induction, "q"),
        (before, induction, "k"),
        ("embed", induction, "v"),
        (induction, "logits", "logits"),
    }


def test_the_bracket_key_goes_through_the_mlp():
    _, key = circuits.generate("brackets", 0)
    depth, anywhere, sign = node_that(key, "reports the depth"), node_that(key, "reports whether"), ("mlp", 0)

    expected = {("embed", depth, "v"), (depth, sign, "mlp"), (sign, anywhere, "k"), (sign, anywhere, "v")}
    assert edges_of(key) == expected | {(sign, "logits", "logits"), (anywhere, "logits", "logits")}


def test_an_edge_says_what_it_carries():
    _, key = circuits.generate("count", 0)
    carried = {(str(edge["sender"]), edge["input"]): edge["carries"] for edge in key["edges"]}

    assert carried["embed", "k"] == ["bos", "letter"]
    assert carried["embed", "v"] == ["bos"]
    assert carried["['mlp', 0]", "logits"] == ["answer"]


@every_family
def test_a_key_is_json_names_every_node_once_and_leaves_idle_decoys_alone(family):
    model, key = circuits.generate(family, 1)
    named = [tuple(entry["node"]) for entry in key["nodes"]]
    idle = {tuple(entry["node"]) for entry in key["nodes"] if "nothing that counts" in entry["does"]}

    assert json.loads(json.dumps(key)) == key
    assert named == measure.nodes(model)
    assert edges_of(key) <= set(measure.edges(model))
    assert idle and not idle & {end for sender, receiver, _ in edges_of(key) for end in (sender, receiver)}


def test_the_hard_keys_name_the_roles():
    _, key = circuits.generate("hard_mixed", 2)
    main = node_that(key, "its own letter")
    backup, negative = nodes_of(key, "backup").pop(), nodes_of(key, "negative").pop()

    assert (main, backup, "q") in edges_of(key, "backup")
    assert (main, negative, "q") in edges_of(key, "negative")
    assert (main, "logits", "logits") in edges_of(key, "circuit")
    groups = [sender for sender, _, _ in edges_of(key, "decoy") if sender in nodes_of(key, "decoy")]
    assert len(set(groups)) == 5


# The models


@every_shipped
def test_a_shipped_circuit_suffices_and_is_where_its_key_says(name):
    model, key = zoo.load(name), circuits.answer_key(name)
    bench = measure.Bench(model, circuits.task(name), n=40, seed=11)
    circuit = nodes_of(key, "circuit")

    assert bench.accuracy == bench.accuracy_without(*set(bench.nodes) - circuit) == 1
    assert bench.accuracy_without(*circuit) < 0.75


@pytest.mark.parametrize("family", ["reverse", "count", "majority", "brackets"])
def test_plain_ablation_finds_the_circuits_of_private_variants(family):
    for seed in range(20, 23):
        model, key = circuits.generate(family, seed)
        drops = measure.Bench(model, circuits.task(family), n=60).node_drops()

        assert {node for node, drop in drops.items() if drop > 0.02} == nodes_of(key, "circuit")


def test_a_wrong_key_fails_the_evidence():
    trained = zoo.open("circuit_max")
    row = trained.log[0]
    row["slot 0"], row["slot 1"], row["slot 2"] = row["slot 1"], row["slot 2"], row["slot 0"]

    failed = [figure.name for figure in trained.recipe.evidence(trained) if not figure.holds]
    assert "smallest drop, one node of the circuit resampled" in failed
    assert "largest change, one edge that is not in the key patched" in failed


def test_shuffled_weights_fail_the_evidence():
    trained = zoo.train("circuit_count", seed=3, progress=False)
    state = {name: value.clone() for name, value in trained.model.state_dict().items()}
    for name in state:
        state[name] = (
            state[name].flatten()[torch.randperm(state[name].numel(), generator=seeded())].view_as(state[name])
        )
    mutated = zoo.Trained(trained.recipe, lambda step: state, [], trained.log)

    failed = [figure.name for figure in trained.recipe.evidence(mutated) if not figure.holds]
    assert {"accuracy", "accuracy, everything outside the circuit resampled at once"} <= set(failed)


def zero_ablated(model, tokens, nodes):
    nothing = {node: torch.zeros(*tokens.shape, model.cfg.d_model) for node in nodes}
    return measure.ablated(model, tokens, nodes, nothing)


def test_the_backup_stands_in_for_a_head_that_writes_zero():
    model, key = circuits.generate("hard_backup", 8)
    task = circuits.task("hard_backup")
    tokens = task.sequences(20, seeded())
    main, backup = node_that(key, "its own letter"), nodes_of(key, "backup").pop()

    scores = [measure.accuracy(zero_ablated(model, tokens, gone), task.answers(tokens)) for gone in ([main], [backup])]
    assert scores == [1, 1]
    assert measure.accuracy(zero_ablated(model, tokens, [main, backup]), task.answers(tokens)) < 0.2


def test_the_backup_is_silent_until_the_answer_is_missing_or_wrong():
    model, key = circuits.generate("hard_backup", 8)
    bench = measure.Bench(model, circuits.task("hard_backup"), n=30)
    main, backup = node_that(key, "its own letter"), nodes_of(key, "backup").pop()

    assert bench.loudness(backup) < 1e-3 * bench.loudness(main)
    assert bench.loudness(backup, main) > bench.loudness(main)
    assert bench.accuracy_without(main) == bench.accuracy_without(backup) == 1


def test_the_negative_head_halves_the_answer():
    model, key = circuits.generate("hard_negative", 8)
    task = circuits.task("hard_negative")
    tokens = task.sequences(20, seeded())
    answers, negative = task.answers(tokens), nodes_of(key, "negative").pop()

    def answer_logits(logits):
        return logits[answers >= 0].gather(1, answers[answers >= 0][:, None])

    assert torch.allclose(answer_logits(model(tokens)), torch.tensor(programs.LOGIT / 2), atol=1e-2)
    assert torch.allclose(
        answer_logits(zero_ablated(model, tokens, [negative])), torch.tensor(programs.LOGIT), atol=1e-2
    )


def test_each_cancelling_head_looks_needed_and_no_smaller_group_than_its_own_can_go():
    model, key = circuits.generate("hard_cancel", 8)
    bench = measure.Bench(model, circuits.task("hard_cancel"), n=30)
    senders = {sender for sender, _, _ in edges_of(key, "decoy")} & nodes_of(key, "decoy")
    layer_0 = sorted(node for node in senders if node[0] == 0)

    assert len(layer_0) == 3 and len(senders) == 5
    pairs = [bench.accuracy_without(*pair) for pair in combinations(layer_0, 2)]
    assert max(bench.accuracy_without(node) for node in senders) < 0.9 and max(pairs) < 0.9
    assert bench.accuracy_without(*layer_0) == bench.accuracy_without(*senders) == 1


def test_a_false_copy_cannot_answer_in_the_place_of_the_head_it_copies():
    model, key = circuits.generate("hard_cancel", 8)
    bench = measure.Bench(model, circuits.task("hard_cancel"), n=60)
    copies = [sender for sender, _, _ in edges_of(key, "decoy") if sender in nodes_of(key, "decoy") and sender[0] == 1]
    main = node_that(key, "whose rank is its own place")
    for false in set(copies):
        (partner,) = set(copies) - {false}
        assert bench.accuracy_without(main, partner) < 0.9


def test_another_seed_is_another_noise():
    one, other = (hard.cancel(seeded(seed)).layers[1].heads[1].moves[0].map for seed in (1, 2))

    assert not torch.allclose(one, other)


# Random programs


@pytest.mark.parametrize("seed", range(4))
def test_a_random_program_is_what_its_key_says(seed):
    made = circuits.compiled("program", seed)
    bench, circuit = measure.Bench(made.model, made.task, n=60), nodes_of(made.key, "circuit")
    drops = bench.node_drops()

    assert bench.accuracy == bench.accuracy_without(*set(bench.nodes) - circuit) == 1
    assert {node for node, drop in drops.items() if drop > 0.02} == circuit
    assert min(bench.edge_drop(edge) for edge in edges_of(made.key)) > 0.02


def test_random_programs_are_wired_differently():
    wirings = {str(sorted(map(str, edges_of(circuits.generate("program", seed)[1])))) for seed in range(8)}

    assert len(wirings) == 8


@pytest.mark.parametrize("seed", range(2))
def test_plain_ablation_takes_most_cancelling_heads_of_a_hard_program_for_needed(seed):
    made = circuits.compiled("hard_program", seed)
    bench = measure.Bench(made.model, made.task, n=40)
    circuit = nodes_of(made.key, "circuit")
    drops = bench.node_drops()

    assert bench.accuracy_without(*set(bench.nodes) - circuit) == 1
    assert sum(drop > 0.02 for node, drop in drops.items() if node not in circuit) >= 10


def test_an_unknown_circuit_is_an_error_that_lists_them():
    for ask in (circuits.task, circuits.answer_key, lambda name: circuits.generate(name, 0)):
        with pytest.raises(UsageError, match="no compiled circuit 'circuit_sum'. There are: reverse, count"):
            ask("circuit_sum")
