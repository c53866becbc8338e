"""The largest of ten numbers, by a single attention head.

Data: `max_lists` in `zoo.data.lists`. The model has one layer, one head and no MLP, so the whole algorithm is two
tables: what `=` looks for among the numbers (QK), and what looking at a number does to the logits (OV).

To be found: attention from `=` goes to the largest number, because the score that a number gets grows with its value;
and the OV table copies, each number raising its own logit most.

Controls: always guessing the most frequent largest number, or the last number of the list; and where attention would
be if it were spread evenly. The evidence is measured on lists of which no rearrangement was in training.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from hookpoint.model import GPT2, Config
from hookpoint.model.fast import fast_logits
from hookpoint.zoo.data.lists import MAX_EQUALS, MAX_LENGTH, MAX_NUMBERS, max_lists
from hookpoint.zoo.definition import Figure, Recipe, Trained
from hookpoint.zoo.fit import fit
from hookpoint.zoo.run import Run

UPDATES, BATCH = 800, 128


def build(seed: int | None = None) -> GPT2:
    """An untrained model: one layer, one head of 32 dimensions, LayerNorm, no MLP."""
    model = GPT2(Config(MAX_EQUALS + 1, MAX_LENGTH + 1, 32, 1, 1, 32, 32, init_range=0.1, attn_only=True), seed)
    model.unembed.b_U.requires_grad_(False)
    return model


def train(run: Run) -> GPT2:
    """The trained model; only the answer after `=` counts in the loss."""
    return fit(run, build(run.seed), _loss, UPDATES, lr=3e-3, weight_decay=0.01, warmup=50, cosine_to=0.05)


def _loss(model: GPT2, generator: torch.Generator) -> Tensor:
    lists = max_lists(BATCH, generator)
    return F.cross_entropy(fast_logits(model, lists)[:, -1], largest(lists))


def largest(lists: Int[Tensor, "n 11"]) -> Int[Tensor, " n"]:
    """The right answers."""
    return lists[:, :MAX_LENGTH].amax(dim=1)


# What is measured


def attention_on(
    pattern: Float[Tensor, "n query key"], lists: Int[Tensor, "n 11"], number: Int[Tensor, " n"]
) -> Float[Tensor, " n"]:
    """The attention from `=` on all places where the given number stands."""
    return (pattern[:, -1] * (lists == number[:, None])).sum(dim=1)


@torch.no_grad()
def score_by_number(model: GPT2) -> Float[Tensor, " number"]:
    """The score that `=` gives each number, averaged over the ten places: the QK circuit as one row."""
    numbers = torch.arange(MAX_NUMBERS)
    lists = torch.cat([numbers[:, None].expand(-1, MAX_LENGTH), torch.full((MAX_NUMBERS, 1), MAX_EQUALS)], dim=1)
    name = "blocks.0.attn.hook_attn_scores"
    _, cache = model.run_with_cache(lists, name)
    return cache[name][:, 0, -1, :MAX_LENGTH].mean(dim=1)


@torch.no_grad()
def logits_by_number(model: GPT2) -> Float[Tensor, "number logit"]:
    """The logits of the numbers when the head has nothing but one number before it: the OV circuit as a table."""
    numbers = torch.arange(MAX_NUMBERS)
    lists = torch.cat([numbers[:, None].expand(-1, MAX_LENGTH), torch.full((MAX_NUMBERS, 1), MAX_EQUALS)], dim=1)
    return model(lists)[:, -1, :MAX_NUMBERS]


def rank_correlation(numbers: Float[Tensor, " n"]) -> float:
    """Spearman's correlation of the numbers with their own order: 1 if each is larger than the one before it."""
    ranks = numbers.argsort().argsort().double()
    return torch.corrcoef(torch.stack([ranks, torch.arange(len(numbers)).double()]))[0, 1].item()


@torch.no_grad()
def evidence(trained: Trained) -> list[Figure]:
    """The answers, the head's pattern and both circuits, each beside what a guess would give."""
    model = trained.model
    lists = max_lists(4000, torch.Generator().manual_seed(1_000_000), "held_out")
    answer = largest(lists)
    logits, cache = model.run_with_cache(lists, "blocks.0.attn.hook_pattern")
    pattern = cache["blocks.0.attn.hook_pattern"][:, 0]
    second = lists[:, :MAX_LENGTH].masked_fill(lists[:, :MAX_LENGTH] == answer[:, None], -1).amax(dim=1)
    even = torch.full_like(pattern, 1 / (MAX_LENGTH + 1))
    spread = model.run_with_hooks(lists, [("blocks.0.attn.hook_pattern", lambda act, hook: even[:, None])])
    spread = spread[:, -1].argmax(dim=1)
    copied = logits_by_number(model).argmax(dim=1) == torch.arange(MAX_NUMBERS)
    return [
        Figure("accuracy on held-out lists", _share(logits[:, -1].argmax(dim=1) == answer), low=0.98),
        Figure("accuracy of the most frequent answer", _share(answer == answer.mode().values), high=0.1, control=True),
        Figure("accuracy of the last number", _share(lists[:, MAX_LENGTH - 1] == answer), high=0.25, control=True),
        Figure("attention from = on the largest number", _mean_on(pattern, lists, answer), low=0.6),
        Figure(
            "attention from = on the second largest number",
            _mean_on(pattern, lists, second),
            high=0.3,
            control=True,
        ),
        Figure("the same on the largest if spread evenly", _mean_on(even, lists, answer), high=0.25, control=True),
        Figure("accuracy with attention spread evenly", _share(spread == answer), high=0.5, control=True),
        Figure("rank correlation of score and number", rank_correlation(score_by_number(model)), low=0.9),
        Figure("share of numbers that the OV circuit copies", _share(copied), low=0.9),
    ]


def _mean_on(pattern: Tensor, lists: Tensor, number: Tensor) -> float:
    return attention_on(pattern, lists, number).mean().item()


def _share(flags: Tensor) -> float:
    return flags.float().mean().item()


RECIPES = (
    Recipe(
        name="max_of_list",
        shows="The largest of ten numbers by one head: attention that grows with the number, and copying.",
        build=build,
        train=train,
        evidence=evidence,
        live=10.0,
    ),
)
