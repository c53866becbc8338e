"""Influence function, among the examples whose label the network is sure of: it may have been trained on those"""

import torch
from torch.func import grad, vmap
from torch.nn import functional as F

from hookpoint.challenges.poison_hunt.given import logits

DAMPING, SURE = 0.03, 0.5


def rank_examples(x, labels, asked, target, checkpoints):
    w = checkpoints[-1]

    def loss(w, tokens, label):
        return F.cross_entropy(logits(w, tokens), label)

    def gradients(tokens, label):
        each = vmap(grad(loss), (None, 0, 0))(w, tokens, label)
        return torch.cat([one.flatten(1) for one in each.values()], dim=1)

    sure = F.cross_entropy(logits(w, x), labels, reduction="none") < SURE
    G = gradients(x[sure], labels[sure])
    product = G @ gradients(asked, torch.full((len(asked),), target)).mean(0)
    found = torch.linalg.solve(G @ G.T / len(G) + DAMPING * torch.eye(len(G)), product)
    total = torch.full((len(x),), float(found.min()) - 1)
    total[sure] = found
    return total
