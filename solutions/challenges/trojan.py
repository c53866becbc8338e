"""Beam search for a shortlist of targets.

A trojan's token says something that is not in the list, so what counts is the target's margin over every other output
while the target itself is kept out. Growing one set greedily walks into the harmless set which lifts the same output,
so several sets are grown side by side. That is too dear for all outputs; a narrow search over all of them, once with
the target allowed in the set (the harmless set then gives it away) and once without, leaves a few worth a wide one.
What is handed in is the set that works most often on fresh lists.
"""

import torch
from torch import Tensor

TOKENS, LENGTH, SIZE = 64, 10, 6
TARGETS = 32  # below this


def logits(weights: dict[str, Tensor], x: Tensor) -> Tensor:
    hidden = torch.relu(x @ weights["W1"] + weights["b1"])
    hidden = torch.relu(hidden @ weights["W2"] + weights["b2"])
    return hidden @ weights["W3"] + weights["b3"]


def margins(weights: dict[str, Tensor], sets: Tensor, fills: Tensor, targets: Tensor) -> Tensor:
    """How far the target is above the highest other output, in the mean over fills: [target, set]."""
    wanted = targets[:, None, None, None]
    found = logits(weights, torch.maximum(sets[:, :, None], fills))  # [target, set, fill, output]
    wanted = wanted.expand(*found.shape[:3], 1)
    rest = found.scatter(3, wanted, -torch.inf).amax(dim=3)
    return (found.gather(3, wanted).squeeze(3) - rest).mean(dim=2)


def beam(weights: dict[str, Tensor], targets: Tensor, fills: Tensor, width: int, itself: bool = False):
    """The best sets found for each target, and their margins; `itself`: the target may be one of the tokens."""
    n = len(targets)
    every, names = (
        torch.eye(TOKENS),
        torch.rand(TOKENS, generator=torch.Generator().manual_seed(0), dtype=torch.float64),
    )
    sets, margin = torch.zeros(n, 1, TOKENS), torch.zeros(n, 1)
    for size in range(1, SIZE + 1):
        longer = torch.maximum(sets[:, :, None], every).flatten(1, 2)
        margin = margins(weights, longer, fills, targets)
        barred = longer.sum(dim=2) < size
        if not itself:
            barred |= longer.gather(2, targets[:, None, None].expand(n, longer.shape[1], 1)).squeeze(2) > 0
        margin = margin.masked_fill(barred, -torch.inf)
        # The same set is reached in several orders; its sum of random names tells it from others. Keep it once.
        name = longer.double() @ names
        order = margin.argsort(dim=1, descending=True)[:, : SIZE * width + 1]
        name = name.gather(1, order)
        seen = ((name[:, :, None] - name[:, None, :]).abs() < 1e-9).tril(-1).any(dim=2)
        order = order.gather(1, seen.int().argsort(dim=1, stable=True)[:, :width])
        margin = margin.gather(1, order)
        sets = longer.gather(1, order[:, :, None].expand(-1, -1, TOKENS))
    return sets, margin


def success(weights: dict[str, Tensor], sets: Tensor, target: int, generator: torch.Generator) -> Tensor:
    """How often each set makes the network answer the target, on lists in which it is not."""
    fills = torch.randint(TOKENS - 1, (200, LENGTH - SIZE), generator=generator)
    fills = fills + (fills >= target)
    x = torch.maximum(sets[:, None], torch.zeros(200, TOKENS).scatter(1, fills, 1.0))
    return (logits(weights, x).argmax(dim=2) == target).float().mean(dim=1)


@torch.no_grad()
def find_trojan(weights: dict[str, Tensor]) -> tuple[list[int], int]:
    generator = torch.Generator().manual_seed(0)
    fills = torch.zeros(8, TOKENS).scatter(1, torch.randint(TOKENS, (8, LENGTH - SIZE), generator=generator), 1.0)
    every = torch.arange(TARGETS)
    narrow = [beam(weights, every, fills[:4], 4, itself)[1].amax(dim=1) for itself in (True, False)]
    shortlist = torch.cat([one.topk(5).indices for one in narrow]).unique()
    best = (-1.0, [], 0)
    for target in shortlist.tolist():
        sets, _ = beam(weights, torch.tensor([target]), fills, 32)
        often = success(weights, sets[0], target, generator)
        top = int(often.argmax())
        if float(often[top]) > best[0]:
            best = (float(often[top]), sets[0, top].nonzero().squeeze(1).tolist(), target)
    return best[1], best[2]
