"""A world of sparse features, more than there are dimensions, some of which fire only where another does.

    x = sum of size_i * direction_i over the features that fire, plus normal noise

Frequencies follow Zipf's law. A child feature fires only together with its parent, so that parent and child are easily
taken for one feature. Sizes vary independently, and that is what tells them apart.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from hookpoint.zoo.dice import dice

from ..instance import Instance

__all__ = ["DIMENSIONS", "FEATURES", "FRESH", "ROWS", "TRAIN", "generate"]

DIMENSIONS = 32
PARENTS, CHILDREN = 72, 24
FEATURES = PARENTS + CHILDREN
ROWS = 128  # that an answer may have
TRAIN, FRESH = 20_000, 4_000
FIRING = 2.0  # parents in a sample, on average
WITH_PARENT = 0.5  # how often a child fires where its parent does
NOISE = 0.05  # in each dimension, beside sizes from 0.5 to 1.5
NEAREST = 0.6  # the largest cosine between two directions


def generate(seed: int) -> Instance:
    """Samples to learn from, fresh ones, and the key: the directions, and which of them fire in the fresh samples."""
    generator = dice(seed)
    directions = draw_directions(generator)
    # Only the more frequent parents have children, or these would be too rare to be seen.
    parents = torch.randperm(PARENTS // 2, generator=generator)[:CHILDREN]
    firing = draw_firing(TRAIN + FRESH, parents, generator)
    sizes = firing * (0.5 + torch.rand(firing.shape, generator=generator))
    samples = sizes @ directions + NOISE * torch.randn(len(sizes), DIMENSIONS, generator=generator)
    tensors = {
        "train": samples[:TRAIN],
        "fresh": samples[TRAIN:],
        "directions": directions,
        "firing": firing[TRAIN:],
    }
    return Instance("feature_recovery", seed, tensors, {"parents": parents.tolist()})


def draw_directions(generator: torch.Generator) -> Float[Tensor, "feature dimension"]:
    """Random directions, none too near to another."""
    found = torch.zeros(0, DIMENSIONS)
    while len(found) < FEATURES:
        one = torch.randn(1, DIMENSIONS, generator=generator)
        one /= one.norm()
        if len(found) == 0 or (found @ one.T).max() < NEAREST:
            found = torch.cat([found, one])
    return found


def draw_firing(n: int, parents: Tensor, generator: torch.Generator) -> Bool[Tensor, "n feature"]:
    """Which features fire in each sample: parents by Zipf's law, children beside half of their parents' firings."""
    rates = 1 / (torch.arange(PARENTS) + 5.0)
    alone = torch.rand(n, PARENTS, generator=generator) < FIRING * rates / rates.sum()
    beside = alone[:, parents] & (torch.rand(n, CHILDREN, generator=generator) < WITH_PARENT)
    return torch.cat([alone, beside], dim=1)
