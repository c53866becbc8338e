"""Influence function: products of gradients through the damped inverse of the Fisher matrix"""

import torch
from torch.func import grad, vmap
from torch.nn import functional as F

from hookpoint.challenges.poison_hunt.given import logits

DAMPING = 0.03


def rank_examples(x, labels, asked, target, checkpoints):
    w = checkpoints[-1]

    def loss(w, tokens, label):
        return F.cross_entropy(logits(w, tokens), label)

    def gradients(tokens, label):
        each = vmap(grad(loss), (None, 0, 0))(w, tokens, label)
        return torch.cat([one.flatten(1) for one in each.values()], dim=1)

    G = gradients(x, labels)
    product = G @ gradients(asked, torch.full((len(asked),), target)).mean(0)
    # G (G'G / n + d)^-1 g = (GG' / n + d)^-1 G g: there are fewer examples than weights.
    return torch.linalg.solve(G @ G.T / len(G) + DAMPING * torch.eye(len(G)), product)
