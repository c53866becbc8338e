"""Promises of checkpoints: nothing shows the break, nothing is pickled, and a failure leaves what was there."""

import copy
import json
import os

import pytest
import torch
from safetensors.torch import load_file

from hookpoint.model import GPT2, Config, lm_loss
from hookpoint.model.checkpoints import load_checkpoint, save_checkpoint
from hookpoint.model.loading import tie_weights

CFG = Config(d_vocab=11, n_ctx=6, d_model=8, n_layers=2, n_heads=2, d_head=3, d_mlp=9)
OPTIMIZERS = {
    "AdamW": lambda parameters: torch.optim.AdamW(parameters, lr=0.01, amsgrad=True),
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
    "plain SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.1),
}


def run(seed, make=OPTIMIZERS["AdamW"], tied=False):
    model = GPT2(CFG, seed=seed)
    if tied:
        tie_weights(model)
    return model, make(list(model.parameters())), torch.Generator().manual_seed(seed)


def trained(model, optimizer, generator, steps=3):
    for _ in range(steps):
        tokens = torch.randint(11, (2, 6), generator=generator)
        optimizer.zero_grad()
        lm_loss(model(tokens), tokens).backward()
        optimizer.step()
    return [parameter.detach().clone() for parameter in model.parameters()]


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_resumed_run_ends_where_the_uninterrupted_one_does(tmp_path, make, tied):
    straight, other = run(0, make, tied), run(1, make, tied)
    trained(*straight)
    straight[1].param_groups[0]["lr"] = 0.003
    save_checkpoint(tmp_path / "run.safetensors", straight[0], straight[1], 3, straight[2])
    want = trained(*straight)
    assert load_checkpoint(tmp_path / "run.safetensors", *other) == 3
    assert all(map(torch.equal, want, trained(*other)))


def test_the_file_holds_the_state_under_its_names_and_the_json_the_config(tmp_path):
    model, optimizer, generator = run(0)
    save_checkpoint(tmp_path / "deep" / "run.safetensors", model, optimizer, 7, generator)
    stored = load_file(tmp_path / "deep" / "run.safetensors")
    assert all(torch.equal(stored[name], value) for name, value in model.state_dict().items())
    about = json.loads((tmp_path / "deep" / "run.json").read_text())
    assert about["step"] == 7 and Config(**about["config"]) == CFG
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["run.json", "run.safetensors"]


def test_weights_alone_can_be_had_from_a_whole_checkpoint(tmp_path):
    model, optimizer, generator = run(0)
    save_checkpoint(tmp_path / "run.safetensors", model, optimizer, 7, generator)
    assert load_checkpoint(str(tmp_path / "run.safetensors"), other := GPT2(CFG, seed=1)) == 7
    assert torch.equal(other.embed.W_E, model.embed.W_E)


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_save_that_fails_leaves_the_old_checkpoint(tmp_path, monkeypatch, failing):
    path, (model, optimizer, generator) = tmp_path / "run.safetensors", run(0)
    save_checkpoint(path, model, optimizer, 1, generator)
    before = path.read_bytes(), path.with_suffix(".json").read_bytes()

    def full(*_):
        raise OSError("No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(os, failing, full)
        save_checkpoint(path, model, optimizer, 2, generator)
    assert (path.read_bytes(), path.with_suffix(".json").read_bytes()) == before
    assert len(list(tmp_path.iterdir())) == 2


def test_a_checkpoint_that_does_not_fit_changes_nothing(tmp_path):
    model, optimizer, generator = run(0)
    save_checkpoint(tmp_path / "run.safetensors", GPT2(Config(**{**vars(CFG), "d_mlp": 10})), None, 1)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match=r"mlp\.W_in"):
        load_checkpoint(tmp_path / "run.safetensors", model)
    with pytest.raises(ValueError, match="without the optimizer"):
        load_checkpoint(tmp_path / "run.safetensors", model, optimizer)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_more_layers_than_the_model_has_are_an_error(tmp_path):
    save_checkpoint(tmp_path / "run.safetensors", GPT2(Config(**{**vars(CFG), "n_layers": 3})))
    with pytest.raises(ValueError, match=r"blocks\.2"):
        load_checkpoint(tmp_path / "run.safetensors", GPT2(CFG))


def test_a_path_that_is_the_jsons_is_refused(tmp_path):
    with pytest.raises(ValueError, match="suffix"):
        save_checkpoint(tmp_path / "run.json", GPT2(CFG))
