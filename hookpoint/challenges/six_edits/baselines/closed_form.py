"""closed form, cut to rank 2

Six rank-one edits in closed form, summed and cut to rank 2.

For each new fact: the key k is the last MLP's hidden layer at the last token, the value what has to be added to its
output for the new answer. The smallest update that turns k into that value, small meaning that it does little to the
keys of other text, is outer(C^-1 k / (k C^-1 k), value) with C the second moment of keys (Meng et al. 2022).
"""

import torch
from torch.nn import functional as F

from hookpoint.model import GPT2

POST, OUT = "blocks.1.mlp.hook_post", "blocks.1.hook_mlp_out"


def edit_facts(cfg, weights, people, facts, wordings, text, edits):
    model = GPT2(cfg, seed=None).requires_grad_(False)
    model.load_state_dict(weights)
    generator = torch.Generator().manual_seed(0)

    def asked(person, relation, wording):
        before = text[torch.randint(len(text), (len(person),), generator=generator)]
        start = torch.zeros(len(person), 1, dtype=torch.long)
        return torch.cat([start, before, people[person], wordings[relation, wording]], dim=1)

    n = 4000
    person = torch.randint(len(people), (n,), generator=generator)
    relation = torch.randint(facts.shape[1], (n,), generator=generator)
    wording = torch.randint(wordings.shape[1], (n,), generator=generator)
    keys = model.run_with_cache(asked(person, relation, wording), POST)[1][POST][:, -1]
    C = keys.T @ keys / n
    C += 0.02 * C.diag().mean() * torch.eye(len(C))

    total = torch.zeros_like(weights["blocks.1.mlp.W_out"])
    for person, relation, value in edits:
        wording = torch.arange(wordings.shape[1]).repeat(4)
        tokens = asked(torch.full_like(wording, person), torch.full_like(wording, relation), wording)
        key = model.run_with_cache(tokens, POST)[1][POST][:, -1].mean(dim=0)
        change = wanted_change(model, tokens, value)
        whitened = torch.linalg.solve(C, key)
        total += torch.outer(whitened / (whitened @ key), change)
    U, S, Vh = torch.linalg.svd(total, full_matrices=False)
    return "blocks.1.mlp.W_out", U[:, :2] * S[:2], Vh[:2]


def wanted_change(model, tokens, value):
    """What has to be added to the MLP's output at the last token."""
    change = torch.zeros(model.cfg.d_model, requires_grad=True)
    optimizer = torch.optim.Adam([change], lr=0.2)

    def add(act, point):
        return torch.cat([act[:, :-1], act[:, -1:] + change], dim=1)

    for _ in range(40):
        logits = model.run_with_hooks(tokens, [(OUT, add)])[:, -1]
        loss = F.cross_entropy(logits, torch.full((len(tokens),), value)) + 0.005 * change.square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return change.detach()
