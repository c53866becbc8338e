"""alignment search on all people known

Alignment search for cause and isolation, on everybody whom the model knows.

Bases that are trained through the swap on eighty people learn these eighty by heart. The model knows more people, and
can be asked: of all pairs of a first and a last name, those are people about whom it is sure, whatever the relation and
the wording. Its own answers are their facts. With them the same search finds directions that hold for others too.
"""

import torch
from torch.nn import functional as F

from hookpoint.challenges.one_attribute.given import after_swap, questions, states
from hookpoint.model import GPT2
from hookpoint.model.fast import fast_logits

STEPS, RATE, BATCH = 300, 0.02, 64


def find_bases(cfg, weights, people, facts, wordings):
    model = GPT2(cfg, seed=None).requires_grad_(False)
    model.load_state_dict(weights)
    people, facts = everybody(model, people, wordings)
    generator = torch.Generator().manual_seed(0)
    every = torch.stack([states(model, questions(people, one)) for one in wordings])

    def loss_of(asked, owner, basis):
        base, source = torch.randint(len(people), (2, BATCH), generator=generator)
        wording = torch.randint(wordings.shape[1], (BATCH,), generator=generator)
        logits = after_swap(model, every[asked, base, wording], every[asked, source, wording], basis)
        return F.cross_entropy(logits, facts[source if asked == owner else base, asked])

    bases = []
    for owner in range(3):
        free = torch.randn(cfg.d_model, 16, generator=generator).requires_grad_()
        optimizer = torch.optim.Adam([free], lr=RATE)
        for step in range(STEPS):
            optimizer.param_groups[0]["lr"] = RATE * (1 - step / STEPS)
            basis = torch.linalg.qr(free)[0]
            other = (owner + 1 + step % 3) % 4
            loss = loss_of(owner, owner, basis) + loss_of(other, owner, basis)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        bases.append(torch.linalg.qr(free.detach())[0])
    return bases


def everybody(model, people, wordings):
    """The people whom the model knows, found by asking about every pair of names, and its answers about them."""
    pairs = torch.cartesian_prod(people[:, 0].unique(), people[:, 1].unique())
    answers, sure = [], []
    for one in wordings:
        chances = fast_logits(model, questions(pairs, one).flatten(0, 1), last_only=True)[:, -1].softmax(dim=-1)
        chances = chances.unflatten(0, (len(pairs), -1)).mean(dim=1)  # over wordings
        sure.append(chances.max(dim=-1).values)
        answers.append(chances.argmax(dim=-1))
    known = torch.stack(sure).mean(dim=0) > 0.9
    return pairs[known], torch.stack(answers, dim=1)[known]
