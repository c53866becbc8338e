"""Prompts like the one that is shown: right answers, one place of change, and pairs that can be compared."""

import pytest
import torch

from hookpoint.app.microscope.catalogue import CIRCUITS, SHIPPED


def drawn(engine, model):
    subject = engine.subject(model, None)
    return [(family, subject.like_it(family)) for family in subject.families]


@pytest.mark.parametrize("model", SHIPPED)
def test_all_prompts_of_a_task_differ_from_their_twins_in_the_same_places(engine, model):
    for _, batch in drawn(engine, model):
        different = batch.clean != batch.changed

        assert len(batch) >= 16 and different[0].any()
        assert (different == different[0]).all() and (batch.answer != batch.foil).all()


@pytest.mark.parametrize("model", CIRCUITS)
def test_a_circuits_answers_are_those_of_its_task(engine, model):
    from hookpoint.zoo.recipes.circuits import task

    (_, batch), answers = drawn(engine, model)[0], task(model).answers

    assert torch.equal(answers(batch.clean)[:, batch.at], batch.answer)
    assert torch.equal(answers(batch.changed)[:, batch.at], batch.foil)


@pytest.mark.parametrize("model", ["stories", "facts", "factcheck", "induction", *CIRCUITS])
def test_the_models_can_do_their_tasks(engine, model):
    for family, batch in drawn(engine, model):
        right = batch.difference(batch.runs["clean"][0]) > 0
        turned = batch.difference(batch.runs["changed"][0]) < 0

        assert (right & turned).float().mean() > 0.8, family.name


def test_the_names_change_places_in_the_twin(ask):
    shown = ask("example", "stories", family="names", number=0)["pair"]
    one, other = shown["clean"].split(), shown["changed"].split()

    assert [(a, b) for a, b in zip(one, other, strict=True) if a != b] == [(shown["foil"], shown["answer"])]


def test_another_prompt_like_it_is_another_one(ask):
    shown = {ask("example", "stories", family="names", number=number)["pair"]["clean"] for number in range(8)}

    assert len(shown) == 8
