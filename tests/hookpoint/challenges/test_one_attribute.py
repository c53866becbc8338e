"""`one_attribute`: the swap is what it says, the place carries the answer, and the score knows only what bases span."""

from importlib import import_module

import pytest
import torch

from hookpoint.challenges import facts_model
from hookpoint.challenges.at_home import public, score
from hookpoint.challenges.definition import BadAnswer
from hookpoint.challenges.entries import entries, load
from hookpoint.challenges.one_attribute.given import SITE, after_swap, questions, states
from hookpoint.challenges.registry import challenge
from hookpoint.model import GPT2, Config

scoring = import_module("hookpoint.challenges.one_attribute.score")
CHALLENGE = challenge("one_attribute")


@pytest.fixture(scope="module")
def instance():
    return public("one_attribute", 0)


@pytest.fixture(scope="module")
def model(instance):
    model = GPT2(Config(**instance.facts["cfg"]), seed=None).requires_grad_(False)
    model.load_state_dict(instance.under("weights"))
    return model


def bases(k=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(64, k, generator=generator) for _ in range(3)]


def swapped_by_hook(model, base, source, basis):
    """The logits by a run of the whole model, with a hook that swaps."""
    other = model.run_with_cache(source, SITE)[1][SITE][:, -1]

    def swap(act, point):
        act[:, -1] += (other - act[:, -1]) @ basis @ basis.T

    return model.run_with_hooks(base, [(SITE, swap)])[:, -1]


def test_the_swap_is_that_of_a_hook_on_the_whole_model(instance, model):
    tokens = questions(instance.tensors["people"][:12], instance.tensors["wordings"][2])[:, 1]
    basis = torch.linalg.qr(bases(5)[0])[0]
    short = after_swap(model, states(model, tokens), states(model, tokens.roll(1, 0)), basis)
    torch.testing.assert_close(short, swapped_by_hook(model, tokens, tokens.roll(1, 0), basis), atol=1e-4, rtol=1e-4)


def test_with_the_whole_state_swapped_the_model_speaks_of_the_other(instance, model):
    people, facts, wordings = (instance.tensors[name] for name in ("people", "facts", "wordings"))
    for relation in range(4):
        base, source, wording = instance.tensors[f"pairs/{relation}"].T
        tokens = torch.cat([torch.zeros(len(base), 1, dtype=torch.long), people[base], wordings[relation, wording]], 1)
        other = torch.cat([torch.zeros(len(base), 1, dtype=torch.long), people[source], wordings[relation, wording]], 1)
        said = swapped_by_hook(model, tokens, other, torch.eye(64)).argmax(dim=-1)
        assert (said == facts[source, relation]).float().mean() > 0.9


def test_pairs_are_private_people_who_differ_in_private_wordings(instance):
    for relation in range(4):
        base, source, wording = instance.tensors[f"pairs/{relation}"].T
        facts = instance.tensors["facts"][:, relation]
        assert min(base.min(), source.min()) >= instance.facts["public"] and len(base) == 150
        assert (facts[base] != facts[source]).all() and set(wording.tolist()) == {2, 3}


def test_what_is_handed_over_holds_no_private_person_and_no_private_wording(instance):
    given = scoring.given(instance)
    assert set(given) == {"cfg", "weights", "people", "facts", "wordings"}
    assert given["people"].shape == (80, 2) and given["wordings"].shape == (4, 2, 2)


def test_the_same_seed_gives_the_same_instance_and_another_seed_another(monkeypatch):
    monkeypatch.setattr(facts_model, "STEPS", 2)
    monkeypatch.setattr(facts_model, "LEAST", 0.0)
    monkeypatch.setattr(import_module("hookpoint.challenges.one_attribute.generate"), "LEAST", 0.0)
    first, again, other = (CHALLENGE.generate(2**61 + each).tensors for each in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["weights/embed.W_E"], other["weights/embed.W_E"])


def test_swapping_nothing_and_swapping_everything_get_one_half(instance, monkeypatch):
    nothing = CHALLENGE.score(instance, lambda **given: [torch.zeros(64, 1)] * 3)
    monkeypatch.setattr(scoring, "MOST", 64)
    everything = CHALLENGE.score(instance, lambda **given: [torch.eye(64)] * 3)
    assert nothing.value == pytest.approx(0.5, abs=0.01) and nothing.parts["cause"] < 0.02
    assert everything.value == pytest.approx(0.5, abs=0.03) and everything.parts["cause"] > 0.95


def test_only_what_the_columns_span_counts(instance):
    mixed = [one @ torch.randn(16, 16, generator=torch.Generator().manual_seed(1)) * 1e6 for one in bases()]
    doubled = [torch.cat([one[:, :8], one[:, :8]], dim=1) for one in bases()]
    half = [one[:, :8] for one in bases()]
    for same in ((bases(), mixed), (half, doubled)):
        values = [CHALLENGE.score(instance, lambda made=made, **given: made).value for made in same]
        assert values[0] == pytest.approx(values[1], abs=0.005)


@pytest.mark.parametrize(
    "returned",
    [
        None,
        torch.zeros(64, 16),
        bases()[:2],
        bases(17),
        [torch.zeros(64, 0)] * 3,
        [torch.zeros(16, 64)] * 3,
        [one.tolist() for one in bases(2)],
        [torch.full((64, 2), float("inf"))] * 3,
        [torch.zeros(64, 2, dtype=torch.int64)] * 3,
        [torch.zeros(64, 2, dtype=torch.complex64)] * 3,
        [torch.zeros(64, 2, device="meta")] * 3,
        {"0": bases()[0]},
        "bases",
    ],
)
def test_a_broken_answer_is_refused(instance, returned):
    with pytest.raises(BadAnswer):
        CHALLENGE.score(instance, lambda **given: returned)


@pytest.mark.parametrize("size", [1e300, 5e-324, 1.0])
def test_the_size_of_the_numbers_does_not_matter(instance, size):
    made = [torch.eye(64, 3, dtype=torch.float64) * size for _ in range(3)]
    plain = [torch.eye(64, 3)] * 3
    assert CHALLENGE.score(instance, lambda **given: made) == CHALLENGE.score(instance, lambda **given: plain)


def test_directions_that_are_read_out_beat_one_half():
    [read_out] = [entry for entry in entries("one_attribute") if entry.name == "read_out"]
    assert score("one_attribute", load(read_out, CHALLENGE)).value > 0.6
