"""Promises of the compiler: its pieces, the weights it makes, and what its measurements mean."""

from dataclasses import replace

import pytest
import torch

from hookpoint.zoo import compile as compiler
from hookpoint.zoo.compile import Head, Match, Move, edges_of, gadgets, measure, programs
from hookpoint.zoo.compile.decoys import cancelling
from hookpoint.zoo.recipes import circuits


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def node_that(key, does):
    """The node of a key whose description holds these words."""
    (node,) = (tuple(entry["node"]) for entry in key["nodes"] if does in entry["does"])
    return node


# The pieces


def relu_output(neurons, x):
    """What neurons that read and write one number do to the numbers x."""
    (read,), (write,) = neurons.inputs.values(), neurons.outputs.values()
    return torch.relu(x[:, None] @ read + neurons.bias) @ write


def test_a_step_is_0_below_its_ramp_1_above_and_a_half_in_the_middle():
    step = gadgets.steps("steps", "x", [0.3], [0.1], {"y": torch.ones(1, 1)})
    x = torch.tensor([-5.0, 0.19, 0.3, 0.41, 7.0])

    assert torch.allclose(relu_output(step, x)[:, 0], torch.tensor([0, 0, 0.5, 1, 1]), atol=1e-5)


def test_a_step_of_negative_sign_looks_below_zero():
    step = gadgets.steps("steps", "x", [0.3], [0.1], {"y": torch.ones(1, 1)}, signs=[-1.0])

    assert torch.allclose(relu_output(step, torch.tensor([-1.0, 0.0, 1.0]))[:, 0], torch.tensor([1.0, 0, 0]), atol=1e-5)


def test_a_staircase_turns_each_level_into_its_symbol():
    stairs = gadgets.staircase("climbs", "x", "y", [0.0, 0.25, 0.5, 1.0], [None, 2, 0, 1], width=3)

    expected = torch.tensor([[0.0, 0, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0]])
    assert torch.allclose(relu_output(stairs, torch.tensor([0.0, 0.25, 0.5, 1.0])), expected, atol=1e-5)


def test_a_shift_pairs_each_query_with_the_key_that_far_back():
    assert gadgets.shift(4, back=2).nonzero().tolist() == [[2, 0], [3, 1]]


def test_a_cancelling_group_sums_to_nothing_and_no_member_does():
    maps = [torch.randn(3, 4, generator=seeded(i)) for i in range(2)]
    written = [head.moves[0].map for head in cancelling((), "letter", "answer", maps)]

    assert len(written) == 3
    assert sum(written).abs().max() < 1e-6
    assert min(each.abs().max() for each in written) > 0.1


def test_a_head_that_is_too_narrow_is_an_error_that_says_which():
    program = programs.reverse()
    narrow = replace(program, d_head=3)

    with pytest.raises(ValueError, match="attends to the mirror position.* needs 10 dimensions, but d_head is 3"):
        compiler.assemble(narrow, seeded())


# The weights


@pytest.mark.parametrize("family", ["reverse", "count", "induction", "sort", "majority", "brackets", "max"])
def test_variants_compute_the_same_with_other_weights(family):
    (one, _), (other, _) = circuits.generate(family, 1), circuits.generate(family, 2)
    tokens = circuits.task(family).sequences(20, seeded())

    assert torch.allclose(one(tokens), other(tokens), atol=1e-2)
    assert not torch.allclose(one.embed.W_E, other.embed.W_E, atol=0.1)


def test_the_same_seed_gives_the_same_variant():
    (one, key), (other, other_key) = circuits.generate("hard_mixed", 5), circuits.generate("hard_mixed", 5)

    assert key == other_key
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_the_heads_stand_in_every_slot_as_often():
    slots = [node_that(circuits.generate("reverse", seed)[1], "mirror")[1] for seed in range(60)]

    assert all(8 <= slots.count(slot) <= 32 for slot in range(3))


def test_no_weight_of_a_head_stands_where_its_name_would_put_it():
    model, _ = circuits.generate("induction", 0)
    for name in ("W_Q", "W_K", "W_V", "W_O"):
        for layer in model.blocks:
            assert getattr(layer.attn, name).abs().lt(1e-6).float().mean() < 0.01
    assert model.embed.W_E[:12].abs().lt(1e-6).float().mean() < 0.01


def test_a_symbol_lies_along_its_direction():
    made = circuits.compiled("sort", 3)
    task = circuits.task("sort")
    letters, positions = made.directions["letter"], made.directions["position"]

    assert torch.allclose(made.model.embed.W_E[: len(letters)], letters, atol=1e-6)
    assert torch.allclose(made.model.pos_embed.W_pos, positions, atol=1e-6)
    every = torch.cat(list(made.directions.values()))
    assert torch.allclose(every @ every.T, torch.eye(len(every)), atol=1e-5)
    assert task.vocab[len(letters)] == "<bos>"


def pattern(model, family, node, n=5):
    tokens = circuits.task(family).sequences(n, seeded(7))
    name = f"blocks.{node[0]}.attn.hook_pattern"
    return tokens, model.run_with_cache(tokens, name)[1][name][:, node[1]]


def test_the_mirror_head_attends_to_the_mirror_position():
    model, key = circuits.generate("reverse", 4)
    _, attention = pattern(model, "reverse", node_that(key, "mirror"))

    assert torch.allclose(attention, torch.eye(10).flip(0).expand(5, -1, -1), atol=1e-5)


def test_the_counting_head_leaves_one_part_in_n_plus_one_on_the_bos():
    model, key = circuits.generate("count", 4)
    tokens, attention = pattern(model, "count", node_that(key, "every copy"))

    occurrences = (tokens[:, 1:, None] == tokens[:, None, 1:]).sum(-1)
    assert torch.allclose(attention[:, 1:, 0], 1 / (occurrences + 1), atol=1e-5)


def test_a_program_of_ones_own_compiles_and_gets_its_key():
    """One head that copies the first letter everywhere."""
    task = compiler.Task(
        ("a", "b", "c"), 4, lambda n, g: torch.randint(3, (n, 4), generator=g), lambda t: t[:, :1].expand_as(t)
    )
    first = Head(
        "copies the first letter",
        (Match(None, "place", 30 * torch.eye(4)[:1]),),
        (Move("letter", "out", torch.eye(3)),),
    )
    widths = {"letter": 3, "place": 4, "out": 3}
    program = compiler.Program(
        task,
        widths,
        {"letter": torch.eye(3)},
        {"place": torch.eye(4)},
        (compiler.Layer((first,)),),
        {"out": torch.eye(3)},
        3,
    )
    made = compiler.assemble(compiler.with_idle_decoys(program, seeded()), seeded())
    tokens = task.sequences(30, seeded())

    assert torch.equal(made.model(tokens).argmax(-1), task.answers(tokens))
    assert edges_of(made.key) == {("embed", (0, 0), "k"), ("embed", (0, 0), "v"), ((0, 0), "logits", "logits")}


# What the measurements mean


@pytest.fixture
def scrambled():
    """A two-layer model without meaning: every number random, so that every node and edge matters."""
    model, _ = circuits.generate("sort", 0)
    model.requires_grad_(True)
    with torch.no_grad():
        for number, parameter in enumerate(model.parameters()):
            parameter.copy_(torch.randn(parameter.shape, generator=seeded(number)) * 0.2)
    return model


def runs(model):
    own, donor = (circuits.task("sort").sequences(6, seeded(seed)) for seed in (0, 1))
    return own, measure.outputs(model, own), measure.outputs(model, donor)


def test_what_the_nodes_write_adds_up_to_the_logits(scrambled):
    _, own, _ = runs(scrambled)
    stream = sum(value for node, value in own.items() if node != "logits")
    biases = sum(block.attn.b_O for block in scrambled.blocks)

    with torch.no_grad():
        assert torch.allclose(scrambled.unembed(stream + biases), own["logits"], atol=1e-4)


def test_all_nodes_resampled_leave_the_own_embedding_and_the_donors_rest(scrambled):
    tokens, own, donor = runs(scrambled)
    logits = measure.ablated(scrambled, tokens, measure.nodes(scrambled), donor)

    with torch.no_grad():
        moved = (own["embed"] - donor["embed"]) @ scrambled.unembed.W_U
    assert torch.allclose(logits, donor["logits"] + moved, atol=1e-4)


def test_ablating_a_node_changes_what_comes_after_it_and_nothing_before(scrambled):
    tokens, own, donor = runs(scrambled)
    changed = measure.outputs(scrambled, tokens, [("mlp", 0)], donor)

    assert torch.equal(changed["mlp", 0], donor["mlp", 0])
    assert torch.equal(measure.outputs(scrambled, tokens, [(1, 2)], donor)[1, 2], donor[1, 2])
    assert all(torch.equal(changed[0, head], own[0, head]) for head in range(3))
    assert all(not torch.allclose(changed[1, head], own[1, head]) for head in range(3))


@pytest.mark.parametrize("at", "qkv")
def test_a_patched_edge_reaches_one_input_of_one_head(scrambled, at):
    tokens, own, donor = runs(scrambled)
    attn = scrambled.blocks[1].attn
    with torch.no_grad():
        seen = scrambled.run_with_cache(tokens, "blocks.1.hook_resid_pre")[1]["blocks.1.hook_resid_pre"]
        q, k, v = (
            (seen + (donor[0, 2] - own[0, 2]) * (each == at)) @ getattr(attn, f"W_{each.upper()}")[1]
            + getattr(attn, f"b_{each.upper()}")[1]
            for each in "qkv"
        )
        written = (q @ k.mT / attn.cfg.d_head**0.5).softmax(-1) @ v @ attn.W_O[1]
    patched = measure.edge_patched(scrambled, tokens, ((0, 2), (1, 1), at), own, donor)
    expected = measure.ablated(scrambled, tokens, [(1, 1)], {(1, 1): written})
    assert torch.allclose(patched, expected, atol=1e-4)


def test_patching_every_edge_into_the_logits_gives_the_donors_logits(scrambled):
    tokens, own, donor = runs(scrambled)
    changes = [
        measure.edge_patched(scrambled, tokens, edge, own, donor) - own["logits"]
        for edge in measure.edges(scrambled)
        if edge[1] == "logits"
    ]
    assert torch.allclose(own["logits"] + sum(changes), donor["logits"], atol=1e-3)


def test_there_is_an_edge_from_everything_to_every_later_input():
    model, _ = circuits.generate("sort", 0)
    edges = list(measure.edges(model))

    # 3 heads a layer: 3 * 3 inputs read 1 sender, then 5; the MLPs read 4 and 8, the logits 9.
    assert len(edges) == len(set(edges)) == 3 * 3 * 1 + 4 + 3 * 3 * 5 + 8 + 9
    assert ((0, 1), (0, 2), "q") not in edges
    assert ((0, 1), ("mlp", 0), "mlp") in edges


def test_accuracy_counts_only_where_something_is_asked():
    logits = torch.eye(3)[torch.tensor([[0, 1, 2, 2]])]

    assert measure.accuracy(logits, torch.tensor([[-1, 1, 0, 2]])) == pytest.approx(2 / 3)
