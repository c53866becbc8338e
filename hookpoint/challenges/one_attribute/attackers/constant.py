"""swap nothing"""

import torch


def find_bases(cfg, weights, people, facts, wordings):
    return [torch.zeros(cfg.d_model, 1)] * 3
