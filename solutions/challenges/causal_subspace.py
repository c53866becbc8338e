"""Alignment search: the basis is trained through the swap that it is scored by.

A subspace is where the network's s is if exchanging it exchanges s. That test can be differentiated, so the basis is
found by gradient descent on it, orthonormal at each step by a QR decomposition. How many dimensions s takes is not
known: two, three and four are tried from two random beginnings each, and the choice is made on pairs kept aside, by
what the score would say.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

FACTORS = {2: 0.98, 3: 0.96, 4: 0.94}


def site(weights: dict[str, Tensor], x: Tensor) -> Tensor:
    h = weights["E"][torch.arange(4), x].sum(dim=1)
    return h + torch.relu(h @ weights["A_in"] + weights["a"]) @ weights["A_out"]


def rest(weights: dict[str, Tensor], h: Tensor) -> Tensor:
    return (h + torch.relu(h @ weights["B_in"] + weights["b"]) @ weights["B_out"]) @ weights["U"]


class Pairs:
    """Bases, sources and the answers that the swap should give."""

    def __init__(self, weights: dict[str, Tensor], tables: dict[str, Tensor], n: int, generator: torch.Generator):
        x, y = torch.randint(7, (2, n, 4), generator=generator)
        self.base, self.source = site(weights, x), site(weights, y)
        self.wanted = tables["answer"][tables["s"][y[:, 0], y[:, 1]], tables["u"][x[:, 2], x[:, 3]]]

    def logits(self, weights: dict[str, Tensor], basis: Tensor, some: Tensor | slice = slice(None)) -> Tensor:
        base, source = self.base[some], self.source[some]
        return rest(weights, base + (source - base) @ basis @ basis.T)


def search(weights: dict[str, Tensor], pairs: Pairs, k: int, generator: torch.Generator, steps: int = 500) -> Tensor:
    """A basis of k dimensions, trained through the swap."""
    raw = torch.randn(48, k, generator=generator).requires_grad_(True)
    optimizer = torch.optim.Adam([raw], lr=0.02)
    for _ in range(steps):
        some = torch.randint(len(pairs.wanted), (256,), generator=generator)
        loss = F.cross_entropy(pairs.logits(weights, torch.linalg.qr(raw)[0], some), pairs.wanted[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return torch.linalg.qr(raw)[0].detach()


def find_subspace(weights: dict[str, Tensor], tables: dict[str, Tensor]) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    pairs, aside = (Pairs(weights, tables, n, generator) for n in (6000, 2000))
    best, most = None, -1.0
    for k, factor in FACTORS.items():
        for _ in range(2):
            basis = search(weights, pairs, k, generator)
            right = (aside.logits(weights, basis).argmax(dim=1) == aside.wanted).float().mean()
            if float(right) * factor > most:
                best, most = basis, float(right) * factor
    return best
