"""alignment search, cause alone

Alignment search for cause alone: bases trained through the swap until the answer is the source's.

Distributed alignment search (Geiger et al. 2024): the basis is what a QR decomposition makes of a free matrix, and the
loss is that of the other's answer after the swap. Nothing says that the other relations should stay.
"""

import torch
from torch.nn import functional as F

from hookpoint.challenges.one_attribute.given import after_swap, questions, states
from hookpoint.model import GPT2


def find_bases(cfg, weights, people, facts, wordings):
    model = GPT2(cfg, seed=None).requires_grad_(False)
    model.load_state_dict(weights)
    generator = torch.Generator().manual_seed(0)
    bases = []
    for relation in range(3):
        every = states(model, questions(people, wordings[relation]))
        free = torch.randn(cfg.d_model, 16, generator=generator).requires_grad_()
        optimizer = torch.optim.Adam([free], lr=0.02)
        for _ in range(150):
            base, source = torch.randint(len(people), (2, 64), generator=generator)
            wording = torch.randint(2, (64,), generator=generator)
            logits = after_swap(model, every[base, wording], every[source, wording], torch.linalg.qr(free)[0])
            loss = F.cross_entropy(logits, facts[source, relation])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        bases.append(torch.linalg.qr(free.detach())[0])
    return bases
