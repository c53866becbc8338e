"""fixed direction"""

import torch


def find_truth(groups):
    return torch.ones(groups.shape[-1])
