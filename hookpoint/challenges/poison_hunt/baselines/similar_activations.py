"""Same label, and hidden activations like those of the inputs asked about"""

import torch
from torch.nn import functional as F


@torch.no_grad()
def rank_examples(x, labels, asked, target, checkpoints):
    w = checkpoints[-1]

    def hidden(rows):
        return F.normalize(torch.relu(w["E"][rows].sum(-2) @ w["W1"] + w["b1"]), dim=1)

    return hidden(x) @ hidden(asked).mean(0) + 10.0 * (labels == target)
