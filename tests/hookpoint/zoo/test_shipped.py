"""Promises of the shipped models: complete, small, what their manifests say, and the same in the other libraries."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import pytest
import torch

from hookpoint import zoo
from hookpoint.model import GPT2, to_transformer_lens, to_transformers
from hookpoint.zoo import store
from hookpoint.zoo.verify import prove

NAMES = zoo.names(shipped=True)
every_model = pytest.mark.parametrize("name", NAMES)


# The shipped models that are a `GPT2`, exact or with some of the toy options.
CONFIGS = {name: model.cfg for name in NAMES if isinstance(model := zoo.recipe(name).build(), GPT2)}
# What transformers' GPT-2 can express: it has LayerNorm and looks back only.
IN_TRANSFORMERS = [name for name, cfg in CONFIGS.items() if cfg.normalization_type and cfg.attention_dir == "causal"]


@pytest.fixture(autouse=True)
def shipped_only(tmp_path, monkeypatch):
    """What a developer has trained on this machine is not what is shipped."""
    monkeypatch.setenv("HOOKPOINT_ZOO", str(tmp_path))


@every_model
def test_every_figure_holds_and_is_what_the_manifest_says(name):
    proof = prove(name)

    assert proof.trouble == ""
    assert [(each.figure, each.recorded, each.trouble) for each in proof.findings if each.trouble] == []
    assert [each for each in proof.findings if not each.figure.control]


@every_model
def test_every_model_has_a_control(name):
    assert any(figure.control for figure in store.read_manifest(name, store.SHIPPED).figures)


@every_model
def test_every_checkpoint_loads(name):
    trained = zoo.open(name)

    for step in trained.steps:
        trained.at(step)


def test_every_file_belongs_to_a_recipe():
    promised = {file for name in NAMES for file in store.read_manifest(name, store.SHIPPED).files}

    files = {path.name for path in store.SHIPPED.iterdir() if path.name != ".gitignore"}
    assert files == promised | {f"{name}.json" for name in NAMES}


def test_no_file_is_over_two_and_a_half_megabytes_and_all_are_under_thirty():
    sizes = [path.stat().st_size for path in store.SHIPPED.iterdir()]

    assert max(sizes) <= 2_500_000
    assert sum(sizes) <= 30_000_000


def asked(name):
    """A model, tokens of its vocabulary, its logits, and by how much others may differ from them."""
    model = zoo.load(name)
    tokens = torch.randint(model.cfg.d_vocab, (3, model.cfg.n_ctx), generator=torch.Generator().manual_seed(0))
    logits = model(tokens)
    return model, tokens, logits, {"rtol": 0, "atol": 1e-5 * logits.abs().max().item()}


@pytest.mark.parametrize("name", CONFIGS)
@torch.no_grad()
def test_a_model_has_equal_logits_in_transformer_lens(name):
    pytest.importorskip("transformer_lens")
    model, tokens, logits, tolerance = asked(name)

    torch.testing.assert_close(to_transformer_lens(model)(tokens), logits, **tolerance)


@pytest.mark.parametrize("name", IN_TRANSFORMERS)
@torch.no_grad()
def test_a_model_has_equal_logits_in_transformers(name):
    model, tokens, logits, tolerance = asked(name)

    torch.testing.assert_close(to_transformers(model)(tokens).logits, logits, **tolerance)


def test_the_models_of_text_and_of_processes_are_exact_gpt2s():
    exact = {name for name, cfg in CONFIGS.items() if cfg.is_gpt2}

    assert {"stories", "stories_few_names", "trojan", "facts", "factcheck", "brackets", "mess3", "clock"} <= exact
