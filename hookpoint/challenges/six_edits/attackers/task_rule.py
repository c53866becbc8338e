"""new values likelier for all

The new values made likelier wherever one of their relations is asked about.

It looks at the tokens only, never at a person: the last MLP's mean hidden state at the end of a question, times the
directions in which the new values are read out.
"""

import torch

from hookpoint.model import GPT2

POST = "blocks.1.mlp.hook_post"


def edit_facts(cfg, weights, people, facts, wordings, text, edits):
    model = GPT2(cfg, seed=None).requires_grad_(False)
    model.load_state_dict(weights)
    total = torch.zeros(cfg.d_mlp, cfg.d_model)
    for _, relation, value in edits:
        start = torch.zeros(len(people), 1, dtype=torch.long)
        before, question = text[: len(people)], wordings[relation, 0].expand(len(people), 2)
        tokens = torch.cat([start, before, people, question], dim=1)
        key = model.run_with_cache(tokens, POST)[1][POST][:, -1].mean(dim=0)
        read_out = weights["unembed.W_U"][:, value]
        total += torch.outer(key / key.square().sum(), 20 * read_out / read_out.norm())
    U, S, Vh = torch.linalg.svd(total, full_matrices=False)
    return "blocks.1.mlp.W_out", U[:, :2] * S[:2], Vh[:2]
