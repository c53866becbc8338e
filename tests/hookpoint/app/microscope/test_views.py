"""Attribution, lens, ablation and circuits, against the model itself and the course's own functions."""

import pytest
import torch

from hookpoint.app.microscope.ablation import ablated
from hookpoint.app.microscope.lens import lens
from hookpoint.app.microscope.writers import parts
from hookpoint.interp import hooks

MODELS = ["stories", "facts", "factcheck", "induction", "circuit_reverse", "circuit_hard_mixed"]


@pytest.mark.parametrize("model", MODELS)
def test_the_parts_add_up_to_the_logit_difference_of_the_model(batch, model):
    made = batch(model)
    found, logits = parts(made), made.model(made.clean)[0, made.at]
    total = (logits[made.answer] - logits[made.foil]).item()

    summed = found.layers.sum() + found.embed + found.constant
    assert summed.item() == pytest.approx(total, abs=1e-3) and found.total.item() == pytest.approx(total, abs=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_the_last_row_of_the_lens_is_what_the_model_says(batch, model):
    made = batch(model)
    labels, shares, ids = lens(made.model, made.runs["clean"][1])
    expected = made.model(made.clean)[0].softmax(-1).topk(shares.shape[-1])

    torch.testing.assert_close(shares[-1], expected.values, atol=1e-5, rtol=1e-4)
    assert labels[0] == "embed" and len(labels) == len(shares) == len(ids)


def test_a_silenced_head_is_the_head_of_the_course_silenced(batch, engine):
    made = batch()
    before = made.model(made.clean)
    after = made.model.run_with_hooks(made.clean, [hooks.zero_ablate_head(1, 3)])
    change = (after - before)[0, -1]

    found = ablated(made, "zero", None)[0, 1, 3]
    torch.testing.assert_close(found, (change[made.answer] - change[made.foil])[0], atol=1e-4, rtol=1e-4)


def test_the_mean_is_that_over_prompts_like_it(batch, engine):
    made, subject = batch(), engine.subject("stories", None)
    reference = subject.like_it(subject.family("names"))
    edit = hooks.mean_ablate(made.model, 0, 2, reference.clean)
    change = (made.model.run_with_hooks(made.clean, [edit]) - made.model(made.clean))[0, -1]

    found = ablated(made, "mean", reference)[0, 0, 2]
    torch.testing.assert_close(found, (change[made.answer] - change[made.foil])[0], atol=1e-4, rtol=1e-4)


def test_the_compiled_circuits_parts_are_needed_and_its_decoys_are_not(ask, pair):
    from hookpoint.zoo.recipes.circuits import answer_key

    found = ask("ablate", "circuit_reverse", way="zero", over="mean", family="task", **pair("circuit_reverse"))["mean"]
    needed = {tuple(n["node"]) for n in answer_key("circuit_reverse")["nodes"] if n["role"] == "circuit"}

    lost = {(layer, head) for layer, row in enumerate(found) for head, value in enumerate(row) if value < -1}
    assert lost == needed


def test_the_strongest_pair_is_the_largest_entry(ask, pair, engine):
    from hookpoint.interp.qk_ov import full_ov

    found = ask("circuits", head=9, **pair())["pairs"]["OV"][0]
    matrix = full_ov(engine.subject("stories", None).model, 2, 1).AB
    matrix = matrix - matrix.mean(dim=1, keepdim=True)
    row, column = divmod(int(matrix.argmax()), matrix.shape[1])

    assert (found["from"]["id"], found["to"]["id"]) == (row, column)
    assert found["value"] == pytest.approx(matrix.max().item(), rel=1e-4)


def test_checkpoints_show_induction_coming(ask):
    found = ask("training", "induction", family="repeat")

    assert len(found["steps"]) == len(found["probability"]) == 20
    assert found["probability"][0] < 0.1 and found["probability"][-1] > 0.7
