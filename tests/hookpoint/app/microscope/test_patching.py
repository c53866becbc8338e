"""The batched grid against the course's own patching, which runs the whole model for every cell."""

import pytest
import torch

from hookpoint.app.microscope.patching import difference_with, grid, shares
from hookpoint.interp import patching

MODELS = ["stories", "facts", "induction", "circuit_sort", "circuit_count"]


@pytest.fixture
def metric(batch):
    """The logit difference at the position that is read, as a function of a whole run's logits."""

    def of(model: str):
        made = batch(model)
        return lambda logits: (logits[0, made.at, made.answer] - logits[0, made.at, made.foil])[0]

    return of


@pytest.mark.parametrize("model", MODELS)
def test_the_residual_grid_is_that_of_whole_runs(batch, metric, model):
    made = batch(model)
    expected = patching.patch_resid(made.model, made.changed, made.runs["clean"][1], metric(model))

    torch.testing.assert_close(grid(made, "residual stream", True)[0], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_the_grid_of_heads_is_that_of_whole_runs(batch, metric, model):
    made = batch(model)
    expected = patching.patch_heads(made.model, made.clean, made.runs["changed"][1], metric(model))

    torch.testing.assert_close(grid(made, "head output", False)[0], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("piece", ["attention out", "MLP out"])
def test_one_layer_put_back_at_one_place_is_a_hook_there(batch, metric, piece):
    made, layer, at = batch(), 1, 14
    name = f"blocks.{layer}.hook_{'attn' if piece == 'attention out' else 'mlp'}_out"
    source = made.runs["clean"][1][name]

    def put_back(act, point):
        return torch.cat([act[:, :at], source[:, at : at + 1], act[:, at + 1 :]], dim=1)

    expected = metric("stories")(made.model.run_with_hooks(made.changed, [(name, put_back)]))
    torch.testing.assert_close(grid(made, piece, True)[0, layer, at], expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("restore", [True, False])
def test_everything_before_layer_0_put_back_is_the_other_run(batch, restore):
    made = batch()
    cells = [(0, at) for at in range(made.clean.shape[1])]
    logits = difference_with(made, "residual stream", restore, cells)

    torch.testing.assert_close(logits, made.runs["clean" if restore else "changed"][0], atol=1e-4, rtol=1e-4)
    assert shares(made, made.difference(logits), restore).item() == pytest.approx(1.0, abs=1e-4)


def test_several_cells_act_together(batch):
    made = batch()
    one = difference_with(made, "residual stream", True, [(1, 14)])
    both = difference_with(made, "residual stream", True, [(1, 14), (0, 10)])

    torch.testing.assert_close(both, made.runs["clean"][0], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(one, both, atol=1e-4)


def test_no_hook_stays_behind(batch):
    made = batch()
    grid(made, "head output", True)
    difference_with(made, "MLP out", True, [(0, 3), (2, 14)])

    assert not any(point.hooks for point in made.model.hook_points().values())
