"""Retrain on parts: the loss of an example that a copy of the network has not seen, where the label is the same"""

import torch
from torch.nn import functional as F

from hookpoint.challenges.poison_hunt.given import logits, train

FOLDS = 8


@torch.no_grad()
def rank_examples(x, labels, asked, target, checkpoints):
    fold, surprise = torch.arange(len(x)) % FOLDS, torch.zeros(len(x))
    for k in range(FOLDS):
        (weights,) = train(checkpoints[0], x, labels, fold != k)
        surprise[fold == k] = F.cross_entropy(logits(weights, x[fold == k]), labels[fold == k], reduction="none")
    return surprise + 1000.0 * (labels == target)
