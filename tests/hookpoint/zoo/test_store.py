"""Promises about files: what is stored comes back, and what is damaged is said in one line that mends it."""

import pytest
import torch

from hookpoint import zoo
from hookpoint.errors import HookpointError, UsageError
from hookpoint.zoo import registry, run, store
from hookpoint.zoo.training import train_into


@pytest.fixture
def trained(home):
    """The manifest of a `line` in the home folder."""
    return train_into(home, "line", progress=False, fresh=False)


def test_what_is_loaded_is_what_was_trained(trained):
    assert torch.equal(zoo.load("line").W_1, zoo.train("line", progress=False).model.W_1)


def test_checkpoints_load_by_step(trained):
    assert zoo.open("line").steps == (0, 20, 60)
    assert zoo.load("line", step=0).b.item() == 0
    assert torch.equal(zoo.load("line", step=60).b, zoo.load("line").b)


def test_a_step_without_checkpoint_is_an_error_that_lists_those_there_are(trained):
    with pytest.raises(UsageError, match="no checkpoint at step 10. There are: 0, 20, 60"):
        zoo.load("line", step=10)


def test_every_load_is_a_copy_of_its_own(trained):
    with torch.no_grad():
        zoo.load("line").W_1.fill_(9.0)

    assert zoo.load("line").W_1.item() != 9.0


def test_training_twice_writes_the_same_bytes(home, trained):
    first = (home / "line.safetensors").read_bytes()

    again = train_into(home, "line", progress=False, fresh=False)

    assert (home / "line.safetensors").read_bytes() == first
    assert again.files == trained.files


def test_checkpoints_of_an_earlier_training_do_not_stay_behind(home, trained):
    assert (home / "line.steps.safetensors").exists()

    store.write(home, run.Run("line", 0), {}, shows="", dtype="float32", evidence=[])

    assert not (home / "line.steps.safetensors").exists()


def test_a_manifest_reads_back_as_it_was_written(home, trained):
    assert store.read_manifest("line", home) == trained


def test_the_manifest_says_how_the_weights_came_about(trained):
    assert (trained.seed, trained.updates, trained.parameters, trained.steps) == (0, 60, 2, [0, 20, 60])
    assert [figure.name for figure in trained.figures] == ["slope", "slope before training"]
    assert set(trained.versions) == {"python", "torch", "hookpoint"}


def test_the_log_comes_back_to_four_digits(trained):
    rows = zoo.train("line", progress=False).log

    assert [row.keys() for row in trained.rows] == [row.keys() for row in rows]
    assert [row.get("loss", 0) for row in trained.rows] == pytest.approx([row.get("loss", 0) for row in rows], rel=1e-3)


def test_a_figure_of_zero_and_a_bound_of_zero_survive_the_manifest(home, line):
    figures = [zoo.Figure("false alarms", 0.0, low=0.0, high=0.0), zoo.Figure("gain", 1.0, control=True)]

    store.write(home, run.Run("line", 0), {}, shows="", dtype="float32", evidence=figures)

    assert store.read_manifest("line", home).figures == figures


def test_half_precision_comes_back_as_float32(home, line, monkeypatch):
    monkeypatch.setattr(registry, "recipe", lambda name: line)
    state = {"W_1": torch.tensor([1 / 3]), "b": torch.tensor([0.0])}

    store.write(home, run.Run("line", 0), state, shows="", dtype="float16", evidence=[])

    weight = zoo.load("line").W_1
    assert weight.dtype == torch.float32
    assert weight.item() == 0.333251953125  # the float16 nearest to 1/3


@pytest.mark.parametrize("file", ["line.safetensors", "line.steps.safetensors"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "gone"])
def test_damaged_weights_are_one_line_that_names_file_and_command(home, trained, file, damage):
    path = home / file
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(data[:-3] if damage == "cut" else data[:-1] + bytes([data[-1] ^ 1]))

    with pytest.raises(HookpointError) as caught:
        zoo.load("line", step=20 if "steps" in file else None)

    message = str(caught.value)
    assert str(path) in message and "hookpoint zoo train line" in message and "\n" not in message


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "line"}', "\x00"])
def test_a_damaged_manifest_is_one_line_that_names_the_command(home, trained, text):
    (home / "line.json").write_text(text)

    with pytest.raises(HookpointError, match=r"line.json is damaged. To mend it: hookpoint zoo train line$"):
        zoo.load("line")


def test_weights_of_a_write_that_was_cut_off_before_the_manifest_are_not_believed(home, trained):
    before = (home / "line.json").read_bytes()
    train_into(home, "line", seed=1, progress=False, fresh=False)
    (home / "line.json").write_bytes(before)

    with pytest.raises(HookpointError, match="hookpoint zoo train line"):
        zoo.load("line")


def test_the_named_command_mends_it(home, trained):
    (home / "line.safetensors").write_bytes(b"")

    train_into(home, "line", progress=False, fresh=False)

    assert zoo.load("line").W_1.item() == pytest.approx(2, abs=0.5)


def test_a_model_without_files_says_how_to_make_it(line):
    with pytest.raises(HookpointError, match="To make it: hookpoint zoo train line"):
        zoo.load("line")


def test_an_unknown_name_is_an_error_that_offers_the_nearest(line):
    with pytest.raises(UsageError, match="no model 'lien'. Did you mean 'line'?"):
        zoo.load("lien")


def test_an_interrupted_training_leaves_the_old_model_in_place(home, trained, monkeypatch):
    before = zoo.load("line").W_1
    monkeypatch.setattr(store, "save", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))

    with pytest.raises(KeyboardInterrupt):
        train_into(home, "line", seed=1, progress=False, fresh=False)

    assert torch.equal(zoo.load("line").W_1, before)
