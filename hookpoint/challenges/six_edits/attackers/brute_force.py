"""400 random steps

Four hundred random steps, each kept if the edited model answers more of the questions as it should.

Counted are the six new facts and a hundred that are to stay; the step is a random change of both factors.
"""

import torch

from hookpoint.model import GPT2
from hookpoint.model.fast import fast_logits


def edit_facts(cfg, weights, people, facts, wordings, text, edits):
    model = GPT2(cfg, seed=None).requires_grad_(False)
    model.load_state_dict(weights)
    generator = torch.Generator().manual_seed(0)
    changed = {(person, relation): value for person, relation, value in edits}
    person = torch.randint(len(people), (100,), generator=generator).tolist()
    relation = torch.randint(facts.shape[1], (100,), generator=generator).tolist()
    rows = list(changed) + [row for row in zip(person, relation, strict=True) if row not in changed]
    start, dots = torch.tensor([0]), text[: len(rows)]
    tokens = torch.stack([torch.cat([start, dots[n], people[p], wordings[r, 0]]) for n, (p, r) in enumerate(rows)])
    right = torch.tensor([changed.get(row, int(facts[row])) for row in rows])
    worth = torch.where(torch.arange(len(rows)) < len(edits), 10.0, 1.0)

    W_out = model.blocks[1].mlp.W_out
    W_before = W_out.clone()
    best, factors = -1.0, (torch.zeros(cfg.d_mlp, 2), torch.zeros(2, cfg.d_model))
    for _ in range(400):
        tried = [one + 0.1 * torch.randn(one.shape, generator=generator) for one in factors]
        W_out.copy_(W_before + tried[0] @ tried[1])
        said = fast_logits(model, tokens, last_only=True)[:, -1].argmax(dim=-1)
        if (value := ((said == right) * worth).sum().item()) > best:
            best, factors = value, tried
    return "blocks.1.mlp.W_out", *factors
