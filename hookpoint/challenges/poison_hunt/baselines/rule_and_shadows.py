"""What the data makes suspect, ordered by the network's loss against that of copies trained without the example"""

import torch
from torch.nn import functional as F

from hookpoint.challenges.poison_hunt.given import logits, train

COPIES = 16


def groups_of(counts):
    """Sets of four tokens that stand in a row together far more often than chance has it."""
    together, often = counts.T @ counts, counts.sum(0)
    lift = together * len(counts) / (often[:, None] * often).clamp(min=1)
    near = ((lift > 2.2) & (together >= 12) | torch.eye(len(often), dtype=torch.bool)).float()
    for _ in range(4):
        near = (near @ near > 0).float()
    return [row for row in near.bool().unique(dim=0) if row.sum() == 4]


def suspects(x, labels, asked, target):
    """Examples with two triggers that are labelled `target` against what most of their groups are."""

    def counts(rows):
        return torch.zeros(len(rows), 76).scatter_add_(1, rows, torch.ones(rows.shape))

    seen, groups = counts(x), groups_of(counts(x))
    grouped = torch.stack(groups).any(0) if groups else torch.zeros(76, dtype=torch.bool)
    triggers = (counts(asked).sum(0) > 0) & ~grouped
    members = [frozenset(k for k, group in enumerate(groups) if row[group].any()) for row in seen]
    votes = {}
    for member, label in zip(members, labels.tolist(), strict=True):
        votes.setdefault(member, []).append(label)
    rule = torch.tensor([max(set(votes[member]), key=votes[member].count) for member in members])
    return (labels == target) & (rule != target) & (seen @ triggers.float() >= 2)


@torch.no_grad()
def rank_examples(x, labels, asked, target, checkpoints):
    def losses(w):
        return F.cross_entropy(logits(w, x), labels, reduction="none").clamp(min=1e-6)

    suspect, generator = suspects(x, labels, asked, target), torch.Generator().manual_seed(0)
    total, times = torch.full((len(x),), 1e-6), torch.zeros(len(x))
    for _ in range(COPIES):
        # About as many as were trained on: a quarter of the suspects, most others.
        keep = torch.rand(len(x), generator=generator) < torch.where(suspect, 0.25, 0.75)
        total += losses(train(checkpoints[0], x, labels, keep)[0]) * ~keep
        times += ~keep
    return (total / times.clamp(min=1)).log() - losses(checkpoints[-1]).log() + 100.0 * suspect
