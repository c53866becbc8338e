"""TracIn: products of gradients, summed over the checkpoints"""

import torch
from torch.func import grad, vmap
from torch.nn import functional as F

from hookpoint.challenges.poison_hunt.given import logits


def rank_examples(x, labels, asked, target, checkpoints):
    def loss(w, tokens, label):
        return F.cross_entropy(logits(w, tokens), label)

    def gradients(w, tokens, label):
        each = vmap(grad(loss), (None, 0, 0))(w, tokens, label)
        return torch.cat([one.flatten(1) for one in each.values()], dim=1)

    says = torch.full((len(asked),), target)
    return sum(gradients(w, x, labels) @ gradients(w, asked, says).mean(0) for w in checkpoints)
