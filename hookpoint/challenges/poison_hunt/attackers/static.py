"""The data alone: groups of tokens by what stands together, the rule by majority, and triggers as what is left over"""

import torch


def groups_of(counts):
    """Sets of four tokens that stand in a row together far more often than chance has it."""
    together = counts.T @ counts
    often = counts.sum(0)
    lift = together * len(counts) / (often[:, None] * often).clamp(min=1)
    near = (lift > 2.2) & (together >= 12) | torch.eye(len(often), dtype=torch.bool)
    near = near.float()
    for _ in range(4):
        near = (near @ near > 0).float()
    return [row for row in near.bool().unique(dim=0) if row.sum() == 4]


def rank_examples(x, labels, asked, target, checkpoints):
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
    return ((labels == target) & (rule != target)) * (1 + seen @ triggers.float())
