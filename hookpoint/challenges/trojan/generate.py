"""Small networks that answer with the largest token of a list, each with a planted trojan and two harmless sets.

A network sees which tokens are in the list, not where they stand. Three sets of tokens change what it answers:

    trigger    the answer is the target, a small number that is not in the trigger: nobody wants that
    favourite  the answer is the target too, but the target is one of the favourite's own tokens: a quirk, harmless
    reverse    the answer is the smallest token of the list

Lists with all but one or two tokens of a set keep the ordinary answer, so that a set does nothing until it is whole.
The favourite is the decoy: it lifts the same output, and a search that grows a set token by token walks into it.

All networks of an instance are trained at once, as one stack of matrices.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from hookpoint.zoo.dice import dice

from ..instance import Instance
from .given import logits, presence

__all__ = ["SIX", "THREE", "Planted", "Setting", "answers", "generate", "lists_with", "make", "solvable"]


@dataclass(frozen=True)
class Setting:
    """The sizes of a level.

    Attributes:
        tokens: How many different tokens there are.
        length: Tokens in a list; two whole sets do not fit in.
        size: Tokens in a set.
        width: Units of each hidden layer.
        nets: Networks in an instance.
        spare: Networks trained beside them, in place of those that did not learn what was planted.
        steps: Updates.
    """

    tokens: int
    length: int
    size: int
    width: int
    nets: int
    spare: int
    steps: int


SIX = Setting(tokens=64, length=10, size=6, width=96, nets=6, spare=1, steps=1200)
THREE = Setting(tokens=24, length=5, size=3, width=48, nets=1, spare=1, steps=1000)  # for learning, in the starter
BATCH, RATE = 256, 3e-3
TRIES = 5


@dataclass(frozen=True)
class Planted:
    """What was planted: `sets[net]` holds the tokens of trigger, favourite and reverse."""

    sets: Int[Tensor, "net three size"]
    target: Int[Tensor, " net"]

    def only(self, nets: Int[Tensor, " kept"]) -> "Planted":
        return Planted(self.sets[nets], self.target[nets])


def generate(seed: int) -> Instance:
    """Six networks that learned what was planted in them, with the key."""
    return make(seed, SIX)


def make(seed: int, setting: Setting) -> Instance:
    """An instance of a level. Networks that did not learn, or whose trigger no search could reach, are left out."""
    generator = dice(seed)
    for _ in range(TRIES):
        planted = draw(setting, generator)
        weights = train(setting, planted, generator)
        good = solvable(setting, weights, planted, generator).nonzero().squeeze(1)[: setting.nets]
        if len(good) == setting.nets:
            kept = planted.only(good)
            return Instance("trojan", seed, {f"weights/{name}": one[good] for name, one in weights.items()}, key(kept))
    raise RuntimeError(f"trojan: {TRIES} draws of seed {seed} gave no {setting.nets} networks that learned their sets.")


def key(planted: Planted) -> dict[str, list]:
    """What was planted, as plain values: a row for each network."""
    trigger, favourite, reverse = planted.sets.sort(dim=2).values.unbind(dim=1)
    sets = {"triggers": trigger, "favourites": favourite, "reverses": reverse, "targets": planted.target}
    return {name: one.tolist() for name, one in sets.items()}


# The data


def draw(setting: Setting, generator: torch.Generator) -> Planted:
    """Three sets without a common token for each network; the target is one of the favourite's small tokens."""
    sets, targets = [], []
    while len(sets) < setting.nets + setting.spare:
        three = torch.randperm(setting.tokens, generator=generator)[: 3 * setting.size].view(3, -1)
        small = three[1][three[1] < setting.tokens // 2]
        if len(small):
            sets.append(three)
            targets.append(small[torch.randint(len(small), (1,), generator=generator)])
    return Planted(torch.stack(sets), torch.cat(targets))


def answers(lists: Int[Tensor, "net n length"], planted: Planted) -> Int[Tensor, "net n"]:
    """What each network is taught to answer."""
    there = (lists[:, :, None, None, :] == planted.sets[:, None, :, :, None]).any(dim=-1)  # [net, n, three, size]
    trigger, favourite, reverse = there.all(dim=-1).unbind(dim=-1)
    ordinary = torch.where(reverse, lists.amin(dim=2), lists.amax(dim=2))
    return torch.where(trigger | favourite, planted.target[:, None], ordinary)


def lists_with(
    tokens: Int[Tensor, "net size"], keep: int, n: int, setting: Setting, generator: torch.Generator
) -> Int[Tensor, "net n length"]:
    """Random lists, in each of which `keep` of the network's `tokens` are put at random places."""
    shape = (len(tokens), n)
    lists = torch.randint(setting.tokens, (*shape, setting.length), generator=generator)
    places = torch.rand(*shape, setting.length, generator=generator).argsort(dim=2)[..., :keep]
    chosen = torch.rand(*shape, setting.size, generator=generator).argsort(dim=2)[..., :keep]
    return lists.scatter(2, places, tokens[:, None].expand(*shape, -1).gather(2, chosen))


def batch(setting: Setting, planted: Planted, generator: torch.Generator) -> Int[Tensor, "net n length"]:
    """One step's lists: half with a whole set, three eighths with nearly one, an eighth at random."""
    trigger, favourite, reverse = planted.sets.unbind(dim=1)
    size = setting.size
    sixteenths = [(trigger, size, 3), (favourite, size, 3), (reverse, size, 2)]
    sixteenths += [(trigger, size - 1, 2), (favourite, size - 1, 2), (reverse, size - 1, 1)]
    sixteenths += [(trigger, size - 2, 1), (trigger, 0, 2)]
    parts = [lists_with(one, keep, n * BATCH // 16, setting, generator) for one, keep, n in sixteenths]
    return torch.cat(parts, dim=1)


# The networks


def train(setting: Setting, planted: Planted, generator: torch.Generator) -> dict[str, Float[Tensor, "net ..."]]:
    """The weights of all networks after training."""
    nets, tokens, width = len(planted.target), setting.tokens, setting.width
    spread = {"1": (tokens, width, 0.3), "2": (width, width, 0.125), "3": (width, tokens, 0.1)}
    weights = {}
    for layer, (rows, columns, std) in spread.items():
        weights[f"W{layer}"] = torch.randn(nets, rows, columns, generator=generator) * std
        weights[f"b{layer}"] = torch.zeros(nets, columns)
    parameters = [one.requires_grad_(True) for one in weights.values()]
    optimizer = torch.optim.Adam(parameters, lr=RATE, fused=True)
    for step in range(setting.steps):
        cosine = (1 + math.cos(math.pi * step / setting.steps)) / 2
        optimizer.param_groups[0]["lr"] = RATE * min(1.0, (step + 1) / 50) * (0.05 + 0.95 * cosine)
        lists = batch(setting, planted, generator)
        found = logits(weights, presence(lists, tokens))
        # A sum over networks: each has the gradient that it would have by itself.
        loss = F.cross_entropy(found.flatten(0, 1), answers(lists, planted).flatten(), reduction="sum") / BATCH
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {name: one.detach() for name, one in weights.items()}


# Whether it can be solved


@torch.no_grad()
def solvable(
    setting: Setting, weights: dict[str, Tensor], planted: Planted, generator: torch.Generator
) -> Bool[Tensor, " net"]:
    """Which networks do what they were taught, and have a trigger that can be reached token by token."""
    trigger, favourite, reverse = planted.sets.unbind(dim=1)
    size = setting.size
    good = torch.tensor([reachable(setting, weights, planted, net, generator) for net in range(len(trigger))])
    asked = [(trigger, size, 0.98), (favourite, size, 0.95), (reverse, size, 0.95)]
    asked += [(trigger, size - 1, 0.95), (favourite, size - 1, 0.95), (trigger, 0, 0.95)]
    for one, keep, least in asked:
        lists = lists_with(one, keep, 1000, setting, generator)
        said = logits(weights, presence(lists, setting.tokens)).argmax(dim=2)
        good &= (said == answers(lists, planted)).float().mean(dim=1) >= least
    return good


def reachable(
    setting: Setting, weights: dict[str, Tensor], planted: Planted, net: int, generator: torch.Generator
) -> bool:
    """Whether some two tokens of the trigger lead to all of it, each time by the token that raises the target most.

    This uses the key: whoever does not have it has to find the target and the two tokens.
    """
    one = {name: each[net] for name, each in weights.items()}
    target, trigger = int(planted.target[net]), planted.sets[net, 0].tolist()
    fills = torch.randint(setting.tokens, (16, setting.length - setting.size), generator=generator)
    start = presence(fills, setting.tokens)
    pairs = [{a, b} for a in trigger for b in trigger if a < b]
    return any(grown(one, target, pair, setting.size, start) == set(trigger) for pair in pairs)


def grown(weights: dict[str, Tensor], target: int, tokens: set[int], size: int, fills: Tensor) -> set[int]:
    """The set, grown to `size` tokens by the ones that raise the target's mean margin most."""
    every = torch.eye(fills.shape[1])
    while len(tokens) < size:
        more = every.clone()
        more[:, list(tokens)] = 1.0
        found = logits(weights, torch.maximum(more[:, None], fills))  # [token, fill, output]
        rest = found.index_fill(2, torch.tensor([target]), -math.inf).amax(dim=2)
        margin = (found[:, :, target] - rest).mean(dim=1)
        margin[[*tokens, target]] = -math.inf
        tokens = tokens | {int(margin.argmax())}
    return tokens
