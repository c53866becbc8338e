"""Eight numbers put in order, one after the other.

Data: `sort_lists` in `zoo.data.lists`. Two layers of attention with LayerNorm and no MLP. After `=`, and after
each number that it has written, the model has to name the next larger one of the list: the smallest that is larger,
or the same again where it occurs twice.

To be found: at each place of the answer, a head of the last layer attends to the next number of the order and copies
it, so its attention from the answer to the list is the order of the list, seen as a picture.

Controls: a model that knows nothing but which number is most frequent at each rank; the list in the order in which it
came; attention of the same head spread evenly, which keeps everything about the model but where it looks. The head is
chosen on training lists and measured on lists of which no rearrangement was in training.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from hookpoint.model import GPT2, Config
from hookpoint.model.fast import fast_logits
from hookpoint.zoo.data.lists import SORT_EQUALS, SORT_LENGTH, sort_lists
from hookpoint.zoo.definition import Figure, Recipe, Trained
from hookpoint.zoo.fit import fit
from hookpoint.zoo.run import Run

UPDATES, BATCH = 1_400, 128
# The positions whose logits are the answer: `=` and all but the last number written.
WRITING = slice(SORT_LENGTH, 2 * SORT_LENGTH)


def build(seed: int | None = None) -> GPT2:
    """An untrained model: two layers of two heads, LayerNorm, no MLP."""
    cfg = Config(SORT_EQUALS + 1, 2 * SORT_LENGTH + 1, 64, 2, 2, 32, 64, init_range=0.1, attn_only=True)
    model = GPT2(cfg, seed)
    model.unembed.b_U.requires_grad_(False)
    return model


def train(run: Run) -> GPT2:
    """The trained model; only the sorted numbers count in the loss."""
    return fit(run, build(run.seed), _loss, UPDATES, lr=3e-3, weight_decay=0.01, warmup=50, cosine_to=0.05)


def _loss(model: GPT2, generator: torch.Generator) -> Tensor:
    lists = sort_lists(BATCH, generator)
    return F.cross_entropy(fast_logits(model, lists)[:, WRITING].flatten(0, 1), answers(lists).flatten())


def answers(lists: Int[Tensor, "n 17"]) -> Int[Tensor, "n 8"]:
    """The right answers: the numbers in ascending order."""
    return lists[:, SORT_LENGTH + 1 :]


# What is measured


def attention_on_next(pattern: Float[Tensor, "n query key"], lists: Int[Tensor, "n 17"]) -> float:
    """The mean attention from where a number is written to the places of the list where that number stands."""
    to_list = pattern[:, WRITING, :SORT_LENGTH]
    is_next = lists[:, None, :SORT_LENGTH] == answers(lists)[:, :, None]
    return (to_list * is_next).sum(dim=2).mean().item()


@torch.no_grad()
def sorting_head(model: GPT2) -> tuple[int, int]:
    """The layer and the number of the head that attends most to the next number, on lists of the training split."""
    lists = sort_lists(1000, torch.Generator().manual_seed(1_000_001))
    _, cache = model.run_with_cache(lists, lambda name: name.endswith("hook_pattern"))
    heads = [(layer, head) for layer in range(model.cfg.n_layers) for head in range(model.cfg.n_heads)]
    return max(heads, key=lambda at: attention_on_next(cache[f"blocks.{at[0]}.attn.hook_pattern"][:, at[1]], lists))


def solved(logits: Float[Tensor, "n pos token"], lists: Int[Tensor, "n 17"]) -> float:
    """The share of the lists whose every number is right.

    The numbers before are given rather than the model's own, which is the same thing here: both agree up to the first
    mistake, and one mistake is enough.
    """
    return (logits[:, WRITING].argmax(dim=2) == answers(lists)).all(dim=1).float().mean().item()


@torch.no_grad()
def evidence(trained: Trained) -> list[Figure]:
    """Whole lists in order, and the head that looks up the next number, each beside its control."""
    model = trained.model
    lists = sort_lists(2000, torch.Generator().manual_seed(1_000_000), "held_out")
    layer, head = sorting_head(model)
    name = f"blocks.{layer}.attn.hook_pattern"
    logits, cache = model.run_with_cache(lists, name)
    even = _evenly(cache[name])

    def spread(act: Tensor, hook: object) -> Tensor:
        return torch.cat([act[:, :head], even[:, head : head + 1], act[:, head + 1 :]], dim=1)

    given = lists[:, :SORT_LENGTH] == answers(lists)
    guess = answers(sort_lists(5000, torch.Generator().manual_seed(1_000_001))).mode(dim=0).values
    guessed = answers(lists) == guess
    return [
        Figure("held-out lists that are right as a whole", solved(logits, lists), low=0.97),
        Figure("the same for the list as it came", _all_right(given), high=0.01, control=True),
        Figure("numbers right by their rank alone", guessed.float().mean().item(), high=0.3, control=True),
        Figure("layer of the sorting head, from 0", layer, low=1),
        Figure("attention of the sorting head on the next number", attention_on_next(cache[name][:, head], lists), 0.5),
        Figure("the same if spread evenly", attention_on_next(even[:, head], lists), high=0.25, control=True),
        Figure(
            "whole lists right with that head's attention spread evenly",
            solved(model.run_with_hooks(lists, [(name, spread)]), lists),
            high=0.6,
            control=True,
        ),
    ]


def _evenly(pattern: Float[Tensor, "n head query key"]) -> Float[Tensor, "n head query key"]:
    """Attention from each position to itself and all before it in equal parts."""
    allowed = torch.ones_like(pattern).tril()
    return allowed / allowed.sum(dim=-1, keepdim=True)


def _all_right(flags: Tensor) -> float:
    return flags.all(dim=1).float().mean().item()


RECIPES = (
    Recipe(
        name="sort_list",
        shows="Eight numbers put in order: a head that attends to the next number of the order.",
        build=build,
        train=train,
        evidence=evidence,
    ),
)
