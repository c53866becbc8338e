"""What the head reads of each frequency, then a cut to be sure.

"=" learns of a number only what the head carries there: W_E W_V W_O, for each head. So the Fourier transform is taken
of that, and not of the embedding: what has power in directions that nothing reads drops out. Everything that is left
with more than a hundredth of the power is a candidate, and for each of these few the definition decides: cut it out,
and see how many of all sums the model still gets right.
"""

import math

import torch

from hookpoint.model import GPT2

CANDIDATE = 0.01


@torch.no_grad()
def key_frequencies(cfg, weights):
    p = cfg.d_vocab - 1
    model = GPT2(cfg, seed=None)
    model.load_state_dict(weights)
    numbers, attn = model.embed.W_E[:p].clone(), model.blocks[0].attn

    read = torch.einsum("pd,hdk,hke->phe", numbers, attn.W_V, attn.W_O).flatten(1)
    power = torch.fft.rfft(read, dim=0).abs().square().sum(dim=1)[1:]
    candidates = (power > CANDIDATE * power.sum()).nonzero().flatten() + 1

    a, b = torch.meshgrid(torch.arange(p), torch.arange(p), indexing="ij")
    sums = torch.stack([a.flatten(), b.flatten(), torch.full((p * p,), p)], dim=1)

    def accuracy():
        return (model(sums)[:, -1, :p].argmax(dim=1) == (sums[:, 0] + sums[:, 1]) % p).float().mean().item()

    whole, found = accuracy(), []
    for k in candidates.tolist():
        angle = 2 * math.pi * k * torch.arange(p) / p
        waves = torch.stack([angle.cos(), angle.sin()], dim=1) * math.sqrt(2 / p)
        model.embed.W_E[:p] = numbers - waves @ (waves.T @ numbers)
        if whole - accuracy() > 0.05:
            found.append(k)
    return found
