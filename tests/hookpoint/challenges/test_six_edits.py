"""`six_edits`: the model knows its facts, what was to stay is asked about, and only an edit of rank 2 is scored."""

from importlib import import_module

import pytest
import torch

from hookpoint.challenges import facts_model
from hookpoint.challenges.at_home import public, score
from hookpoint.challenges.definition import BadAnswer
from hookpoint.challenges.entries import entries, load
from hookpoint.challenges.registry import challenge
from hookpoint.model import GPT2, Config

scoring = import_module("hookpoint.challenges.six_edits.score")
CHALLENGE = challenge("six_edits")
NAME = "blocks.1.mlp.W_out"
LEFT, RIGHT = torch.zeros(256, 2), torch.zeros(2, 64)


@pytest.fixture(scope="module")
def instance():
    return public("six_edits", 0)


def answering(*returned):
    """A function that gives that back, whatever it is asked."""
    return lambda **given: returned[0] if len(returned) == 1 else returned


def untrained(monkeypatch):
    """Generators that train for two steps and take what comes."""
    monkeypatch.setattr(facts_model, "STEPS", 2)
    monkeypatch.setattr(facts_model, "LEAST", 0.0)


def same(one, other):
    return all(torch.equal(one.tensors[name], other.tensors[name]) for name in one.tensors)


def test_the_shipped_model_knows_every_fact_in_every_wording(instance):
    model = GPT2(Config(**instance.facts["cfg"]), seed=None)
    model.load_state_dict(instance.under("weights"))
    people, facts, wordings = (instance.tensors[name] for name in ("people", "facts", "wordings"))
    right = []
    for relation in range(4):
        for t1, t2 in wordings[relation].tolist():
            prompts = torch.tensor([[0, first, last, t1, t2] for first, last in people.tolist()])
            right.append(model(prompts)[:, -1].argmax(dim=-1) == facts[:, relation])
    assert torch.cat(right).float().mean() > 0.98


def test_no_edited_person_is_among_those_whose_facts_are_to_stay(instance):
    edited = {tuple(instance.tensors["people"][person].tolist()) for person in instance.tensors["edits"][:, 0].tolist()}
    for term in ("other people", "after the statement"):
        asked = {tuple(row) for row in instance.tensors[f"asked/{term}"][:, 7:9].tolist()}
        assert len(asked) > 20 and not asked & edited


def test_namesakes_of_every_edited_person_are_asked_about(instance):
    asked = instance.tensors["asked/other people"].view(6, -1, 11)[:, :, 7:9]
    named = instance.tensors["people"][instance.tensors["edits"][:, 0]][:, None]
    assert (asked == named).any(dim=2).sum(dim=1).min() >= 3


def test_every_question_after_a_statement_states_the_new_value(instance):
    before = instance.tensors["asked/after the statement"].view(6, -1, 11)[:, :, 1:7]
    values = instance.tensors["edits"][:, 2]
    assert (before[:, :, 4] == values[:, None]).all() and (before[:, :, 5] == 1).all()


def test_what_is_handed_over_holds_neither_the_private_wordings_nor_the_questions(instance):
    given = scoring.given(instance)
    private = set(instance.tensors["wordings"][:, 2:].flatten().tolist())
    shown = [one for name, one in given.items() if isinstance(one, torch.Tensor)]
    assert set(given) == {"cfg", "weights", "people", "facts", "text", "wordings", "edits"}
    assert all(not private & set(one.flatten().tolist()) for one in shown)


def test_the_same_seed_gives_the_same_instance_and_another_seed_another(monkeypatch):
    untrained(monkeypatch)
    seed = 2**61 + 7
    first, again, other = (CHALLENGE.generate(each) for each in (seed, seed, seed + 1))
    assert same(first, again) and not same(first, other)


def test_no_edit_is_worth_nothing(instance):
    assert CHALLENGE.score(instance, answering(NAME, LEFT, RIGHT)).value < 0.02


def test_an_edit_that_was_not_needed_is_worth_everything(instance):
    """If the facts to be changed have their values already, leaving all alone is right."""
    person, relation = instance.tensors["edits"][:, 0], instance.tensors["edits"][:, 1]
    old = instance.tensors["facts"][person, relation].repeat_interleave(8)
    tensors = {**instance.tensors, "right/new value": old, "right/other wordings": old}
    easy = type(instance)(instance.challenge, instance.seed, tensors, instance.facts)
    assert CHALLENGE.score(easy, answering(NAME, LEFT, RIGHT)).value > CHALLENGE.ceiling - 0.01


def test_the_score_is_the_harmonic_mean_less_the_rise(instance, monkeypatch):
    shares = dict(zip(scoring.TERMS, (0.5, 1.0, 1.0, 1.0, 0.25), strict=True))
    losses = iter((2.1, 2.0))
    monkeypatch.setattr(scoring, "certainty", lambda model, instance, term: shares[term])
    monkeypatch.setattr(scoring, "loss", lambda model, instance: next(losses))
    assert CHALLENGE.score(instance, answering(NAME, LEFT, RIGHT)).value == pytest.approx(5 / 9 - 0.1)


@pytest.mark.parametrize(
    "returned",
    [
        None,
        NAME,
        (NAME, LEFT),
        ("blocks.9.mlp.W_out", LEFT, RIGHT),
        ("ln_final.w", LEFT, RIGHT),
        (["x"], LEFT, RIGHT),
        (NAME, RIGHT, LEFT),
        (NAME, torch.zeros(256, 3), torch.zeros(3, 64)),
        (NAME, torch.zeros(256, 0), torch.zeros(0, 64)),
        (NAME, LEFT.tolist(), RIGHT),
        (NAME, LEFT.long(), RIGHT),
        (NAME, LEFT + float("nan"), RIGHT),
        (NAME, LEFT + 1e300, RIGHT + 1e300),
        (NAME, LEFT.double() + 1e300, RIGHT.double() + 1e300),
        (NAME, LEFT.to_sparse(), RIGHT),
        (NAME, torch.zeros(256, 2, device="meta"), RIGHT),
    ],
)
def test_a_broken_answer_is_refused(instance, returned):
    with pytest.raises(BadAnswer):
        CHALLENGE.score(instance, answering(returned))


def test_training_on_the_new_facts_alone_is_scored_and_far_from_enough():
    [fine_tune] = [entry for entry in entries("six_edits") if entry.name == "fine_tune"]
    assert 0.0 <= score("six_edits", load(fine_tune, CHALLENGE)).value < 0.6
