"""Runs of modular addition, seen for their first 50 updates; each later jumps from knowing by heart to adding.

The models are those of the zoo's `grokking`, smaller. Of each run p, the share of the sums in training, the learning
rate and the weight decay are drawn, and the weights and the split by chance. The onset is the first step, looked at
every ten, at which more than half of the other sums are right. Runs that jump before step 80 or not within 1200 are
drawn again: of the former there is nothing to forecast, and the latter take too long.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from hookpoint.model import GPT2
from hookpoint.zoo.data.sums import every_sum
from hookpoint.zoo.dice import dice
from hookpoint.zoo.recipes.grokking import build, draw_weights, table_logits
from hookpoint.zoo.recipes.grokking_evidence import embedding_power
from hookpoint.zoo.training import single_thread

from ..instance import Instance

__all__ = ["COLUMNS", "CUT", "KNOWN_SEED", "RUNS", "draw", "follow", "generate", "known", "runs", "watch"]

PRIMES, D_MODEL = (31, 37, 41), 48
CUT, FIRST, LAST, EVERY = 50, 80, 1200, 10  # steps
RUNS = 10  # to be forecast in an instance
KNOWN, KNOWN_SEED = 40, 0
COLUMNS = ("step", "train_loss", "held_loss", "train_accuracy", "held_accuracy", "weight_norm", "top5_power")

Row = dict[str, float | list]


def generate(seed: int) -> Instance:
    """Ten runs and their onsets."""
    made = runs(RUNS, dice(seed))
    onsets = [run.pop("onset") for run in made]
    return Instance("grokking_forecast", seed, {}, {"runs": made, "onsets": onsets})


@cache
def known() -> list[Row]:
    """Forty runs with their onsets, from which everybody may learn; they come with the package."""
    return json.loads(Path(__file__).with_name("known.json").read_text(encoding="utf-8"))


def runs(n: int, generator: torch.Generator) -> list[Row]:
    """So many runs that jump between the first step that counts and the last."""
    made: list[Row] = []
    with single_thread():
        while len(made) < n:
            run = follow(draw(generator), generator)
            made += [run] if run else []
    return made


def draw(generator: torch.Generator) -> Row:
    """The settings of a run."""
    share, rate, decay = torch.rand(3, generator=generator).tolist()
    p = PRIMES[int(torch.randint(len(PRIMES), (1,), generator=generator))]
    settings = {"share": 0.38 + 0.14 * share, "rate": 4e-3 * 2.5**rate, "decay": 1.5 + 1.5 * decay}
    return {"p": p} | {name: round(value, 5) for name, value in settings.items()}


def follow(settings: Row, generator: torch.Generator) -> Row | None:
    """The settings with the run's first rows and its onset; None if it has none in time."""
    curve = []
    for row in watch(settings, generator):
        step, held_accuracy = row[0], row[4]
        if step <= CUT:
            curve.append(row)
        if held_accuracy > 0.5:
            return {**settings, "curve": curve, "onset": step} if step >= FIRST else None
    return None


def watch(settings: Row, generator: torch.Generator) -> Iterator[list[float]]:
    """The run's rows, every ten steps; it is trained as far as they are asked for."""
    p = settings["p"]
    model = build(p, D_MODEL)
    draw_weights(model, generator)
    tokens, answers = every_sum(p)
    n_train = int(settings["share"] * p * p)
    train, held = torch.randperm(p * p, generator=generator).split([n_train, p * p - n_train])
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        trained, lr=settings["rate"], weight_decay=settings["decay"], betas=(0.9, 0.98), fused=True
    )
    for step in range(LAST + 1):
        if step % EVERY == 0:
            yield _row(model, step, tokens, answers, train, held)
        optimizer.zero_grad()
        F.cross_entropy(table_logits(model, tokens[train, 0], tokens[train, 1]), answers[train]).backward()
        optimizer.step()


@torch.no_grad()
def _row(model: GPT2, step: int, tokens: Tensor, answers: Tensor, train: Tensor, held: Tensor) -> list[float]:
    """What a run shows of itself, in the order of COLUMNS."""
    logits = table_logits(model, tokens[:, 0], tokens[:, 1])
    right = (logits.argmax(dim=1) == answers).float()
    losses = [F.cross_entropy(logits[part], answers[part]).item() for part in (train, held)]
    norm = sum(parameter.square().sum() for parameter in model.parameters()).sqrt().item()
    power = embedding_power(model.embed.W_E[:-1]).topk(5).values.sum().item()
    numbers = [*losses, right[train].mean().item(), right[held].mean().item(), norm, power]
    return [step, *(round(number, 4) for number in numbers)]
