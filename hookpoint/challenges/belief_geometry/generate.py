"""A small GPT-2 that learned to predict words of a hidden process, and the beliefs that an ideal observer would hold.

The process is `rrxor`: two coin flips, then their exclusive-or, over and over, begun at an unknown place. Its five
states span four dimensions of belief, of which the next symbol's probability shows one. What differs from seed to seed
is the network: its beginning and its data.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from hookpoint.model import GPT2, Config
from hookpoint.model.fast import fast_logits
from hookpoint.zoo.data.processes import Process, rrxor
from hookpoint.zoo.dice import dice

from ..instance import Instance

__all__ = ["CONFIG", "FIRST", "LAST", "generate", "loss_above_best", "stream", "untrained"]

CONFIG = Config(
    d_vocab=2, n_ctx=12, d_model=48, n_layers=3, n_heads=4, d_head=12, d_mlp=192, act_fn="relu", init_range=0.02
)
# Contexts of 5 to 8 symbols are scored: there the model has read enough, and four more symbols still fit in.
FIRST, LAST = 5, 8
STEPS, BATCH, RATE = 1200, 128, 2e-3
GIVEN = 1500
MOST_ABOVE_BEST = 0.012  # nats; a coin is about .13 above the best
TRIES = 4


def generate(seed: int) -> Instance:
    """A network that predicts about as well as can be, and the words that go with it."""
    process, generator = rrxor(), dice(seed)
    for _ in range(TRIES):
        model = trained(process, generator)
        above_best = loss_above_best(model, process)
        if above_best <= MOST_ABOVE_BEST:
            words = process.sample(GIVEN, CONFIG.n_ctx, generator).to(torch.uint8)
            tensors = {"given": words} | {f"weights/{name}": one for name, one in model.state_dict().items()}
            return Instance("belief_geometry", seed, tensors, {"above_best": above_best})
    raise RuntimeError(f"belief_geometry: {TRIES} draws of seed {seed} gave no network that learned the process.")


def untrained(generator: torch.Generator) -> GPT2:
    """A network before training; its embeddings are larger than GPT-2's, which are for thousands of tokens."""
    model = GPT2(CONFIG)
    d, out = CONFIG.d_model, math.sqrt(2 * CONFIG.n_layers)
    spread = {"W_E": 0.2, "W_pos": 0.2, "W_O": 1 / math.sqrt(d) / out, "W_out": 1 / math.sqrt(CONFIG.d_mlp) / out}
    with torch.no_grad():
        for path, parameter in model.named_parameters():
            name = path.rpartition(".")[-1]
            if name.startswith("W_"):
                std = spread.get(name, 1 / math.sqrt(d))
                parameter.copy_(std * torch.randn(parameter.shape, generator=generator))
    model.unembed.b_U.requires_grad_(False)
    return model


def trained(process: Process, generator: torch.Generator, steps: int = STEPS) -> GPT2:
    """A network after training on fresh words."""
    model = untrained(generator)
    learned = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=RATE, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    for step in range(steps):
        cosine = (1 + math.cos(math.pi * step / steps)) / 2
        optimizer.param_groups[0]["lr"] = RATE * min(1.0, (step + 1) / 50) * (0.05 + 0.95 * cosine)
        words = process.sample(BATCH, CONFIG.n_ctx + 1, generator)
        loss = F.cross_entropy(fast_logits(model, words[:, :-1]).flatten(0, 1), words[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


@torch.no_grad()
def loss_above_best(model: GPT2, process: Process) -> float:
    """By how many nats the model's mean loss is above the lowest possible, over every word that there is."""
    words, probability = process.words(CONFIG.n_ctx + 1)
    losses = F.cross_entropy(fast_logits(model, words[:, :-1]).transpose(1, 2), words[:, 1:], reduction="none")
    best = process.optimal_loss(CONFIG.n_ctx + 1)[1:].mean().item()
    return (probability @ losses.double().mean(dim=1)).item() - best


@torch.no_grad()
def stream(model: GPT2, words: Int[Tensor, "n pos"]) -> Float[Tensor, "n pos D"]:
    """The residual stream before the first block and after each, side by side: D = (n_layers + 1) * d_model."""
    names = ["blocks.0.hook_resid_pre", *(f"blocks.{layer}.hook_resid_post" for layer in range(CONFIG.n_layers))]
    _, cache = model.run_with_cache(words, names)
    return torch.cat([cache[name] for name in names], dim=-1)
