"""Balanced or not: a model that counts brackets and notices where the count falls below zero.

Data: `bracket_sequences` in `zoo.data.dyck`. A causal GPT-2 of two layers reads a word of 20 brackets and gives
its verdict after END. Half of the words are balanced, the others are one slip away from it, and most slips leave as
many opening as closing brackets. So counting both sorts is not enough: somebody has to keep the depth at every place
and to see whether it was ever negative.

To be found: after the first layer, the depth at every place can be read off the residual stream by a linear map; and
in the second layer END looks at places where the depth is below zero.

Controls: the verdict by counting alone, which takes every word with equal numbers for balanced; the linear map from the
embeddings, which know the place and the bracket there but not what came before; and how many places are below zero at
all. The evidence is measured on words that were not in training. One layer instead of two is no failing control: it
gets above .97, so this model says nothing about how many layers the task needs.

The task is that of the balanced bracket classifier which Redwood Research used for teaching.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from hookpoint.model import GPT2, Config
from hookpoint.model.fast import fast_logits
from hookpoint.zoo.data.dyck import (
    BALANCED,
    BROKEN,
    CLOSE,
    D_VOCAB,
    LENGTH,
    OPEN,
    bracket_sequences,
    broken_words,
    depths,
    framed,
)
from hookpoint.zoo.definition import Figure, Recipe, Trained
from hookpoint.zoo.fit import fit
from hookpoint.zoo.run import Run

UPDATES, BATCH = 600, 128
# Where the brackets stand between START and END.
WORD = slice(1, LENGTH + 1)


def build(seed: int | None = None) -> GPT2:
    """An untrained GPT-2 of two layers of two heads."""
    model = GPT2(Config(D_VOCAB, LENGTH + 2, 32, 2, 2, 16, 64, init_range=0.1), seed)
    model.unembed.b_U.requires_grad_(False)
    return model


def train(run: Run) -> GPT2:
    """The trained model; only the verdict after END counts in the loss."""
    return fit(run, build(run.seed), _loss, UPDATES, lr=3e-3, weight_decay=0.01, warmup=50, cosine_to=0.05)


def _loss(model: GPT2, generator: torch.Generator) -> Tensor:
    sequences, verdicts = bracket_sequences(BATCH, generator)
    return F.cross_entropy(fast_logits(model, sequences)[:, -1], verdicts)


# What is measured


def counting_verdict(sequences: Int[Tensor, "n framed"]) -> Int[Tensor, " n"]:
    """The verdicts of somebody who only compares the numbers of opening and closing brackets."""
    words = sequences[:, WORD]
    return torch.where((words == OPEN).sum(dim=1) == (words == CLOSE).sum(dim=1), BALANCED, BROKEN)


def linear_r2(
    fitted: tuple[Float[Tensor, "n d"], Float[Tensor, " n"]], fresh: tuple[Float[Tensor, "m d"], Float[Tensor, " m"]]
) -> float:
    """The share of the variance of fresh targets that an affine map explains which was fitted on other rows."""
    (x, y), (x_new, y_new) = fitted, fresh
    x, x_new = (torch.cat([each, torch.ones(len(each), 1)], dim=1).double() for each in (x, x_new))
    # The pseudo-inverse, since positions and tokens make columns that depend on each other.
    weights = torch.linalg.pinv(x) @ y.double()
    error = (x_new @ weights - y_new).square().sum()
    return 1 - (error / (y_new - y_new.double().mean()).square().sum()).item()


def attention_below_zero(
    pattern: Float[Tensor, "n head query key"], below: Bool[Tensor, "n length"]
) -> Float[Tensor, " head"]:
    """For each head, the mean attention from END to the places where the depth is negative."""
    return (pattern[:, :, -1, WORD] * below[:, None]).sum(dim=-1).mean(dim=0)


def _depth_rows(model: GPT2, name: str, sequences: Int[Tensor, "n framed"]) -> tuple[Tensor, Tensor]:
    """The values at a hook point under every bracket, and the depth there, one row for each."""
    _, cache = model.run_with_cache(sequences, name)
    return cache[name][:, WORD].flatten(0, 1), depths(sequences[:, WORD]).flatten()


def _depth_r2(model: GPT2, name: str) -> float:
    fitted, _ = bracket_sequences(600, torch.Generator().manual_seed(1_000_001))
    fresh, _ = bracket_sequences(600, torch.Generator().manual_seed(1_000_002), "held_out")
    return linear_r2(_depth_rows(model, name, fitted), _depth_rows(model, name, fresh))


@torch.no_grad()
def evidence(trained: Trained) -> list[Figure]:
    """The verdicts by kind of word, and the two steps behind them, each beside its control."""
    model = trained.model
    generator = torch.Generator().manual_seed(1_000_000)
    sequences, verdicts = bracket_sequences(3000, generator, "held_out")
    even = torch.cat([broken_words(500, slip, generator, "held_out") for slip in ("swap", "shuffle")])
    below = depths(even) < 0
    name = "blocks.1.attn.hook_pattern"
    logits, cache = model.run_with_cache(framed(even), name)
    return [
        Figure("accuracy on held-out words", _share(model(sequences)[:, -1].argmax(dim=1) == verdicts), low=0.98),
        Figure("accuracy of counting alone", _share(counting_verdict(sequences) == verdicts), high=0.7, control=True),
        Figure("broken words with equal numbers that are found", _share(logits[:, -1].argmax(dim=1) == BROKEN), 0.97),
        Figure("the same by counting alone", _share(counting_verdict(framed(even)) == BROKEN), high=0, control=True),
        Figure("R2 of depth, linear after layer 0", _depth_r2(model, "blocks.0.hook_resid_post"), low=0.75),
        Figure(
            "R2 of depth, linear from embeddings", _depth_r2(model, "blocks.0.hook_resid_pre"), high=0.6, control=True
        ),
        Figure(
            "attention from END, layer 1, below zero, best head",
            attention_below_zero(cache[name], below).max().item(),
            low=0.5,
        ),
        Figure("share of the places that are below zero", _share(below), high=0.35, control=True),
    ]


def _share(flags: Tensor) -> float:
    return flags.float().mean().item()


RECIPES = (
    Recipe(
        name="brackets",
        shows="Balanced brackets or nearly: depth by the first layer, places below zero by the second.",
        build=build,
        train=train,
        evidence=evidence,
        live=30.0,
    ),
)
