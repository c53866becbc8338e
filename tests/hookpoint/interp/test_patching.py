"""Our own patching: identities that hold for any model, and what is known of the compiled circuits."""

import pytest
import torch

from hookpoint.interp import patching
from hookpoint.model import GPT2, Config
from hookpoint.zoo.compile import answers
from hookpoint.zoo.recipes import circuits

CFG = Config(d_vocab=11, n_ctx=6, d_model=14, n_layers=3, n_heads=2, d_head=5, d_mlp=9, init_range=0.5)


@pytest.fixture
def case():
    generator = torch.Generator().manual_seed(0)
    clean, corrupt = (torch.randint(11, (4, 5), generator=generator) for _ in range(2))
    along = torch.randn(4, 5, 11, generator=generator)
    return GPT2(CFG, seed=1), clean, corrupt, lambda logits: (logits * along).sum()


def test_the_stream_before_layer_0_is_the_token(case):
    model, clean, corrupt, metric = case
    exchanged = corrupt.clone()
    exchanged[:, 3] = clean[:, 3]

    found = patching.patch_resid(model, corrupt, model.run_with_cache(clean)[1], metric)

    assert found[0, 3] == pytest.approx(metric(model(exchanged)).item(), rel=1e-4)


def test_a_patch_with_the_run_s_own_values_changes_nothing(case):
    model, _, corrupt, metric = case
    own, start = model.run_with_cache(corrupt)[1], metric(model(corrupt)).item()

    for found in (
        patching.patch_heads(model, corrupt, own, metric),
        patching.patch_by_position(model, corrupt, own, metric),
    ):
        assert torch.allclose(found, torch.full_like(found, start), rtol=1e-4, atol=1e-4)


def test_one_place_is_an_entry_of_the_table(case):
    model, clean, corrupt, metric = case
    cache = model.run_with_cache(clean)[1]

    one = metric(patching.patch_one(model, corrupt, cache, "blocks.1.attn.hook_z", (slice(None), 3, 1)))

    assert one.item() == pytest.approx(patching.patch_by_position(model, corrupt, cache, metric)[1, 1, 3].item())


def test_in_the_last_layer_the_path_to_the_logits_is_the_whole_effect(case):
    model, clean, corrupt, _ = case
    z = model.run_with_cache(corrupt)[1]["blocks.2.attn.hook_z"]

    def hook(act, point):
        act = act.clone()
        act[:, :, 1] = z[:, :, 1]
        return act

    whole = model.run_with_hooks(clean, [("blocks.2.attn.hook_z", hook)])
    found = patching.path_patch(model, (2, 1), ["logits"], clean, corrupt, freeze_mlps=False)

    assert torch.allclose(found, whole, atol=1e-5)


def test_a_sender_behind_the_receiver_is_not_heard(case):
    model, clean, corrupt, _ = case

    found = patching.path_patch(model, (2, 0), [(1, 0, "q"), (2, 1, "v")], clean, corrupt)

    assert torch.allclose(found, model(clean), atol=1e-5)


def test_all_nodes_are_faithful_and_none_is_not(case):
    model, clean, corrupt, metric = case
    every = patching.nodes(model)

    ends = [patching.faithfulness(model, each, clean, corrupt, metric).item() for each in (every, set())]

    assert ends == pytest.approx([1, 0], abs=1e-5)
    assert patching.completeness(model, every, clean, corrupt, metric).item() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("family", ["sort", "induction", "brackets", "majority"])
def test_the_claim_is_the_answer_key(family):
    model, key = circuits.generate(family, seed=5)
    task, generator = circuits.task(family), torch.Generator().manual_seed(0)
    clean, corrupt = task.sequences(16, generator), task.sequences(16, generator)
    right = task.answers(clean)

    def metric(logits):
        return logits.gather(-1, right.clamp(min=0)[..., None])[..., 0][right >= 0].mean()

    assert patching.claim_circuit(model, clean, corrupt, metric) == answers.nodes_of(key, "circuit")


def test_equal_ends_are_refused():
    with pytest.raises(ValueError, match="same number"):
        patching.normalised_metric(torch.ones(2), torch.tensor([1.0, 2.0]), torch.tensor([0.0, 2.0]))
