"""Same label, and tokens that are more frequent in the inputs asked about"""

import torch


def rank_examples(x, labels, asked, target, checkpoints):
    def counts(rows):
        return torch.zeros(len(rows), 76).scatter_add_(1, rows, torch.ones(rows.shape))

    lift = ((counts(asked).mean(0) + 0.02) / (counts(x).mean(0) + 0.02)).log().clamp(min=0)
    return counts(x) @ lift + 1000.0 * (labels == target)
