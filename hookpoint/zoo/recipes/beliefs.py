"""Belief states: a model of a hidden Markov process comes to hold what an ideal observer believes about its state.

To be found, in plain GPT-2s of two layers trained on words of a process (data/processes.py) alone: an affine map from
the residual stream to the exact Bayes beliefs.

    mess3   three symbols, three states: the beliefs form a fractal triangle, which is seen in the stream. Here the
            next symbol's probabilities give the beliefs exactly, so the map shows no more than a good prediction
    clock   two symbols, three hours: the next symbol's probability is one number, the belief is two. The stream holds
            far more of it than the next prediction needs

What the map is compared with, each fitted and scored in the same way: the embeddings alone (last symbol and position),
shuffled beliefs, the last three symbols, the next symbol's exact probabilities, and the same network untrained.

Two traps are built out. (1) No sequence that is scored begins as a training sequence does: the split is by a hash of
the first symbols (`sequences`), and only positions from there on are scored. (2) An untrained network is a good
reservoir: everything about the past is somewhere in its stream, very small, and exact least squares finds it (R2 .98 on
mess3, .99 after training). So the reading is a noisy one: as if each number were known only up to `NOISE` times the
stream's size. That leaves what the network has made large. Both readings stand in the evidence.

`rrxor`, the usual example for beliefs beyond the next symbol, has few words and asks for many steps: after 27
CPU-seconds three layers were .05 nats above the optimum on beginnings they had seen and .09 on the others.

Source: Shai et al. 2024, "Transformers represent belief state geometry in their residual stream".
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from hookpoint.model import GPT2, Config
from hookpoint.model.fast import fast_logits

from ..data.processes import Process, clock, mess3
from ..data.split import Split, held_out
from ..definition import Figure, Recipe, Trained
from ..fit import fit
from ..run import Run

NOISE = 0.1
EMBEDDING_STD = 0.2  # GPT-2's 0.02 is for thousands of tokens; with three, learning starts ten times too small


@dataclass(frozen=True)
class Setting:
    """A process, and what its model reads.

    Attributes:
        process: Makes it.
        n_ctx: Symbols that the model reads.
        prefix: How many first symbols decide whether a sequence is held out.
        batch: Sequences in a batch.
        steps: Number of updates.
    """

    process: Callable[[], Process]
    n_ctx: int
    prefix: int
    batch: int
    steps: int


SETTINGS = {
    "mess3": Setting(mess3, n_ctx=10, prefix=6, batch=128, steps=1200),
    "clock": Setting(clock, n_ctx=16, prefix=8, batch=96, steps=1200),
}

# The data


def sequences(name: str, n: int, generator: torch.Generator, split: Split = "train") -> Int[Tensor, "n length"]:
    """n sequences of the process, one symbol longer than the model reads, so that each symbol read has a next one.

    No held-out sequence has the same first symbols as a training sequence.
    """
    setting = SETTINGS[name]
    process = setting.process()
    share, found = 0.1 if split == "held_out" else 0.9, []
    while (missing := n - sum(map(len, found))) > 0:
        words = process.sample(int(1.2 * missing / share) + 8, setting.n_ctx + 1, generator)
        found.append(words[held_out(words[:, : setting.prefix]) == (split == "held_out")])
    return torch.cat(found)[:n]


# Training


def build(name: str, seed: int | None = None) -> GPT2:
    """An untrained model of two layers."""
    setting = SETTINGS[name]
    cfg = Config(setting.process().n_symbols, setting.n_ctx, d_model=32, n_layers=2, n_heads=2, d_head=16, d_mlp=128)
    model = GPT2(cfg, seed)
    with torch.no_grad():
        model.embed.W_E.mul_(EMBEDDING_STD / cfg.init_range)
        model.pos_embed.W_pos.mul_(EMBEDDING_STD / cfg.init_range)
    model.unembed.b_U.requires_grad_(False)
    return model


def train(name: str, run: Run) -> GPT2:
    """The model after training on sequences that are not held out."""
    setting = SETTINGS[name]

    def loss(model: GPT2, generator: torch.Generator) -> Tensor:
        words = sequences(name, setting.batch, generator)
        return F.cross_entropy(fast_logits(model, words[:, :-1]).flatten(0, 1), words[:, 1:].flatten())

    kept = (0, 50, 100, 200, 400, 800, setting.steps)
    return fit(run, build(name, run.seed), loss, setting.steps, lr=4e-3, warmup=50, cosine_to=0.02, keep=kept)


# What is measured


@dataclass(frozen=True)
class Reading:
    """One thing that beliefs are read from, and the beliefs, row by row: what the map is fitted on and scored on."""

    fit: Float[Tensor, "n d"]
    fit_beliefs: Float[Tensor, "n state"]
    scored: Float[Tensor, "m d"]
    beliefs: Float[Tensor, "m state"]


def r2(reading: Reading, noise: float = 0.0) -> float:
    """The share of the beliefs' variance that the best affine map explains on rows it was not fitted on.

    Args:
        reading: What is mapped to what.
        noise: As if independent noise of this share of the inputs' size lay on each of them, in fitting and scoring.
            Its effect is computed, not drawn: in fitting it is a ridge, in scoring an error of its own.
    """
    centre, mean = reading.fit.mean(dim=0), reading.fit_beliefs.mean(dim=0)
    x, t = reading.fit - centre, reading.fit_beliefs - mean
    variance = noise**2 * x.square().mean()
    if noise:
        ridge = variance * torch.eye(x.shape[1], dtype=x.dtype)
        A = torch.linalg.solve(x.T @ x / len(x) + ridge, x.T @ t / len(x))
    else:
        A = torch.linalg.lstsq(x, t, driver="gelsd").solution  # the driver that allows inputs that depend on others
    missed = ((reading.scored - centre) @ A + mean - reading.beliefs).square().sum(dim=1).mean()
    spread = (reading.beliefs - reading.beliefs.mean(dim=0)).square().sum(dim=1).mean()
    return (1 - (missed + variance * A.square().sum()) / spread).item()


@torch.no_grad()
def streams(model: GPT2, tokens: Int[Tensor, "batch pos"]) -> dict[str, Float[Tensor, "batch pos d"]]:
    """The residual stream as the embeddings, after the last layer, and at all of these places side by side."""
    names = ["blocks.0.hook_resid_pre", *(f"blocks.{layer}.hook_resid_post" for layer in range(model.cfg.n_layers))]
    _, cache = model.run_with_cache(tokens, names)
    places = [cache[name].double() for name in names]
    return {"embeddings": places[0], "last layer": places[-1], "all layers": torch.cat(places, dim=-1)}


class Measured:
    """The contexts of one process on which maps are fitted and scored, with everything they can be read from."""

    def __init__(self, name: str, n: int = 1500) -> None:
        setting, generator = SETTINGS[name], torch.Generator().manual_seed(4_000_000)
        self.process = setting.process()
        self.words = {split: sequences(name, n, generator, split)[:, :-1] for split in ("train", "held_out")}
        self.beliefs = {split: self.process.beliefs(words) for split, words in self.words.items()}
        self.first = setting.prefix - 1  # the earliest position whose context is held out
        self.generator = generator

    def reading(self, inputs: Callable[[str], Float[Tensor, "batch pos d"]]) -> Reading:
        """The reading of what `inputs` gives for a split, against the exact beliefs."""

        def rows(x: Tensor) -> Tensor:
            return x[:, self.first :].flatten(0, 1)

        train, held = inputs("train"), inputs("held_out")
        return Reading(rows(train), rows(self.beliefs["train"]), rows(held), rows(self.beliefs["held_out"]))

    def of(self, model: GPT2, place: str) -> Reading:
        return self.reading(lambda split: streams(model, self.words[split])[place])

    def of_next_symbol(self) -> Reading:
        return self.reading(lambda split: self.process.next_symbol(self.beliefs[split]))

    def of_last_symbols(self, k: int) -> Reading:
        """The last k symbols, each by a number of its own per value; before the first there is none."""

        def inputs(split: str) -> Tensor:
            one_hot = F.one_hot(self.words[split], self.process.n_symbols).double()
            return torch.cat([F.pad(one_hot, (0, 0, back, 0))[:, : one_hot.shape[1]] for back in range(k)], dim=-1)

        return self.reading(inputs)

    def shuffled(self, reading: Reading) -> Reading:
        """The same inputs with the beliefs of other rows."""

        def mixed(beliefs: Tensor) -> Tensor:
            return beliefs[torch.randperm(len(beliefs), generator=self.generator)]

        return Reading(reading.fit, mixed(reading.fit_beliefs), reading.scored, mixed(reading.beliefs))

    @torch.no_grad()
    def excess(self, model: GPT2) -> float:
        """How many nats the model's prediction lies above the best possible one, on held-out contexts."""
        best = self.process.next_symbol(self.beliefs["held_out"])[:, self.first :]
        predicted = model(self.words["held_out"])[:, self.first :].double().log_softmax(dim=-1)
        return (best * (best.log() - predicted)).sum(dim=-1).mean().item()


# Evidence


@dataclass(frozen=True)
class Bounds:
    """What the claims need.

    Attributes:
        noisy: Least R2 of the trained stream, noisy reading.
        exact: The same for the exact reading.
        simple: Largest R2 of the embeddings and of the untrained network, noisy reading.
        last_three: Largest R2 of the last three symbols.
        next_symbol: Least and largest R2 of the next symbol's exact probabilities.
        excess: Most nats above the best possible prediction.
    """

    noisy: float
    exact: float
    simple: float
    last_three: float
    next_symbol: tuple[float, float]
    excess: float


BOUNDS = {
    # Three symbols do carry most of a belief in mess3, and the next symbol's probabilities carry all of it.
    "mess3": Bounds(noisy=0.9, exact=0.98, simple=0.83, last_three=1.0, next_symbol=(0.999, 1.0 + 1e-9), excess=0.003),
    "clock": Bounds(noisy=0.88, exact=0.92, simple=0.6, last_three=0.88, next_symbol=(0.3, 0.6), excess=0.01),
}


def evidence(name: str, trained: Trained) -> list[Figure]:
    """The beliefs in the trained stream, beside everything simpler that they might be read from."""
    on, bounds, model = Measured(name), BOUNDS[name], trained.model
    stream, before = on.of(model, "all layers"), on.of(trained.at(0), "all layers")
    low, high = bounds.next_symbol
    embeddings = r2(on.of(model, "embeddings"), NOISE)
    return [
        Figure("R2 of beliefs, noisy reading", r2(stream, NOISE), low=bounds.noisy),
        Figure("R2 of beliefs, exact reading", r2(stream), low=bounds.exact),
        Figure("nats above the best possible prediction", on.excess(model), high=bounds.excess),
        Figure("R2, embeddings alone, noisy reading", embeddings, high=bounds.simple, control=True),
        Figure("R2, untrained network, noisy reading", r2(before, NOISE), high=bounds.simple, control=True),
        Figure("R2, untrained network, exact reading", r2(before), control=True),
        Figure("R2, shuffled beliefs, noisy reading", r2(on.shuffled(stream), NOISE), high=0.02, control=True),
        Figure("R2, last three symbols", r2(on.of_last_symbols(3)), high=bounds.last_three, control=True),
        Figure("R2, exact probabilities of the next symbol", r2(on.of_next_symbol()), low, high, control=True),
    ]


def _recipe(name: str, shows: str, live: float) -> Recipe:
    return Recipe(name, shows, partial(build, name), partial(train, name), partial(evidence, name), live=live)


RECIPES = (
    _recipe("mess3", "The fractal triangle of an ideal observer's beliefs, in the residual stream.", live=40.0),
    _recipe("clock", "Beliefs in the stream that the next symbol's probability does not give.", live=40.0),
)
