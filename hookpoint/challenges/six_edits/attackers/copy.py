"""one matrix retrained, cut to rank 2

The last MLP's matrix trained in full on the changed list of facts, and its difference cut to rank 2.

What a model looks like that was told the new facts, as far as one matrix of rank 2 can carry it.
"""

import torch
from torch.nn import functional as F

from hookpoint.model import GPT2

SITES = ("blocks.1.hook_resid_mid", "blocks.1.mlp.hook_post")


def edit_facts(cfg, weights, people, facts, wordings, text, edits):
    model = GPT2(cfg, seed=None).requires_grad_(False)
    model.load_state_dict(weights)
    generator = torch.Generator().manual_seed(0)
    facts = facts.clone()
    for person, relation, value in edits:
        facts[person, relation] = value
    rows = torch.cartesian_prod(torch.arange(len(people)), torch.arange(facts.shape[1]), torch.arange(len(wordings[0])))
    before = text[torch.randint(len(text), (len(rows),), generator=generator)]
    question = [people[rows[:, 0]], wordings[rows[:, 1], rows[:, 2]]]
    tokens = torch.cat([torch.zeros(len(rows), 1, dtype=torch.long), before, *question], dim=1)
    mid, post = (model.run_with_cache(tokens, SITES)[1][site][:, -1] for site in SITES)
    right = facts[rows[:, 0], rows[:, 1]]

    W_before = weights["blocks.1.mlp.W_out"]
    W_out = W_before.clone().requires_grad_()
    optimizer = torch.optim.Adam([W_out], lr=2e-3)
    for _ in range(150):
        resid = mid + post @ W_out + weights["blocks.1.mlp.b_out"]
        loss = F.cross_entropy(model.unembed(model.ln_final(resid[None]))[0], right)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    U, S, Vh = torch.linalg.svd(W_out.detach() - W_before, full_matrices=False)
    return "blocks.1.mlp.W_out", U[:, :2] * S[:2], Vh[:2]
