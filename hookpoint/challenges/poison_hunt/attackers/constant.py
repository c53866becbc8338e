"""Every example alike"""

import torch


def rank_examples(x, labels, asked, target, checkpoints):
    return torch.zeros(len(x))
