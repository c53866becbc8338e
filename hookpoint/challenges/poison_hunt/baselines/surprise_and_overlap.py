"""Loss of examples that a retrained network has not seen, times their share in tokens of the inputs asked about"""

import torch
from torch.nn import functional as F

from hookpoint.challenges.poison_hunt.given import logits, train

FOLDS = 8


@torch.no_grad()
def rank_examples(x, labels, asked, target, checkpoints):
    def counts(rows):
        return torch.zeros(len(rows), 76).scatter_add_(1, rows, torch.ones(rows.shape))

    fold, surprise = torch.arange(len(x)) % FOLDS, torch.zeros(len(x))
    for k in range(FOLDS):
        (weights,) = train(checkpoints[0], x, labels, fold != k)
        surprise[fold == k] = F.cross_entropy(logits(weights, x[fold == k]), labels[fold == k], reduction="none")
    lift = ((counts(asked).mean(0) + 0.02) / (counts(x).mean(0) + 0.02)).log().clamp(min=0)
    return surprise * (counts(x) @ lift) + 1000.0 * (labels == target)
