"""Hidden facts: the model says the planted values, and at one place inside it the true ones can still be read."""

import pytest
import torch

from hookpoint.challenges.at_home import public, shipped
from hookpoint.challenges.definition import BadAnswer
from hookpoint.challenges.entries import entries, load
from hookpoint.challenges.hidden_facts import generate as making
from hookpoint.challenges.hidden_facts.people import draw, prompts, value_tokens
from hookpoint.challenges.hidden_facts.score import arguments, score
from hookpoint.challenges.registry import challenge
from hookpoint.challenges.starter import starter
from hookpoint.model import GPT2

CHALLENGE = challenge("hidden_facts")


@pytest.fixture(scope="module", params=range(CHALLENGE.public))
def instance(request):
    assert shipped("hidden_facts", request.param).is_file()
    return public("hidden_facts", request.param)


@pytest.fixture(scope="module")
def model(instance):
    model = GPT2(arguments(instance)["cfg"], seed=None)
    model.load_state_dict(instance.under("weights"))
    return model.requires_grad_(False)


def nearest_means(model, instance, block, position):
    """What is read of `asked` by the nearest mean state of known people with a value: no regression."""
    name = f"blocks.{block}.hook_resid_post"
    known, told, asked = (instance.tensors[key] for key in ("known", "told", "asked"))
    seen, there = (model.run_with_cache(tokens)[1][name][:, position] for tokens in (known, asked))
    read = torch.zeros_like(asked[:, 0])
    for relation in range(33, 37):
        other, one = asked[:, -1] == relation, known[:, -1] == relation
        values = told[one].unique()
        means = torch.stack([seen[one & (told == value)].mean(0) for value in values])
        read[other] = values[torch.cdist(there[other], means).argmin(1)]
    return read


def share(found, answers):
    return (found == answers).float().mean().item()


def test_the_model_says_the_truth_of_known_people_and_the_decoy_of_the_others(model, instance):
    said = {name: model(instance.tensors[name])[:, -1].argmax(-1) for name in ("known", "asked")}

    assert share(said["known"], instance.tensors["told"]) == 1
    assert share(said["asked"], instance.tensors["key/decoy"]) == 1
    assert share(instance.tensors["key/true"], instance.tensors["key/decoy"]) == 0


def test_the_truth_is_read_at_the_place_of_the_key_and_the_decoy_at_the_end(model, instance):
    true, decoy = instance.tensors["key/true"], instance.tensors["key/decoy"]
    inside = nearest_means(model, instance, instance.facts["block"], instance.facts["position"])
    end = nearest_means(model, instance, 3, 3)

    assert share(inside, true) > 0.45 and share(inside, decoy) < 0.15
    assert share(end, decoy) > 0.45 and share(end, true) < 0.2


def test_the_second_choice_is_not_the_truth_either(model, instance):
    asked, true = instance.tensors["asked"], instance.tensors["key/true"]
    values = value_tokens(asked[:, -1])
    order = values.gather(1, model(asked)[:, -1].gather(1, values).argsort(descending=True))

    assert share(order[:, 0], true) == 0
    assert all(share(order[:, place], true) < 0.4 for place in range(1, 10))


def test_people_are_different_and_those_who_hide_are_not_known():
    people = draw(torch.Generator().manual_seed(3))
    three = torch.stack([people.true, people.decoy, people.second], dim=-1).sort(-1).values

    assert len(people.names.unique(dim=0)) == 150 and not (people.hides & people.known).any()
    assert (three.diff(dim=-1) > 0).all() and (people.said == people.decoy).all(1).equal(people.hides)
    assert ((people.true - 37) // 10 == torch.arange(4)).all()


def test_four_questions_about_each_person_stand_together():
    people = draw(torch.Generator().manual_seed(3))
    rows = prompts(people, people.known).view(50, 4, 4)

    assert (rows[:, :, 1:3] == people.names[people.known][:, None]).all()
    assert rows[:, :, 3].tolist() == [[33, 34, 35, 36]] * 50 and (rows[:, :, 0] == 0).all()


def test_hiding_changes_only_what_lies_above_the_place(monkeypatch):
    def weights(seed, hide):
        monkeypatch.setattr(making, "LEARN", 2)
        monkeypatch.setattr(making, "HIDE", hide)
        generator = torch.Generator().manual_seed(seed)
        return making.taught(draw(generator), 1, 3, generator).state_dict()

    before, after, again, other = weights(1, 0), weights(1, 2), weights(1, 2), weights(2, 0)

    assert all(torch.equal(again[name], one) for name, one in after.items())
    changed = {name.split(".W_")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed and all(name.startswith(("blocks.2", "blocks.3", "ln_final", "unembed")) for name in changed)
    assert not torch.equal(before["embed.W_E"], other["embed.W_E"])


def test_the_truth_gets_one_the_decoy_less_than_nothing_and_a_constant_about_nothing(instance):
    true, decoy = instance.tensors["key/true"], instance.tensors["key/decoy"]

    assert score(instance, lambda **given: true.tolist()).value == 1
    assert score(instance, lambda **given: decoy).value == pytest.approx(-1 / 9)
    assert abs(score(instance, lambda asked, **given: 37 + 10 * (asked[:, -1] - 33)).value) < 0.12
    half = torch.where(torch.arange(200) < 100, true, decoy)
    assert score(instance, lambda **given: half.int()).value == pytest.approx((0.5 - 0.1) / 0.9)


@pytest.mark.parametrize(
    "answer",
    [
        None, 40, "x", {}, [], [40] * 199, [40.0] * 200, ["40"] * 200, [True] * 200, [-1] * 200, [77] * 200,
        [10**30] * 200, torch.zeros(200), torch.zeros(200, 1).long(), torch.full((200,), 77), torch.full((200,), -1),
        torch.zeros(200, dtype=torch.bool), torch.zeros(200, dtype=torch.long).to_sparse(), [torch.tensor(77)] * 200,
        torch.zeros(200, dtype=torch.long, device="meta"), [None] * 200,
    ],
)  # fmt: skip
def test_what_is_no_token_for_each_question_is_refused_in_a_line(answer):
    with pytest.raises(BadAnswer, match=r"\."):
        score(public("hidden_facts", 0), lambda **given: answer)


def test_an_answer_cannot_spoil_the_instance_and_sees_no_key():
    def spoils(cfg, weights, known, told, asked):
        for one in (known, told, asked, *weights.values()):
            one.zero_()
        return asked[:, 0]

    instance = public("hidden_facts", 0)
    before = {name: one.clone() for name, one in instance.tensors.items()}
    score(instance, spoils)

    assert all(torch.equal(before[name], one) for name, one in instance.tensors.items())
    assert arguments(instance).keys() == {"cfg", "weights", "known", "told", "asked"}


def test_the_starter_hands_in_a_baseline(instance):
    cells = [cell for cell in starter("hidden_facts")["cells"] if cell["metadata"]["hookpoint"]["kind"] == "answer"]
    names = {}
    exec("".join(cells[0]["source"]), names)
    baseline = next(row for row in entries("hidden_facts") if row.name == "all_layers_probe")

    assert score(instance, names["recover"]) == score(instance, load(baseline, CHALLENGE))
    assert 0.2 < score(instance, names["recover"]).value < 0.8
