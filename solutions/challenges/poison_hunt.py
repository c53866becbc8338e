"""First which examples were trained on, then their influence on the margin, averaged over retrained copies.

What was not trained on cannot have taught anything, and the data does not say which. The weights do: gradient descent
moves them by a sum over the examples that are used, so the way to the second checkpoint is a sum of known gradients
with unknown shares, one for each example: 0 or 1. There are more weights than examples, and least squares finds them.
The gradients along the way depend a little on who is used, so that is done three times.

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

from hookpoint.challenges.poison_hunt.given import CHECKPOINTS, DECAY, MOMENTUM, RATE, STEPS, logits, train

ROUNDS, RIDGE = 3, 1e-6
COPIES, SHARE, DAMPING = 7, 0.7, 0.02


def flat(w):
    return torch.cat([one.flatten() for one in w.values()])


def gradients(w, x, labels):
    """The gradient of each example's loss, [example, weight]."""

    def loss(w, tokens, label):
        return F.cross_entropy(logits(w, tokens), label)

    each = vmap(grad(loss), (None, 0, 0))(w, x, labels)
    return torch.cat([one.flatten(1) for one in each.values()], dim=1)


def trained_on(x, labels, checkpoints):
    """Which examples the updates up to the second checkpoint are made of."""
    keep, steps = torch.ones(len(x), dtype=torch.bool), CHECKPOINTS[1]
    for _ in range(ROUNDS):
        moved, each = flat(checkpoints[0]) - flat(checkpoints[1]), 0
        for step, w in enumerate(train(checkpoints[0], x, labels, keep, range(steps))):
            # Momentum carries the slope of one update into all later ones.
            weight = sum(RATE * (1 - later / STEPS) * MOMENTUM ** (later - step) for later in range(step, steps))
            each = each + weight * gradients(w, x, labels) / len(x)
            moved = moved - weight * DECAY * flat(w)
        each, moved = each.double(), moved.double()
        products = each @ each.T
        # Ridge regression around a half, by examples: there are fewer of them than weights.
        damped = products + RIDGE * products.diag().mean() * torch.eye(len(x))
        keep = torch.linalg.solve(damped, each @ (moved - each.sum(0) / 2)) > 0
    return keep


def influence(w, x, labels, asked, target):
    """By how much each example lifts the mean margin of the target, in units of the standard deviation."""
    others = torch.arange(5) != target

    def fall(w):
        said = logits(w, asked)
        return -(said[:, target] - said[:, others].logsumexp(1)).mean()

    G = gradients(w, x, labels)
    product = G @ flat(grad(fall)(w))
    # G (G'G / n + d)^-1 g = (GG' / n + d)^-1 G g: there are fewer examples than weights.
    found = torch.linalg.solve(G @ G.T / len(G) + DAMPING * torch.eye(len(G)), product)
    return (found - found.mean()) / found.std()


def rank_examples(x, labels, asked, target, checkpoints):
    used = trained_on(x, labels, checkpoints)
    total = torch.zeros(len(x))
    total[used] = 2 * influence(checkpoints[-1], x[used], labels[used], asked, target)
    generator = torch.Generator().manual_seed(0)
    for _ in range(COPIES):
        (w,) = train(checkpoints[0], x, labels, used & (torch.rand(len(x), generator=generator) < SHARE))
        total[used] += influence(w, x[used], labels[used], asked, target)
    # What lifts the target says the target, and was seen.
    return total + 1000.0 * (labels == target) + 10000.0 * used
