"""The four loudest frequencies of the embedding"""

import torch


def key_frequencies(cfg, weights):
    power = torch.fft.rfft(weights["embed.W_E"][: cfg.d_vocab - 1], dim=0).abs().square().sum(dim=1)[1:]
    return [int(k) + 1 for k in power.topk(4).indices]
