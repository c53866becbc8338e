"""alignment search, both terms

Alignment search for cause and isolation, on the public people.

The loss of the source's answer when the relation is asked about, and of the base's when another one is.
"""

import torch
from torch.nn import functional as F

from hookpoint.challenges.one_attribute.given import after_swap, questions, states
from hookpoint.model import GPT2


def find_bases(cfg, weights, people, facts, wordings):
    model = GPT2(cfg, seed=None).requires_grad_(False)
    model.load_state_dict(weights)
    generator = torch.Generator().manual_seed(0)
    every = [states(model, questions(people, one)) for one in wordings]

    def loss_of(asked, owner, basis):
        base, source = torch.randint(len(people), (2, 64), generator=generator)
        wording = torch.randint(2, (64,), generator=generator)
        logits = after_swap(model, every[asked][base, wording], every[asked][source, wording], basis)
        return F.cross_entropy(logits, facts[source if asked == owner else base, asked])

    bases = []
    for owner in range(3):
        free = torch.randn(cfg.d_model, 16, generator=generator).requires_grad_()
        optimizer = torch.optim.Adam([free], lr=0.02)
        for step in range(300):
            basis = torch.linalg.qr(free)[0]
            other = (owner + 1 + step % 3) % 4
            loss = loss_of(owner, owner, basis) + loss_of(other, owner, basis)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        bases.append(torch.linalg.qr(free.detach())[0])
    return bases
