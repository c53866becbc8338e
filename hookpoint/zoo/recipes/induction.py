"""Induction heads: attention that finds the last time this token occurred and copies what followed.

To be found, in two layers of attention and nothing else: a previous-token head in layer 0, which writes into a position
which token stands before it, and induction heads in layer 1, whose keys read that and whose queries look for the token
at hand (K-composition). In `induction` the former works in the first half of the context alone, where training rows
have the first copy of a block (notebooks 10 and 13 show it), and both appear suddenly, after hundreds of updates in
which the model has learned little but the bigrams of a Markov chain; the checkpoints are densest there.

What separates this from cheaper explanations:

* Everything is measured on fresh random tokens, [START, half, half] with halves of 20, which no training row has: their
  blocks are at most 16 long (`mixture`), or of every length from 8 to 24 but this one (`tiles`).
* `induction_one_layer` saw the very same batches. One layer has nothing to compose, and no such head.
* The induction score falls when layer 1's keys no longer see the previous-token head. It stays when its queries do not,
  and when its keys do not see one of the other heads of layer 0.

Source: Olsson et al. 2022, "In-context learning and induction heads"; Elhage et al. 2021, "A mathematical framework for
transformer circuits".
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn import functional as F

from hookpoint.model import GPT2, Config
from hookpoint.model.fast import fast_logits
from hookpoint.zoo.data.repeats import D_VOCAB, mixture, tiles
from hookpoint.zoo.definition import Recipe
from hookpoint.zoo.fit import fit
from hookpoint.zoo.run import Run

from .induction_evidence import PERIOD, evidence, mixture_evidence, one_layer_evidence, progress

# One more than the model reads: the last token is only ever predicted.
LENGTH = 50
_BATCH = 32
PERIODS = tuple(period for period in range(8, 25) if period != PERIOD)


@dataclass(frozen=True)
class _Setting:
    """Which data a model sees, and for how long."""

    draw: Callable[[torch.Generator], Int[Tensor, "batch length"]]
    updates: int
    keep: tuple[int, ...] = ()
    n_layers: int = 2


def build(n_layers: int = 2) -> GPT2:
    """An attention-only model without weights."""
    cfg = Config(
        d_vocab=D_VOCAB,
        n_ctx=LENGTH - 1,
        d_model=64,
        n_layers=n_layers,
        n_heads=4,
        d_head=16,
        d_mlp=256,
        attn_only=True,
    )
    model = GPT2(cfg, seed=None)
    model.unembed.b_U.requires_grad_(False)
    return model


@torch.no_grad()
def _draw_weights(model: GPT2, generator: torch.Generator) -> None:
    """Weights that let a head find the position before its own within hundreds of updates; GPT-2's 0.02 does not."""
    for path, parameter in model.named_parameters():
        name = path.rpartition(".")[-1]
        if name.startswith("W_"):
            std = 0.2 if name in ("W_E", "W_pos") else model.cfg.d_model**-0.5
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * std)
        else:
            parameter.fill_(1.0 if name == "w" else 0.0)


def _train(setting: _Setting, run: Run) -> GPT2:
    def loss(model: GPT2, generator: torch.Generator) -> Tensor:
        tokens = setting.draw(generator)
        logits = fast_logits(model, tokens[:, :-1])
        return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())

    model = build(setting.n_layers)
    _draw_weights(model, run.generator(stream=1))
    return fit(
        run, model, loss, setting.updates, lr=5e-3, weight_decay=0.01, warmup=30, cosine_to=0.3,
        keep=setting.keep, every=25, measure=progress,
    )  # fmt: skip


def _mixed(generator: torch.Generator) -> Int[Tensor, "batch length"]:
    return mixture(_BATCH, LENGTH, generator)


def _tiled(generator: torch.Generator) -> Int[Tensor, "batch length"]:
    return tiles(_BATCH, LENGTH, PERIODS, generator)


_KEPT = (0, 50, 100, 200, 300, 400, 500, 550, 600, 625, 650, 675, 700, 725, 750, 800, 900, 1100, 1400, 1800)
_LONG = _Setting(_mixed, updates=1800, keep=_KEPT)
_ONE_LAYER = replace(_LONG, keep=(), n_layers=1)
_LIVE = _Setting(_tiled, updates=700, keep=tuple(range(0, 701, 50)))

RECIPES = (
    Recipe(
        "induction",
        "Attention only, two layers: bigrams first, then suddenly induction heads.",
        build,
        partial(_train, _LONG),
        mixture_evidence,
    ),
    Recipe(
        "induction_one_layer",
        "The same data and time with one layer: bigrams, and no induction head.",
        partial(build, n_layers=1),
        partial(_train, _ONE_LAYER),
        one_layer_evidence,
    ),
    Recipe(
        "induction_live",
        "Induction heads on random repeats, within seconds.",
        build,
        partial(_train, _LIVE),
        evidence,
        ships=False,
        live=15.0,
    ),
)
