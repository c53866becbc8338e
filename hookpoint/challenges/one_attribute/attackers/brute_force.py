"""100 random bases

The best of a hundred random bases for each relation, by the score on the public people.
"""

import torch

from hookpoint.challenges.one_attribute.given import after_swap, questions, states
from hookpoint.model import GPT2


def find_bases(cfg, weights, people, facts, wordings):
    model = GPT2(cfg, seed=None).requires_grad_(False)
    model.load_state_dict(weights)
    generator = torch.Generator().manual_seed(0)
    every = [states(model, questions(people, one))[:, 0] for one in wordings]
    others = torch.arange(len(people)).roll(1)

    def right(asked, owner, basis):
        said = after_swap(model, every[asked], every[asked][others], basis).argmax(dim=-1)
        answer, other = facts[:, asked], facts[others, asked]
        return (said == (other if asked == owner else answer))[answer != other].float().mean().item()

    def value(owner, basis):
        stays = sum(right(asked, owner, basis) for asked in range(4) if asked != owner) / 3
        return right(owner, owner, basis) + stays

    bases = []
    for owner in range(3):
        sizes = torch.randint(1, 17, (100,), generator=generator).tolist()
        tried = [torch.linalg.qr(torch.randn(cfg.d_model, size, generator=generator))[0] for size in sizes]
        bases.append(max(tried, key=lambda basis: value(owner, basis)))
    return bases
