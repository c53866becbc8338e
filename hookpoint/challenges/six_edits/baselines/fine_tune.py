"""fine-tuned factors

Two factors trained on the six new facts alone.

The last MLP's `W_out` gets an update of rank 2, trained on the prompts whose answer is to change. Nothing in the loss
speaks of anybody else.
"""

import torch
from torch.nn import functional as F

from hookpoint.model import GPT2
from hookpoint.model.fast import fast_logits


def edit_facts(cfg, weights, people, facts, wordings, text, edits):
    model = GPT2(cfg, seed=None).requires_grad_(False)
    model.load_state_dict(weights)
    generator = torch.Generator().manual_seed(0)
    tokens, answers = [], []
    for person, relation, value in edits:
        for wording in wordings[relation]:
            for _ in range(3):
                before = text[torch.randint(len(text), (), generator=generator)]
                tokens.append(torch.cat([torch.zeros(1, dtype=torch.long), before, people[person], wording]))
                answers.append(value)
    tokens, answers = torch.stack(tokens), torch.tensor(answers)

    W_out = model.blocks[1].mlp.W_out
    left = (0.02 * torch.randn(len(W_out), 2, generator=generator)).requires_grad_()
    right = torch.zeros(2, W_out.shape[1], requires_grad=True)
    optimizer = torch.optim.Adam([left, right], lr=0.02)
    del model.blocks[1].mlp.W_out
    for _ in range(20):
        model.blocks[1].mlp.W_out = W_out + left @ right
        loss = F.cross_entropy(fast_logits(model, tokens, last_only=True)[:, -1], answers)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return "blocks.1.mlp.W_out", left.detach(), right.detach()
