"""Promises of the judged statements, of the probes, and of the shipped fact-checker."""

import re
from collections import Counter
from itertools import islice

import pytest
import torch

from hookpoint import zoo
from hookpoint.zoo import Trained
from hookpoint.zoo.recipes import factcheck_evidence
from hookpoint.zoo.recipes.factcheck_evidence import States
from hookpoint.zoo.stories import FACTS, tokenizer, verdicts

TEXTS = list(islice(verdicts.texts(seed=4, share=0.6), 6000))
SAID = r" They say (\w+) (?:{verbs}) (\w+)\. That is (true|false)\."


def judged(relation):
    pattern = SAID.format(verbs="|".join(verdicts.PREDICATES[relation]))
    return [match.groups() for match in map(re.compile(pattern).fullmatch, TEXTS) if match]


# The text


@pytest.mark.parametrize("relation", verdicts.VALUES)
def test_a_statement_is_called_true_exactly_if_it_is(relation):
    statements = judged(relation)
    assert len(statements) > 600
    assert all((FACTS[person][relation] == value) == (verdict == "true") for person, value, verdict in statements)


@pytest.mark.parametrize("relation", verdicts.VALUES)
def test_half_of_the_statements_are_true(relation):
    counts = Counter(verdict for *_, verdict in judged(relation))
    assert 0.45 < counts["true"] / counts.total() < 0.55


def test_a_quarter_of_the_citizens_is_never_judged_but_has_facts_told():
    never = set(verdicts.NEVER_JUDGED)
    assert len(never) == 12 and len(verdicts.JUDGED) == 36
    assert not [text for text in TEXTS if "They say" in text and never & set(text.split())]
    assert never <= {text.split()[0] for text in TEXTS}


def test_plain_facts_are_true():
    plain = [match.groups() for match in (re.fullmatch(r" (\w+) lives in (\w+)\.", text) for text in TEXTS) if match]
    assert len(plain) > 100
    assert all(FACTS[person]["city"] == city for person, city in plain)


def test_a_row_is_one_text_between_ends_of_text():
    rows = verdicts.rows(50, seed=4, share=0.6)
    end = "<|endoftext|>"
    assert [tokenizer().decode(row.tolist()).replace(end, "") for row in rows] == TEXTS[:50]
    assert all(row[0] == row[-1] == tokenizer().token_id(end) for row in rows)


def test_of_each_pair_the_one_that_is_said_to_be_true_is():
    pairs = verdicts.pairs(verdicts.JUDGED, "pet", seed=2)
    for one, two, first in zip(pairs.one, pairs.two, pairs.one_is_true, strict=True):
        texts = [tokenizer().decode(row.tolist()) for row in (one, two)]
        people, pets = zip(
            *(re.search(r"say (\w+) has a pet (\w+)\. That is$", text).groups() for text in texts), strict=True
        )
        assert people[0] == people[1] and pets[0] != pets[1]
        assert [FACTS[people[0]]["pet"] == pet for pet in pets] == [first, not first]


# The probes, on states of which everything is known


def made_up(n=400, truth=2.0, polarity=0.0, seed=0):
    """Pairs whose states hold the truth along the first axis, and which side they are on along the second."""
    generator = torch.Generator().manual_seed(seed)
    one, two = torch.randn(2, n, 8, generator=generator)
    label = torch.rand(n, generator=generator) < 0.5
    sign = label.float() * 2 - 1
    one[:, 0] += truth * sign
    two[:, 0] -= truth * sign
    one[:, 1] += polarity
    two[:, 1] -= polarity
    return States(one, two, label, torch.arange(n) // 4)


def test_a_direction_of_truth_is_found_by_both_probes():
    fit, test = factcheck_evidence.split_by_person(made_up())
    assert factcheck_evidence.probe_accuracy(fit, test) > 0.95
    assert min(factcheck_evidence.ccs_accuracies(fit, test)) > 0.95


def test_without_such_a_direction_both_are_near_chance():
    fit, test = factcheck_evidence.split_by_person(made_up(truth=0.0))
    assert 0.35 < factcheck_evidence.probe_accuracy(fit, test) < 0.65
    assert max(factcheck_evidence.ccs_accuracies(fit, test)) < 0.65


def test_a_difference_between_the_sides_is_no_truth():
    fit, test = factcheck_evidence.split_by_person(made_up(truth=0.0, polarity=5.0))
    assert max(factcheck_evidence.ccs_accuracies(fit, test)) < 0.65


def test_ccs_never_sees_a_label():
    fit, test = factcheck_evidence.split_by_person(made_up())
    wrong = fit._replace(label=~fit.label)
    assert factcheck_evidence.ccs_accuracies(fit, test) == factcheck_evidence.ccs_accuracies(wrong, test)


def test_the_probe_learns_the_labels_it_is_given():
    fit, test = factcheck_evidence.split_by_person(made_up())
    assert factcheck_evidence.probe_accuracy(fit, test, labels=~fit.label) < 0.05


def test_nobody_is_on_both_sides_of_the_split():
    fit, test = factcheck_evidence.split_by_person(made_up())
    assert not set(fit.person.tolist()) & set(test.person.tolist())
    assert len(fit.label) == 240 and len(test.label) == 160


def test_each_side_loses_its_own_mean():
    pairs = made_up(polarity=5.0)
    both = factcheck_evidence.normalised(pairs, pairs)
    torch.testing.assert_close(both.one.mean(dim=0), torch.zeros(8), atol=1e-5, rtol=0)
    torch.testing.assert_close(both.two.mean(dim=0), torch.zeros(8), atol=1e-5, rtol=0)


# The shipped model


@pytest.fixture(scope="module")
def shipped():
    return zoo.load("factcheck")


def test_the_shipped_model_calls_true_what_is_true_of_people_it_was_taught_to_judge(shipped):
    assert factcheck_evidence.verdict_accuracy(shipped, verdicts.JUDGED) > 0.95


def test_a_model_with_a_shuffled_first_block_fails_the_evidence():
    shipped = zoo.open("factcheck")
    state = shipped.model.state_dict()
    for name, weights in state.items():
        if name.startswith("blocks.0.mlp.W_") or name == "blocks.0.attn.W_O":
            weights.copy_(weights[torch.randperm(len(weights), generator=torch.Generator().manual_seed(0))])
    figures = factcheck_evidence.evidence(Trained(shipped.recipe, lambda step: state, [], []))
    assert not figures[0].holds and "verdicts, judged people" in figures[0].name
