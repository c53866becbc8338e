"""`belief_geometry`: the beliefs are Bayes', the network predicts, and the score is the R2 that it says."""

from dataclasses import replace

import pytest
import torch

from hookpoint.challenges.at_home import public
from hookpoint.challenges.belief_geometry import generate
from hookpoint.challenges.belief_geometry.score import contexts, matrix, r2, streams
from hookpoint.challenges.definition import BadAnswer
from hookpoint.challenges.registry import challenge
from hookpoint.model import GPT2
from hookpoint.zoo.data.processes import RRXOR_STATES, rrxor

CHALLENGE = challenge("belief_geometry")
WIDTH = 192


def believed(word):
    """Probability of each state after the word, by counting all triples that could have been under way.

    Every word of a triple process with a given phase is as probable as its free flips say; a state is a phase and what
    was seen in the triple so far.
    """
    mass = dict.fromkeys(RRXOR_STATES, 0.0)
    for phase in range(3):  # symbols of the triple that lie before the word
        for before in (
            [[]] if phase == 0 else [[a] for a in (0, 1)] if phase == 1 else [[a, b] for a in (0, 1) for b in (0, 1)]
        ):
            chance, triple = 0.5 ** len(before), list(before)
            for symbol in word:
                chance *= 0.5 if len(triple) < 2 else float(symbol == triple[0] ^ triple[1])
                triple = [] if len(triple) == 2 else [*triple, symbol]
            state = (
                "start" if not triple else f"saw {triple[0]}" if len(triple) == 1 else f"owes {triple[0] ^ triple[1]}"
            )
            mass[state] += chance
    total = sum(mass.values())
    return [mass[state] / total for state in RRXOR_STATES]


def test_the_key_is_what_counting_gives():
    lengths, beliefs, probability = contexts()
    words = [word for n in range(5, 9) for word in rrxor().words(n)[0].tolist()]

    assert torch.allclose(beliefs, torch.tensor([believed(word) for word in words]).double(), atol=1e-9)
    assert lengths.tolist() == list(map(len, words)) and probability.sum() == pytest.approx(1)


@pytest.mark.parametrize("number", [0, 1])
def test_the_public_networks_predict_nearly_as_well_as_can_be(number):
    instance = public("belief_geometry", number)
    model = GPT2(generate.CONFIG)
    model.load_state_dict(instance.under("weights"))

    assert generate.loss_above_best(model, rrxor()) < generate.MOST_ABOVE_BEST
    assert instance.tensors["given"].shape == (1500, 12) and instance.tensors["given"].max() == 1


def test_the_same_seed_trains_the_same_network_and_another_another():
    def begun(seed):
        model = generate.trained(rrxor(), torch.Generator().manual_seed(seed), steps=2)
        return [one for name, one in model.state_dict().items() if "W_" in name]

    first, again, other = begun(4), begun(4), begun(2**62 - 1)
    assert all(map(torch.equal, first, again)) and not any(map(torch.equal, first, other))


def test_r2_is_what_least_squares_says():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(200, 3, generator=generator).double()
    t = x @ torch.randn(3, 2, generator=generator).double() + torch.randn(200, 2, generator=generator)
    weights = torch.rand(200, generator=generator).double()
    scaled = weights.sqrt()[:, None]
    full = torch.cat([x, torch.ones(200, 1)], dim=1)
    left = t - full @ torch.linalg.lstsq(full * scaled, t * scaled).solution
    mean = (weights[:, None] * t).sum(0) / weights.sum()

    expected = 1 - (weights[:, None] * left**2).sum() / (weights[:, None] * (t - mean) ** 2).sum()
    assert r2(x, t, weights) == pytest.approx(float(expected), abs=1e-9)
    assert r2(x * 1e12 + 5, t, weights) == pytest.approx(float(expected), abs=1e-6)


def test_the_beliefs_themselves_get_one_and_a_constant_nothing():
    _, beliefs, probability = contexts()

    assert r2(beliefs[:, :4], beliefs, probability) == pytest.approx(1)
    assert r2(torch.full((len(beliefs), 4), 3.0).double(), beliefs, probability) == 0


def test_a_map_fitted_with_the_key_reaches_the_ceiling_and_a_row_alone_does_not():
    instance = public("belief_geometry", 0)
    _, beliefs, probability = contexts()
    x = streams(instance.under("weights"))
    share = probability[:, None]
    x, t = ((one - (share * one).sum(0)) * share.sqrt() for one in (x, beliefs))
    fitted = torch.linalg.solve(x.T @ x + 1e-5 * (x**2).sum() / WIDTH * torch.eye(WIDTH), x.T @ t)[:, :4].T

    whole = CHALLENGE.score(instance, lambda *_: fitted.float()).value
    assert whole == pytest.approx(CHALLENGE.ceiling, abs=0.08)
    assert CHALLENGE.score(instance, lambda *_: fitted[[0, 0, 0, 0]].float()).value < whole - 0.2


def test_directions_count_and_not_their_lengths():
    instance, rows = public("belief_geometry", 0), torch.randn(4, WIDTH, generator=torch.Generator().manual_seed(0))
    loud = (rows.double() * torch.tensor([[1e300], [1e-300], [1], [-7]], dtype=torch.float64)).requires_grad_(True)
    values = [CHALLENGE.score(instance, lambda *_, one=one: one).value for one in (rows, loud)]

    assert values[0] == pytest.approx(values[1], abs=1e-6) and values[0] < CHALLENGE.floor


def test_a_constant_map_stays_below_the_floor():
    instance = public("belief_geometry", 0)

    assert CHALLENGE.score(instance, lambda *_: torch.zeros(4, WIDTH)).value == 0
    assert CHALLENGE.score(instance, lambda *_: torch.eye(4, WIDTH)).value <= CHALLENGE.floor


@pytest.mark.parametrize(
    "said",
    [
        None, 1.0, "map", [[0.0] * WIDTH] * 4, torch.eye(WIDTH), torch.eye(5, WIDTH), torch.eye(4, 48),
        torch.eye(4, WIDTH).long(), torch.full((4, WIDTH), float("nan")), torch.full((4, WIDTH), float("inf")),
        torch.eye(4, WIDTH).to_sparse(), torch.eye(4, WIDTH, dtype=torch.complex64),
        torch.empty(4, WIDTH, device="meta"), torch.nn.Parameter(torch.eye(4, WIDTH)),
    ],
    ids=lambda said: repr(said)[:30],
)  # fmt: skip
def test_what_is_no_map_is_refused(said):
    with pytest.raises(BadAnswer, match="expected"):
        matrix(said)


def test_the_answer_is_given_what_the_contract_says():
    instance, seen = public("belief_geometry", 0), []
    CHALLENGE.score(instance, lambda cfg, weights, words: seen.extend((cfg, weights, words)) or torch.eye(4, WIDTH))
    cfg, weights, words = seen

    assert replace(cfg) == generate.CONFIG and words.dtype == torch.int64 and words.shape == (1500, 12)
    assert all(weights[name] is not instance.tensors[f"weights/{name}"] for name in weights)
