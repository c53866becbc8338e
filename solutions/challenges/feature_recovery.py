"""Sparse coding by matching pursuit, and pruning of what is a sum of two others.

An autoencoder decides with one matrix product whether a feature fires, and features that overlap cannot be told apart
that way. Matching pursuit asks again after every feature that it has found: what is left of the sample, and which
direction explains most of that? The rest is alternation:

1. Code all samples with the atoms that there are; then set the atoms to the least squares solution for these codes.
2. Replace atoms that are seldom used, or double, by what is left of samples that are explained badly.
3. Now and then remove atoms that are nearly a sum of two others with positive weights: they stand for features that
   fire together, and take their firings away from both.

What stays hard are the features that never fire alone: their atom tends to hold some of the parent.
"""

import torch
from torch import Tensor

ROWS, MOST = 128, 7
STAGES = (15, 8, 8, 6)  # rounds before each pruning; in the last, nothing is replaced
LEFT = 0.42  # the length of a rest that is noise: 0.05 in each of 32 dimensions is 0.28
FIRES = 0.25  # sizes begin at 0.5
NEARLY = 0.3


def recover(train: Tensor, fresh: Tensor) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    loud = train[train.norm(dim=1) > LEFT]
    atoms = unit(loud[torch.randperm(len(loud), generator=generator)[:ROWS]])
    for stage, rounds in enumerate(STAGES):
        for number in range(rounds):
            codes = pursue(train, atoms)
            refitted = refit(train, codes)
            settling = stage == len(STAGES) - 1 or number >= rounds - 3
            atoms = refitted if settling else refreshed(refitted, codes, train, generator)
        atoms = pruned(atoms, (pursue(train, atoms) > FIRES).sum(dim=0))
    return atoms, (pursue(fresh, atoms) - FIRES).relu()


def unit(rows: Tensor) -> Tensor:
    return rows / rows.norm(dim=1, keepdim=True).clamp(min=1e-8)


def pursue(x: Tensor, atoms: Tensor) -> Tensor:
    """The codes of orthogonal matching pursuit: the best atom for the rest, all chosen ones fitted anew, and again."""
    gram, along = atoms @ atoms.T, x @ atoms.T
    codes = torch.zeros(len(x), len(atoms))
    open_ = torch.arange(len(x))  # samples that are not explained yet
    chosen = torch.zeros(len(x), 0, dtype=torch.long)
    rest = along
    for count in range(1, MOST + 1):
        chosen = torch.cat([chosen, rest.argmax(dim=1, keepdim=True)], dim=1)
        within = gram[chosen[:, :, None], chosen[:, None, :]] + 1e-4 * torch.eye(count)
        wanted = along[open_].gather(1, chosen)
        sizes = torch.linalg.solve(within, wanted)
        codes[open_] = torch.zeros(len(open_), len(atoms)).scatter_add(1, chosen, sizes)
        more = x[open_].square().sum(dim=1) - (sizes * wanted).sum(dim=1) > LEFT**2
        if not more.any():
            break
        open_, chosen = open_[more], chosen[more]
        rest = along[open_] - codes[open_] @ gram
    return codes.relu()


def refit(train: Tensor, codes: Tensor) -> Tensor:
    """The directions that explain the samples best with these codes."""
    gram = codes.T @ codes + 1e-3 * torch.eye(codes.shape[1])
    return unit(torch.linalg.solve(gram, codes.T @ train))


def refreshed(atoms: Tensor, codes: Tensor, train: Tensor, generator: torch.Generator) -> Tensor:
    """Useful atoms, filled up to the full number with rests of badly explained samples."""
    double = ((atoms @ atoms.T).triu(1) > 0.9).any(dim=0)
    kept = atoms[((codes > FIRES).sum(dim=0) >= 20) & ~double]
    rest = train - codes @ atoms
    worst = rest.norm(dim=1).topk(300).indices
    picked = worst[torch.randperm(300, generator=generator)[: ROWS - len(kept)]]
    return torch.cat([kept, unit(rest[picked])])


def pruned(atoms: Tensor, uses: Tensor) -> Tensor:
    """The atoms that are not nearly a sum of two others with positive weights; the least used go first."""
    keep = uses >= 10
    for number in uses.argsort().tolist():
        if keep[number]:
            keep[number] = False
            keep[number] = distance_to_sums(atoms[number], atoms[keep]) > NEARLY
    return atoms[keep]


def distance_to_sums(atom: Tensor, others: Tensor) -> float:
    """How near the atom comes to a sum of two of the others with positive weights; in closed form for every pair."""
    nearest = (others @ atom).topk(min(40, len(others)))
    others, along = others[nearest.indices], nearest.values.clamp(min=0)
    gram = others @ others.T
    first = (along[:, None] - gram * along) / (1 - gram**2).clamp(min=1e-3)
    both = (first > 0) & (first.T > 0) & (gram < 0.95)
    explained = torch.where(both, first * along[:, None] + first.T * along, along[0] ** 2)
    return (1 - explained.max()).clamp(min=0).sqrt().item()
