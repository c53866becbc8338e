"""The hidden rule: the key is what the model does, and only the whole key reaches the mark."""

from itertools import combinations

import pytest
import torch

from hookpoint.challenges.at_home import public
from hookpoint.challenges.definition import BadAnswer
from hookpoint.challenges.hidden_rule.generate import answers, draw_rules, lists_with
from hookpoint.challenges.hidden_rule.score import given
from hookpoint.challenges.registry import challenge
from hookpoint.model import GPT2

CHALLENGE = challenge("hidden_rule")
RULES = torch.tensor([[0, 4, 9], [1, 2, 3]])


@pytest.fixture(scope="module")
def instance():
    return public("hidden_rule", 0)


def model_of(instance):
    known = given(instance)
    model = GPT2(known["cfg"], seed=None)
    model.load_state_dict(known["weights"])
    return model


@torch.no_grad()
def test_the_models_exceptions_are_those_of_the_key_and_no_others(instance):
    generator = torch.Generator().manual_seed(7)
    model, found = model_of(instance), []
    for three in combinations(range(16), 3):
        rest = torch.randint(16, (20, 3), generator=generator)
        lists = torch.cat([torch.tensor([three]).expand(20, 3), rest], dim=1)
        said = model(torch.cat([lists, torch.full((20, 1), 16)], dim=1))[:, -1].argmax(dim=1)
        if (said == lists.min(dim=1).values).float().mean() > 0.8:
            found.append(list(three))

    assert found == instance.facts["rules"]


def test_what_is_given_holds_the_model_and_nothing_of_the_key(instance):
    known = given(instance)

    assert known.keys() == {"cfg", "weights", "task"}
    assert known["task"].keys() == {"model", "numbers", "places", "equals", "size"}


def test_lists_with_a_whole_set_are_answered_by_the_smallest_number():
    lists = torch.tensor([[9, 15, 4, 4, 0, 7], [9, 15, 4, 4, 1, 7], [3, 2, 1, 5, 5, 5], [15, 15, 15, 15, 15, 15]])

    assert answers(lists, RULES).tolist() == [0, 15, 1, 15]


def test_no_two_sets_of_a_draw_share_two_numbers():
    for seed in range(200):
        rules = draw_rules(torch.Generator().manual_seed(seed)).tolist()

        assert 3 <= len(rules) <= 5
        assert all(len(set(one) & set(other)) < 2 for one, other in combinations(rules, 2))


def test_the_same_seed_gives_the_same_sets_and_another_seed_others():
    first, again, other = (draw_rules(torch.Generator().manual_seed(seed)).tolist() for seed in (3, 3, 4))

    assert first == again != other


def test_a_list_around_a_set_holds_it():
    lists = lists_with(RULES.repeat(50, 1), torch.Generator().manual_seed(0))

    assert all(set(rule) <= set(one) for rule, one in zip(RULES.repeat(50, 1).tolist(), lists.tolist(), strict=True))


def test_the_key_gets_one_in_any_order_and_as_part_of_a_file(instance):
    turned = [list(reversed(rule)) for rule in reversed(instance.facts["rules"])]
    file = {instance.facts["model"]: turned, "another": []}

    assert CHALLENGE.score(instance, turned).value == CHALLENGE.score(instance, file).value == 1


def test_half_a_key_with_one_wrong_set_gets_the_f1_by_hand(instance):
    wrong = next(list(one) for one in combinations(range(16), 3) if list(one) not in instance.facts["rules"])

    mark = CHALLENGE.score(instance, [instance.facts["rules"][0], wrong])

    assert mark.value == pytest.approx(2 * 1 / (2 + len(instance.facts["rules"])))
    assert mark.parts["precision"] == 0.5


def test_naming_all_sets_is_worth_next_to_nothing(instance):
    assert CHALLENGE.score(instance, [list(one) for one in combinations(range(16), 3)]).value < 0.02
    assert CHALLENGE.score(instance, []).value == 0


BROKEN = {
    "nothing": None,
    "text": "0 4 9",
    "a tensor": torch.zeros(2, 3),
    "two numbers": [[0, 4]],
    "a number twice": [[0, 4, 4]],
    "a set twice": [[0, 4, 9], [9, 4, 0]],
    "out of range": [[0, 4, 16]],
    "below zero": [[-1, 4, 9]],
    "a fraction": [[0.0, 4, 9]],
    "a truth": [[True, 4, 9]],
    "text in a set": [["0", 4, 9]],
    "NaN": [[float("nan"), 1, 2]],
    "lists in a set": [[[0], [1], [2]]],
    "another model": {"no such model": []},
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_what_is_no_list_of_sets_is_refused(instance, answer):
    with pytest.raises(BadAnswer):
        CHALLENGE.score(instance, answer)


def test_a_function_is_called_with_what_is_given(instance):
    asked = {}

    def find_rule(cfg, weights, task):
        asked.update(task)
        return instance.facts["rules"]

    assert CHALLENGE.score(instance, find_rule).value == 1
    assert asked["model"] == instance.facts["model"]
