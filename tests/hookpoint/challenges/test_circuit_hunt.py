"""Circuit hunt: the graph computes what the model does, the key is right, passes are counted, scores are honest."""

import pytest
import torch

from hookpoint.challenges.circuit_hunt import CHALLENGE
from hookpoint.challenges.circuit_hunt.generate import circuit, draw, wiring
from hookpoint.challenges.circuit_hunt.score import Passes, average_precision, score
from hookpoint.challenges.definition import BadAnswer
from hookpoint.challenges.entries import PACKAGE
from hookpoint.content.starters import filled
from hookpoint.model import GPT2
from hookpoint.zoo.compile import measure

STARTER = PACKAGE / "circuit_hunt" / "starter.py"


@pytest.fixture(scope="module")
def instance():
    return CHALLENGE.generate(3)


@pytest.fixture(scope="module")
def model(instance):
    """The same transformer as the course's own model."""
    made = GPT2(wiring(instance).cfg, seed=None)
    made.load_state_dict(instance.under("weights"))
    return made.requires_grad_(False)


@pytest.fixture(scope="module")
def inputs():
    """Sixteen inputs and as many donors."""
    return torch.randint(5, (2, 16, 8), generator=torch.Generator().manual_seed(0))


def one_dial(instance, number):
    return torch.eye(len(wiring(instance).edges))[number][None]


def test_with_all_dials_at_0_it_is_the_model(instance, model, inputs):
    assert torch.allclose(wiring(instance).logits(inputs[0]), model(inputs[0]), atol=1e-3)


def test_with_all_dials_at_1_it_answers_the_donor(instance, model, inputs):
    wires = wiring(instance)
    dials = torch.ones(1, len(wires.edges))

    logits = wires.logits(inputs[0], wires.written(inputs[1]), dials)

    assert torch.allclose(logits, model(inputs[1]), atol=1e-2)


def test_a_dial_patches_its_edge_and_no_other(instance, model, inputs):
    wires, own, donor = wiring(instance), *(measure.outputs(model, one) for one in inputs)
    numbers = [*instance.facts["circuit"], *range(5, len(wires.edges), 97)]

    for number in numbers:
        expected = measure.edge_patched(model, inputs[0], wires.edges[number], own, donor)
        logits = wires.logits(inputs[0], wires.written(inputs[1]), one_dial(instance, number))
        assert torch.allclose(logits, expected, atol=1e-2), wires.edges[number]


def test_the_slope_of_a_dial_is_what_a_small_turn_of_it_does(instance, inputs):
    passes, number = Passes(wiring(instance)), instance.facts["circuit"][-1]
    weight = torch.randn(16, 8, 5, generator=torch.Generator().manual_seed(1))
    dials = torch.zeros(len(passes.wires.edges))

    slope = passes.gradient(*inputs, dials, weight)[:, number].sum()
    before, after = passes.run(*inputs, torch.cat([dials[None], 0.01 * one_dial(instance, number)]))

    assert torch.isclose(slope, ((after - before) * weight).sum() / 0.01, rtol=1e-2)


def test_the_circuits_nodes_alone_give_the_models_answers(instance, model):
    tokens, donors = torch.randint(5, (2, 300, 8), generator=torch.Generator().manual_seed(5))
    inside = {wiring(instance).edges[number][0] for number in instance.facts["circuit"]}
    outside = [node for node in measure.nodes(model) if node not in inside]
    answers = model(tokens).argmax(-1)

    kept = measure.ablated(model, tokens, outside, measure.outputs(model, donors)).argmax(-1) == answers
    lost = measure.ablated(model, tokens, inside - {"embed"}, measure.outputs(model, donors)).argmax(-1) == answers

    assert kept.float().mean() > 0.95
    assert lost.float().mean() < 0.4


def test_patched_alone_most_cancelling_heads_look_as_needed_as_the_circuit(instance, model):
    tokens, donors = torch.randint(5, (2, 100, 8), generator=torch.Generator().manual_seed(6))
    inside = {wiring(instance).edges[number][0] for number in instance.facts["circuit"]}
    donor, answers = measure.outputs(model, donors), model(tokens).argmax(-1)

    flips = {
        node: (measure.ablated(model, tokens, [node], donor).argmax(-1) != answers).float().mean().item()
        for node in measure.nodes(model)
    }

    least = min(flips[node] for node in inside - {"embed"})
    assert sum(flips[node] >= least for node in flips.keys() - inside) >= 8


def test_the_same_seed_gives_the_same_instance_and_another_another():
    one, same, other = (draw(seed, "easy") for seed in (2**61 + 1, 2**61 + 1, 2**61 + 2))

    assert one.facts == same.facts
    assert all(torch.equal(one.tensors[name], same.tensors[name]) for name in one.tensors)
    assert one.facts["circuit"] != other.facts["circuit"]


def test_the_key_gets_1_and_a_constant_the_share_of_true_edges(instance):
    truth = circuit(instance)

    assert score(instance, lambda *given: truth).value == pytest.approx(1.0)
    assert score(instance, lambda *given: [0] * len(truth)).value == pytest.approx(truth.float().mean().item())


def test_average_precision_by_hand():
    truth = torch.tensor([1, 0, 1, 0])

    assert average_precision([4.0, 3.0, 2.0, 1.0], truth) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([4.0, 3.0, 3.0, 1.0], truth) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([3.0, 3.0, 4.0, 1.0], truth) == pytest.approx((1 + 2 / 3) / 2)


def test_passes_are_counted_on_this_side(instance, inputs):
    def asking(nodes, edges, written, run, gradient):
        written(inputs[0])
        gradient(*inputs, torch.zeros(len(edges)), torch.ones(16, 8, 5))
        run(*inputs, torch.zeros(4, len(edges)))
        return [0.0] * len(edges)

    assert score(instance, asking).cost == 1 + 2 + 4


def test_more_passes_than_the_budget_end_the_scoring_also_when_the_error_is_caught(instance, inputs):
    def greedy(nodes, edges, written, run, gradient):
        written(inputs[0])
        with pytest.raises(BadAnswer):
            run(*inputs, torch.zeros(200, len(edges)))
        return [0.0] * len(edges)

    with pytest.raises(BadAnswer, match="200 more passes, after 1 of 200"):
        score(instance, greedy)


E = 982
BROKEN = {
    "nothing": None,
    "too few": [0.0] * (E - 1),
    "a number that is none": [float("nan")] + [0.0] * (E - 1),
    "text": ["1"] * E,
    "a huge whole number": [10**400] + [0] * (E - 1),
    "complex": torch.zeros(E, dtype=torch.complex64),
    "two axes": torch.zeros(E, 1),
    "sparse": torch.zeros(E).to_sparse(),
    "infinite": torch.full((E,), torch.inf),
    "a dict": {"a": 1},
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_a_broken_ranking_is_refused(instance, answer):
    with pytest.raises(BadAnswer, match="982 edges"):
        score(instance, lambda *given: answer)


@pytest.mark.parametrize(
    "call",
    [
        lambda p, t: p.written(t.float()),
        lambda p, t: p.written(t + 5),
        lambda p, t: p.written(t.repeat(9, 1)),
        lambda p, t: p.written([[0] * 8]),
        lambda p, t: p.run(t, t[:3], torch.zeros(1, E)),
        lambda p, t: p.run(t, t, torch.full((1, E), torch.nan)),
        lambda p, t: p.run(t, t, torch.full((1, E), 2.0)),
        lambda p, t: p.run(t, t, torch.zeros(0, E)),
        lambda p, t: p.gradient(t, t, torch.zeros(2, E), torch.zeros(16, 8, 5)),
        lambda p, t: p.gradient(t, t, torch.zeros(E), torch.zeros(16, 8, 4)),
    ],
)
def test_a_broken_question_is_refused_and_costs_nothing(instance, inputs, call):
    passes = Passes(wiring(instance))

    with pytest.raises(BadAnswer):
        call(passes, inputs[0])
    assert passes.used == 0


def test_the_starters_answer_scores(instance):
    (cell,) = [cell for cell in filled(STARTER) if cell.options.get("answer") == CHALLENGE.answer]
    names = {}

    exec(cell.source, names)

    assert 0.1 < score(instance, names["rank_edges"]).value < 0.95
