"""Product of gradients at the end of training"""

import torch
from torch.func import grad, vmap
from torch.nn import functional as F

from hookpoint.challenges.poison_hunt.given import logits


def rank_examples(x, labels, asked, target, checkpoints):
    w = {name: one.requires_grad_(False) for name, one in checkpoints[-1].items()}

    def loss(w, tokens, label):
        return F.cross_entropy(logits(w, tokens), label)

    def gradients(tokens, label):
        each = vmap(grad(loss), (None, 0, 0))(w, tokens, label)
        return torch.cat([one.flatten(1) for one in each.values()], dim=1)

    return gradients(x, labels) @ gradients(asked, torch.full((len(asked),), target)).mean(0)
