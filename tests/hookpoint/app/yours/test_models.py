"""A model that the learner has trained: found, loaded, and refused in a sentence where it is none."""

import json
import shutil

import pytest
import torch

NAME = "part1_build_gpt2/mine/model.safetensors"


@pytest.fixture
def trained(builder):
    """A small model of bytes and a few merges, saved as notebook 06 saves it."""
    from hookpoint.model import GPT2, Config
    from hookpoint.model.checkpoints import save_checkpoint
    from hookpoint.model.tokenizer import Tokenizer

    model = GPT2(
        Config(d_vocab=260, n_ctx=9, d_model=12, n_layers=2, n_heads=3, d_head=5, d_mlp=7, init_range=0.5), seed=3
    )
    folder = (builder.workspace / NAME).parent
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.tensor([[1, 2]])).sum().backward()
    optimizer.step()
    save_checkpoint(folder / "model.safetensors", model, optimizer, step=7)
    Tokenizer.from_merges([(b"a", b"b"), (b" ", b"t")]).save(folder / "tokenizer.json")
    return folder, model


def test_a_trained_model_gives_its_own_logits(trained, engine):
    _, model = trained
    found = engine("logits", text="tab", model=NAME)["answer"]

    ids = [token["id"] for token in found["tokens"]]
    assert ids == [ord("t"), 256] and found["n_ctx"] == 9
    assert found["next"][0]["share"] == pytest.approx(
        model(torch.tensor([ids]))[0, -1].softmax(-1).max().item(), rel=1e-4
    )


def test_the_learners_parts_run_in_their_own_model(trained, builder, engine):
    builder.solves("attention", "attn_scores")

    found = engine("logits", ["attention", "attn_scores"], text="tab", model=NAME)

    assert found["broken"] == {} and found["answer"]["difference"] < 1e-3


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: (folder / "model.safetensors").write_bytes(b"no"), "cannot be read"),
        (lambda folder: (folder / "model.safetensors").unlink(), "cannot be read"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "no tokenizer of this course"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "no other tokenizer has 260 tokens"),
        (lambda folder: _save(folder, {"weight": torch.zeros(2, 2)}), "it has no embed.W_E"),
    ],
    ids=["damaged", "gone", "no tokenizer", "tokenizer gone", "foreign"],
)
def test_a_file_that_is_no_model_is_one_sentence(trained, engine, spoil, says):
    spoil(trained[0])

    trouble = engine("logits", text="tab", model=NAME)["trouble"]

    assert says in trouble and "notebook 06" in trouble and "\n" not in trouble


def _save(folder, tensors) -> None:
    from safetensors.torch import save_file

    save_file(tensors, folder / "model.safetensors")


def test_the_models_of_a_workspace_are_listed(trained, builder):
    from hookpoint.app.yours.models import trained as listed

    assert listed(builder.workspace) == (NAME,) and listed(None) == ()
    shutil.rmtree(trained[0])
    assert listed(builder.workspace) == ()


def test_the_history_of_a_run_has_points_however_often_it_was_evaluated(builder):
    from hookpoint.app.yours.models import history

    folder = (builder.workspace / NAME).parent
    folder.mkdir(parents=True)
    stored = {"steps": [0, 1, 2], "train_loss": [5.0, 4.0, 3.0], "val_loss": [[2, 4.5]], "lr": [1e-3] * 3}
    stored["reference"] = {"uniform": 7.1, "bigram": 2.5}
    (folder / "history.json").write_text(json.dumps(stored))

    columns, trouble = history(builder.workspace, NAME)

    assert columns["train_loss"] == [(0, 5), (1, 4), (2, 3)] and columns["val_loss"] == [(2, 4.5)] and not trouble
    assert columns["bigram"] == [(0, 2.5), (2, 2.5)]


@pytest.mark.parametrize("text", [None, "{", "[]", '{"steps": 3}', '{"steps": [], "train_loss": []}'])
def test_a_history_that_is_missing_or_damaged_is_one_sentence(builder, text):
    from hookpoint.app.yours.models import history

    folder = (builder.workspace / NAME).parent
    folder.mkdir(parents=True)
    if text is not None:
        (folder / "history.json").write_text(text)

    columns, trouble = history(builder.workspace, NAME)

    assert columns == {} and "notebook 06" in trouble
