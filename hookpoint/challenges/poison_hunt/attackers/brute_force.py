"""Retrain on 60 random halves: the mean margin with an example less that without it"""

import torch

from hookpoint.challenges.poison_hunt.given import logits, train

RUNS = 60


@torch.no_grad()
def rank_examples(x, labels, asked, target, checkpoints):
    generator = torch.Generator().manual_seed(0)
    others = torch.arange(5) != target
    keeps, margins = [], []
    for _ in range(RUNS):
        keep = torch.rand(len(x), generator=generator) < 0.5
        said = logits(train(checkpoints[0], x, labels, keep)[0], asked)
        keeps.append(keep.float())
        margins.append((said[:, target] - said[:, others].logsumexp(1)).mean())
    keeps, margins = torch.stack(keeps), torch.stack(margins)
    with_it = keeps.T @ margins / keeps.sum(0)
    without = (1 - keeps).T @ margins / (1 - keeps).sum(0)
    return with_it - without + 1000.0 * (labels == target)
