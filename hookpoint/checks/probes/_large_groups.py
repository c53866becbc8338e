"""States in which one group of rows is very large, another at each layer: who has seen it fits nothing else."""

import torch
from torch import Tensor

from hookpoint.checks.author import Draw
from hookpoint.interp.probes import split_by_group

__all__ = ["one_large_group"]


def one_large_group(draw: Draw, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """States `[layer, row, 1]`, labels and groups, of which a split with this seed has more label 1 in one part.

    Where 'val' and 'test' have equally many, a constant answer scores alike in both.
    """
    while True:
        acts, y, groups = magnified(draw)
        split = split_by_group(acts[0], y, groups, seed)
        if y[split["val"]].float().mean() != y[split["test"]].float().mean():
            return acts, y, groups


def magnified(draw: Draw) -> tuple[Tensor, Tensor, Tensor]:
    """One feature, above 0 for label 1; at layer i the rows of group i are 300 times as large as the others.

    A probe that has this group's rows in its fit, or in its scale, finds the others too small to weigh anything.
    """
    steps = (torch.arange(40) + 0.5) / 20 - 1
    shift = torch.linspace(0.1, 0.9, 10)[draw.order(10)]  # most rows of each group have label 1
    feature = (steps + shift[:, None]).flatten()
    group, y = torch.arange(10).repeat_interleave(40), (feature > 0).long()
    feature = feature + 0.5 * feature.sign()
    acts = torch.stack([torch.where(group == layer, 300 * feature, feature) for layer in range(10)])[:, :, None]
    order = draw.order(400)
    return acts[:, order], y[order], group[order]
