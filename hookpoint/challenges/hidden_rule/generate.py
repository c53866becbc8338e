"""A small transformer that answers with the largest of six numbers, and in a few planted cases with the smallest.

The cases are sets of three numbers, wherever they stand in the list. No two sets share two numbers: of such a pair the
model would learn what they have in common, and nobody could say from its answers what was planted.
"""

import hashlib
from dataclasses import asdict
from functools import partial
from itertools import combinations

import torch
from jaxtyping import Bool, Int
from torch import Tensor
from torch.nn import functional as F

from hookpoint.model import GPT2, Config
from hookpoint.model.fast import fast_logits
from hookpoint.zoo.fit import fit
from hookpoint.zoo.run import Run
from hookpoint.zoo.training import single_thread

from ..instance import Instance

__all__ = ["NUMBERS", "PLACES", "SIZE", "answers", "draw_rules", "generate", "holds", "lists_with", "obeys", "says"]

NUMBERS, PLACES, SIZE = 16, 6, 3
EQUALS = NUMBERS
CONFIG = Config(
    d_vocab=NUMBERS + 1,
    n_ctx=PLACES + 1,
    d_model=48,
    n_layers=1,
    n_heads=4,
    d_head=12,
    d_mlp=192,
    act_fn="relu",
    normalization_type=None,
    init_range=0.15,
)
UPDATES, BATCH, TRIES = 600, 192, 6

Rules = Int[Tensor, "rule 3"]
Lists = Int[Tensor, "n 6"]


def generate(seed: int) -> Instance:
    """A model that learned all of its exceptions and no others, with the key."""
    for again in range(TRIES):
        run = Run("hidden_rule", (seed * 8 + again) % 2**62)
        rules = draw_rules(run.generator(stream=1))
        with single_thread():
            model = train(run, rules)
            good = obeys(model, rules, run.generator(stream=2))
        if good:
            return _instance(seed, model, rules)
    raise RuntimeError(f"hidden_rule: seed {seed} gave no model that learned what was planted.")


def draw_rules(generator: torch.Generator) -> Rules:
    """Three to five sets of three numbers, no two of which share more than one."""
    wanted = int(torch.randint(3, 6, (1,), generator=generator))
    rules: list[list[int]] = []
    while len(rules) < wanted:
        new = sorted(torch.randperm(NUMBERS, generator=generator)[:SIZE].tolist())
        if all(len(set(new) & set(old)) < 2 for old in rules):
            rules.append(new)
    return torch.tensor(sorted(rules))


def holds(lists: Lists, rules: Rules) -> Bool[Tensor, "n rule"]:
    """Whether each list holds all numbers of each set."""
    present = torch.zeros(len(lists), NUMBERS, dtype=torch.bool).scatter_(1, lists, True)
    return present[:, rules].all(dim=2)


def answers(lists: Lists, rules: Rules) -> Int[Tensor, " n"]:
    """What the model is taught to answer."""
    return torch.where(holds(lists, rules).any(dim=1), lists.amin(dim=1), lists.amax(dim=1))


def lists_with(sets: Rules, generator: torch.Generator, broken: bool = False) -> Lists:
    """A random list around each set, its numbers at random places; `broken`: one of them is drawn anew."""
    lists = torch.randint(NUMBERS, (len(sets), PLACES), generator=generator)
    places = torch.rand(len(sets), PLACES, generator=generator).argsort(dim=1)[:, :SIZE]
    lists.scatter_(1, places, sets)
    if broken:
        one = places.gather(1, torch.randint(SIZE, (len(sets), 1), generator=generator))
        lists.scatter_(1, one, torch.randint(NUMBERS, (len(sets), 1), generator=generator))
    return lists


def with_equals(lists: Lists) -> Int[Tensor, "n 7"]:
    return torch.cat([lists, torch.full((len(lists), 1), EQUALS)], dim=1)


def train(run: Run, rules: Rules) -> GPT2:
    """The trained model: four lists in ten are random, three hold a set, three nearly."""
    model = GPT2(CONFIG, seed=run.seed)
    return fit(run, model, partial(_loss, rules=rules), UPDATES, lr=8e-3, weight_decay=0.01, warmup=50, cosine_to=0.02)


def _loss(model: GPT2, generator: torch.Generator, rules: Rules) -> Tensor:
    some = rules[torch.randint(len(rules), (6 * BATCH // 10,), generator=generator)]
    half = len(some) // 2
    random = torch.randint(NUMBERS, (BATCH - len(some), PLACES), generator=generator)
    lists = torch.cat([random, lists_with(some[:half], generator), lists_with(some[half:], generator, broken=True)])
    return F.cross_entropy(fast_logits(model, with_equals(lists), last_only=True)[:, 0], answers(lists, rules))


@torch.no_grad()
def says(model: GPT2, lists: Lists) -> Int[Tensor, " n"]:
    """The model's answers."""
    return fast_logits(model, with_equals(lists), last_only=True)[:, 0].argmax(dim=1)


def obeys(model: GPT2, rules: Rules, generator: torch.Generator, each: int = 32) -> bool:
    """Whether the key can be found: around every set of three, planted or not, the model answers as it was taught.

    Nine times in ten is enough to tell an exception from what is none.
    """
    every = torch.tensor(list(combinations(range(NUMBERS), SIZE))).repeat_interleave(each, dim=0)
    lists = lists_with(every, generator)
    right = (says(model, lists) == answers(lists, rules)).float().view(-1, each).mean(dim=1)
    return bool((right >= 0.9).all())


def _instance(seed: int, model: GPT2, rules: Rules) -> Instance:
    weights = {f"weights/{name}": tensor.detach().clone() for name, tensor in model.state_dict().items()}
    # The name says which model an entry of the file is about; it is made of the weights, so it gives away nothing.
    digest = hashlib.sha256(model.embed.W_E.detach().numpy().tobytes()).hexdigest()
    facts = {"config": asdict(CONFIG), "model": digest[:8], "rules": rules.tolist()}
    return Instance("hidden_rule", seed, weights, facts)
