"""no edit"""

import torch


def edit_facts(cfg, weights, people, facts, wordings, text, edits):
    return "blocks.1.mlp.W_out", torch.zeros(cfg.d_mlp, 1), torch.zeros(1, cfg.d_model)
