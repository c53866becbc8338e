"""Promises of `fetch`: a folder of `save_pretrained` becomes a model of the zoo, or one line says why not."""

import json
import os
import weakref

# Read once, when transformers is first imported; without it a test could wait for a network.
os.environ["HF_HUB_OFFLINE"] = "1"

import pytest
import torch
from safetensors.torch import load_file, save_file

from hookpoint import zoo
from hookpoint.errors import HookpointError, UsageError
from hookpoint.zoo import store
from hookpoint.zoo.pretrained.fetch import fetch
from hookpoint.zoo.pretrained.folder import Pretrained

transformers = pytest.importorskip("transformers")

TOKENS = torch.tensor([[3, 1, 4, 1, 5, 9], [2, 6, 5, 3, 5, 8]])


def gpt2(**changes):
    """A Hugging Face GPT-2 in which every parameter is random, biases and gains too."""
    sizes = {"vocab_size": 13, "n_positions": 9, "n_embd": 12, "n_layer": 2, "n_head": 3, "layer_norm_epsilon": 0.1}
    generator = torch.Generator().manual_seed(0)
    model = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(**{**sizes, "bos_token_id": None, "eos_token_id": None, **changes})
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


@pytest.fixture
def folder(tmp_path):
    """A folder with a small GPT-2, as `save_pretrained` writes it."""
    gpt2().save_pretrained(tmp_path / "folder")
    return tmp_path / "folder"


def edit_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def edit_tensors(folder, edit):
    """Rewrites the weights with what `edit` makes of their dict."""
    path = folder / "model.safetensors"
    save_file(edit(load_file(path)), path)


def close(name, theirs):
    torch.testing.assert_close(zoo.load(name)(TOKENS), theirs(TOKENS).logits, rtol=0, atol=1e-4)


# What can be fetched


@pytest.mark.parametrize(
    "changes",
    [{}, {"tie_word_embeddings": False}, {"n_inner": 7}, {"activation_function": "relu"}, {"n_layer": 12}],
    ids=str,
)
def test_a_fetched_model_has_the_logits_of_the_original(home, tmp_path, changes):
    theirs = gpt2(**changes)
    theirs.save_pretrained(tmp_path / "folder")

    fetch("mine", tmp_path / "folder")

    close("mine", theirs)


def test_the_published_names_without_prefix_and_with_mask_buffers_are_understood(home, folder):
    def as_published(tensors):
        bare = {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}
        masks = {f"h.{layer}.attn.bias": torch.ones(1, 1, 9, 9).tril() for layer in range(2)}
        return bare | masks | {"h.0.attn.masked_bias": torch.tensor(-1e4)}

    edit_tensors(folder, as_published)

    fetch("gpt2", str(folder))

    close("gpt2", gpt2())


def test_a_model_in_several_files_is_put_together(home, tmp_path):
    gpt2().save_pretrained(tmp_path / "folder", max_shard_size="8KB")
    assert len(list((tmp_path / "folder").glob("*.safetensors"))) > 1

    fetch("mine", tmp_path / "folder")

    close("mine", gpt2())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_halves_are_stored_as_halves_and_loaded_in_full_width(home, tmp_path, dtype):
    theirs = gpt2().to(dtype)
    theirs.save_pretrained(tmp_path / "folder")

    manifest = fetch("mine", tmp_path / "folder")

    close("mine", theirs.float())
    assert manifest.bytes < 2 * manifest.parameters + 4000


def test_the_manifest_tells_sizes_and_stands_in_the_list_of_fetched_models(home, folder):
    manifest = fetch("mine", folder)

    # The tied head is stored as a matrix of its own, with a bias that is 0.
    assert manifest.parameters == sum(p.numel() for p in gpt2().parameters()) + 12 * 13 + 13
    assert store.read_manifest("mine", home) == manifest
    assert store.fetched(["line"]) == ["mine"]


def test_fetching_again_replaces_the_model(home, folder, tmp_path):
    fetch("mine", folder)
    other = gpt2(n_layer=1)
    other.save_pretrained(tmp_path / "other")

    fetch("mine", tmp_path / "other")

    close("mine", other)


def test_two_loads_share_nothing(home, folder):
    fetch("mine", folder)
    one, other = zoo.load("mine"), zoo.load("mine")

    with torch.no_grad():
        one.embed.W_E.zero_()

    assert other.embed.W_E.any() and zoo.load("mine").embed.W_E.any()


def test_a_handful_of_tensors_are_held_at_a_time_however_many_there_are(home, tmp_path, monkeypatch):
    gpt2(n_layer=12).save_pretrained(tmp_path / "folder")
    read, most, get = [], [], Pretrained.__getitem__

    def counted(self, name):
        most.append(sum(each() is not None for each in read))
        read.append(weakref.ref(tensor := get(self, name)))
        return tensor

    monkeypatch.setattr(Pretrained, "__getitem__", counted)

    fetch("mine", tmp_path / "folder")

    assert len(read) > 12 * 12 and max(most) <= 6


# Its tokenizer


TEXT = "The cat's hat isn't here: 12 cats,  héllo \n\n wörld 猫<|endoftext|>the end"


@pytest.fixture(scope="module")
def bpe():
    """A byte-level BPE by the `tokenizers` library, with GPT-2's settings."""
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=290,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(["the cat sat on the mat", "the hat of the cat is here"] * 5, trainer)
    return made


@pytest.fixture
def wide_folder(tmp_path):
    gpt2(vocab_size=290).save_pretrained(tmp_path / "folder")
    return tmp_path / "folder"


def save_single(bpe, folder):
    bpe.save(str(folder / "tokenizer.json"))


def save_pair(bpe, folder):
    """As published: the special string is in the vocabulary, and nothing but its absence from the merges tells it."""
    bpe.model.save(str(folder))
    (folder / "vocab.json").write_text(json.dumps(bpe.get_vocab()))


@pytest.mark.parametrize("save", [save_single, save_pair])
def test_the_tokenizer_comes_along_and_gives_the_same_ids(home, wide_folder, bpe, save):
    save(bpe, wide_folder)

    fetch("mine", wide_folder)

    tokenizer = zoo.load("mine").tokenizer
    ids = bpe.encode(TEXT).ids
    assert tokenizer.encode(TEXT, allowed_special=["<|endoftext|>"]) == ids
    assert tokenizer.decode(ids) == TEXT
    assert len(ids) < len(TEXT.encode())


def test_without_tokenizer_files_there_is_none(home, folder):
    fetch("mine", folder)

    assert zoo.load("mine").tokenizer is None


def test_another_kind_of_tokenizer_is_refused(home, wide_folder, bpe):
    kind = json.loads(bpe.to_str()) | {"pre_tokenizer": {"type": "Whitespace"}}
    (wide_folder / "tokenizer.json").write_text(json.dumps(kind))

    with pytest.raises(HookpointError, match="another kind of tokenizer than GPT-2's byte-level BPE"):
        fetch("mine", wide_folder)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"model": {"type": "BPE"}, "pre_tokenizer": "ByteLevel"}'])
def test_a_damaged_tokenizer_is_said_in_one_line(home, folder, content):
    (folder / "tokenizer.json").write_text(content)

    with pytest.raises(HookpointError, match="tokenizer files in .* cannot be read.* move them away.$"):
        fetch("mine", folder)


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused(home, folder, bpe):
    save_single(bpe, folder)

    with pytest.raises(HookpointError, match="more tokens than the model, 13"):
        fetch("mine", folder)


# What cannot be fetched


def without_layer_1s_bias(tensors):
    return {name: tensor for name, tensor in tensors.items() if name != "transformer.h.1.mlp.c_fc.bias"}


def with_a_wrong_shape(tensors):
    return tensors | {"transformer.h.1.attn.c_attn.weight": torch.zeros(36, 12)}


def with_an_adapter(tensors):
    return tensors | {"transformer.h.0.adapter.weight": torch.zeros(2)}


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (without_layer_1s_bias, "no tensor transformer.h.1.mlp.c_fc.bias"),
        (with_a_wrong_shape, r"h.1.attn.c_attn.weight has the shape \[36, 12\]; config.json asks for \[12, 36\]"),
        (with_an_adapter, "a tensor transformer.h.0.adapter.weight, which a GPT-2 has no place for"),
    ],
)
def test_tensors_that_do_not_fit_are_named(home, folder, edit, says):
    edit_tensors(folder, edit)

    with pytest.raises(HookpointError, match=says):
        fetch("mine", folder)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model_type": "llama"}, "says model_type 'llama'; only 'gpt2'"),
        ({"activation_function": "gelu"}, "does not compute what activation_function='gelu' asks for"),
        ({"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx=True"),
        ({"n_layer": 0}, "n_layers must be a positive integer, not 0"),
        ({"n_layer": 3}, "no tensor transformer.h.2.ln_1.weight"),
    ],
)
def test_a_config_that_ours_cannot_follow_is_refused_by_name(home, folder, changes, says):
    edit_config(folder, **changes)

    with pytest.raises(HookpointError, match=says):
        fetch("mine", folder)


def test_a_config_that_lacks_a_size_is_refused_by_its_name(home, folder):
    (folder / "config.json").write_text('{"model_type": "gpt2", "vocab_size": 13}')

    with pytest.raises(HookpointError, match="config.json lacks n_positions"):
        fetch("mine", folder)


def test_a_pickle_is_refused_and_never_read(home, folder):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")

    with pytest.raises(HookpointError, match="is a pickle, which can run code .*: model.save_pretrained"):
        fetch("mine", folder)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda folder: (folder / "model.safetensors").unlink(), "has no model.safetensors"),
        (lambda folder: os.truncate(folder / "model.safetensors", 500), "damaged or half copied"),
        (lambda folder: os.truncate(folder / "model.safetensors", 9000), "damaged or half copied"),
        (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
        (lambda folder: os.truncate(folder / "config.json", 20), "cannot be read as a config"),
        (lambda folder: (folder / "config.json").write_text("[1]"), "cannot be read as a config"),
    ],
    ids=["no weights", "half a header", "half the weights", "no config", "half a config", "a list"],
)
def test_a_spoilt_folder_is_said_in_one_line_and_leaves_nothing_behind(home, folder, spoil, says):
    spoil(folder)

    with pytest.raises(HookpointError, match=says) as caught:
        fetch("mine", folder)

    assert "\n" not in str(caught.value)
    assert not home.exists() or not list(home.iterdir())


def test_a_folder_that_is_not_there_is_named(home, tmp_path):
    with pytest.raises(HookpointError, match="There is no folder .*nowhere"):
        fetch("mine", tmp_path / "nowhere")


def test_a_name_that_a_recipe_has_is_refused(home, folder):
    with pytest.raises(UsageError, match="hookpoint zoo train line"):
        fetch("line", folder)


@pytest.mark.parametrize("name", ["", "../mine", "a b", "mine.steps", ".mine"])
def test_a_name_that_is_no_file_name_is_refused(home, folder, name):
    with pytest.raises(UsageError, match="letters, digits, - and _"):
        fetch(name, folder)


def test_no_room_on_the_disk_is_said_in_one_line(home, folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hookpoint.zoo.pretrained.fetch.os.replace", full)

    with pytest.raises(HookpointError, match="mine cannot be stored in .*: No space left on device"):
        fetch("mine", folder)
    assert not list(home.iterdir())


# Off the shelf


def test_a_published_model_that_is_not_there_is_an_error_with_the_command(home):
    with pytest.raises(HookpointError, match="gpt2 is not on this machine. To get it: hookpoint zoo fetch gpt2$"):
        zoo.load("gpt2")


@pytest.mark.parametrize("ending", ["safetensors", "tokenizer"])
def test_a_file_that_was_damaged_later_is_noticed_with_the_command_that_mends_it(home, wide_folder, bpe, ending):
    save_pair(bpe, wide_folder)
    fetch("mine", wide_folder)
    path = home / f"mine.{ending}"
    path.write_bytes(path.read_bytes()[:-1] + b"?")

    with pytest.raises(HookpointError, match="damaged.*To mend it: hookpoint zoo fetch mine"):
        zoo.load("mine")


def test_a_manifest_without_the_models_sizes_is_damaged(home, folder):
    fetch("mine", folder)
    path = home / "mine.json"
    path.write_text(path.read_text().replace('"d_model"', '"d_muddle"'))

    with pytest.raises(HookpointError, match="mine.json is damaged. To mend it: hookpoint zoo fetch mine"):
        zoo.load("mine")
