"""Small models with nothing at its default, so that a forgotten bias or gain cannot pass."""

import os

# Read once, when transformers is first imported; without it a test could wait for a network.
os.environ["HF_HUB_OFFLINE"] = "1"

import pytest
import torch

from hookpoint.model import GPT2, Config


@pytest.fixture
def cfg():
    """No two sizes are equal, so that mixed-up axes raise, and the heads do not fill d_model."""
    return Config(d_vocab=13, n_ctx=9, d_model=10, n_layers=3, n_heads=2, d_head=3, d_mlp=17, eps=0.1)


@pytest.fixture
def fitting_cfg():
    """As `cfg`, but with heads that fill d_model, which the other libraries require."""
    return Config(d_vocab=13, n_ctx=9, d_model=12, n_layers=2, n_heads=3, d_head=4, d_mlp=17, eps=0.1)


@pytest.fixture
def tokens():
    return torch.tensor([[3, 1, 4, 1, 5, 9], [2, 6, 5, 3, 5, 8], [9, 7, 9, 3, 2, 3]])


@pytest.fixture
def scrambled():
    """Builds a model in which every parameter, gains and biases too, is random and large enough to matter."""

    def build(cfg, dtype=torch.float32, std=0.3, seed=1):
        generator = torch.Generator().manual_seed(seed)
        model = GPT2(cfg, seed=None).to(dtype)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(std * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
        return model

    return build


@pytest.fixture
def model(cfg, scrambled):
    return scrambled(cfg)


@pytest.fixture(scope="session")
def transformer_lens():
    """Imported once: it takes seconds, and more than a minute on a machine that has never done it."""
    return pytest.importorskip("transformer_lens")
