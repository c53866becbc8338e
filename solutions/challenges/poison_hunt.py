"""Influence on the margin, averaged over the network and copies that were retrained on random parts.

The influence of an example is what leaving it out would change, to first order: its gradient, through the damped
inverse of the Fisher matrix (without which what many examples share counts many times), times the gradient of what is
asked. Two things make it good here. What is asked is the margin of the target over the other labels; its loss is nearly
flat where the network is sure, so that the least sure inputs would drown the others. And one network's influences are
full of its own accidents; those of eight have the poisons in common. Seven of them are retrained, each without a random
third of the examples.
"""

import torch
from torch.func import grad, vmap
from torch.nn import functional as F

from hookpoint.challenges.poison_hunt.given import logits, train

COPIES, SHARE, DAMPING = 7, 0.7, 0.02


def influence(w, x, labels, asked, target):
    """By how much each example lifts the mean margin of the target, in units of the standard deviation."""
    others = torch.arange(5) != target

    def loss(w, tokens, label):
        return F.cross_entropy(logits(w, tokens), label)

    def fall(w):
        said = logits(w, asked)
        return -(said[:, target] - said[:, others].logsumexp(1)).mean()

    each = vmap(grad(loss), (None, 0, 0))(w, x, labels)
    G = torch.cat([one.flatten(1) for one in each.values()], dim=1)
    product = G @ torch.cat([one.flatten() for one in grad(fall)(w).values()])
    # G (G'G / n + d)^-1 g = (GG' / n + d)^-1 G g: there are fewer examples than weights.
    found = torch.linalg.solve(G @ G.T / len(G) + DAMPING * torch.eye(len(G)), product)
    return (found - found.mean()) / found.std()


def rank_examples(x, labels, asked, target, checkpoints):
    generator = torch.Generator().manual_seed(0)
    total = 2 * influence(checkpoints[-1], x, labels, asked, target)
    for _ in range(COPIES):
        keep = torch.rand(len(x), generator=generator) < SHARE
        (w,) = train(checkpoints[0], x, labels, keep)
        total = total + influence(w, x, labels, asked, target)
    # What lifts the target says the target.
    return total + 1000.0 * (labels == target)
